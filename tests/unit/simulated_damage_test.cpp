// Disks that stall, fail and forget, in whole runs; and the mistakes that only they show.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "controller/run/plan_file.hpp"
#include "controller/worlds/registry.hpp"
#include "tests/support/simulated_run.hpp"

namespace {

using namespace ww;
using test::finished;

constexpr std::array kShapes = {"slow",          "hung",       "write-error",
                                "sync-error",    "flip-log",   "flip-tail",
                                "flip-snapshot", "torn-write", "wipe"};

run::PlanFile disk_plan(std::uint64_t seed, Duration limit) {
  run::PlanFile plan;
  plan.test.world = "simulated";
  plan.test.seed = seed;
  plan.test.nodes = seed % 2 == 0 ? 3 : 5;
  plan.test.time_limit = limit;
  plan.test.rate = 300;
  plan.test.snapshot_entries = 60;
  plan.test.faults = {"disk"};
  plan.test.interval_low = milliseconds(300);
  plan.test.interval_high = milliseconds(700);
  return plan;
}

/// One fault of that shape a second, on nodes in turn.
run::PlanFile plan_of_shape(std::uint64_t seed, const std::string& shape) {
  run::PlanFile plan = disk_plan(seed, seconds(8));
  plan.faults.seed = seed;
  plan.faults.nodes = plan.test.nodes;
  plan.faults.time_limit = plan.test.time_limit;
  for (std::uint32_t i = 0; i < 6; ++i) {
    faults::FaultSpec spec;
    spec.id = "f" + std::to_string(i);
    spec.kind = "disk";
    spec.shape = shape;
    spec.at = Instant{milliseconds(700 + 1200 * static_cast<int>(i))};
    spec.duration = milliseconds(200);
    spec.target = i % 2 == 0 ? faults::Target::kPrimaries : faults::Target::kOne;
    plan.faults.faults.push_back(spec);
  }
  return plan;
}

std::uint64_t sum_of(const run::FinishedRun& done, const std::string& counter) {
  std::uint64_t sum = 0;
  for (const reports::NodeCounters& row : done.report.counters) {
    const auto found = row.counts.find(counter);
    if (found != row.counts.end()) sum += found->second;
  }
  return sum;
}

bool breaks_corrupt(const run::FinishedRun& done) {
  return std::any_of(done.report.checks.begin(), done.report.checks.end(),
                     [](const CheckResult& check) {
                       return check.checker == "Corrupt" && check.verdict == Verdict::kInvalid;
                     });
}

}  // namespace

TEST_CASE("disks that stall, fail or forget break no rule, and their nodes come back") {
  std::map<std::string, int> effective;
  std::uint64_t doubts = 0;
  std::uint64_t refusals = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    run::PlanFile plan = disk_plan(seed, seconds(10));
    plan.faults = run::plan_for(plan.test).value();
    const run::FinishedRun done = finished(plan);
    INFO("seed " << seed << ": " << done.report.cause);
    CHECK(done.report.verdict == Verdict::kValid);
    for (const reports::FaultRow& row : done.report.faults) {
      for (const char* shape : kShapes) {
        const bool is_it = row.description.find(shape) != std::string::npos;
        if (row.effective && is_it) ++effective[shape];
      }
    }
    doubts += sum_of(done, "doubts");
    refusals += sum_of(done, "refusals");
  }
  for (const char* shape : kShapes) {
    INFO(shape);
    CHECK(effective[shape] > 0);
  }
  CHECK(doubts > 10);
  CHECK(refusals > 3);
}

TEST_CASE("each damage has its answer: refused, doubted, or cut off") {
  struct Row {
    const char* shape;
    bool doubted;
    bool refused;
  };
  for (const Row& row :
       {Row{"flip-log", true, true}, Row{"flip-snapshot", true, true},
        Row{"flip-tail", true, false}, Row{"wipe", true, false}, Row{"torn-write", false, false}}) {
    const run::FinishedRun done = finished(plan_of_shape(4, row.shape));
    INFO(row.shape << ": " << done.report.cause);
    CHECK(done.report.verdict != Verdict::kInvalid);
    CHECK(done.report.exit_code != 3);
    CHECK(done.report.exit_code != 4);
    CHECK((sum_of(done, "doubts") > 0) == row.doubted);
    CHECK((sum_of(done, "refusals") > 0) == row.refused);
    // The time is told, in the tracks too.
    const bool shown = std::any_of(
        done.report.outages.begin(), done.report.outages.end(),
        [](const reports::OutageSpan& o) { return o.outage == reports::Outage::kDoubt; });
    CHECK(shown == row.doubted);
  }
}

TEST_CASE("no more than a minority is damaged at a time, and none that must recover alone") {
  run::PlanFile plan = plan_of_shape(3, "wipe");
  for (faults::FaultSpec& spec : plan.faults.faults) {
    spec.target = faults::Target::kAll;
    spec.duration = milliseconds(1100);
  }
  SECTION("everybody recovers") {}
  SECTION("a quorum recovers") {
    plan.test.heal = "quorum";
  }
  const run::FinishedRun done = finished(plan);
  INFO(done.report.cause);
  CHECK(done.report.verdict != Verdict::kInvalid);
  CHECK(done.report.exit_code != 3);
  CHECK(std::any_of(done.report.faults.begin(), done.report.faults.end(),
                    [](const reports::FaultRow& row) { return row.effective; }));
  for (const reports::FaultRow& row : done.report.faults) CHECK(row.nodes.size() <= 2);
}

TEST_CASE("a node that serves on damage, or votes in doubt, is found") {
  const auto found = [](const std::string& bug, const std::string& shape) {
    int runs = 0;
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      run::PlanFile plan = plan_of_shape(seed, shape);
      plan.test.bugs = {bug};
      const run::FinishedRun done = finished(plan);
      if (breaks_corrupt(done)) ++runs;
    }
    return runs;
  };
  CHECK(found("corrupt-as-torn-tail", "flip-log") > 0);
  CHECK(found("amnesia-voter", "wipe") > 0);
  CHECK(found("amnesia-voter", "flip-tail") > 0);
}
