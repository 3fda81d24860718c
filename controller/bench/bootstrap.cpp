#include "controller/bench/bootstrap.hpp"

#include <algorithm>
#include <vector>

#include "base/assert.hpp"
#include "base/rng.hpp"

namespace ww::bench {

namespace {

constexpr std::size_t kResamples = 4000;

double mean(std::span<const double> samples) {
  double sum = 0;
  for (const double x : samples) sum += x;
  return sum / static_cast<double>(samples.size());
}

double ratio(std::span<const std::pair<double, double>> blocks) {
  double above = 0;
  double below = 0;
  for (const auto& [a, b] : blocks) {
    above += a;
    below += b;
  }
  return above / below;
}

template <class T>
std::vector<T> resampled(std::span<const T> samples, Rng& rng) {
  std::vector<T> out(samples.size());
  for (T& x : out) x = samples[rng.below(samples.size())];
  return out;
}

/// `draw` yields the statistic of one resampling.
template <class Draw>
Estimate estimate(double value, Draw draw) {
  std::vector<double> drawn(kResamples);
  for (double& x : drawn) x = draw();
  std::sort(drawn.begin(), drawn.end());
  return {value, drawn[kResamples / 40], drawn[kResamples - 1 - kResamples / 40]};
}

}  // namespace

Estimate mean_of(std::span<const double> samples, std::uint64_t seed) {
  WW_ASSERT(!samples.empty(), "the mean of nothing");
  Rng rng = keyed(seed, "bench.bootstrap.mean");
  return estimate(mean(samples), [&] { return mean(resampled(samples, rng)); });
}

Estimate paired_ratio(std::span<const std::pair<double, double>> blocks, std::uint64_t seed) {
  WW_ASSERT(!blocks.empty(), "the ratio of nothing");
  Rng rng = keyed(seed, "bench.bootstrap.paired");
  return estimate(ratio(blocks), [&] {
    return ratio(std::span<const std::pair<double, double>>(resampled(blocks, rng)));
  });
}

Estimate ratio_of(std::span<const double> numerator, std::span<const double> denominator,
                  std::uint64_t seed) {
  WW_ASSERT(!numerator.empty() && !denominator.empty(), "the ratio of nothing");
  Rng rng = keyed(seed, "bench.bootstrap.ratio");
  return estimate(mean(numerator) / mean(denominator), [&] {
    const double above = mean(resampled(numerator, rng));
    return above / mean(resampled(denominator, rng));
  });
}

}  // namespace ww::bench
