// Changes of members in whole runs: correct nodes come through them in the middle of everything,
// and each bug of theirs is found.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "controller/campaign/mix.hpp"
#include "controller/run/plan_file.hpp"
#include "controller/worlds/registry.hpp"
#include "tests/support/simulated_run.hpp"

namespace {

using namespace ww;
using test::finished;
using test::marks;

run::PlanFile drawn(std::uint64_t seed, const std::string& mode, const std::string& bug = {}) {
  run::TestSpec spec;
  spec.world = "simulated";
  spec.nodes = 3;
  spec.spares = 2;
  spec.membership = mode;
  spec.faults = {"membership", "partition", "kill"};
  if (!bug.empty()) spec.bugs = {bug};
  auto plan = campaign::draw(seed, spec, {"nodes", "spares", "membership", "faults"});
  REQUIRE(plan.ok());
  return std::move(plan).value();
}

std::set<std::string> violated(const run::FinishedRun& done) {
  std::set<std::string> out;
  for (const CheckResult& check : done.report.checks) {
    for (const Violation& violation : check.violations) out.insert(violation.property);
  }
  return out;
}

/// The first few seeds show the bug as a violation of one of these, and are valid without it.
void expect_found(const std::string& bug, const std::string& mode,
                  const std::set<std::string>& properties) {
  constexpr std::uint64_t kSeeds = 40;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const run::FinishedRun buggy = finished(drawn(seed, mode, bug));
    const std::set<std::string> broken = violated(buggy);
    if (std::none_of(broken.begin(), broken.end(),
                     [&](const std::string& p) { return properties.count(p) > 0; })) {
      continue;
    }
    INFO(bug << ", seed " << seed << ": " << buggy.report.cause);
    CHECK(std::any_of(buggy.report.bugs.begin(), buggy.report.bugs.end(),
                      [&](const reports::Count& c) { return c.name == bug && c.count > 0; }));
    const run::FinishedRun clean = finished(drawn(seed, mode));
    INFO("clean: " << clean.report.cause);
    CHECK(clean.report.exit_code != 1);
    CHECK(violated(clean).empty());
    return;
  }
  FAIL("no seed up to " << kSeeds << " shows " << bug);
}

TEST_CASE("members change in either way among partitions and deaths, and nothing breaks") {
  for (const char* mode : {"joint", "single"}) {
    std::uint64_t removed = 0, reverted = 0, effective = 0;
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
      const run::FinishedRun done = finished(drawn(seed, mode));
      INFO(mode << ", seed " << seed << ": " << done.report.cause);
      CHECK(violated(done).empty());
      removed += marks(done, "leader-removed");
      reverted += marks(done, "configuration-reverted");
      for (const reports::FaultRow& fault : done.report.faults) {
        effective += fault.kind == "membership" && fault.effective ? 1 : 0;
      }
    }
    INFO(mode);
    CHECK(effective > 20);
    CHECK(removed > 5);
    CHECK(reverted > 0);
  }
}

TEST_CASE("without spares the voters still shrink and change their leader") {
  run::TestSpec spec;
  spec.world = "simulated";
  spec.seed = 5;
  spec.nodes = 3;
  spec.faults = {"membership"};
  spec.time_limit = seconds(12);
  auto plan = run::plan_for(spec);
  REQUIRE(plan.ok());
  run::PlanFile file;
  file.test = spec;
  file.faults = std::move(*plan);
  const run::FinishedRun done = finished(file);
  INFO(done.report.cause);
  CHECK(done.report.verdict == Verdict::kValid);
  CHECK(marks(done, "leader-removed") > 0);
}

TEST_CASE("a voter that lost its disk is replaced by a node of another identity, and comes back") {
  run::PlanFile plan;
  plan.test.world = "simulated";
  plan.test.seed = 4;
  plan.test.nodes = 5;
  plan.test.spares = 1;
  plan.test.time_limit = seconds(8);
  plan.test.rate = 300;
  plan.faults.seed = 4;
  plan.faults.nodes = 6;
  plan.faults.time_limit = seconds(8);
  faults::FaultSpec wipe;
  wipe.id = "f1";
  wipe.kind = "disk";
  wipe.shape = "wipe";
  wipe.target = faults::Target::kNamed;
  wipe.nodes = {NodeId{3}};
  wipe.at = Instant{seconds(2)};
  wipe.duration = milliseconds(500);
  faults::FaultSpec replace;
  replace.id = "f2";
  replace.kind = "membership";
  replace.shape = "replace";
  replace.target = faults::Target::kNamed;
  replace.nodes = {NodeId{1}, NodeId{2}, NodeId{4}, NodeId{5}, NodeId{6}};
  replace.at = Instant{milliseconds(2200)};
  replace.duration = seconds(3);
  plan.faults.faults = {wipe, replace};
  const run::FinishedRun done = finished(plan);
  INFO(done.report.cause);
  CHECK(done.report.verdict == Verdict::kValid);
  for (const reports::FaultRow& fault : done.report.faults) {
    INFO(fault.kind << ": " << fault.evidence);
    CHECK(fault.effective);
  }
  // n6 in its place, and n3 again at the end: each time learners, both together, the new ones.
  CHECK_THAT(done.report.faults.at(1).evidence,
             Catch::StartsWith("2 changes began, 6 configurations came into force, 6 were"));
  CHECK(marks(done, "doubt-covered") > 0);
}

TEST_CASE("a change of one voter before an entry of the own term is found") {
  expect_found("one-by-one-no-barrier", "single", {"CfgSerial", "CfgIntersect"});
}
TEST_CASE("a joint configuration that the old voters decide alone is found") {
  expect_found("joint-old-majority", "joint", {"CommitDurable", "Win"});
}
TEST_CASE("a configuration that outlives its entry is found") {
  expect_found("config-rollback-lost", "joint", {"SnapPrefix", "CfgSerial"});
}
TEST_CASE("votes counted by the configuration that is committed are found") {
  expect_found("election-pending-conf", "joint", {"Win"});
}
TEST_CASE("a joint configuration that the next leader does not leave is found") {
  expect_found("joint-never-leaves", "joint", {"Live"});
}

}  // namespace
