// Failures of the bundled node's bugs, shrunk end to end in the simulated world.
#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

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

constexpr std::size_t kFailures = 3;

/// The first seeds whose runs break a property.
std::vector<run::PlanFile> failing_plans(const std::string& bug) {
  std::vector<run::PlanFile> plans;
  for (std::uint64_t seed = 1; seed <= 40 && plans.size() < kFailures; ++seed) {
    const run::PlanFile plan = plan_of(seed, bug);
    const auto done = execute(plan, {});
    REQUIRE(done);
    if (run::violation_of(done->report) != nullptr) plans.push_back(plan);
  }
  INFO(bug);
  REQUIRE(plans.size() == kFailures);
  return plans;
}

shrink::Shrunk shrinks(const run::PlanFile& plan) {
  shrink::ShrinkOptions options;
  options.budget.executions = 3000;
  const auto shrunk = shrink::shrink(plan, execute, options);
  INFO("seed " << plan.test.seed);
  REQUIRE(shrunk);
  INFO(shrunk->signature << "\n" << shrink::describe_steps(shrunk->plan));
  CHECK(shrunk->before.ops > 100);
  CHECK(shrunk->after.ops < shrunk->before.ops);

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
  return *shrunk;
}

/// Some failures hang on much that happened before; most do not, and those have to become small.
void shrinks(const std::string& bug) {
  std::vector<std::size_t> faults;
  std::vector<std::size_t> ops;
  for (const run::PlanFile& plan : failing_plans(bug)) {
    const shrink::Shrunk shrunk = shrinks(plan);
    faults.push_back(shrunk.after.faults);
    ops.push_back(shrunk.after.ops);
  }
  std::sort(faults.begin(), faults.end());
  std::sort(ops.begin(), ops.end());
  INFO(bug << ": the median of " << kFailures << " failures");
  CHECK(faults[kFailures / 2] <= 8);
  CHECK(ops[kFailures / 2] <= 10);
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
