#include <CLI/CLI.hpp>

#include "controller/cli/flags.hpp"

namespace ww::cli {

namespace {

constexpr const char* kShrinkFooter = R"(Examples:
  ./whitewater shrink store/latest-failure        the smallest plan that still fails, and its report
  ./whitewater shrink plan.json --budget 10m
  ./whitewater shrink store/latest-failure --causality
                                                  and from when on the run was doomed

The result is a run directory of its own; its plan.json runs again with `run --plan`.)";

}  // namespace

CLI::App& add_shrink(CLI::App& top, ShrinkCommand& command) {
  CLI::App& app =
      *top.add_subcommand("shrink", "the smallest plan that still fails in the same way");
  app.footer(kShrinkFooter);
  app.add_option("RUN", command.run, "a run directory, or a plan.json")->required();
  add_duration(app, "--budget", command.budget, "of time; the best until then is kept");
  app.add_option("--executions", command.executions, "at most so many runs [20000]")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000}));
  app.add_flag("--causality", command.causality, "show in RUN's report from when on it was doomed");
  app.add_option("-o,--store", command.store, "folder for the result [store]");
  return app;
}

}  // namespace ww::cli
