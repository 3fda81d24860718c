// Failures of the bundled node's bugs, shrunk end to end in the simulated world.
#include <catch2/catch.hpp>

#include "controller/run/signature.hpp"
#include "controller/shrink/shrinker.hpp"
#include "controller/worlds/registry.hpp"

namespace {

using namespace ww;

run::PlanFile plan_of(std::uint64_t seed, const std::string& bug) {
  run::PlanFile plan;
  plan.test.world = "simulated";
  plan.test.seed = seed;
  plan.test.time_limit = seconds(12);
  plan.test.interval_low = milliseconds(500);
  plan.test.interval_high = milliseconds(1200);
  plan.test.rate = 400;
  plan.test.bugs = {bug};
  plan.faults = *run::plan_for(plan.test);
  return plan;
}

Result<run::FinishedRun> execute(const run::PlanFile& plan, const run::RunOptions& options) {
  return worlds::find_world(plan.test.world)->execute(plan, options);
}

/// The first seed whose run breaks a property.
run::PlanFile failing_plan(const std::string& bug) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const run::PlanFile plan = plan_of(seed, bug);
    const auto done = execute(plan, {});
    REQUIRE(done);
    if (run::violation_of(done->report) != nullptr) return plan;
  }
  FAIL("no seed up to 20 shows " << bug);
  return {};
}

void shrinks(const std::string& bug) {
  const run::PlanFile plan = failing_plan(bug);
  const auto shrunk = shrink::shrink(plan, execute);
  INFO(bug << ", seed " << plan.test.seed);
  REQUIRE(shrunk);
  INFO(shrunk->signature << "\n" << shrink::describe_steps(shrunk->plan));
  CHECK(shrunk->after.faults <= 8);
  CHECK(shrunk->after.ops <= 10);
  CHECK(shrunk->before.ops > 100);

  // What is left is a plan like any other: from its file it fails in the same way, and is valid
  // without the bug.
  const auto again = run::parse_plan_file(run::to_json(shrunk->plan), "plan.json");
  REQUIRE(again);
  CHECK(*again == shrunk->plan);
  const auto failed = execute(*again, {});
  REQUIRE(failed);
  CHECK(run::signature_of(failed->report) == shrunk->signature);
  run::PlanFile twin = *again;
  twin.test.bugs.clear();
  const auto clean = execute(twin, {});
  REQUIRE(clean);
  CHECK(clean->report.verdict == Verdict::kValid);
}

}  // namespace

TEST_CASE("a failure of local-read shrinks to a few faults and ops") {
  shrinks("local-read");
}
TEST_CASE("a failure of ack-before-fsync shrinks to a few faults and ops") {
  shrinks("ack-before-fsync");
}
TEST_CASE("a failure of vote-ram-only shrinks to a few faults and ops") {
  shrinks("vote-ram-only");
}
TEST_CASE("a failure of no-dedupe shrinks to a few faults and ops") {
  shrinks("no-dedupe");
}
