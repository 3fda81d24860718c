// How often which length of time was seen, in little memory and to a known error.
//
// Log-linear buckets, as in Gil Tene's HdrHistogram: each power of two is cut into 128 equal parts,
// so that a value is known to 1/128 of itself, whether it is a microsecond or a minute. Recording
// is a few instructions and never allocates.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/time.hpp"

namespace ww {

/// A regular value.
class Histogram {
 public:
  /// Values above are counted as this, about 73 minutes; the exact maximum is kept beside.
  static constexpr Duration kHighest{(std::int64_t{1} << 42) - 1};

  /// Units: any length of time; one below zero counts as zero.
  void record(Duration value, std::uint64_t times = 1);
  /// Adds everything that `other` recorded.
  void merge(const Histogram& other);

  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// Exact; 0 while nothing is recorded.
  [[nodiscard]] Duration max() const { return max_; }
  [[nodiscard]] Duration mean() const;
  /// The smallest value that at least `q` of all values do not exceed, rounded up by less than
  /// 1/128; 0 while nothing is recorded. REQUIRES: 0 <= q <= 1.
  [[nodiscard]] Duration quantile(double q) const;

  struct Bucket {
    Duration low{};   // the first value of it
    Duration high{};  // the last
    std::uint64_t count = 0;
  };
  /// The buckets that hold something, ascending.
  [[nodiscard]] std::vector<Bucket> buckets() const;

  friend bool operator==(const Histogram&, const Histogram&) = default;

 private:
  static constexpr unsigned kPartBits = 7;
  static constexpr unsigned kPowers = 42;
  static constexpr std::size_t kBuckets = (kPowers - kPartBits + 1) << kPartBits;
  static std::size_t bucket_of(std::uint64_t value);
  static std::uint64_t lowest_of(std::size_t bucket);

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  Duration max_{};
  double sum_ = 0;  // of all values, for the mean alone
};

}  // namespace ww
