// A benchmark: variants of one cluster, measured one after the other and again in reverse.
//
// Every round is a fresh cluster. A block has one round of each variant, all with the block's seed,
// and one more of the first variant: the A/A run, whose ratio to the first shows what this machine
// makes of two things that are the same. Blocks run forward and backward in turn (A B A' | A' B A),
// so that a drift of the machine weighs on all alike.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "controller/bench/condition.hpp"
#include "controller/bench/fault.hpp"
#include "controller/bench/settings.hpp"
#include "reports/bench_report.hpp"

namespace ww::bench {

struct BenchPlan {
  std::vector<Variant> variants;
  std::uint32_t blocks = 5;
  Duration duration = seconds(3);  // of the measured phase of a round; of the healthy one
  Duration warm_up = seconds(1);
  std::uint64_t seed = 1;
  std::string data;  // the nodes' files are made below it, and removed
  std::string node_executable;
  std::optional<FaultPlan> fault;  // in each round, after the measured phase
};

/// One round to come.
struct Slot {
  std::size_t variant = 0;  // index in BenchPlan::variants
  bool again = false;
  std::uint32_t block = 0;
  std::uint64_t seed = 0;
};
/// All rounds, in order.
std::vector<Slot> schedule_of(const BenchPlan& plan);

/// Called before each round, with the last one's throughput (0 before the first).
using OnRound = std::function<void(std::size_t done, std::size_t of, const std::string& label,
                                   double throughput)>;

/// Runs everything and fills in what was measured: variants, rounds, ratios, noise, syncs, targets,
/// warnings. The rest of the report (command, conditions, baseline, exit code) is the caller's.
/// Errors: those of Cluster and Load, naming the variant; kStopped after SIGINT or SIGTERM. A fault
///         that could not be injected, or not be seen, is one: there are no silently healthy
///         rounds.
/// REQUIRES: the main thread.
Result<reports::BenchReport> run_bench(const BenchPlan& plan, const OnRound& on_round);

/// The parts that need no cluster: what `rounds` and their latencies say.
/// REQUIRES: a round of every variant, and of the A/A run, in every block.
void summarize(const BenchPlan& plan, reports::BenchReport& report);

/// By label, `now` to `before`; a label that is missing on one side becomes a warning, and so do
/// settings that differ. Phases with a fault are compared where both had the same ones.
std::vector<reports::BenchRatio> changes(const std::vector<reports::BenchSamples>& now,
                                         const std::vector<reports::BenchSamples>& before,
                                         std::uint64_t seed, std::vector<std::string>& warnings);

/// What became slower, in words: where the interval of a change, or of a phase of it, lies below 1.
std::vector<std::string> regressions(const reports::BenchRatio& change);

/// What `report` would be read back as.
std::vector<reports::BenchSamples> samples_of(const reports::BenchReport& report);

}  // namespace ww::bench
