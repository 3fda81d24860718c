#include <CLI/CLI.hpp>

#include "controller/bench/settings.hpp"
#include "controller/cli/flags.hpp"
#include "controller/run/test_spec.hpp"

namespace ww::cli {

namespace {

// Every operation of a round is logged then, 16 bytes each.
constexpr Duration kLongestPhase = std::chrono::minutes(1);

constexpr const char* kBenchFooter = R"(Examples:
  ./whitewater bench --vary batching=on,off             the ratio, with its interval
  ./whitewater bench --vary batching=on,off --fsync-floor 1ms --fail-if 'ratio<20'
  ./whitewater bench --clients 1                        what one client waits for
  ./whitewater bench --read-share 100 --vary reads=log,index,lease
  ./whitewater bench --rate 5000 --vary tracing=off,on  an open loop
  ./whitewater bench --data /dev/shm                    files in memory
  ./whitewater bench --during-faults kill --fail-if 'recovery>2s' --fail-if 'unavailable>3s'
  ./whitewater bench --during-faults pause --read-share 50 --vary reads=index,lease
  ./whitewater bench --baseline before/bench.json       exit 5 when it became slower

--vary may be repeated: every combination is a variant. Ratios are to the last one listed.
--fail-if target<1 judges by the fdatasync of as many writers at once as there are nodes.
Exit status: 0, or 5 when a --fail-if holds or the baseline's interval excludes 1.)";

constexpr const char* kCompareFooter = R"(Examples:
  ./whitewater compare before/bench.json after/bench.json

Exit status: 0, or 5 when a variant of AFTER is slower and its interval excludes 1.)";

}  // namespace

CLI::App& add_bench(CLI::App& top, BenchFlags& flags) {
  CLI::App& app = *top.add_subcommand("bench", "throughput and latency of variants, interleaved");
  app.footer(kBenchFooter);
  BenchCommand& command = flags.command;
  app.add_option("--vary", flags.vary, "NAME=A,B,...: compares these; may be repeated")
      ->type_name("NAME=A,B");
  for (const bench::Dimension& d : bench::dimensions()) {
    const std::string flag = std::string(d.name) == "nodes"  ? "-n,--nodes"
                             : std::string(d.name) == "rate" ? "-r,--rate"
                                                             : std::string("--") + d.name;
    app.add_option_function<std::string>(
           flag,
           [&flags, &d](const std::string& text) {
             if (auto done = d.set(flags.settings, text); !done) {
               throw CLI::ValidationError("--" + std::string(d.name), done.error().message);
             }
           },
           std::string(d.help) + ": " + d.values + " [" + d.get(flags.settings) + "]")
        ->type_name("VALUE");
  }
  app.add_option("-s,--seed", command.plan.seed, "of the operations and the elections [1]");
  app.add_option("--blocks", command.plan.blocks, "rounds of each variant [5]")
      ->check(CLI::Range(1, 1000));
  add_duration(app, "--duration", command.plan.duration, "measured, of each round");
  add_duration(app, "--warm-up", command.plan.warm_up, "before, not measured");
  app.add_option("--data", command.plan.data, "folder for the nodes' files [the results' own]");
  app.add_option("--during-faults", flags.during_faults,
                 "in each round, after the measured phase: kill or pause (the leader), "
                 "kill-follower or pause-follower; then the heal")
      ->type_name("KIND");
  add_duration(app, "--fault-duration", flags.fault.length, "from the injection to the heal");
  add_duration(app, "--recovery", flags.fault.recovery, "measured after the heal");
  add_duration(app, "--attempt-timeout", flags.fault.attempt_timeout,
               "during faults: without an answer, another node is asked");
  app.add_option("--fail-if", flags.fail_if,
                 "exit 5 where this holds: ratio<10, p99>5ms, target<1, recovery>2s")
      ->type_name("CONDITION");
  app.add_option("--baseline", command.baseline, "a bench.json of before; exit 5 when slower");
  app.add_option("-o,--store", command.store, "folder for the results [store]");
  return app;
}

namespace {

/// Throws UsageError.
bench::FaultPlan finish_fault(const BenchFlags& flags, const BenchCommand& command) {
  bench::FaultPlan plan = flags.fault;
  const auto kind = bench::parse_fault_kind(flags.during_faults);
  if (!kind) throw UsageError{"--during-faults: " + kind.error().message};
  plan.kind = *kind;
  const auto expect = [](const char* flag, Duration value, Duration least) {
    if (value >= least && value <= kLongestPhase) return;
    throw UsageError{std::string(flag) + ": from " + run::format_duration(least) + " to " +
                     run::format_duration(kLongestPhase) + " with --during-faults"};
  };
  expect("--duration", command.plan.duration, seconds(1));
  expect("--fault-duration", plan.length, milliseconds(100));
  expect("--recovery", plan.recovery, seconds(1));
  expect("--attempt-timeout", plan.attempt_timeout, milliseconds(10));
  for (const bench::Variant& v : command.plan.variants) {
    if (!bench::hits_follower(plan.kind) || v.settings.nodes > 1) continue;
    throw UsageError{"--during-faults: " + flags.during_faults + " needs two nodes at least"};
  }
  return plan;
}

}  // namespace

BenchCommand finish_bench(const BenchFlags& flags, const CLI::App& app) {
  BenchCommand command = flags.command;
  auto variants = bench::variants_of(flags.settings, flags.vary);
  if (!variants) throw UsageError{variants.error().message};
  command.plan.variants = std::move(*variants);
  for (const std::string& text : flags.fail_if) {
    auto condition = bench::parse_condition(text);
    if (!condition) throw UsageError{condition.error().message};
    command.conditions.push_back(std::move(*condition));
  }
  if (command.plan.duration < milliseconds(100) || command.plan.duration > std::chrono::hours(1)) {
    throw UsageError{"--duration: from 100ms to 1h"};
  }
  if (command.plan.warm_up < Duration{} || command.plan.warm_up > std::chrono::hours(1)) {
    throw UsageError{"--warm-up: at most 1h"};
  }
  if (!flags.during_faults.empty()) command.plan.fault = finish_fault(flags, command);
  for (const char* const flag : {"--fault-duration", "--recovery", "--attempt-timeout"}) {
    if (command.plan.fault || app.count(flag) == 0) continue;
    throw UsageError{std::string(flag) + " needs --during-faults"};
  }
  for (const bench::Condition& condition : command.conditions) {
    if (command.plan.fault || !bench::needs_faults(condition.metric)) continue;
    throw UsageError{"--fail-if: '" + condition.text + "' needs --during-faults"};
  }
  return command;
}

CLI::App& add_compare(CLI::App& top, CompareCommand& command) {
  CLI::App& app = *top.add_subcommand("compare", "two results of bench: what became slower");
  app.footer(kCompareFooter);
  app.add_option("BEFORE", command.before, "a bench.json, or its folder")->required();
  app.add_option("AFTER", command.after, "another")->required();
  return app;
}

}  // namespace ww::cli
