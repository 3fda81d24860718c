#include "controller/run/rate.hpp"

#include <algorithm>
#include <cmath>

#include "base/assert.hpp"

namespace ww::run {

Interval wilson95(std::uint64_t hits, std::uint64_t trials) {
  WW_ASSERT(hits <= trials, "more hits than trials");
  if (trials == 0) return {};
  constexpr double kZ = 1.959963984540054;  // leaves 2.5 % of the normal distribution on each side
  const auto n = static_cast<double>(trials);
  const double p = static_cast<double>(hits) / n;
  const double scale = 1 / (1 + kZ * kZ / n);
  const double middle = scale * (p + kZ * kZ / (2 * n));
  const double half = scale * kZ * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n));
  // At the ends the exact bounds are 0 and 1; rounding errors must not say otherwise.
  return {hits == 0 ? 0 : std::max(0.0, middle - half),
          hits == trials ? 1 : std::min(1.0, middle + half)};
}

std::string describe_rate(std::uint64_t hits, std::uint64_t trials) {
  const Interval interval = wilson95(hits, trials);
  const auto percent = [](double x) { return std::to_string(std::lround(100 * x)); };
  return std::to_string(hits) + " of " + std::to_string(trials) + ", 95 % interval " +
         percent(interval.low) + "-" + percent(interval.high) + " %";
}

}  // namespace ww::run
