// Faults that only a deterministic world can place so exactly, in whole runs of the correct node.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "controller/campaign/mix.hpp"
#include "controller/run/plan_file.hpp"
#include "controller/worlds/registry.hpp"
#include "nodes/bugs/bugs.hpp"
#include "tests/support/simulated_run.hpp"

namespace {

using namespace ww;
using test::finished;

run::PlanFile bare_plan(std::uint64_t seed, Duration limit) {
  run::PlanFile plan;
  plan.test.world = "simulated";
  plan.test.seed = seed;
  plan.test.time_limit = limit;
  plan.test.rate = 300;
  plan.faults.seed = seed;
  plan.faults.nodes = plan.test.nodes;
  plan.faults.time_limit = limit;
  return plan;
}

faults::FaultSpec fault(std::string id, std::string kind, std::string shape, Duration at,
                        Duration duration) {
  faults::FaultSpec spec;
  spec.id = std::move(id);
  spec.kind = std::move(kind);
  spec.shape = std::move(shape);
  spec.at = Instant{at};
  spec.duration = duration;
  return spec;
}

/// Nodes die at the event, by turns of a kill and of a power loss; partitions bring elections and
/// conflicting logs.
run::PlanFile deaths_at(faults::TriggerEvent event, std::uint32_t actions) {
  run::PlanFile plan = bare_plan(40 + actions, seconds(8));
  plan.test.snapshot_entries = 20;
  for (int i = 0; i < 6; ++i) {
    const Duration at = milliseconds(300 + 1200 * i);
    const std::string id = "f" + std::to_string(i);
    plan.faults.faults.push_back(
        fault(id + "p", "partition", "isolate-leader", at, milliseconds(700)));
    faults::FaultSpec death = i % 2 == 0
                                  ? fault(id, "kill", "", at, milliseconds(200))
                                  : fault(id, "power-loss", "nothing", at, milliseconds(200));
    death.target = faults::Target::kTrigger;
    death.trigger = {event, kNobody, 1, actions};
    plan.faults.faults.push_back(death);
  }
  REQUIRE(faults::validate(plan.faults).ok());
  return plan;
}

/// Whether the run ends with a violation of one of the properties, the switch having been reached.
bool finds(const run::PlanFile& plan, const std::vector<std::string>& properties) {
  run::RunOptions options;
  options.stop_at_violation = true;
  const auto done = worlds::find_world("simulated")->execute(plan, options);
  REQUIRE(done);
  if (done->report.exit_code != 1 && done->report.exit_code != 3) return false;
  REQUIRE(done->report.bugs.size() == 1);
  CHECK(done->report.bugs[0].count > 0);
  for (const CheckResult& check : done->report.checks) {
    for (const Violation& v : check.violations) {
      if (std::find(properties.begin(), properties.end(), v.property) != properties.end()) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

TEST_CASE("a node may die at any event, after any of its step's actions, and no rule breaks") {
  for (const std::string_view name : faults::trigger_event_names()) {
    for (std::uint32_t actions = 0; actions <= 3; ++actions) {
      const run::FinishedRun done = finished(deaths_at(faults::trigger_event_of(name), actions));
      INFO(name << ", " << actions << " actions later: " << done.report.cause);
      CHECK(done.report.verdict == Verdict::kValid);
      const auto deaths = std::count_if(
          done.executed.faults.faults.begin(), done.executed.faults.faults.end(),
          [](const auto& f) { return f.trigger.event != faults::TriggerEvent::kNone; });
      CHECK(deaths >= 2);
    }
  }
}

TEST_CASE("what a death leaves on the disk depends on the actions that it let out") {
  // The first action of a step with a vote writes it; nothing of it is synced then.
  std::vector<std::uint64_t> lost;
  for (const std::uint32_t actions : {0U, 1U}) {
    run::PlanFile plan = bare_plan(3, seconds(6));
    plan.faults.faults.push_back(
        fault("f1", "partition", "isolate-leader", milliseconds(500), seconds(3)));
    faults::FaultSpec loss =
        fault("f2", "power-loss", "nothing", milliseconds(501), milliseconds(300));
    loss.target = faults::Target::kTrigger;
    loss.trigger = {faults::TriggerEvent::kVoteGranted, kNobody, 2, actions};
    plan.faults.faults.push_back(loss);
    const run::FinishedRun done = finished(plan);
    INFO(actions << " actions: " << done.report.cause);
    CHECK(done.report.verdict == Verdict::kValid);
    const std::string& evidence = done.report.faults.at(1).evidence;
    INFO(evidence);
    REQUIRE(evidence.rfind("removed ", 0) == 0);
    lost.push_back(std::stoull(evidence.substr(8)));
  }
  CHECK(lost[1] > lost[0]);
}

TEST_CASE("a quorum recovers while the rest stays dead, cut off, deaf or mute") {
  std::set<std::string> left;
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    run::PlanFile plan = bare_plan(seed, seconds(3));
    plan.test.heal = "quorum";
    plan.test.nodes = plan.faults.nodes = seed % 2 == 0 ? 3 : 5;
    plan.faults.faults.push_back(
        fault("f1", "partition", "halves", milliseconds(500), milliseconds(2500)));
    faults::FaultSpec kill = fault("f2", "kill", "", milliseconds(600), milliseconds(2400));
    kill.target = faults::Target::kMinority;
    plan.faults.faults.push_back(kill);
    const run::FinishedRun done = finished(plan);
    INFO("seed " << seed << ": " << done.report.cause);
    CHECK(done.report.exit_code != 3);
    CHECK(done.report.verdict != Verdict::kInvalid);
    REQUIRE(done.report.phases.recovered);
    std::uint32_t voters = 0;
    for (const reports::Fact& fact : done.report.liveness) {
      voters += fact.value.find("applied to") != std::string::npos ? 1 : 0;
      if (fact.name != "left broken") continue;
      for (const char* fate : {"dead", "cut off", "deaf", "mute"}) {
        if (fact.value.find(fate) != std::string::npos) left.insert(fate);
      }
    }
    CHECK(voters < plan.test.nodes);
    CHECK(voters > plan.test.nodes / 2);
  }
  CHECK(left.size() == 4);
}

TEST_CASE("a quorum that does not recover in time is told") {
  run::PlanFile plan = bare_plan(5, seconds(4));
  plan.test.heal = "quorum";
  plan.test.recovery_limit = seconds(1);
  plan.test.election_timeout = seconds(2);
  faults::FaultSpec kill = fault("f1", "kill", "", milliseconds(3500), milliseconds(500));
  kill.target = faults::Target::kAll;
  plan.faults.faults.push_back(kill);
  const run::FinishedRun done = finished(plan);
  INFO(done.report.cause);
  CHECK(done.report.exit_code == 3);
}

TEST_CASE("seeds of the swarm mix break no rule, recover, and mean something") {
  run::TestSpec base;
  base.world = "simulated";
  int vacuous = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const run::FinishedRun done = finished(campaign::draw(seed, base).value());
    INFO("seed " << seed << ": " << done.report.cause);
    CHECK(done.report.verdict != Verdict::kInvalid);
    vacuous += done.report.verdict == Verdict::kUnknown ? 1 : 0;
  }
  CHECK(vacuous <= 3);
}

TEST_CASE(
    "the mix finds every bug of the zoo as what it breaks, and its clean twin is not invalid") {
  struct Row {
    std::string bug;
    std::vector<std::string> properties;
  };
  const std::vector<Row> rows = {
      {"local-read", {"LIN"}},
      {"ack-before-fsync", {"AckTruth", "CommitDurable", "Restart"}},
      {"vote-ram-only", {"ES", "Vote1", "Promise", "Win", "UpToDate", "Restart"}},
      {"no-dedupe", {"Session"}},
      {"commit-old-term", {"OwnTerm", "LC"}},
      {"stale-grant-counted", {"Win", "ES"}},
      {"trunc-on-stale-ae", {"AckTruth", "CommitDurable", "NoTrunc", "LC"}},
      {"one-by-one-no-barrier", {"CfgSerial", "CfgIntersect"}},
      {"joint-old-majority", {"CommitDurable", "Win", "CfgIntersect"}},
      {"config-rollback-lost", {"SnapPrefix", "CfgSerial"}},
      {"election-pending-conf", {"Win", "Live"}},
      {"joint-never-leaves", {"Live"}},
      {"watch-uncommitted", {"WATCH", "ReplyTruth"}},
      {"watch-resume-skips", {"WATCH"}},
      {"watch-resume-repeats", {"WATCH"}},
      {"watch-silent-compaction", {"WATCH"}},
      {"corrupt-as-torn-tail", {"Corrupt"}},
      {"amnesia-voter", {"Corrupt"}},
      {"commit-unmatched-tail", {"FollowerBound", "CommitAgree"}},
      {"ack-own-last", {"AckTruth", "CommitDurable", "LC", "NoTrunc"}},
      {"vote-log-check-wrong", {"UpToDate"}},
      {"readindex-early", {"LIN", "ReadIndex", "LeaseDisjoint"}},
      {"snap-stale-config", {"SnapPrefix"}},
      {"dedupe-not-in-snapshot", {"SnapPrefix", "Session"}},
      {"lease-vs-transfer", {"LIN", "LeaseDisjoint"}},
      {"lease-timer-late", {"LIN", "LeaseDisjoint"}},
      {"lease-promise-lost", {"LeasePromise"}}};
  CHECK(rows.size() == bugs::kBugCount);
  constexpr std::uint64_t kSeeds = 500;
  for (const Row& row : rows) {
    INFO(row.bug);
    run::TestSpec base;
    base.world = "simulated";
    base.bugs = {row.bug};
    std::uint64_t seed = 1;
    while (seed <= kSeeds && !finds(campaign::draw(seed, base).value(), row.properties)) ++seed;
    REQUIRE(seed <= kSeeds);
    base.bugs.clear();
    const run::FinishedRun clean = finished(campaign::draw(seed, base).value());
    INFO("seed " << seed << ": " << clean.report.cause);
    CHECK(clean.report.verdict != Verdict::kInvalid);
  }
}

TEST_CASE("a run without an end is one that makes no progress") {
  run::TestSpec spec;
  spec.world = "simulated";
  spec.seed = 5;
  spec.faults = {"none"};
  spec.time_limit = seconds(5);
  spec.max_events = 2'000;
  run::PlanFile plan;
  plan.test = spec;
  plan.faults = *run::plan_for(spec);
  const run::FinishedRun done = finished(plan);
  CHECK(done.report.exit_code == 3);
  CHECK(done.report.cause.find("livelock: 2000 events") != std::string::npos);
  plan.test.max_events = 2'000'000;
  CHECK(finished(plan).report.exit_code != 3);
}
