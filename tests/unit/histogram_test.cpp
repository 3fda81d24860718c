#include "base/histogram.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "base/rng.hpp"
#include "tests/unit/test_seed.hpp"

namespace ww {

TEST_CASE("an empty histogram says zero to everything") {
  const Histogram h;
  CHECK(h.count() == 0);
  CHECK(h.max() == Duration{});
  CHECK(h.mean() == Duration{});
  CHECK(h.quantile(0.5) == Duration{});
  CHECK(h.buckets().empty());
}

TEST_CASE("lengths below 128 ns are exact, and a negative one counts as zero") {
  Histogram h;
  for (int ns = 0; ns < 128; ++ns) h.record(Duration{ns});
  h.record(Duration{-5});
  CHECK(h.count() == 129);
  CHECK(h.quantile(0) == Duration{0});
  CHECK(h.quantile(1) == Duration{127});
  CHECK(h.quantile(0.5) == Duration{63});  // the 65th of 0, 0, 1, 2, ...
  CHECK(h.buckets().size() == 128);
  CHECK(h.buckets().front().count == 2);
}

TEST_CASE("quantiles of any mixture are the sorted list's, to 1/128 above") {
  const std::uint64_t seed = test::seed();
  INFO(test::repeat_with());
  Rng rng(seed);
  for (int round = 0; round < 20; ++round) {
    Histogram h;
    std::vector<std::int64_t> values;
    for (int i = 0; i < 500; ++i) {
      // From nanoseconds to an hour, each order of magnitude alike.
      values.push_back(static_cast<std::int64_t>(rng.next() >> (64 - 1 - rng.below(41))));
      h.record(Duration{values.back()});
    }
    std::sort(values.begin(), values.end());
    for (const double q : {0.0, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const auto rank = std::max<std::size_t>(1, static_cast<std::size_t>(std::ceil(q * 500)));
      const std::int64_t exact = values[rank - 1];
      const std::int64_t told = h.quantile(q).count();
      INFO("q " << q << ", exact " << exact << ", told " << told);
      CHECK(told >= exact);
      CHECK(told - exact <= exact / 128);
    }
    CHECK(h.max() == Duration{values.back()});
  }
}

TEST_CASE("buckets do not overlap, ascend, and hold everything") {
  Histogram h;
  for (std::int64_t ns = 1; ns < (std::int64_t{1} << 41); ns = ns * 3 + 1) h.record(Duration{ns});
  std::uint64_t sum = 0;
  Duration last{-1};
  for (const Histogram::Bucket& b : h.buckets()) {
    CHECK(b.low > last);
    CHECK(b.high >= b.low);
    last = b.high;
    sum += b.count;
  }
  CHECK(sum == h.count());
}

TEST_CASE("what is above the highest length is counted there, and its maximum is exact") {
  Histogram h;
  const Duration huge = Histogram::kHighest * 3;
  h.record(huge);
  h.record(microseconds(1));
  CHECK(h.max() == huge);
  CHECK(h.quantile(1) == huge);
  CHECK(h.quantile(0.5) < microseconds(2));
}

TEST_CASE("merging is recording everything in one, and times is recording again") {
  Histogram a;
  Histogram b;
  Histogram both;
  for (int i = 0; i < 100; ++i) {
    (i % 3 == 0 ? a : b).record(microseconds(i));
    both.record(microseconds(i));
  }
  a.merge(b);
  CHECK(a == both);
  Histogram once;
  once.record(seconds(1), 3);
  once.record(seconds(2), 0);
  CHECK(once.count() == 3);
  CHECK(once.mean() == seconds(1));
  CHECK(once.max() == seconds(1));
}

}  // namespace ww
