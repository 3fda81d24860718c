// A plan in slow motion: the same, with everything that takes time taking so much longer.
#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "controller/run/plan_file.hpp"

namespace ww::run {

inline constexpr std::uint32_t kMaxSlow = 1000;

/// Multiplies every duration of the test and of its plan by `factor`, and divides the rate of ops
/// by it. What a machine needs for a step of its own stays as it was, so that races between what
/// takes time by design become more even, and a failure often likelier.
///
/// Shape:    timeouts, limits, intervals, times and durations of faults, their parameters in
///           milliseconds (defaults too), times of calls, delays and redraws of the network.
/// Requires: 1 <= factor <= kMaxSlow.
/// Errors:   kUsage naming what would be beyond its bounds.
Result<PlanFile> slowed(PlanFile plan, std::uint32_t factor);

}  // namespace ww::run
