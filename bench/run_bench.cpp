// Whole runs of the deterministic worlds, in memory: how many replica steps a second, and how many
// times faster than real time. The seeds differ from iteration to iteration, so the plans do too.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <string>

#include "controller/run/plan_file.hpp"
#include "controller/worlds/registry.hpp"

namespace {

using namespace ww;

enum class Judged { kYes, kNo };

/// Ten seconds of the default mix and the recovery; the election timeout is the default one, 300
/// ms.
run::PlanFile plan_of(const worlds::WorldInfo& world, std::uint64_t seed, std::uint32_t rate) {
  run::PlanFile plan;
  plan.test.world = world.name;
  plan.test.seed = seed;
  plan.test.time_limit = seconds(10);
  plan.test.rate = rate;
  plan.faults = *run::plan_for(plan.test);
  return plan;
}

void run_plans(benchmark::State& state, const worlds::WorldInfo& world, std::uint32_t rate,
               Judged judged) {
  run::RunOptions options;
  options.unchecked = judged == Judged::kNo;
  options.node_executable =
      std::filesystem::read_symlink("/proc/self/exe").replace_filename("whitewater-node");
  std::uint64_t seed = 0;
  std::uint64_t steps = 0;
  double seconds_run = 0;
  for (auto _ : state) {
    const run::PlanFile plan = plan_of(world, ++seed, rate);
    const auto done = world.execute(plan, options);
    if (!done) return state.SkipWithError(done.error().message.c_str());
    steps += done->steps;
    seconds_run += static_cast<double>(done->length.count()) / 1e9;
  }
  using benchmark::Counter;
  state.counters["steps"] = Counter(static_cast<double>(steps), Counter::kIsRate);
  state.counters["x_real_time"] = Counter(seconds_run, Counter::kIsRate);
}

void add(const worlds::WorldInfo& world, std::uint32_t rate, Judged judged) {
  const std::string name = std::string(world.name) + "/" + std::to_string(rate) + "_ops/" +
                           (judged == Judged::kYes ? "judged" : "unchecked");
  benchmark::RegisterBenchmark(name.c_str(), [&world, rate, judged](benchmark::State& state) {
    run_plans(state, world, rate, judged);
  })->Unit(benchmark::kMillisecond);
}

}  // namespace

int main(int argc, char** argv) {
  for (const worlds::WorldInfo& world : worlds::all_worlds()) {
    if (!world.deterministic) continue;
    for (const std::uint32_t rate : {100U, 1000U}) {
      add(world, rate, Judged::kNo);
      add(world, rate, Judged::kYes);
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 64;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
