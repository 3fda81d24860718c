#include <cstdio>
#include <optional>

#include "base/real_time.hpp"
#include "base/rng.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/exit_codes.hpp"
#include "controller/cli/moving_line.hpp"
#include "controller/cli/shrunk_run.hpp"
#include "controller/run/plan_file.hpp"
#include "controller/run/results_files.hpp"
#include "controller/run/signature.hpp"
#include "controller/run/store.hpp"
#include "controller/worlds/registry.hpp"
#include "reports/files.hpp"
#include "reports/reports.hpp"
#include "reports/text_summary.hpp"

namespace ww::cli {

namespace {

/// Adds the rate since the line before.
class ProgressPrinter {
 public:
  explicit ProgressPrinter(bool quiet) : line_(quiet) {}

  void show(const reports::Progress& progress) {
    const Instant now = instant_at(monotonic_ns());
    if (!line_.due(now)) return;
    reports::Progress timed = progress;
    const std::uint64_t done = progress.ok + progress.fail + progress.info;
    if (last_ && now > *last_) {
      const double seconds_passed = static_cast<double>((now - *last_).count()) / 1e9;
      timed.ops_per_second = static_cast<double>(done - last_done_) / seconds_passed;
    }
    last_ = now;
    last_done_ = done;
    line_.show(now, [&](std::size_t width) { return reports::progress_line(timed, width); });
  }
  void clear() { line_.clear(); }

 private:
  MovingLine line_;
  std::optional<Instant> last_;
  std::uint64_t last_done_ = 0;
};

Result<run::PlanFile> resolve(const RunCommand& command) {
  if (!command.plan_file.empty()) {
    auto text = reports::read_file(command.plan_file);
    if (!text) return text.error();
    auto plan = run::parse_plan_file(*text, command.plan_file);
    if (!plan) return plan.error();
    if (auto known = check_names(plan->test, known_names()); !known) {
      return Error{ErrorCode::kUsage, true, command.plan_file + ", test: " + known.error().message};
    }
    return plan;
  }
  run::PlanFile plan;
  plan.test = command.spec;
  if (!command.seed_given) {
    // Short enough to read aloud; the clock may choose, since the seed is printed and kept.
    plan.test.seed = keyed(static_cast<std::uint64_t>(realtime_ns()), "seed").below(1'000'000);
  }
  auto schedule = run::plan_for(plan.test);
  if (!schedule) return schedule.error();
  plan.faults = std::move(*schedule);
  return plan;
}

Result<void> write_everything(const RunCommand& command, const run::RunDirectory& directory,
                              run::FinishedRun& done) {
  auto written = run::write_results(directory.path, done);
  if (command.junit_file.empty()) return written;
  auto copied = reports::write_file_atomically(command.junit_file, reports::junit_xml(done.report));
  return written ? copied : written;
}

void print_result(const Common& common, const reports::RunReport& report,
                  const std::string& report_path) {
  if (common.format == Format::kHuman) {
    reports::TextOptions options;
    options.colour = common.colour;
    options.quiet = common.quiet;
    options.report_path = report_path;
    std::fputs(reports::text_summary(report, options).c_str(), stdout);
  } else {
    std::fputs(reports::results_json(report).c_str(), stdout);
    std::fputc('\n', stdout);
  }
  std::fflush(stdout);
}

/// A failure that can be repeated exactly is shrunk at once; what comes of it never changes the
/// verdict of the run.
void shrink_failure(const Common& common, const RunCommand& command, const run::FinishedRun& done,
                    const std::string& node_executable) {
  constexpr Duration kBudget = seconds(30);
  const auto execute = execute_in_world_of(done.executed, node_executable);
  if (!execute) return;
  const auto shrunk =
      shrink_and_keep(common, done.executed, *execute,
                      budget_of(kBudget, ShrinkCommand{}.executions), command.store);
  if (!shrunk) {
    std::fprintf(stderr, "whitewater: not shrunk: %s\n", shrunk.error().message.c_str());
  } else if (common.format == Format::kHuman) {
    std::printf("\nShrunk: %s", describe(*shrunk).c_str());
    std::fflush(stdout);
  }
}

}  // namespace

int do_run(const Common& common, const RunCommand& command, const std::string& node_executable) {
  auto plan = resolve(command);
  if (!plan) return complain(plan.error());
  if (command.dry_run) {
    const std::string text =
        common.format == Format::kHuman ? run::describe(*plan) : run::to_json(*plan);
    std::fputs(text.c_str(), stdout);
    return kExitValid;
  }
  auto directory = run::make_run_directory(command.store, plan->test.workload, plan->test.seed);
  if (!directory) return complain(directory.error());
  for (const auto& [name, text] : {std::pair{"test.json", run::to_json(plan->test)},
                                   std::pair{"plan.json", run::to_json(*plan)}}) {
    if (auto written = reports::write_file_atomically(directory->file(name), text); !written) {
      return complain(written.error());
    }
  }
  if (!common.quiet) {
    std::fprintf(stderr, "whitewater: seed %llu, %u nodes, %s of torture; results in %s\n",
                 static_cast<unsigned long long>(plan->test.seed), plan->test.nodes,
                 run::format_duration(plan->test.time_limit).c_str(), directory->path.c_str());
  }
  ProgressPrinter progress(common.quiet);
  run::RunOptions options;
  options.node_executable = node_executable;
  options.run_directory = directory->path;
  options.started = directory->started;
  options.on_progress = [&progress](const reports::Progress& p) { progress.show(p); };
  const worlds::WorldInfo* world = worlds::find_world(plan->test.world);
  WW_ASSERT(world != nullptr, "an unknown world reached the run");
  options.fingerprint = world->deterministic;
  options.interruptible = true;
  auto done = world->execute(*plan, options);
  progress.clear();
  if (!done) return complain(done.error());
  reports::RunReport& report = done->report;
  if (!command.plan_file.empty())
    report.command = "./whitewater run --plan " + directory->file("plan.json");
  const bool failed = report.exit_code != kExitValid;
  done->executed = run::stored_form(std::move(done->executed), *plan, world->deterministic);
  const auto written = write_everything(command, *directory, *done);
  const bool kept = command.keep == Keep::kAll || (command.keep == Keep::kFailures && failed);
  print_result(common, report, kept ? directory->file("report.html") : "");
  if (!written) {
    const int status = complain(written.error());
    const int codes[] = {report.exit_code, status};
    return worst_exit(codes);
  }
  if (kept) {
    if (auto linked = run::link_latest(*directory, failed); !linked) complain(linked.error());
    // Last: whoever breaks it off has the run's own result.
    if (command.shrink && run::is_failure(report.exit_code)) {
      shrink_failure(common, command, *done, node_executable);
    }
  } else {
    run::remove_run(*directory);
  }
  run::prune_store(command.store, command.store_limit, directory->path);
  return report.exit_code;
}

}  // namespace ww::cli
