// Where a run became doomed: how likely its violation is when everything after a moment T is drawn
// anew.
//
// The failing run is repeated up to T, event by event, and then let go another way: other latencies
// and elections (Network::redraw), the faults that another seed would have dealt after T, the calls
// that another seed's clients would have made. Done with many seeds for many T, the share of these
// futures that show the same violation is a curve: it starts at the base rate of the bug and ends
// at
// 1. Where it climbs, something was decided.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "controller/run/plan_file.hpp"
#include "controller/shrink/lab.hpp"
#include "reports/run_report.hpp"

namespace ww::shrink {

struct CausalityOptions {
  std::uint32_t points = 16;       // of the first, even grid
  std::uint32_t refinements = 16;  // moments added, each in the middle of the steepest climb
  std::uint32_t futures = 20;      // a moment
  Budget budget;                   // refinements end with it; the grid is always finished
  std::function<void(std::uint64_t done, std::uint64_t of)> on_progress = [](std::uint64_t,
                                                                             std::uint64_t) {};
};

/// The plan with everything after `t` of its torture as `other` would have it.
///
/// Requires: both plans have ops; `other` is of another seed, with targets that are not yet
///           resolved. `redraw_after` is `t` in the run's own time.
run::PlanFile with_other_future(const run::PlanFile& plan, Duration t, Instant redraw_after,
                                const run::PlanFile& other);

/// Computes the curve of the failing run of `plan`.
///
/// Shape:    times are of the run's own clock, as in its report. The same arguments yield the same
///           curve.
/// Errors:   kUsage when the run breaks no property, or not during its torture; those of `execute`.
Result<reports::Causality> causality(const run::PlanFile& plan, const Execute& execute,
                                     const CausalityOptions& options = {});

}  // namespace ww::shrink
