#include "controller/cli/commands.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "checkers/import.hpp"
#include "checkers/registry.hpp"
#include "controller/cli/exit_codes.hpp"
#include "controller/worlds/registry.hpp"
#include "faults/registry.hpp"
#include "nodes/bugs/bugs.hpp"
#include "reports/reports.hpp"
#include "reports/text_summary.hpp"
#include "workloads/registry.hpp"

namespace ww::cli {

namespace {

using Json = nlohmann::ordered_json;

struct Row {
  std::string name;
  std::string text;
};
struct Table {
  std::string title;
  std::vector<Row> rows;
};

std::string text_of(std::string_view view) {
  return std::string(view);
}

std::vector<Table> all_tables() {
  std::vector<Table> tables(5);
  tables[0].title = "worlds";
  for (const auto& world : worlds::all_worlds()) {
    tables[0].rows.push_back({text_of(world.name), text_of(world.description)});
  }
  tables[1].title = "workloads";
  for (const auto& w : workloads::all_workloads()) {
    tables[1].rows.push_back({text_of(w.name), text_of(w.description)});
  }
  tables[2].title = "faults";
  for (const auto& kind : faults::registry()) {
    std::string shapes;
    for (const auto& shape : kind.shapes) {
      if (!shape.name.empty()) shapes += (shapes.empty() ? " (" : ", ") + text_of(shape.name);
    }
    tables[2].rows.push_back(
        {text_of(kind.name), text_of(kind.summary) + (shapes.empty() ? "" : shapes + ")")});
  }
  tables[3].title = "checkers";
  for (const auto& row : checkers::checkers()) {
    tables[3].rows.push_back({text_of(row.name), text_of(row.title)});
  }
  tables[4].title = "bugs";
  for (const auto& row : bugs::registry()) {
    tables[4].rows.push_back({text_of(row.name), text_of(row.wrong) + "; breaks " +
                                                     text_of(row.breaks) + " (" +
                                                     text_of(row.source) + ")"});
  }
  return tables;
}

int exit_of(Verdict verdict) {
  return verdict == Verdict::kValid     ? kExitValid
         : verdict == Verdict::kInvalid ? kExitInvalid
                                        : kExitUnknown;
}

}  // namespace

int complain(const Error& error) {
  std::fprintf(stderr, "whitewater: %s\n", error.message.c_str());
  switch (error.code) {
    case ErrorCode::kUsage:
    case ErrorCode::kCorrupt:
    case ErrorCode::kTooLarge:
      return kExitUsage;
    case ErrorCode::kEnvironment:
    case ErrorCode::kIo:
    case ErrorCode::kNoSpace:
      return kExitEnvironment;
    default:
      return kExitHarness;
  }
}

Names known_names() {
  Names names;
  for (const auto& world : worlds::all_worlds()) names.worlds.emplace_back(world.name);
  for (const auto& w : workloads::all_workloads()) names.workloads.emplace_back(w.name);
  for (const auto& kind : faults::registry()) names.faults.emplace_back(kind.name);
  names.faults.insert(names.faults.end(), {"all", "none"});
  for (const auto& bug : bugs::registry()) names.bugs.emplace_back(bug.name);
  return names;
}

int do_list(const Common& common, const ListCommand& command) {
  Json json;
  std::string text;
  for (const Table& table : all_tables()) {
    if (!command.what.empty() && command.what != table.title) continue;
    std::size_t width = 0;
    for (const Row& row : table.rows) width = std::max(width, row.name.size());
    text += (text.empty() ? "" : "\n") + table.title + "\n";
    for (const Row& row : table.rows) {
      text += "  " + row.name + std::string(width - row.name.size() + 2, ' ') + row.text + "\n";
      json[table.title].push_back({{"name", row.name}, {"description", row.text}});
    }
  }
  std::fputs(common.format == Format::kHuman ? text.c_str() : (json.dump(2) + "\n").c_str(),
             stdout);
  return kExitValid;
}

int do_check(const Common& common, const CheckCommand& command) {
  auto imported = checkers::import_history_file(command.history);
  if (!imported) return complain(imported.error());
  if (imported->ops.empty()) {
    return complain(
        Error{ErrorCode::kUsage, true, command.history + ": there is no operation in it"});
  }
  if (imported->torn) {
    std::fprintf(stderr, "whitewater: %s: the last line is incomplete and was left out\n",
                 command.history.c_str());
  }
  checkers::HistoryOptions options;
  options.linearizable = imported->model;
  reports::RunReport report;
  report.test = command.history;
  report.world = "recorded (" + imported->format + ")";
  report.history = imported->ops;
  report.checks = checkers::check_history(imported->ops, options);
  report.command = "./whitewater check " + command.history;
  // A function that never succeeded makes the statistics unknown; a recorded history is judged by
  // whether it is linearizable.
  for (const CheckResult& check : report.checks) {
    if (check.checker != "linearizable") continue;
    report.verdict = check.verdict;
    report.cause = !check.violations.empty() ? check.violations.front().summary
                   : check.reason.empty()
                       ? "linearizable: " + std::to_string(check.evaluated) + " ops"
                       : check.reason;
  }
  report.exit_code = exit_of(report.verdict);
  if (!imported->ops.empty()) report.duration = imported->ops.back().time;
  if (common.format == Format::kHuman) {
    reports::TextOptions text;
    text.colour = common.colour;
    text.quiet = common.quiet;
    std::fputs(reports::text_summary(report, text).c_str(), stdout);
  } else {
    std::fputs((reports::results_json(report) + "\n").c_str(), stdout);
  }
  return report.exit_code;
}

int do_report(const Common& common, const ReportCommand& command) {
  auto loaded = reports::load(command.run);
  if (!loaded) return complain(loaded.error());
  if (auto written = reports::write_all(loaded->report, command.run); !written) {
    return complain(written.error());
  }
  reports::TextOptions text;
  text.colour = common.colour;
  text.quiet = common.quiet;
  text.report_path = command.run + "/report.html";
  std::fputs(reports::text_summary(loaded->report, text).c_str(), stdout);
  return kExitValid;
}

}  // namespace ww::cli
