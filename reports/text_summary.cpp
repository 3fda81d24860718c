#include "reports/text_summary.hpp"

#include <algorithm>

#include "reports/format.hpp"
#include "reports/op_stats.hpp"
#include "reports/painter.hpp"

namespace ww::reports {

namespace {

using Rows = std::vector<std::vector<std::string>>;

/// No more lines of evidence or witness per violation on a terminal; the page has all.
constexpr std::size_t kMaxLines = 12;
constexpr std::size_t kMaxViolationsShown = 3;

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return text;
}

std::string violation_text(const Violation& violation, const Painter& paint) {
  std::string out = "  " + paint.bold(printable(violation.property)) + " at " +
                    time_text(violation.time) + ": " + printable(violation.summary) + "\n";
  Rows rows = {{"index", "time", "process", "type", "key", "op", "log (index, term)"}};
  for (const Op& op : violation.witness) {
    if (rows.size() > kMaxLines) break;
    rows.push_back({std::to_string(op.index), time_text(op.time), std::to_string(op.process),
                    std::string(name_of(op.type)), key_text(op.key), printable(op_text(op)),
                    op.at.index == 0 ? ""
                                     : "(" + std::to_string(op.at.index) + ", " +
                                           std::to_string(op.at.term) + ")"});
  }
  if (rows.size() > 1) out += align_columns(rows, 4);
  std::size_t shown = 0;
  for (const std::string& line : violation.evidence) {
    if (shown++ == kMaxLines) break;
    out += "    " + printable(line) + "\n";
  }
  const std::size_t hidden = violation.witness.size() - (rows.size() - 1) +
                             violation.evidence.size() - std::min(shown, violation.evidence.size());
  if (hidden > 0)
    out += paint.dim("    " + group_digits(hidden) + " more lines in the report") + "\n";
  return out;
}

std::string violations_text(const RunReport& report, const Painter& paint) {
  std::string out;
  std::size_t shown = 0;
  std::uint64_t all = 0;
  for (const CheckResult& check : report.checks) {
    all += check.violation_count;
    for (const Violation& violation : check.violations) {
      if (shown == kMaxViolationsShown) break;
      out += violation_text(violation, paint);
      ++shown;
    }
  }
  if (out.empty()) return "";
  const std::string rest =
      all > shown ? paint.dim("  " + group_digits(all - shown) + " more in the report") + "\n" : "";
  return "\n" + paint.bold("Violations") + "\n" + out + rest;
}

std::string faults_text(const RunReport& report, const Painter& paint) {
  Rows rows = {{"kind", "planned", "injected", "effective"}};
  for (const FaultKindSummary& s : summarise_faults(report)) {
    rows.push_back({printable(s.kind), group_digits(s.planned), group_digits(s.injected),
                    group_digits(s.effective)});
  }
  if (rows.size() == 1) return "";
  return "\n" + paint.bold("Faults") + "\n" + align_columns(rows, 2);
}

std::vector<std::string> op_row(const std::string& name, const FuncStats& stats) {
  const Percentiles& p = stats.latency;
  std::vector<std::string> row = {name, group_digits(stats.ok), group_digits(stats.fail),
                                  group_digits(stats.info)};
  for (const std::int64_t ns : {p.p50, p.p90, p.p99, p.p999, p.max}) {
    row.push_back(p.count > 0 ? duration_text(ns) : "-");
  }
  return row;
}

std::string ops_text(const RunReport& report, const Painter& paint) {
  const OpStats stats = op_stats(report.history, pair_ops(report.history));
  Rows rows = {{"f", "ok", "fail", "info", "p50", "p90", "p99", "p99.9", "max"}};
  for (const auto& [f, of_func] : stats.by_func) {
    rows.push_back(op_row(std::string(name_of(f)), of_func));
  }
  rows.push_back(op_row("all", stats.all));
  return "\n" + paint.bold("Ops") + "\n" + align_columns(rows, 2);
}

std::string checks_text(const RunReport& report, const Painter& paint) {
  Rows rows = {{"check", "verdict", "evaluated", "reason"}};
  for (const CheckResult& check : report.checks) {
    std::string reason = printable(check.reason);
    if (check.violation_count > 0) {
      reason = group_digits(check.violation_count) + " violations" +
               (reason.empty() ? "" : "; " + reason);
    }
    rows.push_back({printable(check.checker),
                    decides(check) ? std::string(name_of(check.verdict)) : "not reached",
                    group_digits(check.evaluated), reason});
  }
  if (rows.size() == 1) return "";
  return "\n" + paint.bold("Checks") + "\n" + align_columns(rows, 2);
}

std::string facts_text(const RunReport& report) {
  std::string out = "\n  leader changes  " + std::to_string(report.leader_changes.size());
  if (!report.leader_changes.empty()) {
    const LeaderChange& last = report.leader_changes.back();
    out += ", the last: " + name_of(last.node) + " in term " + std::to_string(last.term);
  }
  out += "\n";
  for (const Fact& fact : report.liveness) {
    out += "  " + printable(fact.name) + "  " + printable(fact.value) + "\n";
  }
  for (const Count& bug : report.bugs) {
    out += "  bug " + printable(bug.name) + "  reached " + group_digits(bug.count) + " times\n";
  }
  if (!report.stalls.empty()) {
    const auto longest = std::max_element(
        report.stalls.begin(), report.stalls.end(),
        [](const MachineStall& a, const MachineStall& b) { return a.duration < b.duration; });
    out += "  stalls of this machine  " + std::to_string(report.stalls.size()) + ", the longest " +
           duration_text(longest->duration) + " (" + printable(longest->what) + ")\n";
  }
  return out;
}

}  // namespace

std::string text_summary(const RunReport& report, const TextOptions& options) {
  const Painter paint(options.colour);
  const std::string headline = paint.verdict(report.verdict, upper(printable(headline_of(report))));
  std::string out;
  if (!options.quiet) {
    out += headline + "  " + printable(report.cause) + "\n";
    out += paint.dim(printable(report.test) + ", " + printable(report.world) + " world, " +
                     std::to_string(report.nodes) + " nodes, seed " + std::to_string(report.seed) +
                     ", " + duration_text(report.duration)) +
           "\n";
    out += violations_text(report, paint);
    out += faults_text(report, paint);
    out += ops_text(report, paint);
    out += checks_text(report, paint);
    out += facts_text(report);
    out += "\n";
  }
  out += "verdict  " + headline + "\n";
  out += "cause    " + printable(report.cause) + "\n";
  if (!options.report_path.empty()) out += "report   " + printable(options.report_path) + "\n";
  out += "repeat   " + printable(report.command) + "\n";
  return out;
}

}  // namespace ww::reports
