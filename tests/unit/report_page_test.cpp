#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/bytes.hpp"
#include "reports/page_data.hpp"
#include "reports/reports.hpp"
#include "tests/unit/report_samples.hpp"
#include "tests/unit/text_search.hpp"

using namespace ww;
using namespace ww::reports;
using ww::test::has;
using ww::test::times;

namespace {

std::string between(const std::string& text, const std::string& before, const std::string& after) {
  const std::size_t from = text.find(before);
  REQUIRE(from != std::string::npos);
  const std::size_t begin = from + before.size();
  return text.substr(begin, text.find(after, begin) - begin);
}

nlohmann::json data_of(const std::string& page) {
  return nlohmann::json::parse(
      between(page, "<script type=\"application/json\" id=\"data\">", "</script>"));
}

}  // namespace

TEST_CASE("the page loads nothing from elsewhere") {
  const std::string page = report_html(samples::stale_read_run(500).report);
  for (const char* what : {"http://", "https://", " src=", "@import", "url(", "fetch(", "{{"}) {
    INFO(what);
    CHECK_FALSE(has(page, what));
  }
}

TEST_CASE("the page tells verdict, cause, witness and evidence without a script") {
  const samples::Sample sample = samples::stale_read_run(500);
  const std::string page = report_html(sample.report);
  CHECK(between(page, "<span id=\"verdict\">", "</span>") == "invalid");
  CHECK(between(page, "<p class=\"cause\">", "</p>") == sample.report.cause);
  CHECK(has(page, "<svg class=\"witness\""));
  CHECK(has(page, "17.206 s  <b>n2</b> leader in term 7, granters <b>n2</b> <b>n4</b> <b>n5</b>"));
  CHECK(has(page, sample.report.command));
}

TEST_CASE("runs of no op and of one op have a page") {
  for (const std::size_t ops : {0U, 1U}) {
    const samples::Sample sample = samples::valid_run(ops);
    CHECK(data_of(report_html(sample.report))["ops"]["count"] == ops);
  }
  const RunReport nothing;
  CHECK(data_of(report_html(nothing))["ops"]["count"] == 0);
}

TEST_CASE("100 000 ops make a page that can be mailed") {
  const samples::Sample sample = samples::valid_run(100'000);
  const std::string page = report_html(sample.report);
  CHECK(data_of(page)["ops"]["count"] == 100'000);
  CHECK(page.size() < std::size_t{8} << 20);
}

TEST_CASE("hostile text cannot leave its place on the page") {
  const std::string page = report_html(samples::hostile_run().report);
  // The two scripts of the template, and no third.
  CHECK(times(page, "<script") == 2);
  CHECK(times(page, "</script>") == 2);
  CHECK_FALSE(has(page, "\x1b"));
  CHECK_FALSE(has(page, "\xff"));
  const auto data = data_of(page);
  CHECK(has(data["ops"]["errors"].dump(), "</script>"));
  CHECK(has(page, "&lt;/script&gt;"));
}

TEST_CASE("base64 is that of RFC 4648") {
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xff\xfe") == "//4=");
}

TEST_CASE("the columns hold each op once, in the order of invocation") {
  const samples::Sample sample = samples::valid_run(300);
  const std::vector<OpPair> pairs = pair_ops(sample.history);
  const auto data = nlohmann::json::parse(page_data(sample.report, pairs));
  CHECK(data["ops"]["columns"].size() == 12);
  // The starts, packed here once more from what they must be.
  std::string bytes;
  ByteWriter writer(bytes);
  std::int64_t last = 0;
  for (const OpPair& pair : pairs) {
    const std::int64_t time = sample.history[pair.invoke].time;
    REQUIRE(time >= last);
    writer.varint(static_cast<std::uint64_t>(time - last) * 2);
    last = time;
  }
  CHECK(data["ops"]["columns"]["start"] == base64(bytes));
}

namespace {

/// Doomed between 16.9 s and 17.0 s; the violation came at 17.3 s.
Causality sample_causality() {
  Causality out;
  out.signature = "LIN: key # <b>";
  out.violation = 17'300'000'000;
  for (int i = 0; i <= 12; ++i) {
    DoomPoint point;
    point.time = 11'000'000'000 + i * 500'000'000LL;
    point.runs = 20;
    point.failed = i < 10 ? 3 : 20;
    point.low = i < 10 ? 0.05 : 0.84;
    point.high = i < 10 ? 0.36 : 1.0;
    out.points.push_back(point);
  }
  out.doomed_from = out.points[10].time;
  out.open_until = out.points[9].time;
  return out;
}

}  // namespace

TEST_CASE("the page says where the run became doomed, when that was computed") {
  samples::Sample sample = samples::stale_read_run(500);
  CHECK_FALSE(has(report_html(sample.report), "became doomed"));
  sample.report.causality = sample_causality();
  const std::string page = report_html(sample.report);
  CHECK(has(page, "became doomed between 15.500 s and 16.000 s, 1.3 s before the violation"));
  CHECK(times(page, "<circle class=\"point\"") == 13);
  CHECK(has(page, "20 of 20 failed (84 % to 100 %)"));
  CHECK(has(page, "LIN: key # &lt;b&gt;"));
}

TEST_CASE("a run that was doomed from its beginning, or never surely, is told so") {
  samples::Sample sample = samples::stale_read_run(500);
  sample.report.causality = sample_causality();
  sample.report.causality->open_until.reset();
  CHECK(has(report_html(sample.report), "the run was doomed from its beginning"));
  sample.report.causality->doomed_from.reset();
  CHECK(has(report_html(sample.report), "no point was found from which on nine of ten did"));
}
