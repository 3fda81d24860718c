// A benchmark on stdout.

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "reports/bench_faults.hpp"
#include "reports/bench_report.hpp"
#include "reports/format.hpp"

namespace ww::reports {

namespace {

std::string rounded(double x) {
  if (x < 100) return number_text(x);
  return group_digits(static_cast<std::uint64_t>(std::llround(x)));
}

std::string interval(const BenchEstimate& e) {
  return rounded(e.low) + " - " + rounded(e.high);
}

std::string two_decimals(double x) {
  char text[48];
  std::snprintf(text, sizeof(text), "%.2f", x);
  return text;
}

std::string ratio_text(const BenchEstimate& e) {
  const auto text = [](double x) { return x < 10 ? two_decimals(x) : number_text(x); };
  return text(e.value) + "   95 % interval " + text(e.low) + " - " + text(e.high);
}

std::string against(double value, const std::optional<BenchTarget>& target) {
  if (!target) return "";
  const auto verdict = [value](double least) {
    return (value >= least ? "reached: " : "missed: ") + rounded(least);
  };
  std::string out = verdict(target->least) + " (" + target->formula + ")";
  if (target->alone)
    out += "; alone " + target->alone->given + ": " + verdict(target->alone->least);
  return out;
}

std::string variants_table(const BenchReport& report) {
  std::vector<std::vector<std::string>> rows = {{"variant", report.unit, "95 % interval"}};
  for (const BenchLatencyColumn& column : kLatencyColumns) rows[0].emplace_back(column.name);
  rows[0].emplace_back("target");
  for (const BenchVariant& v : report.variants) {
    const BenchLatency l = latency_of(v.latency);
    auto& row = rows.emplace_back();
    row = {printable(v.label) + (v.again ? " again" : ""), rounded(v.throughput.value),
           interval(v.throughput)};
    for (const auto& column : kLatencyColumns) row.push_back(duration_text(l.*column.ns));
    row.push_back(against(v.throughput.value, v.target));
  }
  return align_columns(rows, 0);
}

/// Means over the rounds of each variant: what the processor did.
std::string cores_table(const BenchReport& report) {
  std::vector<std::vector<std::string>> rows = {{"cores used by", "nodes", "clients", "harness",
                                                 "syncs/s", "sync in the nodes: median", "mean"}};
  for (const BenchVariant& v : report.variants) {
    double nodes = 0;
    double clients = 0;
    double harness = 0;
    double syncs = 0;
    double all_syncs = 0;
    double median = 0;
    double sum = 0;
    double count = 0;
    for (const BenchRound& r : report.rounds) {
      if (r.label != v.label || r.again != v.again) continue;
      nodes += r.nodes_cores;
      clients += r.clients_cores;
      harness += r.harness_cores;
      syncs += static_cast<double>(r.syncs) / r.seconds;
      all_syncs += static_cast<double>(r.syncs);
      median += static_cast<double>(r.sync_median);
      sum += static_cast<double>(r.sync_mean) * static_cast<double>(r.syncs);
      ++count;
    }
    rows.push_back({printable(v.label) + (v.again ? " again" : ""), two_decimals(nodes / count),
                    two_decimals(clients / count), two_decimals(harness / count),
                    rounded(syncs / count),
                    duration_text(static_cast<std::int64_t>(median / count)),
                    duration_text(static_cast<std::int64_t>(sum / std::max(all_syncs, 1.0)))});
  }
  return align_columns(rows, 0);
}

/// What the targets' t is made of, and what the nodes saw.
std::string syncs_text(const BenchReport& report) {
  std::vector<std::vector<std::string>> rows = {
      {"fdatasync by bare loops", "median t before", "mean", "median t after", "mean"}};
  for (const BenchSyncLoops& loops : report.sync_loops) {
    rows.push_back({loops.writers == 1 ? "one alone" : std::to_string(loops.writers) + " at once",
                    duration_text(loops.before.median), duration_text(loops.before.mean),
                    duration_text(loops.after.median), duration_text(loops.after.mean)});
  }
  std::string out = align_columns(rows, 0);
  if (report.sync_nodes.median > 0) {
    out += "in the nodes: median " + duration_text(report.sync_nodes.median) + ", mean " +
           duration_text(report.sync_nodes.mean) + "\n";
  }
  return report.in_memory ? out + "files in memory\n" : out;
}

std::string lines_of(const std::vector<BenchRatio>& ratios, const std::string& joint) {
  std::string out;
  for (const BenchRatio& r : ratios) {
    out += printable(r.above) + joint + printable(r.below) + ": " + ratio_text(r.ratio);
    if (r.target) out += "   " + against(r.ratio.value, r.target);
    out += "\n";
  }
  return out;
}

std::string lines_of_changes(const BenchReport& report) {
  std::string out;
  for (const BenchRatio& r : report.changes) {
    out += lines_of({r}, " to ");
    if (r.faulty) out += "  in the faulty phase: " + ratio_text(*r.faulty) + "\n";
    if (r.recovery) out += "  in the recovery phase: " + ratio_text(*r.recovery) + "\n";
  }
  return out;
}

}  // namespace

std::string changes_text(const BenchReport& report) {
  std::string out;
  for (const std::string& warning : report.warnings) out += "! " + printable(warning) + "\n";
  out += lines_of_changes(report);
  return out + printable(report.cause) + "\n";
}

std::string bench_text(const BenchReport& report, const std::string& page_path) {
  std::string out = faults_text(report);
  if (report.faults) out += "the healthy phase:\n";
  out += variants_table(report) + "\n" + cores_table(report) + "\n";
  out += lines_of(report.ratios, " / ");
  out += "noise floor (A/A): " + ratio_text(report.noise.ratio) + "\n";
  out += syncs_text(report);
  if (report.open_loop) out += "open loop: latencies count from the arrival\n";
  for (const std::string& warning : report.warnings) out += "! " + printable(warning) + "\n";
  if (!report.baseline.empty()) {
    out += "against " + printable(report.baseline) + ":\n" + lines_of_changes(report);
  }
  for (const BenchCondition& c : report.conditions) {
    out += std::string(c.holds ? "FAILS if " : "not ") + printable(c.text) + ": " +
           printable(c.where) + "\n";
  }
  return out + printable(report.cause) + "\nreport: " + printable(page_path) + "\n" +
         printable(report.command) + "\n";
}

}  // namespace ww::reports
