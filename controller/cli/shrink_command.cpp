#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/real_time.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/exit_codes.hpp"
#include "controller/cli/moving_line.hpp"
#include "controller/cli/shrunk_run.hpp"
#include "controller/shrink/causality.hpp"
#include "reports/files.hpp"
#include "reports/reports.hpp"

namespace ww::cli {

namespace {

namespace fs = std::filesystem;

Result<run::PlanFile> plan_of(const std::string& run) {
  const std::string file = fs::is_directory(run) ? run + "/plan.json" : run;
  auto text = reports::read_file(file);
  if (!text) return text.error();
  auto plan = run::parse_plan_file(*text, file);
  if (!plan) return plan.error();
  if (auto known = check_names(plan->test, known_names()); !known) {
    return Error{ErrorCode::kUsage, true, file + ", test: " + known.error().message};
  }
  return plan;
}

std::string json_of(const ShrunkRun& shrunk) {
  const auto size = [](const shrink::Size& s) {
    return nlohmann::ordered_json{{"faults", s.faults},
                                  {"ops", s.ops},
                                  {"nodes", s.nodes},
                                  {"clients", s.clients},
                                  {"ms", s.length / milliseconds(1)}};
  };
  const nlohmann::ordered_json json = {
      {"schema", "whitewater.shrunk"},        {"v", 1},
      {"signature", shrunk.shrunk.signature}, {"before", size(shrunk.shrunk.before)},
      {"after", size(shrunk.shrunk.after)},   {"runs", shrunk.shrunk.executions},
      {"finished", shrunk.shrunk.finished},   {"directory", shrunk.directory.path},
      {"command", shrunk.run.report.command}};
  return json.dump(2) + "\n";
}

/// Computes the curve of the run in `directory` and writes its reports with it.
Result<void> add_causality(const Common& common, const std::string& directory,
                           const run::PlanFile& plan, const shrink::Execute& execute,
                           const shrink::Budget& budget) {
  auto loaded = reports::load(directory);
  if (!loaded) return loaded.error();
  MovingLine moving(common.quiet);
  shrink::CausalityOptions options;
  options.budget = budget;
  options.on_progress = [&moving](std::uint64_t done, std::uint64_t of) {
    const Instant now = instant_at(monotonic_ns());
    if (!moving.due(now)) return;
    moving.show(now, [&](std::size_t) {
      return "causality: " + std::to_string(done) + " of " + std::to_string(of) + " moments";
    });
  };
  auto curve = shrink::causality(plan, execute, options);
  moving.clear();
  if (!curve) return curve.error();
  loaded->report.causality = std::move(*curve);
  return reports::write_all(loaded->report, directory);
}

}  // namespace

int do_shrink(const Common& common, const ShrinkCommand& command,
              const std::string& node_executable) {
  auto plan = plan_of(command.run);
  if (!plan) return complain(plan.error());
  const auto execute = execute_in_world_of(*plan, node_executable);
  if (!execute) return complain(execute.error());
  if (command.causality && !fs::is_directory(command.run)) {
    return complain({ErrorCode::kUsage, true,
                     "--causality shows in a run's report: it needs a run directory, and " +
                         command.run + " is not one"});
  }
  if (command.causality && plan->test.world != "simulated") {
    return complain({ErrorCode::kUsage, true,
                     "--causality needs a run of the simulated world: the future of a process "
                     "cannot be drawn anew. Run the plan there: run --world simulated --plan " +
                         command.run + "/plan.json"});
  }
  const auto shrunk = shrink_and_keep(common, *plan, *execute,
                                      budget_of(command.budget, command.executions), command.store);
  if (!shrunk) return complain(shrunk.error());
  std::fputs((common.format == Format::kHuman ? describe(*shrunk) : json_of(*shrunk)).c_str(),
             stdout);
  if (common.format == Format::kHuman) {
    std::printf("report: %s\n", shrunk->directory.file("report.html").c_str());
  }
  std::fflush(stdout);
  if (command.causality) {
    const auto added = add_causality(common, command.run, *plan, *execute,
                                     budget_of(command.budget, command.executions));
    if (!added) {
      const int codes[] = {shrunk->run.report.exit_code, complain(added.error())};
      return worst_exit(codes);
    }
    if (common.format == Format::kHuman) {
      std::printf("causality: %s/report.html\n", command.run.c_str());
    }
  }
  return shrunk->run.report.exit_code;
}

}  // namespace ww::cli
