// How a campaign is told: the page, JUnit, text, JSON.
#include "reports/campaign_report.hpp"

#include <catch2/catch.hpp>

#include "reports/campaign_plot.hpp"
#include "tests/unit/campaign_report_samples.hpp"
#include "tests/unit/text_search.hpp"

using namespace ww;
using namespace ww::reports;
using ww::test::has;
using ww::test::times;

TEST_CASE("JUnit has a case for the campaign, each signature and each plan of the corpus") {
  const CampaignReport report = samples::campaign();
  const std::string xml = campaign_junit(report);
  CHECK(has(xml, "tests=\"6\" failures=\"3\" errors=\"1\""));
  CHECK(has(xml, "name=\"ES: # and # both led term #\""));
  CHECK(has(xml, "<failure message=\"n2 and n5 both led term 3\" type=\"invalid\">"));
  CHECK(has(xml, "repeat with: ./whitewater run --plan store/campaign/x/ES-1/shrunk.json"));
  CHECK(has(xml, "<error message=\"the checker ran out of its budget\" type=\"unknown\">"));
  CHECK(has(xml,
            "<testcase classname=\"whitewater.campaign\" name=\"campaign\" time=\"252.500000\"/>"));
}

TEST_CASE("a campaign that lacks shards, or whose runs differ, is an error of its own case") {
  CampaignReport report;
  report.headline = "incomplete";
  report.cause = "3 seeds ran";
  report.warnings = {"shard 2/3 is missing"};
  CHECK(has(campaign_junit(report), "<error message=\"3 seeds ran\" type=\"incomplete\">"));
  CHECK(has(campaign_junit(report), "shard 2/3 is missing"));
  // Failures do not hide that a shard is missing.
  report.failures = 4;
  report.incomplete = true;
  CHECK(has(campaign_junit(report), "<error message=\"seeds are missing\" type=\"incomplete\">"));
  CHECK(has(campaign_junit(report), "shard 2/3 is missing"));
  report.divergences = {{"seed 4", "event 99"}};
  CHECK(has(campaign_junit(report), "<error message=\"two runs of one plan differ\""));
  report = {};
  report.exit_code = 0;
  CHECK(has(campaign_junit(report), "errors=\"0\""));
}

TEST_CASE("the page shows every signature with its commands and escapes what came from elsewhere") {
  CampaignReport report = samples::campaign();
  report.signatures[0].cause = "</script><b>{{data}}";
  const std::string page = campaign_html(report);
  CHECK_FALSE(has(page, "</script><b>"));
  CHECK(has(page, "&lt;/script&gt;&lt;b&gt;{{data}}"));
  CHECK(times(page, "<article class=\"signature\">") == report.signatures.size());
  CHECK(has(page, "./whitewater campaign --first-seed 4711 --seeds 1"));
  CHECK(has(page, "href=\"ES-1/report.html\""));
  CHECK(has(page, "class=\"flag\">known"));
  CHECK(has(page, "class=\"flag new\">new"));
  CHECK(has(page, "<svg class=\"plot\""));
  // Nothing is loaded from elsewhere.
  CHECK_FALSE(has(page, "src="));
  CHECK_FALSE(has(page, "http"));
}

TEST_CASE("an empty campaign has a page too") {
  const std::string page = campaign_html(CampaignReport{});
  CHECK(has(page, "</html>"));
  CHECK_FALSE(has(page, "<svg class=\"plot\""));
}

TEST_CASE("the plot has a bar a block, and marks a block without a new state") {
  const std::vector<CoverageBlock> blocks = {
      {1, 100, 5000}, {101, 100, 40}, {201, 100, 0}, {301, 50, 1}};
  const std::string svg = coverage_svg(blocks);
  CHECK(times(svg, "class=\"bar\"") == 3);
  CHECK(times(svg, "class=\"none\"") == 1);
  CHECK(has(svg,
            "50\xe2\x80\xaf"
            "000 per thousand"));
  CHECK(has(svg, "100 seeds from 201: 0 new states"));
  CHECK_FALSE(has(svg, "nan"));
  CHECK_FALSE(has(svg, "inf"));
  CHECK(late_share(blocks) == Approx(100.0 / 5041));
  const std::vector<CoverageBlock> nothing = {{1, 10, 0}};
  CHECK_FALSE(has(coverage_svg(nothing), "nan"));
}

TEST_CASE("the last lines say verdict, cause, what is new, page and command") {
  CampaignTextOptions options;
  options.quiet = true;
  options.page_path = "store/campaign/x/index.html";
  const CampaignReport report = samples::campaign();
  CHECK(campaign_text(report, options) ==
        "warning  shard 3/3 of seeds 1 to 10000 is missing\n"
        "verdict  3 KINDS OF FAILURE\n"
        "cause    61 of 10 000 seeds failed.\n"
        "new      2\n"
        "report   store/campaign/x/index.html\n"
        "repeat   ./whitewater campaign --first-seed 1 --seeds 10000 --bug vote-ram-only\n");
  options.quiet = false;
  const std::string text = campaign_text(report, options);
  CHECK(has(text, "ES: # and # both led term #  new"));
  CHECK(has(text, "shrunk to 2 faults, 3 ops, 3 nodes"));
  CHECK(has(campaign_json(report), "\"fastest_seed\": \"4711\""));
}
