// Whole runs of the simulated world, in memory: how many replica steps a second, and how many times
// faster than real time.
#include <benchmark/benchmark.h>

#include "controller/run/plan_file.hpp"
#include "controller/worlds/registry.hpp"

namespace {

using namespace ww;

run::PlanFile plan_of(std::uint64_t seed, std::uint32_t rate) {
  run::PlanFile plan;
  plan.test.world = "simulated";
  plan.test.seed = seed;
  plan.test.time_limit = seconds(10);
  plan.test.rate = rate;
  plan.faults = *run::plan_for(plan.test);
  return plan;
}

void ten_seconds(benchmark::State& state, std::uint32_t rate, bool unchecked) {
  std::uint64_t seed = 0;
  std::uint64_t steps = 0;
  double virtual_seconds = 0;
  run::RunOptions options;
  options.unchecked = unchecked;
  for (auto _ : state) {
    state.PauseTiming();
    const run::PlanFile plan = plan_of(++seed, rate);
    state.ResumeTiming();
    const auto done = worlds::execute(plan, options);
    if (!done) return state.SkipWithError(done.error().message.c_str());
    steps += done->steps;
    virtual_seconds += static_cast<double>(done->report.duration) / 1e9;
  }
  state.counters["steps"] =
      benchmark::Counter(static_cast<double>(steps), benchmark::Counter::kIsRate);
  state.counters["virtual_s"] = benchmark::Counter(virtual_seconds, benchmark::Counter::kIsRate);
}

BENCHMARK_CAPTURE(ten_seconds, judged_100_ops, 100, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(ten_seconds, judged_1000_ops, 1000, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(ten_seconds, unchecked_1000_ops, 1000, true)->Unit(benchmark::kMillisecond);

}  // namespace
