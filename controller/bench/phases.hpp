// What a round with a fault says of its three phases, from the log of its operations.
//
// An operation counts to the phase in which it arrived. One that was under way at the injection
// counts to the faulty phase, whatever it arrived in: it waited for the fault. Throughput is what
// was acknowledged in a phase.
//
// Time to recovery goes by slices of 100 ms. Throughput is back with the first of kSlicesBack
// slices in a row that reach kShareBack of the healthy median each. One slice would be luck, and a
// hundred per cent is what half of the healthy ones do not reach.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/histogram.hpp"
#include "base/time.hpp"
#include "reports/bench_report.hpp"

namespace ww::bench {

inline constexpr Duration kPhaseSlice = milliseconds(100);
inline constexpr std::uint32_t kSlicesBack = 3;
inline constexpr double kShareBack = 0.9;

/// All that the clients saw. Instants are of one clock.
struct OperationLog {
  struct Done {
    Instant begun;  // arrived, in an open loop
    Instant ended;  // acknowledged
  };
  std::vector<Done> done;           // in the order of their ends
  std::vector<Instant> unanswered;  // when each of these began: never acknowledged
  std::vector<Instant> refused;     // attempts that a node said no to
  std::vector<Instant> lost;        // attempts without an answer: a broken connection, a timeout
  Instant given_up;                 // when the unanswered were
};

/// Ascending.
struct PhaseMarks {
  Instant begin;     // of the healthy phase
  Instant injected;  // the signal was sent: the faulty phase begins
  Instant seen;      // the node was seen dead or stopped
  Instant healed;    // the recovery phase begins
  Instant end;
};

struct PhasesTold {
  reports::BenchFault fault;  // phases, unavailability, recovery
  std::array<Histogram, reports::kBenchPhases.size()> latencies;  // by phase
};

/// Shape:    O(operations); memory by the slices.
/// Requires: every phase is longer than nothing.
/// Errors:   none. What never came is absent: no acknowledgement, no recovery. Where the healthy
///           median is 0 there is nothing to come back to, and recovery is absent.
PhasesTold tell_phases(const OperationLog& log, const PhaseMarks& marks);

}  // namespace ww::bench
