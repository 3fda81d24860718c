// Intervals for throughputs and their ratios, by resampling.
//
// What is resampled are whole rounds: what disturbs a machine lasts longer than an operation, so
// that the operations of one round are no independent witnesses. Rounds of one block ran next to
// each other, with the same seed; their ratio is resampled by blocks, which takes the drift of the
// machine out (Efron & Tibshirani 1993, chapters 13 and 8). Deterministic from a seed.
#pragma once

#include <cstdint>
#include <span>
#include <utility>

namespace ww::bench {

/// An estimate with its 95 % percentile interval.
struct Estimate {
  double value = 0;
  double low = 0;
  double high = 0;
  friend bool operator==(const Estimate&, const Estimate&) = default;
};

/// The mean. One sample has no interval: low and high are the value. REQUIRES: not empty.
Estimate mean_of(std::span<const double> samples, std::uint64_t seed);

/// The mean of the first divided by the mean of the second, of paired samples (one a block).
/// REQUIRES: not empty, the second ones above 0.
Estimate paired_ratio(std::span<const std::pair<double, double>> blocks, std::uint64_t seed);

/// The same for samples that have nothing to do with each other, such as two commits'.
/// REQUIRES: not empty, those of `denominator` above 0.
Estimate ratio_of(std::span<const double> numerator, std::span<const double> denominator,
                  std::uint64_t seed);

}  // namespace ww::bench
