// Runs that never happened, for the tests of the reports.
#pragma once

#include <cstdint>
#include <string>

#include "reports/run_report.hpp"

namespace ww::reports::samples {

/// A report and the history that it looks into; it moves but does not copy.
struct Sample {
  History history;
  RunReport report;

  Sample() = default;
  Sample(Sample&&) noexcept = default;
  Sample& operator=(Sample&&) noexcept = default;
};

/// Five nodes, 40 s of torture with every kind of fault, `ops` client ops, verdict valid.
Sample valid_run(std::size_t ops, std::uint64_t seed = 1);
/// A stale read: the witness is three ops of one key.
Sample stale_read_run(std::size_t ops = 20'000);
/// Two leaders in one term, with the trace events that prove it.
Sample two_leaders_run(std::size_t ops = 20'000);
/// The checker ran out of budget and a kind of fault was never effective.
Sample unknown_run(std::size_t ops = 3'000);
/// Every text field says something that would break HTML, XML, JSON or a terminal if it were
/// believed.
Sample hostile_run();

/// What the hostile run's fields hold.
extern const std::string kHostile;

}  // namespace ww::reports::samples
