// results.json: the verdict of each checker, for programs.

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/history.hpp"
#include "reports/format.hpp"
#include "reports/op_stats.hpp"
#include "reports/reports.hpp"

namespace ww::reports {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSchema = "whitewater.results";
constexpr int kSchemaVersion = 1;

/// Jepsen's three values: true, false, "unknown".
Json valid_of(Verdict verdict) {
  if (verdict == Verdict::kUnknown) return "unknown";
  return verdict == Verdict::kValid;
}

Json json_of(const Violation& violation) {
  Json out;
  out["property"] = violation.property;
  out["summary"] = violation.summary;
  out["time"] = violation.time;
  out["nodes"] = violation.nodes;
  out["evidence"] = violation.evidence;
  Json witness = Json::array();
  for (const Op& op : violation.witness) {
    // The very line of history.jsonl, so that the two can be compared.
    std::string line;
    append_json(line, op);
    witness.push_back(Json::parse(line, nullptr, false));
  }
  out["witness"] = std::move(witness);
  return out;
}

Json json_of(const CheckResult& check) {
  Json out;
  out["valid"] = valid_of(check.verdict);
  out["title"] = check.title;
  out["evaluated"] = check.evaluated;
  if (!check.reason.empty()) out["reason"] = check.reason;
  out["violation-count"] = check.violation_count;
  out["violations"] = Json::array();
  for (const Violation& violation : check.violations)
    out["violations"].push_back(json_of(violation));
  out["numbers"] = Json::object();
  for (const auto& [name, number] : check.numbers) {
    // A whole number stays one: 12, not 12.0.
    if (number == std::floor(number) && std::abs(number) < 9e15) {
      out["numbers"][valid_utf8(name)] = static_cast<std::int64_t>(number);
    } else {
      out["numbers"][valid_utf8(name)] = number;
    }
  }
  out["seconds"] = check.seconds;
  return out;
}

Json json_of(const FuncStats& stats) {
  Json out;
  out["ok"] = stats.ok;
  out["fail"] = stats.fail;
  out["info"] = stats.info;
  const Percentiles& p = stats.latency;
  if (p.count > 0) {
    out["latency-ns"] = {
        {"p50", p.p50}, {"p90", p.p90}, {"p99", p.p99}, {"p99.9", p.p999}, {"max", p.max}};
  }
  return out;
}

Json json_of(const std::vector<Count>& counts) {
  Json out = Json::object();
  for (const Count& count : counts) out[valid_utf8(count.name)] = count.count;
  return out;
}

Json ops_json(const RunReport& report) {
  const OpStats stats = op_stats(report.history, pair_ops(report.history));
  Json out = json_of(stats.all);
  out["by-f"] = Json::object();
  for (const auto& [f, of_func] : stats.by_func) {
    out["by-f"][std::string(name_of(f))] = json_of(of_func);
  }
  out["errors"] = Json::object();
  for (const auto& [why, count] : stats.errors) out["errors"][valid_utf8(why)] = count;
  return out;
}

Json faults_json(const RunReport& report) {
  Json out = Json::object();
  for (const FaultKindSummary& s : summarise_faults(report)) {
    out[valid_utf8(s.kind)] = {
        {"planned", s.planned}, {"injected", s.injected}, {"effective", s.effective}};
  }
  return out;
}

}  // namespace

std::string results_json(const RunReport& report) {
  Json out;
  out["schema"] = kSchema;
  out["v"] = kSchemaVersion;
  out["valid"] = valid_of(report.verdict);
  out["outcome"] = headline_of(report);
  out["exit"] = report.exit_code;
  out["cause"] = report.cause;
  out["test"] = report.test;
  out["world"] = report.world;
  // A string: 64 bits do not fit the numbers of most JSON readers.
  out["seed"] = std::to_string(report.seed);
  out["nodes"] = report.nodes;
  out["started"] = report.started;
  if (!report.fingerprint.empty()) out["fingerprint"] = report.fingerprint;
  out["duration"] = report.duration;
  out["command"] = report.command;
  out["version"] = report.version;
  out["commit"] = report.commit;
  out["compiler"] = report.compiler;
  Json checkers = Json::object();
  for (const CheckResult& check : report.checks) {
    // Two checkers of one name must not hide each other.
    std::string name = valid_utf8(check.checker);
    for (int n = 2; checkers.contains(name); ++n) {
      name = valid_utf8(check.checker) + "#" + std::to_string(n);
    }
    checkers[name] = json_of(check);
  }
  out["checkers"] = std::move(checkers);
  out["ops"] = ops_json(report);
  out["faults"] = faults_json(report);
  out["leader-changes"] = report.leader_changes.size();
  out["marks"] = json_of(report.marks);
  out["bugs"] = json_of(report.bugs);
  Json liveness = Json::object();
  for (const Fact& fact : report.liveness) liveness[valid_utf8(fact.name)] = fact.value;
  out["liveness"] = std::move(liveness);
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ww::reports
