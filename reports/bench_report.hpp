// Everything that is told about a benchmark, as plain data, and how it is told: bench.json,
// bench.csv, bench.html and the text on stdout. The controller fills it in; nothing here learns
// anything from elsewhere.
//
// Units: times in nanoseconds, throughputs in operations per second, processor time in cores.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/histogram.hpp"
#include "base/result.hpp"
#include "reports/run_report.hpp"

namespace ww::reports {

/// With its 95 % interval.
struct BenchEstimate {
  double value = 0;
  double low = 0;
  double high = 0;
};

struct BenchLatency {
  std::int64_t p50 = 0;
  std::int64_t p90 = 0;
  std::int64_t p99 = 0;
  std::int64_t p999 = 0;
  std::int64_t max = 0;
};
BenchLatency latency_of(const Histogram& histogram);

/// What is told of a latency, in order; every table and file has these columns.
struct BenchLatencyColumn {
  const char* name;
  std::int64_t BenchLatency::*ns;
};
inline constexpr std::array<BenchLatencyColumn, 5> kLatencyColumns = {{
    {"p50", &BenchLatency::p50},
    {"p90", &BenchLatency::p90},
    {"p99", &BenchLatency::p99},
    {"p99.9", &BenchLatency::p999},
    {"max", &BenchLatency::max},
}};

/// The phases of a round with a fault, in order.
inline constexpr std::array<std::string_view, 3> kBenchPhases = {"healthy", "faulty", "recovery"};

struct BenchPhase {
  double seconds = 0;
  std::uint64_t operations = 0;  // acknowledged in it
  std::uint64_t unanswered = 0;  // arrived in it, or under way at the injection: never acknowledged
  std::uint64_t refused = 0;     // attempts, retried elsewhere or later
  std::uint64_t lost = 0;        // attempts whose outcome nobody told, retried in their session
  double throughput = 0;
  BenchLatency latency;
};

/// What was done to one cluster, and what came of it.
struct BenchFault {
  std::string node;         // that was hit
  std::string leader;       // before; "" where it is not known
  std::string leader_then;  // at the end; "" when nobody led
  std::uint64_t term = 0;
  std::uint64_t term_then = 0;
  double injected_at = 0;          // seconds since the warm-up began
  double healed_at = 0;            // the same
  std::int64_t seen_after = 0;     // from the signal until the node was seen dead or stopped
  std::int64_t serving_after = 0;  // from the heal until the node served again
  std::array<BenchPhase, kBenchPhases.size()> phases;
  /// From the injection to the first acknowledgement of an operation that had begun after it.
  std::optional<std::int64_t> unavailable;
  /// Until throughput was back; absent when it did not come back.
  std::optional<std::int64_t> from_injection;
  std::optional<std::int64_t> from_heal;
  double healthy_median = 0;  // ops/s of the healthy slices
  double steady = 0;          // the share of them that would count as back
};

/// One cluster, from its start to its end.
struct BenchRound {
  std::string label;        // of its variant
  bool again = false;       // of the A/A run
  std::uint32_t block = 0;  // rounds of one block ran one after the other with one seed
  std::uint32_t place = 0;  // in the order of the whole benchmark
  std::uint64_t seed = 0;
  double seconds = 0;  // measured
  double warm_up = 0;  // seconds before
  std::uint64_t operations = 0;
  std::uint64_t reads = 0;       // of them
  std::uint64_t retries = 0;     // refused or lost attempts
  std::uint64_t unfinished = 0;  // open loop: never answered
  double throughput = 0;
  BenchLatency latency;
  std::uint64_t syncs = 0;       // of all nodes
  std::int64_t sync_median = 0;  // of the nodes' medians
  std::int64_t sync_mean = 0;    // of all syncs
  std::int64_t sync_p99 = 0;     // of the worst node
  double nodes_cores = 0;
  double clients_cores = 0;
  double harness_cores = 0;           // the rest of this process: traces, checks
  std::vector<std::uint64_t> slices;  // operations, by 100 ms since the warm-up began
  std::optional<BenchFault> fault;    // the figures above are then those of its healthy phase
};

/// A time that some rounds may never have reached: the mean of those that did.
struct BenchOutage {
  BenchEstimate mean;         // ns; meaningless where `reached` is 0
  std::uint32_t reached = 0;  // rounds
  std::int64_t worst = 0;     // of these
};

/// A variant's rounds with a fault, together.
struct BenchFaultSummary {
  std::uint32_t rounds = 0;
  std::array<BenchEstimate, kBenchPhases.size()> throughput;
  std::array<Histogram, kBenchPhases.size()> latency;
  std::array<BenchPhase, kBenchPhases.size()> sums;  // of the counts; the rest is empty
  BenchOutage unavailable;
  BenchOutage from_injection;
  BenchOutage from_heal;
  double steady = 0;  // mean
};

/// What the issue of this project asks of a throughput or a ratio.
struct BenchTarget {
  double least = 0;
  std::string formula;  // in words: "0.75 x 64 / (2t + 0.2 ms), t = 700 us, 3 at once"
  /// By the t of one writer alone; absent where it makes no difference.
  struct Alone {
    double least = 0;
    std::string given;  // "t = 330 us"
  };
  std::optional<Alone> alone{};
};

/// How long syncs took.
struct BenchSync {
  std::int64_t median = 0;
  std::int64_t mean = 0;
};

/// Of so many bare loops at once, each with a file of its own.
struct BenchSyncLoops {
  std::uint32_t writers = 1;
  BenchSync before;  // everything
  BenchSync after;
};

struct BenchVariant {
  std::string label;
  bool again = false;  // the A/A run of the first variant
  std::vector<Fact> settings;
  BenchEstimate throughput;
  Histogram latency;  // of all rounds
  std::optional<BenchTarget> target;
  std::optional<BenchFaultSummary> faults;
};

struct BenchRatio {
  std::string above;
  std::string below;
  BenchEstimate ratio;
  std::optional<BenchTarget> target;
  /// Of the faulty and the recovery phase's throughput; absent where a round below had none.
  std::optional<BenchEstimate> faulty{};
  std::optional<BenchEstimate> recovery{};
  /// Of the times to availability and recovery; absent where a round of either never got there, or
  /// one below took no time at all.
  std::optional<BenchEstimate> unavailable{};
  std::optional<BenchEstimate> from_injection{};
  std::optional<BenchEstimate> from_heal{};
};

/// What was done to every cluster.
struct BenchFaultPlan {
  std::string kind;
  std::int64_t length = 0;
  std::int64_t recovery = 0;
  std::int64_t attempt_timeout = 0;
  friend bool operator==(const BenchFaultPlan&, const BenchFaultPlan&) = default;
};

/// A condition under which the command fails, and what came of it.
struct BenchCondition {
  std::string text;
  bool holds = false;  // true: the command fails
  std::string where;   // what made it hold, or came nearest
};

struct BenchReport {
  std::string started;  // UTC
  std::string command;  // runs the benchmark again
  std::uint64_t seed = 0;
  bool open_loop = false;
  std::optional<BenchFaultPlan> faults;  // --during-faults
  std::string unit = "ops/s";            // "writes/s" where there are no reads, and so on
  std::vector<BenchVariant> variants;    // in the order of --vary, the A/A run last
  std::vector<BenchRound> rounds;        // in the order in which they ran
  std::vector<BenchRatio> ratios;        // of each variant but the last to the last
  BenchRatio noise;                      // of the A/A run to the first variant
  bool in_memory = false;                // the files were on tmpfs
  /// By the number of writers, which are 1 and each number of nodes that a variant has.
  std::vector<BenchSyncLoops> sync_loops;
  BenchSync sync_nodes;  // median of the rounds' medians, mean of all; only where there is no floor
  std::vector<BenchCondition> conditions;
  std::string baseline;             // what it was compared with; empty: nothing
  std::vector<BenchRatio> changes;  // this one to the baseline, by variant
  std::vector<Fact> setup;          // machine, commit, compiler, options
  std::vector<std::string> warnings;
  int exit_code = 0;
  std::string cause;  // one sentence
};

std::string bench_json(const BenchReport& report);
std::string bench_csv(const BenchReport& report);
/// bench.html: one file that needs nothing beside itself.
std::string bench_html(const BenchReport& report);
std::string bench_text(const BenchReport& report, const std::string& page_path);
/// What `compare` says: only the changes.
std::string changes_text(const BenchReport& report);

/// What a comparison needs of a bench.json.
struct BenchSamples {
  std::string label;
  std::vector<Fact> settings;
  std::vector<double> throughputs;  // of its rounds; of their healthy phases
  std::optional<BenchFaultPlan> faults{};
  std::vector<double> faulty{};  // throughputs of the other phases
  std::vector<double> recovery{};
};
/// Errors: kCorrupt naming `path` and what is wrong.
Result<std::vector<BenchSamples>> parse_bench(std::string_view json, const std::string& path);

}  // namespace ww::reports
