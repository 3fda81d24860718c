// The correct replica breaks no rule under random schedules; each bug of the zoo does.
//
// WW_SEED=K runs that seed alone, WW_SEEDS=N the first N.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <set>
#include <string>

#include "tests/unit/raft_torture.hpp"

namespace ww::raft::testing {

namespace {

constexpr std::uint64_t kSeeds = 600;
constexpr int kSteps = 900;

/// Runs seeds until `enough` of them broke one of `rules`; returns how many did.
std::size_t seeds_that_break(bugs::Bug bug, const std::set<std::string>& rules,
                             std::size_t enough) {
  std::size_t found = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds && found < enough; ++seed) {
    const TortureResult out = torture(seed, kSteps, bug);
    if (!out.violation) continue;
    INFO("seed " << seed << ": " << *out.violation);
    REQUIRE(out.reached > 0);
    if (rules.count(out.violation->substr(0, out.violation->find(':'))) != 0) ++found;
  }
  return found;
}

}  // namespace

TEST_CASE("random schedules never break a rule of Raft, and the cluster recovers") {
  const char* only = std::getenv("WW_SEED");
  const std::uint64_t first = only != nullptr ? std::stoull(only) : 1;
  const char* many = std::getenv("WW_SEEDS");
  const std::uint64_t seeds = many != nullptr ? std::stoull(many) : kSeeds;
  const std::uint64_t last = only != nullptr ? first : seeds;
  TortureResult sum;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const TortureResult out = torture(seed, kSteps, std::nullopt);
    INFO("WW_SEED=" << seed << " replica_random_test: " << out.violation.value_or("no violation"));
    REQUIRE_FALSE(out.violation);
    REQUIRE(out.converged);
    sum.committed += out.committed;
    sum.leaders += out.leaders;
    sum.reads += out.reads;
    sum.ok += out.ok;
    sum.taken += out.taken;
    sum.installed += out.installed;
    sum.configured += out.configured;
    sum.wiped += out.wiped;
    sum.covered += out.covered;
  }
  if (only != nullptr) return;
  INFO(sum.committed << " entries, " << sum.leaders << " leaders, " << sum.reads << " reads, "
                     << sum.ok << " ok, " << sum.taken << " snapshots, " << sum.installed
                     << " installed, " << sum.configured << " configurations, " << sum.wiped
                     << " wiped, " << sum.covered << " of them covered");
  REQUIRE(sum.committed > 10 * seeds);
  REQUIRE(sum.leaders > 2 * seeds);
  REQUIRE(sum.reads > 3 * seeds);
  REQUIRE(sum.ok > 8 * seeds);
  REQUIRE(sum.taken > 4 * seeds);
  REQUIRE(sum.installed > seeds / 5);
  REQUIRE(sum.configured > seeds);
  REQUIRE(sum.wiped > seeds / 4);
  REQUIRE(sum.covered > seeds / 8);
}

TEST_CASE("a run of one seed is the same every time") {
  const TortureResult a = torture(7, kSteps, std::nullopt);
  const TortureResult b = torture(7, kSteps, std::nullopt);
  REQUIRE(a.committed == b.committed);
  REQUIRE(a.ok == b.ok);
}

TEST_CASE("each bug of the zoo breaks its property in some schedules") {
  REQUIRE(seeds_that_break(bugs::Bug::kLocalRead, {"LIN"}, 3) == 3);
  REQUIRE(seeds_that_break(bugs::Bug::kAckBeforeFsync, {"AckTruth", "CommitDurable"}, 3) == 3);
  REQUIRE(seeds_that_break(bugs::Bug::kVoteRamOnly, {"Term", "Vote1", "ES"}, 3) == 3);
  REQUIRE(seeds_that_break(bugs::Bug::kNoDedupe, {"Session"}, 3) == 3);
  REQUIRE(seeds_that_break(bugs::Bug::kCommitOldTerm, {"OwnTerm"}, 3) == 3);
  REQUIRE(seeds_that_break(bugs::Bug::kStaleGrantCounted, {"ES", "Win"}, 3) == 3);
  REQUIRE(seeds_that_break(bugs::Bug::kTruncOnStaleAe, {"AckTruth", "CommitDurable"}, 3) == 3);
}

}  // namespace ww::raft::testing
