// How often something happened, and what that says about how often it does.
#pragma once

#include <cstdint>
#include <string>

namespace ww::run {

/// Bounds of a probability.
struct Interval {
  double low = 0;
  double high = 1;
};

/// The Wilson score interval at 95 % for a probability of which `hits` of `trials` were seen. It
/// holds for few trials and near 0 and 1, where the textbook's p +- 1.96 s does not.
///
/// Requires: hits <= trials. Without trials nothing is known: [0, 1].
/// Source:   Wilson 1927, "Probable inference, the law of succession, and statistical inference".
Interval wilson95(std::uint64_t hits, std::uint64_t trials);

/// "7 of 10, 95 % interval 40-89 %".
std::string describe_rate(std::uint64_t hits, std::uint64_t trials);

}  // namespace ww::run
