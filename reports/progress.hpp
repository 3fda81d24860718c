// The line that moves while a run goes on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"

namespace ww::reports {

/// The state of a run, or of a campaign of many, at one moment.
struct Progress {
  std::string phase;  // "torture", "heal", "recover", "check"; empty: not shown
  Duration elapsed{};
  Duration limit{};  // zero: unlimited
  double ops_per_second = 0;
  std::uint64_t ok = 0;
  std::uint64_t fail = 0;
  std::uint64_t info = 0;
  NodeId leader = kNobody;
  Term term = 0;
  std::vector<std::string> active_faults;  // "kill n2"
  std::uint64_t violations = 0;            // found on line so far
  std::uint64_t seeds_done = 0;            // campaigns: shown when seeds_total > 0
  std::uint64_t seeds_total = 0;
  std::uint64_t failures = 0;
};

/// One line without a newline or control characters, cut to `width` columns (0: uncut).
std::string progress_line(const Progress& progress, std::size_t width = 0);

}  // namespace ww::reports
