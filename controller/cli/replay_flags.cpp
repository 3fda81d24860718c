#include <CLI/CLI.hpp>

#include "controller/cli/flags.hpp"
#include "controller/run/slow.hpp"

namespace ww::cli {

namespace {

constexpr const char* kReplayFooter = R"(Examples:
  ./whitewater replay store/latest-failure       the same run, compared; a live one: ten times
  ./whitewater replay store/latest --world stepped
  ./whitewater replay --seed 7 -n 3              a simulated test, twice, compared
  ./whitewater replay store/latest-failure --until-fail --slow 10
  ./whitewater replay store/latest --node n2     a live node's journal, every step verified
  ./whitewater replay store/latest --node n2 --at 3.1042 --step)";

}  // namespace

CLI::App& add_replay(CLI::App& top, ReplayFlags& flags) {
  CLI::App& app = *top.add_subcommand("replay", "the same run again, or one node's journal");
  app.footer(kReplayFooter);
  ReplayCommand& command = flags.command;
  app.add_option("RUN", command.run, "a run directory");
  app.add_option("--node", command.node, "execute this node's journal again: n2");
  app.add_option("--at", command.at,
                 "with --node: show this step, 3.1042 or 1042 of the last incarnation, and the "
                 "replica before and after it");
  app.add_flag("--step", command.step, "with --node: go on step by step, from --at if given");
  app.add_option("--count", command.count, "with --step: so many steps, without asking");
  app.add_flag("--print", command.print,
               "with --node: the replica before and after each step that is shown");
  app.add_option("--find", command.find,
                 "with --node: name the steps whose input or effects contain this text");
  app.add_option("--times", command.times, "runs of a live test [10]")
      ->check(CLI::Range(1, 100'000));
  app.add_flag("--until-fail", command.until_fail,
               "run a live test until it fails in the same way, at most --times times if given");
  app.add_option("--slow", command.slow,
                 "multiply every duration of a live test by this, which raises the odds [1]")
      ->check(CLI::Range(1U, run::kMaxSlow));
  app.add_option("-o,--store", command.store, "folder for failures of a live test [store]");
  flags.test.spec.world = "simulated";
  app.add_option("-s,--seed", flags.test.spec.seed, "instead of RUN: of the test's plan");
  add_test_flags(app, flags.test);
  return app;
}

ReplayCommand finish_replay(const ReplayFlags& flags, const CLI::App& app, const Names& names) {
  ReplayCommand command = flags.command;
  if (command.run.empty() == (app.count("--seed") == 0)) {
    throw UsageError{command.run.empty() ? "replay needs a run directory, or --seed"
                                         : "--seed cannot stand beside a run directory"};
  }
  if (command.node.empty()) {
    for (const char* flag : {"--at", "--step", "--count", "--print", "--find"}) {
      if (app.count(flag) > 0) throw UsageError{std::string(flag) + " needs --node"};
    }
  } else if (app.count("--count") > 0 && !command.step) {
    throw UsageError{"--count needs --step"};
  } else if (command.run.empty()) {
    throw UsageError{"--node needs a run directory"};
  }
  command.spec = finish_test(flags.test, names);
  command.times_given = app.count("--times") > 0;
  if (command.run.empty()) return command;
  refuse_others(app,
                {"help", "world", "node", "at", "step", "count", "print", "find", "times",
                 "until-fail", "slow", "store", "color", "format", "quiet", "config"},
                "cannot stand beside a run directory, whose plan says everything");
  if (app.count("--world") > 0) command.world = command.spec.world;
  return command;
}

}  // namespace ww::cli
