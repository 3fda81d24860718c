#include "controller/cli/shrunk_run.hpp"

#include <signal.h>

#include "base/real_time.hpp"
#include "controller/cli/moving_line.hpp"
#include "controller/run/results_files.hpp"
#include "controller/worlds/registry.hpp"
#include "reports/files.hpp"

namespace ww::cli {

namespace {

volatile sig_atomic_t interrupted = 0;

extern "C" void note_interrupt(int) {
  interrupted = 1;
}

}  // namespace

Result<shrink::Execute> execute_in_world_of(const run::PlanFile& plan,
                                            const std::string& node_executable) {
  const worlds::WorldInfo* world = worlds::find_world(plan.test.world);
  if (world == nullptr || !world->deterministic) {
    return Error{ErrorCode::kUsage, true,
                 "a run of the " + plan.test.world +
                     " world is not the same twice, so what was left out cannot be told from what "
                     "was chance; look for the failure with `run --world simulated` or `campaign`"};
  }
  return shrink::Execute(
      [world, node_executable](const run::PlanFile& p, const run::RunOptions& options) {
        run::RunOptions with_node = options;
        with_node.node_executable = node_executable;
        return world->execute(p, with_node);
      });
}

shrink::Budget budget_of(Duration budget, std::uint64_t executions) {
  static const bool listening = [] {
    struct sigaction action {};
    action.sa_handler = note_interrupt;
    action.sa_flags = static_cast<int>(SA_RESETHAND);  // the second one kills
    return ::sigaction(SIGINT, &action, nullptr) == 0;
  }();
  static_cast<void>(listening);
  shrink::Budget out;
  out.executions = executions;
  const Instant end = instant_at(monotonic_ns()) + budget;
  out.expired = [end] { return interrupted != 0 || instant_at(monotonic_ns()) >= end; };
  return out;
}

Result<ShrunkRun> shrink_and_keep(const Common& common, const run::PlanFile& plan,
                                  const shrink::Execute& execute, const shrink::Budget& budget,
                                  const std::string& store) {
  auto directory = run::make_run_directory(store, plan.test.workload, plan.test.seed);
  if (!directory) return directory.error();
  MovingLine moving(common.quiet);
  shrink::ShrinkOptions options;
  options.budget = budget;
  // The best so far is there for whoever cannot wait, or whose machine does not.
  Result<void> kept_best;
  options.on_confirmed = [&](const run::PlanFile& best) {
    kept_best = reports::write_file_atomically(directory->file("plan.json"), run::to_json(best));
  };
  options.on_better = [&moving](const shrink::Progress& progress) {
    const Instant now = instant_at(monotonic_ns());
    if (!moving.due(now)) return;
    moving.show(now, [&](std::size_t width) {
      std::string line = "shrinking: " + shrink::describe(shrink::size_of(progress.best)) + "; " +
                         std::to_string(progress.executions) + " runs, " +
                         std::string(progress.pass);
      if (width > 0 && line.size() >= width) line.resize(width - 1);
      return line;
    });
  };
  auto shrunk = shrink::shrink(plan, execute, options);
  moving.clear();
  if (!shrunk) {
    run::remove_run(*directory);
    return shrunk.error();
  }
  if (!kept_best) return kept_best.error();
  run::RunOptions kept;
  kept.run_directory = directory->path;
  kept.started = directory->started;
  kept.fingerprint = true;
  auto done = execute(shrunk->plan, kept);
  if (!done) return done.error();
  done->executed = shrunk->plan;  // the same run, in fewer words than what it executed
  done->report.command = "./whitewater run --plan " + directory->file("plan.json");
  ShrunkRun out{std::move(*shrunk), std::move(*directory), std::move(*done)};
  if (auto written = run::write_results(out.directory.path, out.run); !written) {
    return written.error();
  }
  if (auto text = reports::write_file_atomically(out.directory.file("shrunk.txt"), describe(out));
      !text) {
    return text.error();
  }
  return out;
}

std::string describe(const ShrunkRun& shrunk) {
  const shrink::Shrunk& s = shrunk.shrunk;
  return s.signature + "\n" + shrink::describe(s.before) + "  ->  " + shrink::describe(s.after) +
         ", by " + std::to_string(s.executions) + " runs" +
         (s.finished ? "" : "; the budget ended first") + "\n\n" + shrink::describe_steps(s.plan) +
         "\n" + shrunk.run.report.command + "\n";
}

}  // namespace ww::cli
