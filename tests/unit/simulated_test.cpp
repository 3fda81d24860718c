// Whole runs in the simulated world: exact, valid without a bug, and each bug of the zoo found.
#include <algorithm>
#include <catch2/catch.hpp>

#include "controller/run/plan_file.hpp"
#include "controller/worlds/registry.hpp"
#include "tests/support/program.hpp"

namespace {

using namespace ww;

run::PlanFile plan_of(std::uint64_t seed, const std::string& bug = "") {
  run::PlanFile plan;
  plan.test.world = "simulated";
  plan.test.seed = seed;
  plan.test.time_limit = seconds(12);
  plan.test.interval_low = milliseconds(500);
  plan.test.interval_high = milliseconds(1200);
  plan.test.rate = 400;
  if (!bug.empty()) plan.test.bugs = {bug};
  plan.faults = *run::plan_for(plan.test);
  return plan;
}

run::FinishedRun run_plan(const run::PlanFile& plan, const std::string& directory = "") {
  run::RunOptions options;
  options.run_directory = directory;
  auto done = worlds::find_world("simulated")->execute(plan, options);
  REQUIRE(done);
  return std::move(*done);
}

bool violates(const reports::RunReport& report, const std::vector<std::string>& properties) {
  for (const CheckResult& check : report.checks) {
    for (const Violation& v : check.violations) {
      if (std::find(properties.begin(), properties.end(), v.property) != properties.end()) {
        return true;
      }
    }
  }
  return false;
}

std::uint64_t reached(const reports::RunReport& report, const std::string& bug) {
  for (const reports::Count& count : report.bugs) {
    if (count.name == bug) return count.count;
  }
  return 0;
}

/// Seeds are tried in order; the first that shows the violation also runs without the switch.
void find_bug(const std::string& bug, const std::vector<std::string>& properties) {
  constexpr std::uint64_t kSeeds = 12;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const run::FinishedRun buggy = run_plan(plan_of(seed, bug));
    if (!violates(buggy.report, properties)) continue;
    INFO("./whitewater run --world simulated --bug " << bug << ", seed " << seed << " of the test");
    CHECK(buggy.report.verdict == Verdict::kInvalid);
    CHECK(buggy.report.exit_code == 1);
    CHECK(reached(buggy.report, bug) > 0);
    const run::FinishedRun clean = run_plan(plan_of(seed));
    INFO(clean.report.cause);
    CHECK(clean.report.verdict == Verdict::kValid);
    return;
  }
  FAIL("no seed up to " << kSeeds << " shows " << bug);
}

}  // namespace

TEST_CASE("the same plan gives the same history and the same trace, byte for byte") {
  const test::TemporaryFolder first;
  const test::TemporaryFolder second;
  const run::PlanFile plan = plan_of(77);
  const run::FinishedRun a = run_plan(plan, first.path());
  const run::FinishedRun b = run_plan(plan, second.path());
  CHECK(a.history == b.history);
  for (const char* file : {"/history.jsonl", "/trace.jsonl"}) {
    const std::string bytes = test::slurp(first.path() + file);
    CHECK(bytes.size() > 100'000);
    CHECK(bytes == test::slurp(second.path() + file));
  }
}

TEST_CASE("the executed plan is runnable and yields the same run again") {
  const run::PlanFile plan = plan_of(78);
  const run::FinishedRun first = run_plan(plan);
  const auto again = run::parse_plan_file(run::to_json(first.executed), "plan.json");
  REQUIRE(again);
  const run::FinishedRun second = run_plan(*again);
  // A fault that found nobody is not in what was executed.
  const auto injected = [](const reports::RunReport& report) {
    return std::count_if(report.faults.begin(), report.faults.end(),
                         [](const auto& fault) { return fault.injected_at.has_value(); });
  };
  CHECK(injected(second.report) == injected(first.report));
  CHECK(second.report.verdict == first.report.verdict);
}

TEST_CASE("what ran, with every call written down, runs again to the byte") {
  const run::FinishedRun seeded = run_plan(plan_of(79));
  REQUIRE(seeded.executed.ops);
  CHECK(seeded.executed.ops->size() > 3000);
  const auto plan = run::parse_plan_file(run::to_json(seeded.executed), "plan.json");
  REQUIRE(plan);
  CHECK(*plan == seeded.executed);
  const test::TemporaryFolder first;
  const test::TemporaryFolder second;
  const run::FinishedRun a = run_plan(*plan, first.path());
  const run::FinishedRun b = run_plan(a.executed, second.path());
  CHECK(a.executed == *plan);
  CHECK(b.executed == *plan);
  CHECK(test::slurp(first.path() + "/history.jsonl") ==
        test::slurp(second.path() + "/history.jsonl"));
  // The marks of the seed's plan say "one" where those of the executed plan name the node.
  const auto of_clients = [](const History& history) {
    History out;
    for (const Op& op : history) {
      if (op.f == Func::kNemesis) continue;
      out.push_back(op);
      out.back().index = 0;
    }
    return out;
  };
  CHECK(of_clients(a.history) == of_clients(seeded.history));
}

TEST_CASE("a run that is cut ends there, and is judged by its safety alone") {
  run::PlanFile plan = plan_of(80);
  plan.test.cut = milliseconds(3500);
  const run::FinishedRun cut = run_plan(plan);
  CHECK(cut.report.verdict == Verdict::kValid);
  CHECK(cut.report.exit_code == 0);
  CHECK(cut.report.cause.find("cut 3.500 s into the torture") != std::string::npos);
  for (const CheckResult& check : cut.report.checks) {
    CHECK(check.checker != "liveness");
    CHECK(check.checker != "vacuity");
  }
  CHECK_FALSE(cut.report.phases.healed);
  const run::FinishedRun whole = run_plan(plan_of(80));
  // The same until then: the cut run's history is the beginning of the whole one's.
  std::size_t same = 0;
  while (same < cut.history.size() && cut.history[same] == whole.history[same]) ++same;
  CHECK(same + plan.test.workers() + 1 >= cut.history.size());
  for (std::size_t i = same; i < cut.history.size(); ++i) {
    CHECK(cut.history[i].error == "the run ended");
  }
}

TEST_CASE("runs of the node without a bug are valid, every fault kind effective") {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const run::FinishedRun done = run_plan(plan_of(seed));
    INFO("seed " << seed << ": " << done.report.cause);
    CHECK(done.report.verdict == Verdict::kValid);
    CHECK(done.report.leader_changes.size() >= 3);
    for (const reports::FaultKindSummary& kind : reports::summarise_faults(done.report)) {
      INFO(kind.kind);
      CHECK(kind.effective > 0);
    }
  }
}

TEST_CASE("local-read is found as a violation of linearizability") {
  find_bug("local-read", {"LIN"});
}

TEST_CASE("ack-before-fsync is found as a violation of durability") {
  find_bug("ack-before-fsync", {"CommitDurable", "AckTruth", "Restart"});
}

TEST_CASE("vote-ram-only is found as a violation of election safety") {
  find_bug("vote-ram-only", {"ES", "Vote1", "Promise", "Win", "UpToDate", "Restart"});
}

TEST_CASE("no-dedupe is found as a violation of exactly-once") {
  find_bug("no-dedupe", {"Session"});
}

TEST_CASE("ack-before-fsync is found by the clients' history alone") {
  bool found = false;
  for (std::uint64_t seed = 1; seed <= 12 && !found; ++seed) {
    run::PlanFile plan = plan_of(seed, "ack-before-fsync");
    plan.test.ignore_traces = true;
    found = violates(run_plan(plan).report, {"LIN"});
  }
  CHECK(found);
}
