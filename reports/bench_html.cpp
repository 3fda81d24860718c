// bench.html: a benchmark as a page.

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "reports/bench_faults.hpp"
#include "reports/bench_plot.hpp"
#include "reports/bench_report.hpp"
#include "reports/format.hpp"
#include "reports/html/embedded.hpp"
#include "reports/html/template.hpp"
#include "reports/markup.hpp"

namespace ww::reports {

namespace {

std::string whole(double x) {
  return x < 10 ? number_text(x) : digits(static_cast<std::uint64_t>(std::llround(x)));
}

std::string factor(double x) {
  // Hundredths below ten, since 1.02 and 1.2 are far apart.
  const auto hundredths = std::llround(x * 100);
  if (x >= 10) return number_text(std::round(x * 10) / 10);
  return std::to_string(hundredths / 100) + "." + (hundredths % 100 < 10 ? "0" : "") +
         std::to_string(hundredths % 100);
}

std::string time_of(std::int64_t ns) {
  return micro_sign(duration_text(ns));
}

std::string target_cell(double value, const std::optional<BenchTarget>& target) {
  if (!target) return "";
  const auto verdict = [value](double least, const std::string& given) {
    const bool reached = value >= least;
    return std::string("<span class=\"tag ") + (reached ? "" : "unknown") + "\">" +
           (reached ? "reached" : "missed") + "</span> " + whole(least) +
           " <span class=\"counts\">" + escape_markup(given) + "</span>";
  };
  std::string out = verdict(target->least, target->formula);
  if (target->alone)
    out += "<br>" + verdict(target->alone->least, "alone, " + target->alone->given);
  return out;
}

std::string writers_text(std::uint32_t writers) {
  return writers == 1 ? "one bare loop alone" : std::to_string(writers) + " bare loops at once";
}

std::string swatch(std::size_t i, bool again) {
  return "<span class=\"swatch " + variant_class(again ? 12 : i) +
         "\" style=\"background: var(--v)\"></span>";
}

std::string headline(const BenchReport& report) {
  if (!report.ratios.empty()) {
    return factor(report.ratios.front().ratio.value) + "\xc3\x97" +
           (report.faults ? " while healthy" : "");
  }
  return whole(report.variants.front().throughput.value) + " " + report.unit +
         (report.faults ? " while healthy" : "");
}

std::string header_of(const BenchReport& report) {
  const bool good = report.exit_code == 0;
  std::string out = std::string("<header class=\"verdict ") + (good ? "valid" : "invalid") +
                    "\">\n<p class=\"run\">Whitewater \xc2\xb7 benchmark \xc2\xb7 live world, " +
                    (report.faults ? escape_markup(fault_title(*report.faults)) : "no faults") +
                    " \xc2\xb7 " + escape_markup(report.started) +
                    "</p>\n<h1><span id=\"verdict\">" + escape_markup(headline(report)) +
                    "</span></h1>\n<p class=\"cause\">";
  if (!report.ratios.empty()) {
    const BenchRatio& r = report.ratios.front();
    out += escape_markup(r.above + " to " + r.below) + ": 95\xc2\xa0% interval " +
           factor(r.ratio.low) + " to " + factor(r.ratio.high);
  } else {
    const BenchEstimate& t = report.variants.front().throughput;
    out += escape_markup(report.variants.front().label) + ": 95\xc2\xa0% interval " + whole(t.low) +
           " to " + whole(t.high);
  }
  out += ". The same against itself (A/A): " + factor(report.noise.ratio.value) + ", " +
         factor(report.noise.ratio.low) + " to " + factor(report.noise.ratio.high) + ".</p>\n";
  if (!good) out += "<p class=\"cause bad\">" + escape_markup(report.cause) + "</p>\n";
  out += "<dl class=\"figures\">\n";
  for (const BenchVariant& v : report.variants) {
    if (v.again || report.ratios.empty()) continue;
    out += figure(whole(v.throughput.value), v.label + ", " + report.unit);
  }
  out += fault_figures(report);
  for (const BenchSyncLoops& loops : report.sync_loops) {
    out += figure(escape_markup(time_of((loops.before.median + loops.after.median) / 2)),
                  "fdatasync, " + writers_text(loops.writers) + ", median");
  }
  out += "</dl>\n";
  if (!report.warnings.empty()) {
    out += "<ul class=\"warnings\">\n";
    for (const std::string& w : report.warnings) out += "<li>" + escape_markup(w) + "</li>\n";
    out += "</ul>\n";
  }
  return out + "<div class=\"command\"><code>" + escape_markup(report.command) +
         "</code><button type=\"button\" class=\"needs-script\">Copy</button></div>\n</header>\n";
}

std::string ratios_table(const BenchReport& report) {
  Table table({{"ratio"}, {"", true}, {"95 % interval", true}, {"target"}});
  const auto row = [&](const std::string& name, const BenchEstimate& e,
                       const std::optional<BenchTarget>& target) {
    table.row({escape_markup(name), factor(e.value),
               factor(e.low) + " \xe2\x80\x93 " + factor(e.high), target_cell(e.value, target)});
  };
  for (const BenchRatio& r : report.ratios) row(r.above + " : " + r.below, r.ratio, r.target);
  row(report.variants.front().label + " again : the same (noise floor)", report.noise.ratio, {});
  for (const BenchRatio& r : report.changes) {
    const std::string name = r.above + " : " + r.below;
    row(name, r.ratio, r.target);
    if (r.faulty) row(name + ", faulty phase", *r.faulty, {});
    if (r.recovery) row(name + ", recovery phase", *r.recovery, {});
  }
  return table.markup();
}

std::string throughput_section(const BenchReport& report) {
  const char* const title = report.faults ? "Throughput, healthy" : "Throughput";
  std::string out = std::string("<section>\n<h2>") + title + "</h2>\n<figure>" +
                    throughput_svg(report) +
                    "<figcaption>Each dot is a round, that is a fresh cluster. The stroke is their "
                    "mean, the band its 95\xc2\xa0% bootstrap interval over the rounds, the dashed "
                    "line the target; the dotted one is the target by the fdatasync of one writer "
                    "alone.</figcaption></figure>\n" +
                    ratios_table(report);
  for (const BenchCondition& c : report.conditions) {
    out += "<p class=\"note\">Fail if <b>" + escape_markup(c.text) +
           "</b>: " + (c.holds ? "<span class=\"bad\">it holds</span>" : "it does not") + " (" +
           escape_markup(c.where) + ").</p>\n";
  }
  return out + "</section>\n";
}

std::string latency_section(const BenchReport& report) {
  std::vector<Table::Column> columns = {{"variant"}, {report.unit, true}, {"95 % interval", true}};
  for (const BenchLatencyColumn& column : kLatencyColumns) columns.push_back({column.name, true});
  columns.push_back({"target"});
  Table table(std::move(columns));
  std::size_t i = 0;
  for (const BenchVariant& v : report.variants) {
    const BenchLatency l = latency_of(v.latency);
    std::vector<std::string> row = {
        swatch(i++, v.again) + escape_markup(v.label) + (v.again ? " again" : ""),
        whole(v.throughput.value),
        whole(v.throughput.low) + " \xe2\x80\x93 " + whole(v.throughput.high)};
    for (const auto& column : kLatencyColumns) row.push_back(time_of(l.*column.ns));
    row.push_back(target_cell(v.throughput.value, v.target));
    table.row(std::move(row));
  }
  const char* note =
      report.open_loop
          ? "Open loop: an operation's latency counts from its arrival, whether a client was free "
            "to send it or not."
          : "Closed loop: each client sends its next operation when the last one is answered.";
  const char* const title = report.faults ? "Latency, healthy" : "Latency";
  return std::string("<section>\n<h2>") + title + "</h2>\n<figure>" + latency_svg(report) +
         "<figcaption>" + note + " All rounds together.</figcaption></figure>\n" + table.markup() +
         "</section>\n";
}

std::string time_section(const BenchReport& report) {
  const char* const shaded = report.faults ? "the warm-up, the fault and the recovery are shaded"
                                           : "the warm-up is shaded";
  return "<section>\n<h2>Over time</h2>\n<figure>" + time_svg(report) +
         "<figcaption>One line a round, by 100\xc2\xa0ms; " + shaded +
         ".</figcaption></figure>\n</section>\n";
}

std::string processor_section(const BenchReport& report) {
  Table table({{"round", true},
               {"variant"},
               {"block", true},
               {report.unit, true},
               {"cores: nodes", true},
               {"clients", true},
               {"harness", true},
               {"syncs/s", true},
               {"sync, median", true},
               {"mean", true},
               {"p99", true},
               {"retries", true}});
  for (const BenchRound& r : report.rounds) {
    table.row(
        {digits(r.place + 1), escape_markup(r.label) + (r.again ? " again" : ""),
         digits(r.block + 1), whole(r.throughput), factor(r.nodes_cores), factor(r.clients_cores),
         factor(r.harness_cores), whole(static_cast<double>(r.syncs) / std::max(r.seconds, 1e-9)),
         time_of(r.sync_median), time_of(r.sync_mean), time_of(r.sync_p99), digits(r.retries)});
  }
  return "<section>\n<h2>What it took</h2>\n<p class=\"note\">Processor time of the nodes, of the "
         "clients' thread and of the rest of the harness, in cores; the syncs are the nodes' own, "
         "all nodes together.</p>\n" +
         table.markup(24) + "</section>\n";
}

std::string setup_section(const BenchReport& report) {
  const auto told = [](const BenchSync& sync) {
    return time_of(sync.median) + ", mean " + time_of(sync.mean);
  };
  std::vector<Fact> disk;
  for (const BenchSyncLoops& loops : report.sync_loops) {
    disk.push_back({writers_text(loops.writers) + ", before", told(loops.before)});
    disk.push_back({writers_text(loops.writers) + ", after", told(loops.after)});
  }
  if (report.sync_nodes.median > 0) disk.push_back({"in the nodes", told(report.sync_nodes)});
  disk.push_back({"files", report.in_memory ? "in memory" : "on disk"});
  std::string out = "<section>\n<h2>Set-up</h2>\n<div class=\"columns\">\n" +
                    facts_table("fdatasync, median", disk) + facts_table("Run", report.setup);
  for (const BenchVariant& v : report.variants) {
    if (!v.again) out += facts_table(escape_markup(v.label), v.settings);
  }
  return out + "</div>\n</section>\n";
}

}  // namespace

std::string bench_html(const BenchReport& report) {
  return html::filled(html::k_bench_html, [&report](std::string_view name) -> std::string {
    if (name == "title") return escape_markup(headline(report) + " \xc2\xb7 benchmark");
    if (name == "style") {
      return std::string(html::k_page_css) + std::string(html::k_campaign_css) +
             std::string(html::k_bench_css);
    }
    if (name == "header") return header_of(report);
    if (name == "faults") {
      // Where the fault is what matters, its timeline comes first.
      return report.faults ? time_section(report) + faults_section(report, swatch) : "";
    }
    if (name == "throughput") return throughput_section(report);
    if (name == "latency") return latency_section(report);
    if (name == "time") return report.faults ? "" : time_section(report);
    if (name == "processor") return processor_section(report);
    if (name == "setup") return setup_section(report);
    if (name == "script") return std::string(html::k_campaign_js);
    WW_ASSERT(false, "the page's template names an unknown place");
  });
}

}  // namespace ww::reports
