// junit.xml of a campaign: a case for the campaign, one per signature, one per plan of the corpus.
//
// A kind of failure is a <failure>; a bug of the harness and what could not be decided are an
// <error>, as in the JUnit of a run.

#include <string_view>

#include "reports/campaign_report.hpp"
#include "reports/format.hpp"
#include "reports/junit_markup.hpp"

namespace ww::reports {

namespace {

using junit::problem;
using junit::test_case;

std::string details_of(const SignatureRow& row) {
  std::string out = "\n" + group_digits(row.count) + (row.count == 1 ? " seed" : " seeds") +
                    "; the fastest is seed " + std::to_string(row.seed) + ", after " +
                    group_digits(row.events) + " events" + (row.known ? "; known" : "; new") +
                    "\n" + row.cause + "\n";
  for (const Fact& fact : row.shrunk) out += fact.name + ": " + fact.value + "\n";
  for (const std::string* command : {&row.shrunk_command, &row.command, &row.seed_command}) {
    if (!command->empty()) out += "repeat with: " + *command + "\n";
  }
  return out;
}

/// What no signature says: seeds that were not run, runs that did not repeat.
std::string campaign_body(const CampaignReport& report) {
  std::string details;
  for (const std::string& warning : report.warnings) details += "\n" + warning;
  for (const Fact& fact : report.divergences) details += "\n" + fact.name + ": " + fact.value;
  details += "\nrepeat with: " + report.command + "\n";
  if (!report.divergences.empty()) {
    return problem("error", "two runs of one plan differ", "harness", details);
  }
  if (report.incomplete) return problem("error", "seeds are missing", "incomplete", details);
  const bool explained = report.failures > 0 || report.exit_code == 0;
  return explained ? "" : problem("error", report.cause, report.headline, details);
}

}  // namespace

std::string campaign_junit(const CampaignReport& report) {
  const std::string suite = "whitewater.campaign";
  std::string cases = test_case(suite, "campaign", report.seconds, campaign_body(report));
  for (const CorpusRow& row : report.corpus) {
    const std::string body =
        row.failed ? problem("failure", row.cause, row.verdict,
                             "\nrepeat with: ./whitewater run --plan " + row.plan + "\n")
                   : "";
    cases += test_case(suite + ".corpus", row.plan, 0, body);
  }
  for (const SignatureRow& row : report.signatures) {
    const bool violated = row.failure && row.verdict != "harness";
    // Vacuous seeds are no kind of failure; the campaign's own case says when they are too many.
    if (row.verdict == "vacuous") continue;
    cases +=
        test_case(suite + ".signatures", row.signature, 0,
                  problem(violated ? "failure" : "error", row.cause, row.verdict, details_of(row)));
  }
  std::vector<Fact> properties = {{"verdict", report.headline},
                                  {"world", report.world},
                                  {"mix", report.mix},
                                  {"seeds", std::to_string(report.seeds)},
                                  {"new", std::to_string(report.fresh)},
                                  {"command", report.command}};
  return junit::document(suite, report.seconds, report.started, properties, cases);
}

}  // namespace ww::reports
