// report.html.

#include "base/assert.hpp"
#include "reports/causality_section.hpp"
#include "reports/format.hpp"
#include "reports/html/embedded.hpp"
#include "reports/html/template.hpp"
#include "reports/op_stats.hpp"
#include "reports/page_data.hpp"
#include "reports/page_sections.hpp"
#include "reports/reports.hpp"

namespace ww::reports {

namespace {

/// The value of one place of the template.
std::string place(std::string_view name, const RunReport& report, const std::vector<OpPair>& pairs,
                  const OpStats& stats) {
  if (name == "title") {
    return escape_markup(headline_of(report) + " \xc2\xb7 " + report.test + " \xc2\xb7 seed " +
                         std::to_string(report.seed));
  }
  if (name == "style") return std::string(html::k_page_css);
  if (name == "header") return header_section(report, stats);
  if (name == "findings") return findings_section(report, pairs);
  if (name == "causality") return causality_section(report);
  if (name == "faults") return faults_section(report);
  if (name == "checks") return checks_section(report);
  if (name == "statistics") return statistics_section(report, stats);
  if (name == "setup") return setup_section(report);
  if (name == "data") return page_data(report, pairs);
  if (name == "script") {
    std::string script;
    for (const std::string_view part : {html::k_data_js, html::k_view_js, html::k_tracks_js,
                                        html::k_plots_js, html::k_history_js, html::k_main_js}) {
      script += part;
      script += '\n';
    }
    return script;
  }
  WW_ASSERT(false, "the page's template names an unknown place");
}

}  // namespace

std::string report_html(const RunReport& report) {
  const std::vector<OpPair> pairs = pair_ops(report.history);
  const OpStats stats = op_stats(report.history, pairs);
  return html::filled(html::k_page_html,
                      [&](std::string_view name) { return place(name, report, pairs, stats); });
}

}  // namespace ww::reports
