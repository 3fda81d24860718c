#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <numeric>
#include <set>
#include <vector>

#include "base/rng.hpp"

namespace ww {
namespace {

TEST_CASE("The random stream is SplitMix64 and never changes") {
  // The published words of SplitMix64 from state 1234567, without the first.
  Rng rng(1234567);
  CHECK(rng.next() == 3203168211198807973ULL);
  CHECK(rng.next() == 9817491932198370423ULL);
  CHECK(rng.next() == 4593380528125082431ULL);
  CHECK(rng.next() == 16408922859458223821ULL);
}

TEST_CASE("The key of a decision never changes") {
  // A plan of an old run must be drawn again alike: these numbers are a format.
  CHECK(mix64(0) == 16294208416658607535ULL);
  CHECK(hash_bytes("") == 12085254679833835651ULL);
  CHECK(hash_bytes("packet.delay") == 18360951647489447682ULL);
  CHECK(key_of(1, "packet.delay") == 9436592502137377867ULL);
  CHECK(key_of(1, "packet.delay", 2, NodeId{3}) == 13257165608060398031ULL);
  CHECK(keyed(42, "x", 7).below(1000) == 827);
}

TEST_CASE("A key depends on the seed, the domain, each part and their order") {
  std::set<std::uint64_t> keys;
  std::size_t made = 0;
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    for (const Domain domain : {Domain("a"), Domain("b"), Domain("ab"), Domain("")}) {
      keys.insert(key_of(seed, domain));
      ++made;
      for (const int a : {0, 1, 2}) {
        keys.insert(key_of(seed, domain, a));
        ++made;
        for (const int b : {0, 1, 2}) {
          keys.insert(key_of(seed, domain, a, b));
          ++made;
        }
      }
    }
  }
  CHECK(keys.size() == made);
  CHECK(key_of(1, "d", NodeId{4}) == key_of(1, "d", 4));
  CHECK(key_of(1, "d", std::string_view("n4")) != key_of(1, "d", std::string_view("n5")));
}

TEST_CASE("Draws below a bound are uniform within the chi-square limit") {
  constexpr std::size_t kBins = 20;
  constexpr int kDraws = 200000;
  std::array<int, kBins> bins{};
  // One draw from each of many keys is how the harness draws: the keys must be as good as the
  // stream.
  for (int i = 0; i < kDraws; ++i) ++bins[keyed(9, "uniform", i).below(kBins)];
  double chi_square = 0;
  constexpr double kExpected = static_cast<double>(kDraws) / kBins;
  for (const int n : bins) chi_square += (n - kExpected) * (n - kExpected) / kExpected;
  CHECK(chi_square < 43.8);  // 19 degrees of freedom: exceeded once in a thousand seeds
  CHECK(chi_square > 5.4);   // and too good once in a thousand
}

TEST_CASE("Ranges include both ends and reach the ends of the type") {
  Rng rng(5);
  std::set<std::int64_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(rng.between(std::int64_t{-2}, std::int64_t{2}));
  CHECK(seen == std::set<std::int64_t>{-2, -1, 0, 1, 2});
  CHECK(rng.between(std::int64_t{7}, std::int64_t{7}) == 7);
  bool negative = false;
  bool positive = false;
  for (int i = 0; i < 64; ++i) {
    const std::int64_t x = rng.between(INT64_MIN, INT64_MAX);
    negative = negative || x < 0;
    positive = positive || x > 0;
  }
  CHECK((negative && positive));
  CHECK(rng.between(milliseconds(3), milliseconds(3)) == milliseconds(3));
}

TEST_CASE("A chance in millions is never at zero and always at a million") {
  Rng rng(6);
  int hits = 0;
  for (int i = 0; i < 10000; ++i) {
    REQUIRE_FALSE(rng.chance_ppm(0));
    REQUIRE(rng.chance_ppm(1'000'000));
    if (rng.chance_ppm(250'000)) ++hits;
  }
  CHECK(hits > 2300);
  CHECK(hits < 2700);
}

TEST_CASE("A shuffle is a permutation, and all permutations occur") {
  std::set<std::vector<int>> orders;
  for (std::uint64_t i = 0; i < 500; ++i) {
    std::vector<int> items{1, 2, 3, 4};
    Rng rng = keyed(3, "shuffle", i);
    rng.shuffle(std::span(items));
    orders.insert(items);
    std::sort(items.begin(), items.end());
    REQUIRE(items == std::vector<int>{1, 2, 3, 4});
  }
  CHECK(orders.size() == 24);
}

}  // namespace
}  // namespace ww
