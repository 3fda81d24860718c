// Whole runs of the deterministic worlds, in memory: how many replica steps a second, and how many
// times faster than real time: on one core, so by processor time where all is in this process. The
// seeds differ from iteration to iteration, so the plans do too.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <string>

#include "base/memory.hpp"
#include "controller/campaign/mix.hpp"
#include "controller/run/plan_file.hpp"
#include "controller/worlds/registry.hpp"

namespace {

using namespace ww;

enum class Judged { kYes, kNo };

/// What is run: seeds of the default mix on five nodes, each ten seconds and a recovery; or as long
/// a stretch of 1000 ops/s without a fault, so that no restart is in it.
enum class Load { kMix, kSteady };

run::PlanFile plan_of(const worlds::WorldInfo& world, std::uint64_t seed, Load load) {
  run::TestSpec spec;
  spec.world = world.name;
  spec.nodes = 5;
  spec.time_limit = seconds(10);
  if (load == Load::kMix) return *campaign::draw(seed, spec, {"nodes", "time-limit"});
  run::PlanFile plan;
  plan.test = spec;
  plan.test.seed = seed;
  plan.test.rate = 1000;
  plan.test.faults = {"none"};
  plan.faults = *run::plan_for(plan.test);
  return plan;
}

void run_plans(benchmark::State& state, const worlds::WorldInfo& world, Load load, Judged judged) {
  run::RunOptions options;
  options.unchecked = judged == Judged::kNo;
  options.executed = false;
  options.node_executable =
      std::filesystem::read_symlink("/proc/self/exe").replace_filename("whitewater-node");
  std::uint64_t seed = 0;
  std::uint64_t steps = 0;
  double seconds_run = 0;
  for (auto _ : state) {
    const run::PlanFile plan = plan_of(world, ++seed, load);
    const auto done = world.execute(plan, options);
    if (!done) return state.SkipWithError(done.error().message.c_str());
    steps += done->steps;
    seconds_run += static_cast<double>(done->length.count()) / 1e9;
  }
  using benchmark::Counter;
  state.counters["steps"] = Counter(static_cast<double>(steps), Counter::kIsRate);
  state.counters["x_real_time"] = Counter(seconds_run, Counter::kIsRate);
}

void add(const worlds::WorldInfo& world, Load load, Judged judged) {
  const std::string name = std::string(world.name) + (load == Load::kMix ? "/mix" : "/steady") +
                           (judged == Judged::kYes ? "/judged" : "/unchecked");
  auto* bench = benchmark::RegisterBenchmark(
      name.c_str(),
      [&world, load, judged](benchmark::State& state) { run_plans(state, world, load, judged); });
  bench->Unit(benchmark::kMillisecond);
  // What the nodes of the stepped world do counts too, and is not this process's time.
  if (world.name == "stepped") bench->UseRealTime();
}

}  // namespace

int main(int argc, char** argv) {
  keep_freed_memory();
  for (const worlds::WorldInfo& world : worlds::all_worlds()) {
    if (!world.deterministic) continue;
    for (const Load load : {Load::kMix, Load::kSteady}) {
      add(world, load, Judged::kNo);
      add(world, load, Judged::kYes);
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 64;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
