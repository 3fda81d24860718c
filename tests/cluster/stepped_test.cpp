// Whole runs with real processes in virtual time: the same bytes as in the simulated world, real
// deaths told as what they are, and nodes that are not deterministic caught.
#include <sys/stat.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include "controller/run/divergence.hpp"
#include "controller/run/plan_file.hpp"
#include "controller/worlds/registry.hpp"
#include "nodes/host/tripwire.hpp"
#include "tests/support/program.hpp"

namespace {

using namespace ww;

run::PlanFile plan_of(std::uint64_t seed, const std::string& bug = "") {
  run::PlanFile plan;
  plan.test.seed = seed;
  plan.test.nodes = seed % 3 == 0 ? 3 : 5;
  plan.test.time_limit = seconds(4);
  plan.test.interval_low = milliseconds(150);
  plan.test.interval_high = milliseconds(400);
  plan.test.rate = 400;
  plan.test.segment_bytes = 16U << 10;
  if (!bug.empty()) plan.test.bugs = {bug};
  plan.faults = *run::plan_for(plan.test);
  return plan;
}

run::FinishedRun run_in(const std::string& world, const run::PlanFile& plan,
                        run::RunOptions options = {}, const std::string& node = WW_NODE) {
  options.fingerprint = true;
  options.node_executable = node;
  auto done = worlds::find_world(world)->execute(plan, options);
  if (!done) FAIL(done.error().message);
  return std::move(*done);
}

/// Fails with the first event that differs.
void require_equal(const run::PlanFile& plan, const run::FinishedRun& simulated,
                   const run::FinishedRun& stepped) {
  if (simulated.fingerprint == stepped.fingerprint && simulated.history == stepped.history) return;
  const auto repeat = [&](const std::string& world) {
    return [&plan, world](const run::RunOptions& options) -> Result<run::FinishedRun> {
      return run_in(world, plan, options);
    };
  };
  const auto divergence = run::find_divergence(simulated.fingerprint, stepped.fingerprint,
                                               repeat("simulated"), repeat("stepped"));
  if (!divergence) FAIL(divergence.error().message);
  if (*divergence) FAIL(run::describe(**divergence));
  FAIL("the histories differ");
}

std::uint64_t count_of(const run::FinishedRun& done, const std::string& name) {
  std::uint64_t sum = 0;
  for (const reports::NodeCounters& node : done.report.counters) {
    const auto found = node.counts.find(name);
    if (found != node.counts.end()) sum += found->second;
  }
  return sum;
}

std::uint64_t marks_of(const run::FinishedRun& done, const std::string& name) {
  for (const reports::Count& mark : done.report.marks) {
    if (mark.name == name) return mark.count;
  }
  return 0;
}

/// What the run tells of nodes that ended by themselves.
std::string crashes_of(const run::FinishedRun& done) {
  std::string out;
  for (const CheckResult& check : done.report.checks) {
    if (check.checker != "crash") continue;
    for (const Violation& crash : check.violations) {
      for (const std::string& line : crash.evidence) out += line + "\n";
    }
  }
  return out;
}

std::size_t entries_of(const std::string& directory) {
  const std::filesystem::directory_iterator entries(directory);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

}  // namespace

TEST_CASE("a seed gives the same bytes in the simulated and in the stepped world") {
  constexpr std::uint64_t kSeeds = 12;
  std::uint64_t restarts = 0;
  std::uint64_t events = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const run::PlanFile plan = plan_of(seed);
    const run::FinishedRun simulated = run_in("simulated", plan);
    const run::FinishedRun stepped = run_in("stepped", plan);
    INFO("seed " << seed << ": " << stepped.report.cause);
    require_equal(plan, simulated, stepped);
    CHECK(stepped.steps == simulated.steps);
    CHECK(stepped.report.verdict != Verdict::kInvalid);
    restarts += count_of(stepped, "restarts");
    events += stepped.fingerprint.events;
  }
  // Else it would prove little.
  CHECK(restarts > 4 * kSeeds);
  CHECK(events > 10'000 * kSeeds);
}

TEST_CASE("with a snapshot every five entries a seed gives the same bytes in both worlds") {
  constexpr std::uint64_t kSeeds = 16;
  std::uint64_t restarts = 0;
  std::uint64_t taken = 0;
  std::uint64_t installed = 0;
  for (std::uint64_t seed = 101; seed <= 100 + kSeeds; ++seed) {
    run::PlanFile plan = plan_of(seed);
    plan.test.snapshot_entries = 5;
    plan.test.snapshot_trailing = seed % 3;
    plan.test.snapshot_piece = seed % 2 == 0 ? 100 : 65536;
    plan.test.segment_bytes = 4096;
    // Faults that leave time to write in between.
    plan.test.interval_low = milliseconds(300);
    plan.test.interval_high = milliseconds(900);
    plan.faults = *run::plan_for(plan.test);
    const run::FinishedRun simulated = run_in("simulated", plan);
    const run::FinishedRun stepped = run_in("stepped", plan);
    INFO("seed " << seed << ": " << stepped.report.cause);
    require_equal(plan, simulated, stepped);
    CHECK(stepped.report.verdict != Verdict::kInvalid);
    restarts += count_of(stepped, "restarts");
    taken += marks_of(stepped, "snapshot-taken");
    installed += marks_of(stepped, "snapshot-installed");
  }
  CHECK(restarts > 4 * kSeeds);
  CHECK(taken > 20 * kSeeds);
  CHECK(installed > kSeeds / 2);
}

TEST_CASE("watches are told of the same, in the same bytes, in both worlds") {
  std::uint64_t resumed = 0;
  for (std::uint64_t seed = 201; seed <= 204; ++seed) {
    run::PlanFile plan = plan_of(seed);
    plan.test.workload = "watch";
    plan.test.watch_entries = seed % 2 == 0 ? 20 : 4096;
    const run::FinishedRun simulated = run_in("simulated", plan);
    const run::FinishedRun stepped = run_in("stepped", plan);
    INFO("seed " << seed << ": " << stepped.report.cause);
    require_equal(plan, simulated, stepped);
    CHECK(stepped.report.verdict != Verdict::kInvalid);
    resumed += marks_of(stepped, "watch-resumed");
  }
  CHECK(resumed > 20);
}

TEST_CASE("a bug of the node shows in both worlds, in the same bytes") {
  const run::PlanFile plan = plan_of(7, "ack-before-fsync");
  require_equal(plan, run_in("simulated", plan), run_in("stepped", plan));
}

TEST_CASE("a kept run has its nodes' files, and one that is not kept leaves none") {
  const test::TemporaryFolder folder;
  ::setenv("TMPDIR", folder.path().c_str(), 1);
  run::PlanFile plan = plan_of(3);
  // A node whose disk fails, or is not what it was, has something to say.
  plan.test.faults = {"kill", "power-loss", "partition"};
  plan.faults = *run::plan_for(plan.test);
  static_cast<void>(run_in("stepped", plan));
  ::unsetenv("TMPDIR");
  CHECK(entries_of(folder.path()) == 0);

  run::RunOptions kept;
  kept.run_directory = folder.path();
  static_cast<void>(run_in("stepped", plan, kept));
  for (const char* node : {"n1", "n2", "n3"}) {
    CHECK(entries_of(folder.path() + "/nodes/" + node + "/data") > 0);
    // With a sanitizer the nodes say that there is no tripwire.
    const std::string said = test::slurp(folder.path() + "/nodes/" + node + "/stderr.log");
    CHECK(said.empty() == host::has_tripwire());
  }
}

TEST_CASE("without the node's executable a stepped run fails and says so") {
  run::RunOptions options;
  options.node_executable = "/nowhere/whitewater-node";
  const auto done = worlds::find_world("stepped")->execute(plan_of(1), options);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == ErrorCode::kEnvironment);
  CHECK(done.error().message ==
        "the node's executable /nowhere/whitewater-node: No such file or directory");
}

TEST_CASE("a program that is no node is told from one that crashed") {
  const run::FinishedRun done = run_in("stepped", plan_of(1), {}, "/bin/false");
  CHECK(done.report.exit_code == 4);
  CHECK_THAT(crashes_of(done), Catch::Contains("exited with status 1"));
}

TEST_CASE("a node that says by its status that something is missing is no crash") {
  const test::TemporaryFolder folder;
  const std::string script = folder.path() + "/node";
  std::ofstream(script) << "#!/bin/sh\necho 'made up: no room' >&2\nexit 69\n";
  REQUIRE(::chmod(script.c_str(), 0755) == 0);
  const run::FinishedRun done = run_in("stepped", plan_of(1), {}, script);
  INFO(done.report.cause);
  CHECK(done.report.exit_code == 69);
  CHECK_THAT(done.report.cause, Catch::Contains("made up: no room"));
}

TEST_CASE("what a sanitizer said of a node fails the run") {
  const test::TemporaryFolder folder;
  const std::string script = folder.path() + "/node";
  std::ofstream(script) << "#!/bin/sh\necho '==1==ERROR: AddressSanitizer: made up' >&2\n"
                        << "exec " << std::filesystem::absolute(WW_NODE).string() << " \"$@\"\n";
  REQUIRE(::chmod(script.c_str(), 0755) == 0);
  const run::FinishedRun done = run_in("stepped", plan_of(3), {}, script);
  INFO(done.report.cause);
  CHECK(done.report.exit_code == 4);
  CHECK_THAT(done.report.cause + crashes_of(done), Catch::Contains("AddressSanitizer: made up"));
}

TEST_CASE("a node whose actions follow from an address is caught by comparing two runs") {
  const run::PlanFile plan = plan_of(4);
  const run::FinishedRun honest = run_in("stepped", plan);
  const run::FinishedRun first = run_in("stepped", plan, {}, WW_POINTER_ORDER_NODE);
  const run::FinishedRun second = run_in("stepped", plan, {}, WW_POINTER_ORDER_NODE);
  CHECK(crashes_of(first).empty());
  CHECK(honest.fingerprint == run_in("stepped", plan).fingerprint);
  // A sanitizer's allocator gives the same addresses every time.
  if (host::has_tripwire()) CHECK_FALSE(first.fingerprint == second.fingerprint);
}

TEST_CASE("a node that reads a clock is killed by the tripwire") {
  if (!host::has_tripwire()) {
    WARN("no tripwire in this build");
    return;
  }
  const run::FinishedRun done = run_in("stepped", plan_of(1), {}, WW_CLOCK_NODE);
  CHECK(done.report.exit_code == 4);
  CHECK_THAT(crashes_of(done), Catch::Contains("SIGSEGV") && Catch::Contains("tripwire"));
}

TEST_CASE("a node in another language that keeps to the contract is valid under faults") {
  if (test::run_program({"/usr/bin/env", "python3", "--version"}).status != 0) {
    WARN("no python3 on this machine");
    return;
  }
  const std::string python = "examples/python/raft_node.py";
  run::PlanFile plan;
  plan.test.world = "stepped";
  plan.test.nodes = 3;
  plan.test.time_limit = seconds(5);
  plan.test.interval_low = milliseconds(500);
  plan.test.interval_high = milliseconds(1200);
  plan.test.rate = 400;
  plan.test.ignore_traces = true;
  SECTION("killed, cut off, on disks that are slow and fail") {
    plan.test.faults = {"kill", "partition", "disk"};
    Verdict best = Verdict::kUnknown;
    // A seed whose faults all had their effect; the others prove less, and must not fail.
    for (plan.test.seed = 1; best != Verdict::kValid && plan.test.seed <= 4; ++plan.test.seed) {
      plan.faults = *run::plan_for(plan.test);
      const run::FinishedRun done = run_in("stepped", plan, {}, python);
      INFO("seed " << plan.test.seed << ": " << done.report.cause << crashes_of(done));
      best = done.report.verdict;
      REQUIRE(best != Verdict::kInvalid);
      CHECK(done.report.exit_code != 3);
      CHECK(count_of(done, "restarts") > 0);
    }
    CHECK(best == Verdict::kValid);
  }
  SECTION("without power, twice the same") {
    plan.test.faults = {"power-loss"};
    plan.faults = *run::plan_for(plan.test);
    const run::FinishedRun done = run_in("stepped", plan, {}, python);
    INFO(done.report.cause << crashes_of(done));
    CHECK(done.report.verdict != Verdict::kInvalid);
    CHECK(done.report.exit_code != 3);
    CHECK(count_of(done, "restarts") > 0);
    CHECK(run_in("stepped", plan, {}, python).fingerprint == done.fingerprint);
  }
}
