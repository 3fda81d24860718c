#include "base/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/assert.hpp"

namespace ww {

std::size_t Histogram::bucket_of(std::uint64_t value) {
  constexpr std::uint64_t kParts = std::uint64_t{1} << kPartBits;
  if (value < kParts) return static_cast<std::size_t>(value);
  const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - kPartBits;
  return static_cast<std::size_t>((std::uint64_t{shift} << kPartBits) + (value >> shift));
}

std::uint64_t Histogram::lowest_of(std::size_t bucket) {
  constexpr std::size_t kParts = std::size_t{1} << kPartBits;
  if (bucket < kParts) return bucket;
  const std::size_t shift = (bucket >> kPartBits) - 1;
  return static_cast<std::uint64_t>(kParts + (bucket & (kParts - 1))) << shift;
}

void Histogram::record(Duration value, std::uint64_t times) {
  if (times == 0) return;
  value = std::max(value, Duration{});
  const auto bounded = static_cast<std::uint64_t>(std::min(value, kHighest).count());
  counts_[bucket_of(bounded)] += times;
  count_ += times;
  max_ = std::max(max_, value);
  sum_ += static_cast<double>(value.count()) * static_cast<double>(times);
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

Duration Histogram::mean() const {
  if (count_ == 0) return Duration{};
  return Duration{std::llround(sum_ / static_cast<double>(count_))};
}

Duration Histogram::quantile(double q) const {
  WW_ASSERT(q >= 0 && q <= 1, "a quantile is a share of all");
  if (count_ == 0) return Duration{};
  const auto rank = std::clamp<std::uint64_t>(
      static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_))), 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen < rank) continue;
    // What lies above kHighest is in the last bucket, whose end says nothing about it.
    if (i + 1 == counts_.size()) return max_;
    return std::min(max_, Duration{static_cast<std::int64_t>(lowest_of(i + 1) - 1)});
  }
  return max_;
}

std::vector<Histogram::Bucket> Histogram::buckets() const {
  std::vector<Bucket> out;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    out.push_back({Duration{static_cast<std::int64_t>(lowest_of(i))},
                   Duration{static_cast<std::int64_t>(lowest_of(i + 1) - 1)}, counts_[i]});
  }
  return out;
}

}  // namespace ww
