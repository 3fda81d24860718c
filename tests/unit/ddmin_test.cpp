// Delta debugging on predicates whose smallest failing sets are known.
#include "controller/shrink/ddmin.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "base/rng.hpp"
#include "tests/unit/test_seed.hpp"

namespace {

using namespace ww;
using shrink::Subset;

using Predicate = std::function<bool(const Subset&)>;

bool has(const Subset& set, std::size_t item) {
  return std::binary_search(set.begin(), set.end(), item);
}

/// Fails with all of `items`.
Predicate needs(Subset items) {
  return [items = std::move(items)](const Subset& set) {
    return std::includes(set.begin(), set.end(), items.begin(), items.end());
  };
}

bool is_minimal(const Subset& set, const Predicate& fails) {
  for (std::size_t i = 0; i < set.size(); ++i) {
    Subset rest = set;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
    if (fails(rest)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("ddmin finds what the failure needs, and tests no more than it says") {
  struct Row {
    const char* what;
    std::size_t n;
    Predicate fails;
    Subset kept;
    std::size_t most_tests;
  };
  const Row rows[] = {
      {"nothing is needed", 1000, [](const Subset&) { return true; }, {}, 1},
      {"no items", 0, [](const Subset&) { return true; }, {}, 0},
      {"the only item", 1, needs({0}), {0}, 1},
      {"the first of many", 1024, needs({0}), {0}, 25},
      {"the last of many", 1024, needs({1023}), {1023}, 25},
      {"two far apart", 1024, needs({3, 900}), {3, 900}, 60},
      {"two neighbours across the middle", 1024, needs({511, 512}), {511, 512}, 60},
      {"all of them", 16, needs(shrink::everything(16)), shrink::everything(16), 70},
      {"one of two suffices",
       64,
       [](const Subset& set) { return has(set, 9) || has(set, 40); },
       {9},
       20},
      {"not monotone: an even number of items",
       64,
       [](const Subset& set) { return set.size() % 2 == 0; },
       {},
       1},
      {"not monotone: 7 without 8, or both with 30",
       64,
       [](const Subset& set) { return has(set, 7) && (!has(set, 8) || has(set, 30)); },
       {7},
       25},
      {"not monotone: 20 hides the failure unless 21 is there too",
       32,
       [](const Subset& set) { return has(set, 5) && has(set, 20) == has(set, 21); },
       {5},
       25},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    std::size_t tests = 0;
    std::set<Subset> tried;
    const Subset kept = shrink::ddmin(row.n, [&](const Subset& set) {
      ++tests;
      CHECK(std::is_sorted(set.begin(), set.end()));
      return row.fails(set);
    });
    CHECK(kept == row.kept);
    CHECK(tests <= row.most_tests);
    CHECK(is_minimal(kept, row.fails));
  }
}

TEST_CASE("ddmin ends 1-minimal on any predicate, monotone or not") {
  INFO(test::repeat_with());
  for (std::uint64_t round = 0; round < 300; ++round) {
    INFO("round " << round);
    Rng rng = keyed(test::seed(), "ddmin_test", round);
    const std::size_t n = 2 + rng.below(11);
    // A set fails by its own coin; all of them together do.
    const Predicate fails = [&](const Subset& set) {
      if (set.size() == n) return true;
      std::uint64_t key = key_of(test::seed(), "ddmin_test.coin", round);
      for (const std::size_t item : set) key = hash_combine(key, item);
      return Rng(key).below(4) == 0;
    };
    const Subset kept = shrink::ddmin(n, fails);
    REQUIRE(fails(kept));
    REQUIRE(is_minimal(kept, fails));
  }
}

TEST_CASE("ddmin out of budget returns the smallest failing set so far") {
  const Predicate fails = needs({70});
  for (std::size_t budget = 0; budget < 30; ++budget) {
    INFO("budget " << budget);
    std::size_t tests = 0;
    const Subset kept = shrink::ddmin(
        128,
        [&](const Subset& set) {
          ++tests;
          return fails(set);
        },
        [&] { return tests < budget; });
    CHECK(fails(kept));
    CHECK(tests <= std::max<std::size_t>(budget, 1));
    if (budget >= 20) CHECK(kept == Subset{70});
  }
}
