#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "base/real_time.hpp"
#include "base/rng.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/exit_codes.hpp"
#include "controller/run/plan_file.hpp"
#include "controller/run/store.hpp"
#include "controller/run/version.hpp"
#include "controller/worlds/registry.hpp"
#include "reports/files.hpp"
#include "reports/reports.hpp"
#include "reports/text_summary.hpp"

namespace ww::cli {

namespace {

constexpr Duration kQuietProgressEvery = seconds(30);

/// The one line that moves on a terminal; elsewhere a line now and then.
class ProgressPrinter {
 public:
  explicit ProgressPrinter(bool quiet)
      : quiet_(quiet), terminal_(::isatty(STDERR_FILENO) != 0 && std::getenv("CI") == nullptr) {}
  ~ProgressPrinter() { clear(); }
  ProgressPrinter(const ProgressPrinter&) = delete;
  ProgressPrinter& operator=(const ProgressPrinter&) = delete;

  void show(const reports::Progress& progress) {
    if (quiet_) return;
    const Instant now = instant_at(monotonic_ns());
    if (!terminal_ && shown_ && now - last_ < kQuietProgressEvery) return;
    reports::Progress timed = progress;
    const std::uint64_t done = progress.ok + progress.fail + progress.info;
    if (shown_ && now > last_) {
      const double seconds_passed = static_cast<double>((now - last_).count()) / 1e9;
      timed.ops_per_second = static_cast<double>(done - last_done_) / seconds_passed;
    }
    last_ = now;
    last_done_ = done;
    shown_ = true;
    if (terminal_) {
      std::fprintf(stderr, "\r\033[K%s", reports::progress_line(timed, width()).c_str());
    } else {
      std::fprintf(stderr, "%s\n", reports::progress_line(timed).c_str());
    }
    std::fflush(stderr);
  }
  void clear() {
    if (terminal_ && shown_ && !quiet_) std::fputs("\r\033[K", stderr);
    shown_ = false;
  }

 private:
  static std::size_t width() {
    winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    return 100;
  }
  bool quiet_;
  bool terminal_;
  bool shown_ = false;
  Instant last_{};
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
                              const run::FinishedRun& done) {
  Result<void> first;
  const auto keep_first = [&first](Result<void> result) {
    if (first && !result) first = std::move(result);
  };
  keep_first(
      reports::write_file_atomically(directory.file("plan.json"), run::to_json(done.executed)));
  keep_first(reports::write_all(done.report, directory.path));
  if (!command.junit_file.empty()) {
    keep_first(reports::write_file_atomically(command.junit_file, reports::junit_xml(done.report)));
  }
  return first;
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
  auto done = world->execute(*plan, options);
  progress.clear();
  if (!done) return complain(done.error());
  reports::RunReport& report = done->report;
  report.version = run::version();
  report.commit = run::commit();
  report.compiler = run::compiler();
  if (!command.plan_file.empty())
    report.command = "./whitewater run --plan " + directory->file("plan.json");
  const auto written = write_everything(command, *directory, *done);
  const bool failed = report.exit_code != kExitValid;
  const bool kept = command.keep == Keep::kAll || (command.keep == Keep::kFailures && failed);
  print_result(common, report, kept ? directory->file("report.html") : "");
  if (!written) {
    const int status = complain(written.error());
    const int codes[] = {report.exit_code, status};
    return worst_exit(codes);
  }
  if (kept) {
    if (auto linked = run::link_latest(*directory, failed); !linked) complain(linked.error());
  } else {
    run::remove_run(*directory);
  }
  run::prune_store(command.store, command.store_limit, directory->path);
  return report.exit_code;
}

}  // namespace ww::cli
