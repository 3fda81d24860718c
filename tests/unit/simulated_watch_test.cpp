// Watches in whole runs: told right under every fault, and each planted mistake seen by the clients
// alone.
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

run::PlanFile watch_plan(std::uint64_t seed, const std::vector<std::string>& bugs = {}) {
  run::TestSpec spec;
  spec.world = "simulated";
  spec.workload = "watch";
  spec.bugs = bugs;
  auto plan = campaign::draw(seed, spec, {"workload"});
  REQUIRE(plan.ok());
  return std::move(plan).value();
}

}  // namespace

TEST_CASE("under every fault those who watch are told of every change in order") {
  constexpr std::uint64_t kSeeds = 80;
  const char* only = std::getenv("WW_SEED");
  std::uint64_t vacuous = 0;
  std::uint64_t resumed = 0;
  std::uint64_t compacted = 0;
  std::uint64_t cut = 0;
  std::uint64_t uncovered = 0;
  double told = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    if (only != nullptr && std::stoull(only) != seed) continue;
    const run::FinishedRun done = finished(watch_plan(seed));
    INFO("WW_SEED=" << seed << " simulated_watch_test: " << done.report.cause);
    CHECK(done.report.verdict != Verdict::kInvalid);
    vacuous += done.report.verdict == Verdict::kUnknown ? 1 : 0;
    resumed += marks(done, "watch-resumed");
    compacted += marks(done, "watch-compacted");
    cut += marks(done, "watch-cut");
    const CheckResult* watch = row(done, "watch");
    REQUIRE(watch != nullptr);
    told += watch->numbers.at("revisions");
    uncovered += watch->numbers.at("acknowledged-uncovered") > 0 ? 1 : 0;
  }
  if (only != nullptr) return;
  CHECK(vacuous <= kSeeds / 20);
  CHECK(resumed > 10 * kSeeds);
  CHECK(told > 100.0 * static_cast<double>(kSeeds));
  // The rare ends of a stream are reached.
  CHECK(compacted > 0);
  CHECK(cut > 0);
  // With a long history nobody misses anything for good.
  CHECK(uncovered < kSeeds / 2);
}

TEST_CASE("in a run without faults every acknowledged write is told of to everybody") {
  run::TestSpec spec;
  spec.world = "simulated";
  spec.workload = "watch";
  spec.faults = {"none"};
  spec.seed = 3;
  spec.time_limit = seconds(5);
  run::PlanFile plan;
  plan.test = spec;
  plan.faults = *run::plan_for(spec);
  const run::FinishedRun done = finished(plan);
  const CheckResult* watch = row(done, "watch");
  REQUIRE(watch != nullptr);
  CHECK(watch->verdict == Verdict::kValid);
  CHECK(watch->numbers.at("acknowledged-uncovered") == 0);
  CHECK(watch->numbers.at("compacted") == 0);
  // Two of five workers watch, and all of them come to the last write.
  CHECK(watch->numbers.at("watchers") == 6);
  std::map<std::int64_t, std::int64_t> last;
  Index last_write = 0;
  for (const Op& op : done.history) {
    if (op.type != OpType::kOk) continue;
    if (op.f == Func::kWatch) last[op.process] = std::get<std::int64_t>(op.to);
    if (op.f == Func::kWrite) last_write = std::max(last_write, op.at.index);
  }
  CHECK(last.size() == 6);
  for (const auto& [process, upto] : last) CHECK(static_cast<Index>(upto) >= last_write);
}

TEST_CASE("a run with watches repeats itself, also from the calls that it made") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    INFO("seed " << seed);
    run::RunOptions options;
    options.fingerprint = true;
    options.executed = true;
    const run::FinishedRun first = finished(watch_plan(seed), options);
    const run::FinishedRun again = finished(watch_plan(seed), options);
    CHECK(first.fingerprint.hash == again.fingerprint.hash);
    REQUIRE(first.executed.ops);
    CHECK(std::any_of(first.executed.ops->begin(), first.executed.ops->end(),
                      [](const auto& call) { return call.call.f == Func::kWatch; }));
    const auto read = run::parse_plan_file(run::to_json(first.executed), "plan.json");
    INFO((read.ok() ? "" : read.error().message));
    REQUIRE(read.ok());
    CHECK(*read == first.executed);
    run::PlanFile scripted = watch_plan(seed);
    scripted.ops = read->ops;
    CHECK(finished(scripted, options).fingerprint.hash == first.fingerprint.hash);
  }
}

TEST_CASE("the history alone shows each mistake of a watch, and its clean twin is not invalid") {
  for (const char* bug : {"watch-uncommitted", "watch-resume-skips", "watch-resume-repeats",
                          "watch-silent-compaction"}) {
    INFO(bug);
    constexpr std::uint64_t kSeeds = 60;
    std::uint64_t seed = 1;
    const auto finds = [&] {
      run::PlanFile plan = watch_plan(seed, {bug});
      plan.test.ignore_traces = true;
      const run::FinishedRun done = finished(plan);
      const CheckResult* watch = row(done, "watch");
      return done.report.exit_code == 1 && watch != nullptr &&
             watch->verdict == Verdict::kInvalid && !watch->violations.front().witness.empty();
    };
    while (seed <= kSeeds && !finds()) ++seed;
    CHECK(seed <= kSeeds);
    const run::FinishedRun clean = finished(watch_plan(seed));
    INFO("seed " << seed << ": " << clean.report.cause);
    CHECK(clean.report.verdict != Verdict::kInvalid);
  }
}
