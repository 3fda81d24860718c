#include "reports/page_sections.hpp"

#include <algorithm>

#include "reports/format.hpp"
#include "reports/markup.hpp"
#include "reports/witness.hpp"

namespace ww::reports {

namespace {

/// Evidence lines shown before the rest is folded away.
constexpr std::size_t kEvidenceShown = 24;

/// Makes the names of nodes stand out, so that an eye can follow one node through the lines.
std::string evidence_line(const std::string& line) {
  const std::string text = escape_markup(line);
  const auto is_word = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i + 1;
    while (end < text.size() && text[end] >= '0' && text[end] <= '9') ++end;
    const bool begins = i == 0 || (!is_word(text[i - 1]) && text[i - 1] != '&');
    const bool ends = end == text.size() || !is_word(text[end]);
    if (text[i] == 'n' && end > i + 1 && begins && ends) {
      out += "<b>" + text.substr(i, end - i) + "</b>";
      i = end;
    } else {
      out += text[i++];
    }
  }
  return out;
}

std::string evidence_list(const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  const auto items = [&](std::size_t from, std::size_t to) {
    std::string out;
    for (std::size_t i = from; i < to; ++i) out += "<li>" + evidence_line(lines[i]) + "</li>\n";
    return out;
  };
  const std::size_t shown = std::min(lines.size(), kEvidenceShown);
  std::string out =
      "<h4>Evidence, in causal order</h4>\n<ol class=\"evidence\">\n" + items(0, shown) + "</ol>\n";
  if (shown < lines.size()) {
    out += "<details><summary>" + plural(lines.size() - shown, "more line", "more lines") +
           "</summary>\n<ol class=\"evidence\" start=\"" + std::to_string(shown + 1) + "\">\n" +
           items(shown, lines.size()) + "</ol></details>\n";
  }
  return out;
}

std::string witness_figure(const Violation& violation, const RunReport& report,
                           std::span<const OpPair> pairs) {
  const std::vector<WitnessOp> ops = witness_ops(violation, report.history, pairs);
  if (ops.empty()) return "";
  std::string out =
      "<h4>Witness</h4>\n<figure><div class=\"scroll\">" + witness_svg(ops) + "</div>\n";
  out +=
      "<figcaption>Rows are client processes, time runs to the right. The order of all beginnings "
      "and "
      "ends is exact; distances are compressed. <i>index</i> and <i>term</i> say where in the log "
      "the "
      "node claims that the op took effect.";
  const bool any_open =
      std::any_of(ops.begin(), ops.end(), [](const WitnessOp& o) { return o.open; });
  if (any_open) out += " An op without a right end may take effect at any later time.";
  if (ops.size() == kMaxWitnessOps) {
    out += " Only the first " + std::to_string(kMaxWitnessOps) + " ops are drawn.";
  }
  return out + "</figcaption></figure>\n";
}

std::string violation_card(const Violation& violation, std::size_t number, const RunReport& report,
                           std::span<const OpPair> pairs) {
  std::string out =
      "<article class=\"violation\" id=\"violation-" + std::to_string(number) + "\">\n";
  out += "<h3><span class=\"property\">" + escape_markup(violation.property) + "</span> " +
         escape_markup(violation.summary) + "</h3>\n<p class=\"when\">at " +
         time_text(violation.time);
  for (std::size_t i = 0; i < violation.nodes.size(); ++i) {
    out += (i == 0 ? " \xc2\xb7 " : ", ") + escape_markup(violation.nodes[i]);
  }
  out += " <button type=\"button\" data-show=\"" + std::to_string(number) +
         "\">Show in the timeline</button></p>\n";
  out += witness_figure(violation, report, pairs);
  out +=
      "<figure class=\"around needs-script\"><canvas data-around=\"" + std::to_string(number) +
      "\"></canvas><figcaption>The cluster around this moment (the vertical line): faults and the "
      "roles of the nodes.</figcaption></figure>\n";
  return out + evidence_list(violation.evidence) + "</article>\n";
}

std::string violations_markup(const RunReport& report, std::span<const OpPair> pairs) {
  std::string out;
  std::size_t number = 0;
  for (const CheckResult& check : report.checks) {
    for (const Violation& violation : check.violations) {
      // The first few are read; a run with a broken node may have hundreds that say the same.
      const bool folded = number == 3;
      if (folded) out += "<details><summary>More violations</summary>\n";
      out += violation_card(violation, number++, report, pairs);
    }
    if (check.violation_count > check.violations.size()) {
      out += "<p class=\"note\">" + escape_markup(check.checker) + " found " +
             plural(check.violation_count, "violation", "violations") +
             " in all; shown: " + std::to_string(check.violations.size()) + ".</p>\n";
    }
  }
  if (number > 3) out += "</details>\n";
  return out;
}

std::string undecided_markup(const RunReport& report) {
  std::string out;
  for (const CheckResult& check : report.checks) {
    if (check.verdict != Verdict::kUnknown || !decides(check)) continue;
    out += "<li><b>" + escape_markup(check.checker) +
           "</b>: " + escape_markup(check.reason.empty() ? "could not be decided" : check.reason) +
           "</li>\n";
  }
  return out.empty() ? "" : "<ul class=\"undecided\">\n" + out + "</ul>\n";
}

std::vector<std::string> op_cells(const FuncStats& stats) {
  std::vector<std::string> cells = {digits(stats.ok),
                                    digits(stats.fail),
                                    digits(stats.info)};
  const Percentiles& p = stats.latency;
  for (const std::int64_t ns : {p.p50, p.p90, p.p99, p.p999, p.max}) {
    cells.push_back(p.count > 0 ? micro_sign(duration_text(ns)) : "\xe2\x80\x93");
  }
  return cells;
}

std::string ops_table(const OpStats& stats) {
  Table table({{"f"},
               {"ok", true},
               {"fail", true},
               {"info", true},
               {"p50", true},
               {"p90", true},
               {"p99", true},
               {"p99.9", true},
               {"max", true}});
  const auto row = [&](const std::string& name, const FuncStats& of) {
    std::vector<std::string> cells = op_cells(of);
    cells.insert(cells.begin(), name);
    table.row(cells);
  };
  for (const auto& [f, of_func] : stats.by_func) row(std::string(name_of(f)), of_func);
  row("all", stats.all);
  std::string out = "<h3>Ops</h3>\n" + table.markup();
  out += "<p class=\"note\">Latencies are of ok ops, from invocation to completion.</p>\n";
  if (stats.errors.empty()) return out;
  Table errors({{"why not ok"}, {"ops", true}});
  for (const auto& [why, count] : stats.errors) {
    errors.row({escape_markup(why), digits(count)});
  }
  return out + errors.markup();
}

std::string counts_table(const std::string& title, const std::string& note,
                         const std::vector<Count>& counts, const std::string& of) {
  if (counts.empty()) return "";
  Table table({{of}, {"count", true}});
  for (const Count& count : counts) {
    table.row({escape_markup(count.name), digits(count.count)});
  }
  return "<div><h3>" + title + "</h3>\n" + table.markup() +
         (note.empty() ? "" : "<p class=\"note\">" + note + "</p>\n") + "</div>\n";
}

std::string leaders_table(const RunReport& report) {
  if (report.leader_changes.empty()) return "";
  Table table({{"elected at", true}, {"leader"}, {"term", true}, {"led for", true}});
  for (std::size_t i = 0; i < report.leader_changes.size(); ++i) {
    const LeaderChange& change = report.leader_changes[i];
    const std::int64_t until = i + 1 < report.leader_changes.size()
                                   ? report.leader_changes[i + 1].time
                                   : std::max(report.duration, change.time);
    table.row({time_text(change.time), name_of(change.node), std::to_string(change.term),
               micro_sign(duration_text(until - change.time))});
  }
  return "<div><h3>Leaders</h3>\n" + table.markup(12) + "</div>\n";
}

std::string counters_table(const RunReport& report) {
  if (report.counters.empty()) return "";
  std::vector<Table::Column> columns = {{"counter"}};
  std::map<std::string, std::vector<std::string>> rows;
  for (std::size_t n = 0; n < report.counters.size(); ++n) {
    columns.push_back({name_of(report.counters[n].node), true});
    for (const auto& [name, count] : report.counters[n].counts) {
      std::vector<std::string>& cells = rows[name];
      cells.resize(report.counters.size(), "\xe2\x80\x93");
      cells[n] = digits(count);
    }
  }
  Table table(columns);
  for (auto& [name, cells] : rows) {
    cells.insert(cells.begin(), escape_markup(name));
    table.row(cells);
  }
  return "<h3>Nodes</h3>\n" + table.markup();
}

std::string stalls_table(const RunReport& report) {
  if (report.stalls.empty()) return "";
  Table table({{"at", true}, {"for", true}, {"what"}});
  for (const MachineStall& stall : report.stalls) {
    table.row({time_text(stall.time), micro_sign(duration_text(stall.duration)),
               escape_markup(stall.what)});
  }
  return "<div><h3>Stalls of this machine</h3>\n" + table.markup(12) +
         "<p class=\"note\">The sentinel saw the machine itself stand still: what happened then is "
         "not "
         "held against the nodes.</p></div>\n";
}

}  // namespace

std::string header_section(const RunReport& report, const OpStats& stats) {
  const std::string verdict(name_of(report.verdict));
  const char* sign = report.verdict == Verdict::kValid     ? "\xe2\x9c\x93"
                     : report.verdict == Verdict::kInvalid ? "\xe2\x9c\x97"
                                                           : "?";
  std::string out =
      "<header class=\"verdict " + verdict + "\">\n<p class=\"run\">Whitewater \xc2\xb7 " +
      escape_markup(report.test) + " \xc2\xb7 " + escape_markup(report.world) + " world \xc2\xb7 " +
      std::to_string(report.nodes) + " nodes \xc2\xb7 seed " + std::to_string(report.seed) +
      " \xc2\xb7 " + escape_markup(report.started) + "</p>\n";
  out += "<h1><span class=\"sign\" aria-hidden=\"true\">" + std::string(sign) +
         "</span><span id=\"verdict\">" + escape_markup(headline_of(report)) + "</span></h1>\n";
  out += "<p class=\"cause\">" + escape_markup(report.cause) + "</p>\n";
  std::uint64_t injected = 0;
  std::uint64_t effective = 0;
  for (const FaultKindSummary& s : summarise_faults(report)) {
    injected += s.injected;
    effective += s.effective;
  }
  std::uint64_t evaluated = 0;
  for (const CheckResult& check : report.checks) evaluated += check.evaluated;
  out += "<dl class=\"figures\">\n";
  out += figure(micro_sign(duration_text(report.duration)), "duration");
  out += figure(digits(stats.all.ok), "ops ok");
  out += figure(digits(stats.all.fail), "fail");
  out += figure(digits(stats.all.info), "info");
  out += figure(digits(effective) + "<small> of " +
                    digits(injected) + "</small>",
                "faults effective");
  out += figure(digits(report.leader_changes.size()), "leader changes");
  out += figure(digits(evaluated), "rule evaluations");
  out += "</dl>\n";
  for (const Count& bug : report.bugs) {
    out += "<p class=\"bug\">Bug switched on: <b>" + escape_markup(bug.name) + "</b>, reached " +
           plural(bug.count, "time", "times") + ".</p>\n";
  }
  out += "<div class=\"command\"><code id=\"command\">" + escape_markup(report.command) +
         "</code><button type=\"button\" id=\"copy\" class=\"needs-script\">Copy</button></div>\n";
  return out + "</header>\n";
}

std::string findings_section(const RunReport& report, std::span<const OpPair> pairs) {
  const std::string violations = violations_markup(report, pairs);
  const std::string undecided = undecided_markup(report);
  std::string out;
  if (!violations.empty()) {
    out += "<section id=\"violations\">\n<h2>Violations</h2>\n" + violations + "</section>\n";
  }
  if (!undecided.empty()) {
    out += "<section id=\"undecided\">\n<h2>Not decided</h2>\n" + undecided + "</section>\n";
  }
  return out;
}

std::string faults_section(const RunReport& report) {
  const std::vector<FaultKindSummary> kinds = summarise_faults(report);
  if (kinds.empty()) return "";
  Table summary({{"kind"}, {"planned", true}, {"injected", true}, {"effective", true}});
  for (const FaultKindSummary& s : kinds) {
    const bool idle = s.effective == 0;
    summary.row({"<span class=\"swatch\" data-kind=\"" + escape_markup(s.kind) + "\"></span>" +
                     escape_markup(s.kind),
                 group_digits(s.planned), group_digits(s.injected),
                 idle ? "<b class=\"warn\">0</b>" : group_digits(s.effective)});
  }
  std::string out = "<section id=\"faults\">\n<h2>Faults</h2>\n" + summary.markup();
  out +=
      "<p class=\"note\">A fault is <i>effective</i> when a decision could differ because of it: a "
      "vote "
      "or an append was blocked, bytes were lost, a deadline was judged otherwise.</p>\n";
  if (report.faults.empty()) return out + "</section>\n";
  Table rows({{"#", true},
              {"kind"},
              {"what"},
              {"nodes"},
              {"injected", true},
              {"healed", true},
              {"effect"}});
  for (const FaultRow& fault : report.faults) {
    std::string nodes;
    for (const NodeId node : fault.nodes) nodes += (nodes.empty() ? "" : " ") + name_of(node);
    std::string effect = !fault.injected_at ? "<b class=\"warn\">never injected</b>"
                         : fault.effective  ? "<b>effective</b>"
                                            : "<b class=\"warn\">no effect</b>";
    if (!fault.evidence.empty()) effect += " " + escape_markup(fault.evidence);
    std::string counts;
    for (const auto& [name, count] : fault.counts) {
      counts += (counts.empty() ? "" : ", ") + escape_markup(name) + " " +
                digits(count);
    }
    if (!counts.empty()) effect += " <span class=\"counts\">" + counts + "</span>";
    rows.row({std::to_string(fault.id),
              "<span class=\"swatch\" data-kind=\"" + escape_markup(fault.kind) + "\"></span>" +
                  escape_markup(fault.kind),
              escape_markup(fault.description), nodes,
              fault.injected_at ? time_text(*fault.injected_at) : "\xe2\x80\x93",
              fault.healed_at ? time_text(*fault.healed_at) : "\xe2\x80\x93", effect});
  }
  return out + rows.markup(16) + "</section>\n";
}

std::string checks_section(const RunReport& report) {
  Table table({{"check"}, {"verdict"}, {"evaluated", true}, {"what was checked"}});
  for (const CheckResult& check : report.checks) {
    const std::string verdict(decides(check) ? name_of(check.verdict) : "not reached");
    std::string what = escape_markup(check.title);
    if (check.violation_count > 0) {
      what +=
          " <b class=\"bad\">" + plural(check.violation_count, "violation", "violations") + "</b>";
    }
    if (!check.reason.empty())
      what += " <span class=\"reason\">" + escape_markup(check.reason) + "</span>";
    std::string numbers;
    for (const auto& [name, number] : check.numbers) {
      if (name == kRare) continue;
      numbers += (numbers.empty() ? "" : ", ") + escape_markup(name) + " " +
                 escape_markup(number_text(number));
    }
    if (!numbers.empty()) what += " <span class=\"counts\">" + numbers + "</span>";
    table.row(
        {"<b>" + escape_markup(check.checker) + "</b>",
         "<span class=\"tag " + (decides(check) ? verdict : "idle") + "\">" + verdict + "</span>",
         check.evaluated == 0 ? "<b class=\"warn\">0</b>"
                              : digits(check.evaluated),
         what});
  }
  return "<section id=\"checks\">\n<h2>Checks</h2>\n<p class=\"needs-script\"><input "
         "type=\"search\" "
         "data-filters=\"checks\" placeholder=\"Find a check\" aria-label=\"Find a check\"></p>\n" +
         table.markup() + "</section>\n";
}

std::string statistics_section(const RunReport& report, const OpStats& stats) {
  return "<section id=\"statistics\">\n<h2>Statistics</h2>\n" + ops_table(stats) +
         "<div class=\"columns\">\n" + leaders_table(report) +
         facts_table("Recovery", report.liveness) +
         counts_table("Rare paths",
                      "How often the nodes went through each; a zero was never tested.",
                      report.marks, "mark") +
         stalls_table(report) + "</div>\n" + counters_table(report) + "</section>\n";
}

std::string setup_section(const RunReport& report) {
  std::vector<Fact> built = {{"version", report.version},
                             {"commit", report.commit},
                             {"compiler", report.compiler},
                             {"started", report.started},
                             {"exit code", std::to_string(report.exit_code)}};
  if (!report.fingerprint.empty()) built.push_back({"fingerprint", report.fingerprint});
  return "<section id=\"setup\">\n<h2>Set-up</h2>\n<div class=\"columns\">\n" +
         facts_table("Options", report.options) + facts_table("Program", built) +
         "</div>\n</section>\n";
}

}  // namespace ww::reports
