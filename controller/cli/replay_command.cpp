// replay: a deterministic run, compared; a live one, again and again.
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "base/assert.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/exit_codes.hpp"
#include "controller/run/fingerprint_file.hpp"
#include "controller/run/plan_file.hpp"
#include "controller/run/rate.hpp"
#include "controller/run/repetition.hpp"
#include "controller/run/replay.hpp"
#include "controller/run/results_files.hpp"
#include "controller/run/signature.hpp"
#include "controller/run/slow.hpp"
#include "controller/run/store.hpp"
#include "controller/run/version.hpp"
#include "controller/worlds/registry.hpp"
#include "reports/files.hpp"
#include "reports/reports.hpp"
#include "reports/text_summary.hpp"

namespace ww::cli {

namespace {

using Json = nlohmann::ordered_json;

/// What is to be run again, and what is known of it.
struct Original {
  run::PlanFile plan;
  std::optional<run::StoredFingerprint> stored;
  std::string signature;  // of a run that failed
  std::string commit;     // that made it; empty: not known
  std::string compiler;   // likewise
  std::string command;    // that repeats it
};

Error in_run(const std::string& directory, const Error& error) {
  return Error{error.code, error.definite, directory + ": " + error.message};
}

Result<Original> original_of_seed(const ReplayCommand& command) {
  Original out;
  out.plan.test = command.spec;
  auto schedule = run::plan_for(command.spec);
  if (!schedule) return schedule.error();
  out.plan.faults = std::move(*schedule);
  out.command = run::command_line(command.spec);
  return out;
}

Result<Original> original_of_run(const ReplayCommand& command) {
  const std::string file = command.run + "/plan.json";
  auto text = reports::read_file(file);
  if (!text) {
    return Error{ErrorCode::kUsage, true,
                 command.run + " is no run directory: " + text.error().message};
  }
  auto plan = run::parse_plan_file(*text, file);
  if (!plan) return plan.error();
  if (auto known = check_names(plan->test, known_names()); !known)
    return in_run(file, known.error());
  Original out;
  out.plan = std::move(*plan);
  out.command = "./whitewater replay " + command.run;
  const std::string print = command.run + "/fingerprint.json";
  std::error_code ec;
  if (std::filesystem::exists(print, ec)) {
    auto json = reports::read_file(print);
    if (!json) return json.error();
    auto stored = run::parse_fingerprint(*json, print);
    if (!stored) return stored.error();
    out.commit = stored->commit;
    out.compiler = stored->compiler;
    out.stored = std::move(*stored);
  }
  // A run that was killed has no report; then any failure of its plan is looked for.
  if (const auto loaded = reports::load(command.run)) {
    // What is looked for is a failure; a run that was none looks for any.
    if (run::is_failure(loaded->report.exit_code)) {
      out.signature = run::signature_of(loaded->report);
    }
    out.commit = loaded->report.commit;
    out.compiler = loaded->report.compiler;
  }
  return out;
}

/// "" when the run is of this build.
std::string other_build(const Original& original) {
  const bool commit = original.commit.empty() || original.commit == run::commit();
  const bool compiler = original.compiler.empty() || original.compiler == run::compiler();
  if (commit && compiler) return {};
  if (!commit) {
    return "the run was made by build " + original.commit + "; this is build " + run::commit();
  }
  return "the run was made by a build of " + original.compiler + "; this is one of " +
         run::compiler();
}

run::Repeat repeat_in(const worlds::WorldInfo& world, const run::PlanFile& plan,
                      const std::string& node_executable) {
  run::PlanFile own = plan;
  own.test.world = world.name;
  return [&world, own, node_executable](const run::RunOptions& options) {
    run::RunOptions full = options;
    full.node_executable = node_executable;
    return world.execute(own, full);
  };
}

void print_replayed(const Common& common, const Original& original, run::Replayed& replayed,
                    const std::string& build) {
  WW_ASSERT(replayed.other.has_value(), "a replay is held against something");
  const std::string now = run::describe(replayed.run.fingerprint);
  const std::string then = run::describe(*replayed.other);
  if (common.format == Format::kJson) {
    Json json;
    json["schema"] = "whitewater.replay";
    json["v"] = 1;
    json["same"] = replayed.same;
    json["hash"] = run::hex(replayed.run.fingerprint.hash);
    json["events"] = replayed.run.fingerprint.events;
    json["other_hash"] = run::hex(replayed.other->hash);
    json["other_events"] = replayed.other->events;
    json["same_build"] = build.empty();
    json["difference"] = replayed.difference;
    json["exit"] = replayed.run.report.exit_code;
    std::printf("%s\n", json.dump(2).c_str());
    return;
  }
  if (replayed.same) {
    std::printf("replay   the same run: %s\n", now.c_str());
  } else {
    std::printf("replay   NOT the same run\n  one    %s\n  other  %s\n%s\n", then.c_str(),
                now.c_str(), replayed.difference.c_str());
  }
  if (!build.empty()) std::printf("build    %s\n", build.c_str());
  replayed.run.report.command = original.command;
  reports::TextOptions text;
  text.colour = common.colour;
  text.quiet = true;
  std::fputs(reports::text_summary(replayed.run.report, text).c_str(), stdout);
}

int replay_exactly(const Common& common, const ReplayCommand& command, const Original& original,
                   const worlds::WorldInfo& world, const std::string& node_executable) {
  const run::Repeat now = repeat_in(world, original.plan, node_executable);
  Result<run::Replayed> replayed = [&]() -> Result<run::Replayed> {
    const std::string& home_name =
        original.stored ? original.stored->world : original.plan.test.world;
    const worlds::WorldInfo* home = worlds::find_world(home_name);
    const bool elsewhere = home != nullptr && home->deterministic && home != &world;
    const run::Repeat there = repeat_in(elsewhere ? *home : world, original.plan, node_executable);
    if (!original.stored) return run::replay_twice(there, now);
    return run::replay_against(*original.stored, command.run, now, elsewhere ? &there : nullptr);
  }();
  if (!replayed) return complain(replayed.error());
  if (!command.run.empty() && !original.stored && !common.quiet) {
    std::fprintf(stderr, "whitewater: %s keeps no fingerprint.json; its plan was run twice\n",
                 command.run.c_str());
  }
  const std::string build = other_build(original);
  print_replayed(common, original, *replayed, build);
  if (replayed->same) return replayed->run.report.exit_code;
  // Another build may well do otherwise; within one build nothing may.
  return build.empty() ? kExitHarness : kExitUnknown;
}

/// Runs the plan once in a directory of its own, which stays when the run failed.
Result<run::Attempt> attempt(const ReplayCommand& command, const run::PlanFile& plan,
                             const worlds::WorldInfo& world, const std::string& node_executable) {
  auto directory = run::make_run_directory(command.store, plan.test.workload, plan.test.seed);
  if (!directory) return directory.error();
  if (auto written =
          reports::write_file_atomically(directory->file("plan.json"), run::to_json(plan));
      !written) {
    return written.error();
  }
  run::RunOptions options;
  options.node_executable = node_executable;
  options.run_directory = directory->path;
  options.started = directory->started;
  auto done = world.execute(plan, options);
  if (!done) return done.error();
  run::Attempt out;
  out.exit_code = done->report.exit_code;
  out.interrupted = done->interrupted;
  out.judged = out.exit_code != kExitEnvironment && out.exit_code != kExitHarness;
  if (!out.judged) out.cause = done->report.cause;
  if (out.exit_code == kExitValid || out.exit_code == kExitUnknown) {
    run::remove_run(*directory);
    return out;
  }
  if (run::is_failure(out.exit_code)) out.signature = run::signature_of(done->report);
  out.directory = directory->path;
  done->report.command = "./whitewater run --plan " + directory->file("plan.json");
  if (auto written = run::write_results(directory->path, *done); !written) return written.error();
  if (auto linked = run::link_latest(*directory, true); !linked) return linked.error();
  return out;
}

void print_repetition(const Common& common, const std::string& looked_for,
                      const run::Repetition& repetition, const std::string& build) {
  if (common.format == Format::kJson) {
    const run::Interval interval = run::wilson95(repetition.same, repetition.runs);
    Json json;
    json["schema"] = "whitewater.repetition";
    json["v"] = 1;
    json["signature"] = looked_for;
    json["runs"] = repetition.runs;
    json["same"] = repetition.same;
    json["others"] = repetition.others;
    json["low"] = interval.low;
    json["high"] = interval.high;
    json["interrupted"] = repetition.interrupted;
    json["broken_off"] = repetition.broken_off;
    json["same_build"] = build.empty();
    std::printf("%s\n", json.dump(2).c_str());
    return;
  }
  if (!build.empty()) std::printf("build    %s\n", build.c_str());
  std::printf("failure  %s\n", looked_for.empty() ? "any" : looked_for.c_str());
  std::printf("rate     %s\n", run::describe_rate(repetition.same, repetition.runs).c_str());
  if (repetition.others > 0) std::printf("others   %u failed otherwise\n", repetition.others);
  if (repetition.interrupted) std::printf("interrupted after %u runs\n", repetition.runs);
  if (!repetition.broken_off.empty()) {
    std::printf("ended    early: %s\n", repetition.broken_off.c_str());
  }
}

int repeat_live(const Common& common, const ReplayCommand& command, const Original& original,
                const worlds::WorldInfo& world, const std::string& node_executable) {
  auto plan = run::slowed(original.plan, command.slow);
  if (!plan) return complain(plan.error());
  plan->test.world = world.name;
  run::RepetitionOptions options;
  options.times = command.until_fail && !command.times_given ? 0 : command.times;
  options.until_fail = command.until_fail;
  options.signature = original.signature;
  const auto seen = [&](const run::Repetition& so_far, const run::Attempt& attempt) {
    if (common.quiet) return;
    const std::string what = attempt.signature.empty()                 ? "no failure"
                             : attempt.signature == original.signature ? "the same failure"
                             : original.signature.empty()              ? attempt.signature
                                                          : "another failure: " + attempt.signature;
    std::fprintf(stderr, "run %u: %s%s; %u of %u\n", so_far.runs, what.c_str(),
                 attempt.directory.empty() ? "" : (", kept in " + attempt.directory).c_str(),
                 so_far.same, so_far.runs);
  };
  auto repetition = run::repeat(
      options, [&] { return attempt(command, *plan, world, node_executable); }, seen);
  if (!repetition) return complain(repetition.error());
  print_repetition(common, original.signature, *repetition, other_build(original));
  if (repetition->interrupted) repetition->exit_codes.push_back(kExitSigint);
  return worst_exit(repetition->exit_codes);
}

}  // namespace

int do_replay(const Common& common, const ReplayCommand& command,
              const std::string& node_executable) {
  if (!command.node.empty()) return do_replay_journal(common, command);
  auto original = command.run.empty() ? original_of_seed(command) : original_of_run(command);
  if (!original) return complain(original.error());
  const std::string& name = command.world.empty() ? original->plan.test.world : command.world;
  const worlds::WorldInfo* world = worlds::find_world(name);
  WW_ASSERT(world != nullptr, "an unknown world reached the replay");
  if (!world->deterministic)
    return repeat_live(common, command, *original, *world, node_executable);
  if (command.slow > 1 || command.until_fail || command.times_given) {
    return complain(Error{ErrorCode::kUsage, true,
                          "--times, --until-fail and --slow are for live runs; a run of the " +
                              name + " world is the same every time"});
  }
  return replay_exactly(common, command, *original, *world, node_executable);
}

}  // namespace ww::cli
