// index.html of a campaign.

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "reports/campaign_plot.hpp"
#include "reports/campaign_report.hpp"
#include "reports/format.hpp"
#include "reports/html/embedded.hpp"
#include "reports/html/template.hpp"
#include "reports/markup.hpp"

namespace ww::reports {

namespace {

/// Signatures that are shown before the rest is folded away.
constexpr std::size_t kShown = 12;

std::string command_box(const std::string& command) {
  return "<div class=\"command\"><code>" + escape_markup(command) +
         "</code><button type=\"button\" class=\"needs-script\">Copy</button></div>";
}

std::string header(const CampaignReport& report) {
  const std::string verdict(name_of(report.verdict));
  const char* sign = report.verdict == Verdict::kValid     ? "\xe2\x9c\x93"
                     : report.verdict == Verdict::kInvalid ? "\xe2\x9c\x97"
                                                           : "?";
  std::string out = "<header class=\"verdict " + verdict +
                    "\">\n<p class=\"run\">Whitewater \xc2\xb7 campaign \xc2\xb7 " +
                    escape_markup(report.world) + " world \xc2\xb7 mix " +
                    escape_markup(report.mix) + " \xc2\xb7 " + escape_markup(report.started) +
                    "</p>\n";
  out += "<h1><span class=\"sign\" aria-hidden=\"true\">" + std::string(sign) +
         "</span><span id=\"verdict\">" + escape_markup(report.headline) + "</span></h1>\n";
  out += "<p class=\"cause\">" + escape_markup(report.cause) + "</p>\n<dl class=\"figures\">\n";
  const std::string of =
      report.asked > report.seeds ? "<small> of " + digits(report.asked) + "</small>" : "";
  out += figure(digits(report.seeds) + of, "seeds");
  for (const Fact& fact : report.figures) out += figure(escape_markup(fact.value), fact.name);
  out += "</dl>\n";
  if (!report.warnings.empty()) {
    out += "<ul class=\"warnings\">\n";
    for (const std::string& warning : report.warnings) {
      out += "<li>" + escape_markup(warning) + "</li>\n";
    }
    out += "</ul>\n";
  }
  return out + command_box(report.command) + "\n</header>\n";
}

std::string commands(const SignatureRow& row) {
  std::string out = "<div class=\"commands\">\n";
  const auto line = [&](const char* what, const std::string& command) {
    if (command.empty()) return;
    out += std::string("<span>") + what + "</span>" + command_box(command) + "\n";
  };
  line("shrunk", row.shrunk_command);
  line("fastest seed", row.command);
  line("by its number", row.seed_command);
  return out + "</div>\n";
}

std::string signature_card(const SignatureRow& row) {
  const std::size_t colon = row.signature.find(": ");
  const std::string property = row.signature.substr(0, colon);
  const std::string shape = colon == std::string::npos ? "" : row.signature.substr(colon + 2);
  std::string out = "<article class=\"signature\">\n<p class=\"count\"><b>" + digits(row.count) +
                    "</b><span>" + (row.count == 1 ? "seed" : "seeds") + "</span></p>\n<div>\n";
  out += "<h3><span class=\"property " + escape_markup(row.verdict) + "\">" +
         escape_markup(property) + "</span> " + escape_markup(shape);
  if (row.failure) {
    out += row.known ? "<span class=\"flag\">known</span>" : "<span class=\"flag new\">new</span>";
  }
  out += "</h3>\n<p class=\"when\">fastest: <b>seed " + std::to_string(row.seed) + "</b>, after " +
         plural(row.events, "event", "events");
  for (const Fact& fact : row.shrunk) {
    out += " \xc2\xb7 " + escape_markup(fact.name) + " <b>" + escape_markup(fact.value) + "</b>";
  }
  if (!row.report.empty()) {
    out += " \xc2\xb7 <a href=\"" + escape_markup(row.report) + "\">its report</a>";
  }
  out += "</p>\n";
  if (!row.cause.empty()) out += "<p class=\"said\">" + escape_markup(row.cause) + "</p>\n";
  return out + commands(row) + "</div>\n</article>\n";
}

std::string cards(const CampaignReport& report, bool failures, const std::string& title,
                  const std::string& note) {
  std::vector<const SignatureRow*> rows;
  for (const SignatureRow& row : report.signatures) {
    if (row.failure == failures) rows.push_back(&row);
  }
  if (rows.empty()) return "";
  std::string out = "<section>\n<h2>" + title + "</h2>\n<p class=\"note\">" + note + "</p>\n";
  const bool fold = rows.size() > kShown + 2;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (fold && i == kShown) {
      out += "<details><summary>" + digits(rows.size() - kShown) + " more</summary>\n";
    }
    out += signature_card(*rows[i]);
  }
  return out + (fold ? "</details>\n" : "") + "</section>\n";
}

std::string signatures(const CampaignReport& report) {
  std::string out = cards(
      report, true, "Failures",
      "Seeds that broke the same property in the same way are one kind of failure; the fastest of "
      "each is the one that took the fewest events.");
  if (!report.divergences.empty()) {
    Table table({{"of"}, {"where its two runs part"}});
    for (const Fact& fact : report.divergences) {
      table.row({escape_markup(fact.name), escape_markup(fact.value)});
    }
    out +=
        "<section>\n<h2>Not reproducible</h2>\n<p class=\"note\">The same plan was run twice and "
        "did not give the same events: a bug of the harness.</p>\n" +
        table.markup(kShown) + "</section>\n";
  }
  return out + cards(report, false, "Not decided",
                     "No rule was broken in these seeds, but the verdict is less than valid.");
}

std::string corpus(const CampaignReport& report) {
  if (report.corpus.empty()) return "";
  Table table({{"plan"}, {"verdict"}, {"what came of it"}});
  for (const CorpusRow& row : report.corpus) {
    table.row({escape_markup(row.plan),
               std::string("<span class=\"tag ") + (row.failed ? "invalid" : "") + "\">" +
                   escape_markup(row.verdict) + "</span>",
               escape_markup(row.cause)});
  }
  return "<section>\n<h2>Corpus</h2>\n<p class=\"note\">Plans of past failures, run before the "
         "seeds.</p>\n" +
         table.markup(kShown) + "</section>\n";
}

std::string coverage(const CampaignReport& report) {
  if (report.coverage.empty() || report.states == 0) return "";
  std::string out = "<section>\n<h2>Coverage</h2>\n<figure>" + coverage_svg(report.coverage);
  out += "<figcaption>" + std::string(report.states_exact ? "" : "About ") +
         plural(report.states, "abstract state", "abstract states") +
         " of the cluster: roles, relative terms, diverging logs, unsynced tails. A plateau says "
         "that the mix is exhausted.";
  if (report.coverage.size() >= 4) {
    out += " The last quarter of the seeds saw " + number_text(late_share(report.coverage)) +
           "\xc2\xa0% of all states first.";
  }
  return out + "</figcaption></figure>\n</section>\n";
}

std::string share_bar(std::uint64_t part, std::uint64_t whole, const char* kind) {
  const std::uint64_t permille = whole == 0 ? 0 : part * 1000 / whole;
  if (part == 0) return "";
  return std::string("<span class=\"share ") + kind +
         "\" style=\"width:" + std::to_string(permille / 10) + "." + std::to_string(permille % 10) +
         "%\"></span>";
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "\xe2\x80\x93";
  return number_text(100 * static_cast<double>(part) / static_cast<double>(whole)) + "\xc2\xa0%";
}

std::string drawn(const CampaignReport& report) {
  Table table({{"plans with"},
               {"seeds", true},
               {"share", true},
               {""},
               {"failed", true},
               {"of these", true},
               {""}});
  for (const FeatureRow& row : report.features) {
    if (row.seeds == 0) continue;
    table.row({escape_markup(row.name), digits(row.seeds), percent(row.seeds, report.seeds),
               "<div style=\"width:150px\">" + share_bar(row.seeds, report.seeds, "") + "</div>",
               digits(row.failed), percent(row.failed, row.seeds),
               "<div style=\"width:150px\">" + share_bar(row.failed, row.seeds, "bad") + "</div>"});
  }
  std::string never;
  for (const FeatureRow& row : report.features) {
    if (row.seeds == 0) never += (never.empty() ? "" : ", ") + escape_markup(row.name);
  }
  std::string out = "<section>\n<h2>What was drawn</h2>\n" + table.markup();
  if (!never.empty()) out += "<p class=\"note\">Never drawn: " + never + ".</p>\n";
  return out + "</section>\n";
}

std::string setup(const CampaignReport& report) {
  std::vector<Fact> classes;
  for (const Count& count : report.classes) classes.push_back({count.name, digits(count.count)});
  return "<section>\n<h2>Numbers</h2>\n<div class=\"columns\">\n" + facts_table("Seeds", classes) +
         facts_table("Throughput", report.throughput) + facts_table("Set-up", report.setup) +
         "</div>\n</section>\n";
}

}  // namespace

std::string campaign_html(const CampaignReport& report) {
  return html::filled(html::k_campaign_html, [&report](std::string_view name) -> std::string {
    if (name == "title") {
      return escape_markup(report.headline + " \xc2\xb7 campaign \xc2\xb7 " +
                           group_digits(report.seeds) + " seeds");
    }
    if (name == "style") return std::string(html::k_page_css) + std::string(html::k_campaign_css);
    if (name == "header") return header(report);
    if (name == "signatures") return signatures(report);
    if (name == "corpus") return corpus(report);
    if (name == "coverage") return coverage(report);
    if (name == "drawn") return drawn(report);
    if (name == "setup") return setup(report);
    if (name == "script") return std::string(html::k_campaign_js);
    WW_ASSERT(false, "the page's template names an unknown place");
  });
}

}  // namespace ww::reports
