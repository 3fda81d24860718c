// The campaign on a terminal.

#include <algorithm>

#include "reports/campaign_plot.hpp"
#include "reports/campaign_report.hpp"
#include "reports/format.hpp"
#include "reports/painter.hpp"

namespace ww::reports {

namespace {

using Rows = std::vector<std::vector<std::string>>;

/// Signatures with their commands on a terminal; the page has all.
constexpr std::size_t kMaxShown = 8;

std::string signature_text(const SignatureRow& row, const Painter& paint) {
  std::string out = "  " + paint.bold(printable(row.signature)) +
                    (!row.failure ? ""
                     : row.known  ? "  known"
                                  : "  new") +
                    "\n";
  out += "    " + group_digits(row.count) + (row.count == 1 ? " seed" : " seeds") +
         "; fastest: seed " + std::to_string(row.seed) + ", " + group_digits(row.events) +
         " events\n";
  if (!row.cause.empty()) out += "    " + printable(row.cause) + "\n";
  std::string shrunk;
  for (const Fact& fact : row.shrunk) {
    shrunk += (shrunk.empty() ? "" : ", ") + printable(fact.name) + " " + printable(fact.value);
  }
  if (!shrunk.empty()) out += "    " + shrunk + "\n";
  const std::string& command = !row.shrunk_command.empty() ? row.shrunk_command
                               : !row.command.empty()      ? row.command
                                                           : row.seed_command;
  return out + "    " + printable(command) + "\n";
}

std::string signatures_text(const CampaignReport& report, bool failures, const Painter& paint) {
  std::string out;
  std::size_t all = 0;
  for (const SignatureRow& row : report.signatures) {
    // The vacuous are counted among the seeds, and that is all there is to say of them here.
    if (row.failure != failures || row.verdict == "vacuous") continue;
    if (all++ < kMaxShown) out += signature_text(row, paint);
  }
  if (all > kMaxShown) {
    out += paint.dim("  " + group_digits(all - kMaxShown) + " more kinds on the page") + "\n";
  }
  const char* const title = failures ? "Failures" : "Not decided";
  return out.empty() ? "" : "\n" + paint.bold(title) + "\n" + out;
}

std::string numbers_text(const CampaignReport& report, const Painter& paint) {
  Rows rows;
  for (const Count& count : report.classes) {
    if (count.count > 0) rows.push_back({printable(count.name), group_digits(count.count)});
  }
  std::string out = "\n" + paint.bold("Seeds") + "\n" + align_columns(rows, 2);
  rows.clear();
  for (const Fact& fact : report.throughput) {
    rows.push_back({printable(fact.name), printable(fact.value)});
  }
  out += "\n" + align_columns(rows, 2);
  if (report.states == 0) return out;
  out += "  " + std::string(report.states_exact ? "" : "about ") + group_digits(report.states) +
         " abstract states";
  if (report.coverage.size() >= 4) {
    out += ", " + number_text(late_share(report.coverage)) +
           " % of them first seen by the last quarter of the seeds";
  }
  return out + "\n";
}

}  // namespace

std::string campaign_text(const CampaignReport& report, const CampaignTextOptions& options) {
  const Painter paint(options.colour);
  std::string headline = printable(report.headline);
  std::transform(headline.begin(), headline.end(), headline.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  headline = paint.verdict(report.verdict, headline);
  std::string out;
  if (!options.quiet) {
    out += headline + "  " + printable(report.cause) + "\n";
    out += paint.dim(group_digits(report.seeds) + " seeds, " + printable(report.world) +
                     " world, mix " + printable(report.mix)) +
           "\n";
    out += signatures_text(report, true, paint) + signatures_text(report, false, paint);
    for (const CorpusRow& row : report.corpus) {
      if (row.failed) {
        out += "  corpus: " + printable(row.plan) + " is " + printable(row.verdict) + ": " +
               printable(row.cause) + "\n";
      }
    }
    for (const Fact& fact : report.divergences) {
      out += "  not reproducible: " + printable(fact.name) + ": " + printable(fact.value) + "\n";
    }
    out += numbers_text(report, paint) + "\n";
  }
  for (const std::string& warning : report.warnings) out += "warning  " + printable(warning) + "\n";
  out += "verdict  " + headline + "\ncause    " + printable(report.cause) + "\n";
  out += "new      " + std::to_string(report.fresh) + "\n";
  if (!options.page_path.empty()) out += "report   " + printable(options.page_path) + "\n";
  return out + "repeat   " + printable(report.command) + "\n";
}

}  // namespace ww::reports
