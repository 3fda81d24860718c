#include "reports/bench_faults.hpp"

#include <cmath>
#include <cstdio>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "reports/format.hpp"
#include "reports/markup.hpp"

namespace ww::reports {

namespace {

/// How a number and a time are spelt: for a terminal, or as markup.
struct Spelling {
  std::function<std::string(std::uint64_t)> count;
  std::function<std::string(std::int64_t)> time;
  std::string dash;
};

Spelling terminal() {
  return {[](std::uint64_t n) { return group_digits(n); }, duration_text, " - "};
}

Spelling page() {
  return {digits, [](std::int64_t ns) { return micro_sign(duration_text(ns)); }, " \xe2\x80\x93 "};
}

std::string throughput_told(double x, const Spelling& spell) {
  return x < 100 ? number_text(x) : spell.count(static_cast<std::uint64_t>(std::llround(x)));
}

using Rows = std::vector<std::vector<std::string>>;

/// The columns of the table by phase.
std::vector<std::string> phase_titles(const std::string& unit) {
  std::vector<std::string> out = {"variant", "phase", unit, "95 % interval"};
  for (const BenchLatencyColumn& column : kLatencyColumns) out.emplace_back(column.name);
  out.insert(out.end(), {"refused", "lost", "unanswered"});
  return out;
}

/// A row for each variant and phase, without the variant's name.
Rows phase_rows(const BenchFaultSummary& f, const Spelling& spell) {
  Rows out;
  for (std::size_t i = 0; i < kBenchPhases.size(); ++i) {
    const BenchEstimate& t = f.throughput[i];
    const BenchLatency l = latency_of(f.latency[i]);
    auto& row = out.emplace_back();
    row = {std::string(kBenchPhases[i]), throughput_told(t.value, spell),
           throughput_told(t.low, spell) + spell.dash + throughput_told(t.high, spell)};
    for (const auto& column : kLatencyColumns) row.push_back(spell.time(l.*column.ns));
    for (const std::uint64_t n : {f.sums[i].refused, f.sums[i].lost, f.sums[i].unanswered}) {
      row.push_back(spell.count(n));
    }
  }
  return out;
}

/// One measure: mean, interval, worst, and where it never came.
std::vector<std::string> outage_row(const char* name, const BenchOutage& outage,
                                    std::uint32_t rounds, const char* never,
                                    const Spelling& spell) {
  const auto time = [&spell](double ns) {
    return spell.time(static_cast<std::int64_t>(std::llround(ns)));
  };
  const std::string missing = outage.reached == rounds
                                  ? ""
                                  : std::string(never) + " in " +
                                        std::to_string(rounds - outage.reached) + " of " +
                                        std::to_string(rounds);
  if (outage.reached == 0) return {name, "-", "-", "-", missing};
  return {name, time(outage.mean.value),
          time(outage.mean.low) + spell.dash + time(outage.mean.high), spell.time(outage.worst),
          missing};
}

/// A row for each measure, without the variant's name.
Rows outage_rows(const BenchFaultSummary& f, const Spelling& spell) {
  Rows out = {
      outage_row("unavailable", f.unavailable, f.rounds, "never available again", spell),
      outage_row("recovered, from the injection", f.from_injection, f.rounds, "not recovered",
                 spell),
      outage_row("recovered, from the heal", f.from_heal, f.rounds, "not recovered", spell)};
  const std::string steady = throughput_told(std::round(f.steady * 100), spell) + " %";
  for (auto& row : out) row.push_back(&row == &out.front() ? steady : "");
  return out;
}

std::string two_places(double x) {
  char text[48];
  std::snprintf(text, sizeof(text), "%.2f", x);
  return text;
}

/// "1.02 (0.97 - 1.05)"; "-" where there is none.
std::string ratio_cell(const std::optional<BenchEstimate>& e, const Spelling& spell) {
  if (!e) return "-";
  return two_places(e->value) + " (" + two_places(e->low) + spell.dash + two_places(e->high) + ")";
}

Rows ratio_rows(const BenchReport& report, const Spelling& spell) {
  Rows out;
  const auto add = [&](const std::string& name, const BenchRatio& r) {
    out.push_back({name, ratio_cell(r.ratio, spell), ratio_cell(r.faulty, spell),
                   ratio_cell(r.recovery, spell), ratio_cell(r.unavailable, spell),
                   ratio_cell(r.from_injection, spell), ratio_cell(r.from_heal, spell)});
  };
  for (const BenchRatio& r : report.ratios) add(r.above + " / " + r.below, r);
  add(report.noise.above + " again / the same (noise floor)", report.noise);
  return out;
}

std::string label_of(const BenchVariant& v) {
  return v.label + (v.again ? " again" : "");
}

std::string led(const std::string& leader, std::uint64_t term) {
  return leader.empty() ? "nobody" : leader + " in term " + std::to_string(term);
}

/// A legend of the measures, for both.
constexpr const char* kMeasures =
    "Unavailable: from the injection to the first acknowledgement of an operation that had begun "
    "after it. Recovered: throughput by 100 ms is back at 90 % of the healthy median, 3 slices in "
    "a row. Steady: the share of the healthy slices that reach this themselves.";

constexpr const char* kRatios =
    "With 95 % intervals, by block. A time is \"-\" where a round never got there, or one to "
    "divide "
    "by took none.";

std::string rounds_table(const BenchReport& report) {
  const Spelling spell = page();
  const auto time = [&spell](const std::optional<std::int64_t>& t, const char* never) {
    return t ? spell.time(*t) : std::string("<span class=\"bad\">") + never + "</span>";
  };
  Table table({{"round", true},
               {"variant"},
               {"hit"},
               {"led before"},
               {"leads at the end"},
               {"seen after", true},
               {"serves after the heal", true},
               {"unavailable", true},
               {"recovered, from the injection", true},
               {"from the heal", true}});
  for (const BenchRound& r : report.rounds) {
    if (!r.fault) continue;
    const BenchFault& f = *r.fault;
    table.row({digits(r.place + 1), escape_markup(r.label) + (r.again ? " again" : ""),
               escape_markup(f.node), escape_markup(led(f.leader, f.term)),
               escape_markup(led(f.leader_then, f.term_then)), spell.time(f.seen_after),
               spell.time(f.serving_after), time(f.unavailable, "never"),
               time(f.from_injection, "not recovered"), time(f.from_heal, "not recovered")});
  }
  return table.markup(24);
}

}  // namespace

std::string fault_title(const BenchFaultPlan& plan) {
  const bool follower = plan.kind.find("follower") != std::string::npos;
  const bool kill = plan.kind.rfind("kill", 0) == 0;
  return std::string(kill ? "kill -9" : "pause") + " of " +
         (follower ? "a follower" : "the leader") + " for " + duration_text(plan.length);
}

std::string faults_text(const BenchReport& report) {
  if (!report.faults) return "";
  const Spelling spell = terminal();
  Rows phases = {phase_titles(report.unit)};
  Rows outages = {{"variant", "time", "mean", "95 % interval", "worst", "", "steady"}};
  for (const BenchVariant& v : report.variants) {
    if (!v.faults) continue;
    for (auto row : phase_rows(*v.faults, spell)) {
      row.insert(row.begin(), printable(label_of(v)));
      phases.push_back(std::move(row));
    }
    for (auto row : outage_rows(*v.faults, spell)) {
      row.insert(row.begin(), printable(label_of(v)));
      outages.push_back(std::move(row));
    }
  }
  Rows ratios = {{"ratio of throughput", "healthy", "faulty", "recovery", "of time: unavailable",
                  "recovered, from the injection", "from the heal"}};
  for (auto& row : ratio_rows(report, spell)) {
    row.front() = printable(row.front());
    ratios.push_back(std::move(row));
  }
  return "during faults: " + fault_title(*report.faults) + ", attempts given up after " +
         duration_text(report.faults->attempt_timeout) + "\n" + align_columns(phases, 0) + "\n" +
         align_columns(outages, 0) + std::string(kMeasures) + "\n\n" + align_columns(ratios, 0) +
         kRatios + "\n\n";
}

std::string fault_figures(const BenchReport& report) {
  const Spelling spell = page();
  std::string out;
  for (const BenchVariant& v : report.variants) {
    if (!v.faults || v.again) continue;
    const auto add = [&](const BenchOutage& outage, const char* name) {
      const std::string whose = report.ratios.empty() ? "" : v.label + ", ";
      out += figure(outage.reached < v.faults->rounds
                        ? "not always"
                        : escape_markup(spell.time(std::llround(outage.mean.value))),
                    whose + name);
    };
    add(v.faults->unavailable, "unavailable");
    add(v.faults->from_heal, "recovered, from the heal");
  }
  return out;
}

std::string faults_section(const BenchReport& report,
                           std::string (*swatch)(std::size_t i, bool again)) {
  if (!report.faults) return "";
  const Spelling spell = page();
  std::vector<Table::Column> columns;
  for (const std::string& title : phase_titles(report.unit)) {
    columns.push_back({title, columns.size() > 1});
  }
  Table phases(std::move(columns));
  Table outages({{"variant"},
                 {"time"},
                 {"mean", true},
                 {"95 % interval", true},
                 {"worst", true},
                 {""},
                 {"steady", true}});
  std::size_t i = 0;
  for (const BenchVariant& v : report.variants) {
    const std::string name = swatch(i++, v.again) + escape_markup(label_of(v));
    if (!v.faults) continue;
    for (auto row : phase_rows(*v.faults, spell)) {
      row.insert(row.begin(), row.front() == kBenchPhases.front() ? name : "");
      phases.row(std::move(row));
    }
    bool first = true;
    for (auto row : outage_rows(*v.faults, spell)) {
      if (!row[4].empty()) row[4] = "<span class=\"bad\">" + row[4] + "</span>";
      row.insert(row.begin(), std::exchange(first, false) ? name : "");
      outages.row(std::move(row));
    }
  }
  Table ratios({{"ratio of throughput"},
                {"healthy", true},
                {"faulty", true},
                {"recovery", true},
                {"of time: unavailable", true},
                {"recovered, from the injection", true},
                {"from the heal", true}});
  for (auto& row : ratio_rows(report, spell)) {
    row.front() = escape_markup(row.front());
    ratios.row(std::move(row));
  }
  return "<section>\n<h2>Healthy, faulty, recovery</h2>\n<p class=\"note\">In each round: " +
         escape_markup(fault_title(*report.faults)) +
         ", then the heal. A client gives an attempt up after " +
         spell.time(report.faults->attempt_timeout) + " and asks another node.</p>\n" +
         outages.markup() + "<p class=\"note\">" + kMeasures + "</p>\n<h3>By phase</h3>\n" +
         phases.markup() +
         "<p class=\"note\">An operation counts to the phase in which it arrived, or to the faulty "
         "one if it was under way at the injection. Refused and lost are attempts, made again in "
         "the operation's session; unanswered are operations.</p>\n<h3>Ratios by phase</h3>\n" +
         ratios.markup() + "<p class=\"note\">" + kRatios + "</p>\n<h3>Each round</h3>\n" +
         rounds_table(report) + "</section>\n";
}

}  // namespace ww::reports
