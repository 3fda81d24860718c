// Numbers whose size, not whose value, is uniform.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "base/assert.hpp"
#include "base/rng.hpp"

namespace ww {

/// Every size equally likely: an octave of [low, high], then a number in it. Integers only, so that
/// every machine draws the same. REQUIRES: 0 < low <= high < 2^62.
inline std::int64_t log_uniform(Rng rng, std::int64_t low, std::int64_t high) {
  WW_ASSERT(low > 0 && low <= high, "numbers from an empty range");
  const auto ratio = static_cast<std::uint64_t>(high / low);
  const auto octaves = static_cast<std::uint64_t>(std::bit_width(ratio));
  const std::int64_t begin = low << rng.below(octaves);
  return rng.between(begin, std::min(high, 2 * begin - 1));
}

}  // namespace ww
