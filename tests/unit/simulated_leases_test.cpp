// Leases in whole runs: safe while the clocks keep their bound, found unsafe where they do not; and
// transfers of leadership in the middle of everything.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "controller/campaign/mix.hpp"
#include "controller/run/plan_file.hpp"
#include "controller/worlds/registry.hpp"
#include "tests/support/simulated_run.hpp"

namespace {

using namespace ww;
using test::finished;
using test::marks;
using test::row;

/// A seed of the mix with leases, and faults that bear on them.
run::PlanFile lease_plan(std::uint64_t seed) {
  run::TestSpec spec;
  spec.world = "simulated";
  spec.reads = "lease";
  spec.faults = {"clock", "partition", "pause", "transfer", "packet", "kill"};
  auto plan = campaign::draw(seed, spec, {"reads", "faults"});
  REQUIRE(plan.ok());
  return std::move(plan).value();
}

faults::FaultSpec drift(std::string id, std::uint32_t node, std::int64_t rate_ppm) {
  faults::FaultSpec spec;
  spec.id = std::move(id);
  spec.kind = "clock";
  spec.shape = "drift";
  spec.at = Instant{milliseconds(500)};
  spec.duration = seconds(5);
  spec.target = faults::Target::kNamed;
  spec.nodes = {NodeId{node}};
  spec.params["rate_ppm"] = rate_ppm;
  return spec;
}

/// One clock is slow by `slow_ppm`, the others are fast by `fast_ppm`, and that node, once it
/// leads, is cut off from the others but not from its clients.
run::PlanFile slow_leader(std::uint32_t slow, std::int64_t slow_ppm, std::int64_t fast_ppm) {
  run::PlanFile plan;
  plan.test.world = "simulated";
  plan.test.seed = 11;
  plan.test.nodes = 3;
  plan.test.reads = "lease";
  plan.test.log_read_percent = 0;
  plan.test.rate = 600;
  plan.test.time_limit = seconds(8);
  plan.faults.seed = 11;
  plan.faults.nodes = 3;
  plan.faults.time_limit = seconds(8);
  plan.faults.redeal = false;
  for (std::uint32_t node = 1; node <= 3; ++node) {
    plan.faults.faults.push_back(
        drift("f" + std::to_string(node), node, node == slow ? slow_ppm : fast_ppm));
  }
  faults::FaultSpec cut;
  cut.id = "f4";
  cut.kind = "partition";
  cut.shape = "one";
  cut.at = Instant{milliseconds(2500)};
  cut.duration = seconds(2);
  cut.target = faults::Target::kNamed;
  cut.nodes = {NodeId{slow}};
  plan.faults.faults.push_back(cut);
  REQUIRE(faults::validate(plan.faults).ok());
  return plan;
}

/// Who leads when nothing is wrong yet: the same for both plans, whose first half second is alike.
std::uint32_t first_leader() {
  const run::FinishedRun done = finished(slow_leader(1, 1, 1));
  REQUIRE_FALSE(done.report.leader_changes.empty());
  return done.report.leader_changes.front().node.value;
}

}  // namespace

TEST_CASE("with clocks within the bound no read by a lease is stale") {
  constexpr std::uint64_t kSeeds = 240;
  const char* only = std::getenv("WW_SEED");
  std::uint64_t compared = 0;
  std::uint64_t votes = 0;
  std::uint64_t flips = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    if (only != nullptr && std::stoull(only) != seed) continue;
    const run::PlanFile plan = lease_plan(seed);
    REQUIRE(run::keeps_lease_bound(plan));
    const run::FinishedRun done = finished(plan);
    INFO("WW_SEED=" << seed << " simulated_leases_test: " << done.report.cause);
    REQUIRE(done.report.verdict != Verdict::kInvalid);
    const CheckResult* disjoint = row(done, "LeaseDisjoint");
    REQUIRE(disjoint != nullptr);
    compared += disjoint->evaluated;
    REQUIRE(row(done, "LeasePromise") != nullptr);
    votes += row(done, "LeasePromise")->evaluated;
    for (const reports::FaultRow& fault : done.report.faults) {
      flips += fault.kind == "clock" && fault.effective ? 1 : 0;
    }
  }
  if (only != nullptr) return;
  CHECK(compared > 50 * kSeeds);  // reads of one term with commits of a later one
  CHECK(votes > 5 * kSeeds);
  CHECK(flips > kSeeds / 4);
}

TEST_CASE("on the fastest clock within the bound an election timeout is shorter in true time") {
  run::TestSpec spec;
  spec.election_timeout = milliseconds(300);
  spec.lease_drift = 0;
  CHECK(run::lease_promise(spec) == milliseconds(300) - microseconds(1));
  spec.lease_drift = 10;  // 1 + p against 1 - p, p = 1/21
  CHECK(run::lease_drift_ppm(spec) == 47'619);
  const Duration promise = run::lease_promise(spec) + microseconds(1);
  CHECK(promise >= nanoseconds(300'000'000) * 21 / 22);
  CHECK(promise < nanoseconds(300'000'000) * 21 / 22 + microseconds(1));
}

TEST_CASE("a slow leader's stale reads beyond the bound are found and shown") {
  // At a tenth of true time its lease of 273 ms is one of 2.7 s.
  const run::FinishedRun done = finished(slow_leader(first_leader(), -900'000, 100'000));
  INFO(done.report.cause);
  CHECK(done.report.exit_code == 1);
  CHECK(done.report.verdict == Verdict::kInvalid);
  // The bound is not kept, so nobody is blamed for breaking it: the history shows what came of it.
  CHECK(row(done, "LeaseDisjoint") == nullptr);
  CHECK(row(done, "LeasePromise") == nullptr);
  const CheckResult* linearizable = row(done, "linearizable");
  REQUIRE(linearizable != nullptr);
  CHECK(linearizable->verdict == Verdict::kInvalid);
  REQUIRE_FALSE(linearizable->violations.empty());
  const Violation& violation = linearizable->violations.front();
  CHECK(violation.property == "LIN");
  INFO(violation.summary);
  CHECK(violation.summary.find("read") != std::string::npos);
}

TEST_CASE("the same leader within the bound serves by its lease and is never stale") {
  const run::FinishedRun done = finished(slow_leader(first_leader(), -47'619, 47'619));
  INFO(done.report.cause);
  CHECK(done.report.verdict == Verdict::kValid);
  REQUIRE(row(done, "LeaseDisjoint") != nullptr);
  CHECK(row(done, "LeaseDisjoint")->evaluated > 0);
}

TEST_CASE("a transfer moves leadership within the step, and a lease does not outlive it") {
  run::PlanFile plan = slow_leader(1, 1, 1);
  plan.faults.faults.clear();
  faults::FaultSpec transfer;
  transfer.id = "f1";
  transfer.kind = "transfer";
  transfer.shape = "caught-up";
  transfer.at = Instant{seconds(1)};
  transfer.duration = seconds(5);
  transfer.target = faults::Target::kPrimaries;
  transfer.params["every_ms"] = 250;
  plan.faults.faults = {transfer};
  const run::FinishedRun done = finished(plan);
  INFO(done.report.cause << "; " << done.report.faults.at(0).evidence);
  CHECK(done.report.verdict != Verdict::kInvalid);
  CHECK(done.report.faults.at(0).effective);
  CHECK(done.report.leader_changes.size() > 10);
  CHECK(marks(done, "stood-for-transfer") > 10);
  CHECK(marks(done, "refusal-waived") > 10);
  CHECK(row(done, "LeaseDisjoint")->evaluated > 10);
}
