#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "reports/format.hpp"
#include "reports/op_stats.hpp"
#include "reports/progress.hpp"
#include "reports/reports.hpp"
#include "reports/text_summary.hpp"
#include "reports/witness.hpp"
#include "tests/unit/report_samples.hpp"
#include "tests/unit/text_search.hpp"

using namespace ww;
using namespace ww::reports;
using samples::kHostile;
using ww::test::has;
using ww::test::times;

namespace {

/// The line numbers of a text's first and last lines are its own business: this is the n-th from
/// the end.
std::string line_from_end(const std::string& text, std::size_t n) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return lines.at(lines.size() - n);
}

/// A small judge of well-formedness: the elements nest, attributes are quoted, entities are known,
/// no byte is a control character. Returns what is wrong, or "".
std::string xml_fault(const std::string& text) {
  std::vector<std::string> open;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 && c != '\n' && c != '\t') return "control character at " + std::to_string(i);
    if (c == '&') {
      const std::string entity = text.substr(i, text.find(';', i) - i + 1);
      if (entity != "&amp;" && entity != "&lt;" && entity != "&gt;" && entity != "&quot;" &&
          entity != "&#39;") {
        return "entity " + entity;
      }
    }
    if (c != '<') continue;
    std::size_t end = i + 1;
    bool quoted = false;
    for (; end < text.size() && (quoted || text[end] != '>'); ++end) {
      if (text[end] == '"') quoted = !quoted;
      if (text[end] == '<') return "a bracket within a tag at " + std::to_string(end);
    }
    if (end == text.size()) return "an unclosed tag at " + std::to_string(i);
    const std::string tag = text.substr(i + 1, end - i - 1);
    const std::string name = tag.substr(0, tag.find_first_of(" \n/", 1));
    if (tag[0] == '/') {
      if (open.empty() || "/" + open.back() != tag) return "unexpected <" + tag + ">";
      open.pop_back();
    } else if (tag[0] != '?' && tag.back() != '/') {
      open.push_back(name);
    }
    i = end;
  }
  return open.empty() ? "" : "unclosed " + open.back();
}

}  // namespace

TEST_CASE("numbers and times are spelt as people read them") {
  CHECK(group_digits(0) == "0");
  CHECK(group_digits(9999) == "9999");
  CHECK(group_digits(10'000) == "10 000");
  CHECK(group_digits(1'234'567, ",") == "1,234,567");
  CHECK(duration_text(0) == "0 ns");
  CHECK(duration_text(812) == "812 ns");
  CHECK(duration_text(1'240'000) == "1.24 ms");
  CHECK(duration_text(999'499) == "999 us");
  CHECK(duration_text(999'999'999) == "1 s");
  CHECK(duration_text(40'000'000'000) == "40 s");
  CHECK(duration_text(125'000'000'000) == "2 min 5 s");
  CHECK(duration_text(-1'500'000) == "-1.5 ms");
  CHECK(time_text(12'345'600'000) == "12.346 s");
  CHECK(time_text(5'000'000) == "0.005 s");
  CHECK(number_text(1204) == "1204");
  CHECK(number_text(0.25) == "0.25");
  CHECK(number_text(1.0 / 0.0) == "-");
}

TEST_CASE("bytes that are no UTF-8 are replaced one by one") {
  const std::string sign = "\xef\xbf\xbd";
  CHECK(valid_utf8("n1 \xc3\xa9 \xf0\x9f\x9a\xa3") == "n1 \xc3\xa9 \xf0\x9f\x9a\xa3");
  CHECK(valid_utf8("\xff") == sign);
  CHECK(valid_utf8("\xc3(") == sign + "(");
  CHECK(valid_utf8("\xe2\x82") == sign + sign);
  CHECK(valid_utf8("\xc0\xaf") == sign + sign);             // overlong
  CHECK(valid_utf8("\xed\xa0\x80") == sign + sign + sign);  // a surrogate
  CHECK(valid_utf8("\xf4\x90\x80\x80") == sign + sign + sign + sign);
}

TEST_CASE("control characters are spelt out for terminals and markup") {
  CHECK(printable("a\nb\x1b[31m\x7f\xc2\x9b") == "a\\nb\\x1b[31m\\x7f\\x9b");
  CHECK(escape_markup("<a href=\"x\">'&\x01") == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;\\x01");
  CHECK(escape_markup("\xef\xbf\xbe\xef\xbf\xbf") == "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_CASE("columns of numbers stand right and others left") {
  CHECK(align_columns({{"kind", "n"}, {"kill", "7"}, {"pause", "10 000"}}, 1) ==
        " kind        n\n kill        7\n pause  10 000\n");
}

TEST_CASE("an op says what it did, and no result that nobody saw") {
  Op read;
  read.f = Func::kRead;
  CHECK(op_text(read) == "read");
  read.type = OpType::kOk;
  CHECK(op_text(read) == "read -> nil");
  read.value = std::vector<std::int64_t>{1, 2};
  CHECK(op_text(read) == "read -> [1 2]");
  Op cas;
  cas.f = Func::kCas;
  cas.value = std::int64_t{1};
  cas.to = std::int64_t{2};
  cas.matched = false;
  cas.seen = std::int64_t{3};
  CHECK(op_text(cas) == "cas 1 -> 2");
  cas.type = OpType::kOk;
  CHECK(op_text(cas) == "cas 1 -> 2, saw 3");
  CHECK(value_text(std::vector<std::int64_t>(40, 1), 2) == "[1 1 ... 38 more]");
}

TEST_CASE("percentiles are nearest ranks") {
  CHECK(percentiles({}).max == 0);
  CHECK(percentiles({7}).p999 == 7);
  std::vector<std::int64_t> samples;
  for (std::int64_t i = 1000; i >= 1; --i) samples.push_back(i);
  const Percentiles p = percentiles(samples);
  CHECK(p.p50 == 500);
  CHECK(p.p90 == 900);
  CHECK(p.p99 == 990);
  CHECK(p.p999 == 999);
  CHECK(p.max == 1000);
}

TEST_CASE("ops are paired by process, and what never completed counts as info") {
  const auto line = [](std::uint64_t index, std::int64_t process, OpType type) {
    Op op;
    op.index = index;
    op.time = static_cast<std::int64_t>(index) * 10;
    op.process = process;
    op.type = type;
    return op;
  };
  History history = {line(0, 1, OpType::kInvoke),
                     line(1, 2, OpType::kInvoke),
                     line(2, kNemesisProcess, OpType::kInfo),
                     line(3, 1, OpType::kOk),
                     line(4, 1, OpType::kInvoke),
                     line(5, 1, OpType::kFail)};
  const std::vector<OpPair> pairs = pair_ops(history);
  CHECK(pairs == std::vector<OpPair>{{0, 3}, {1, kOpen}, {4, 5}});
  const OpStats stats = op_stats(history, pairs);
  CHECK(stats.all.ok == 1);
  CHECK(stats.all.fail == 1);
  CHECK(stats.all.info == 1);
  CHECK(stats.all.latency.max == 30);
  CHECK(stats.errors.at("info: never completed") == 1);
}

TEST_CASE("results.json parses and agrees with the run") {
  const samples::Sample sample = samples::stale_read_run(500);
  const auto json = nlohmann::json::parse(results_json(sample.report));
  CHECK(json["schema"] == "whitewater.results");
  CHECK(json["v"] == 1);
  CHECK(json["valid"] == false);
  CHECK(json["exit"] == 1);
  CHECK(json["cause"] == sample.report.cause);
  CHECK(json["seed"] == std::to_string(sample.report.seed));
  const auto& lin = json["checkers"]["linearizable"];
  CHECK(lin["valid"] == false);
  CHECK(lin["violation-count"] == 1);
  CHECK(lin["violations"][0]["witness"].size() == 6);
  CHECK(lin["violations"][0]["witness"][5]["value"] == nlohmann::json::parse("[4711,5]"));
  CHECK(lin["numbers"]["keys"] == 79);
  CHECK(json["checkers"]["ES"]["valid"] == true);
  const auto& ops = json["ops"];
  CHECK(ops["ok"].get<int>() + ops["fail"].get<int>() + ops["info"].get<int>() == 503);
  CHECK(json["faults"]["kill"]["planned"] == summarise_faults(sample.report)[0].planned);
  CHECK(json["leader-changes"] == sample.report.leader_changes.size());
}

TEST_CASE("an unknown is neither true nor false in results.json, and hides no namesake") {
  samples::Sample sample = samples::unknown_run(100);
  sample.report.checks.push_back(sample.report.checks.front());
  const auto json = nlohmann::json::parse(results_json(sample.report));
  CHECK(json["valid"] == "unknown");
  CHECK(json["checkers"]["linearizable"]["valid"] == "unknown");
  CHECK(json["checkers"].contains("linearizable#2"));
  CHECK(json["faults"]["disk"]["planned"] == 0);
}

TEST_CASE("junit.xml has a case per property, and tells failures from errors from skips") {
  samples::Sample sample = samples::unknown_run(100);
  RunReport& report = sample.report;
  report.checks[2].evaluated = 0;  // ES: nothing wrong with it, but never applied
  report.checks[3].verdict = Verdict::kUnknown;
  report.checks[3].evaluated = 0;  // Vote1: rare, and did not happen
  report.checks[3].numbers[kRare] = 1;
  const std::string xml = junit_xml(report);
  CHECK(xml_fault(xml) == "");
  CHECK(times(xml, "<testcase ") == report.checks.size() + 1);
  CHECK(has(xml, "tests=\"" + std::to_string(report.checks.size() + 1) +
                     "\" failures=\"0\" errors=\"2\" skipped=\"2\""));
  CHECK(has(xml, "<error message=\"key 12 was not decided within 10 s and 2 GiB\""));

  const samples::Sample stale = samples::stale_read_run(100);
  const std::string failed = junit_xml(stale.report);
  CHECK(xml_fault(failed) == "");
  CHECK(has(failed, "failures=\"1\" errors=\"0\" skipped=\"0\""));
  CHECK(has(failed, "read -&gt; 5"));
  CHECK(has(failed, "repeat with: " + stale.report.command));
}

TEST_CASE("what no checker says is a case of the run itself") {
  samples::Sample sample = samples::valid_run(10);
  sample.report.exit_code = 70;
  sample.report.outcome = "harness error";
  sample.report.verdict = Verdict::kUnknown;
  sample.report.cause = "a proxy lost its port";
  CHECK(has(junit_xml(sample.report), "errors=\"1\""));
  CHECK(has(junit_xml(sample.report), "message=\"a proxy lost its port\""));
}

TEST_CASE("hostile text breaks no format") {
  const samples::Sample sample = samples::hostile_run();
  CHECK(xml_fault(junit_xml(sample.report)) == "");
  const auto results = nlohmann::json::parse(results_json(sample.report));
  CHECK(has(results["cause"].get<std::string>(), "</script>"));
  const std::string text = text_summary(sample.report, {true, false, kHostile});
  CHECK_FALSE(has(text, "\x1b[31m\x7f"));
  CHECK_FALSE(has(text, "\x01"));
  CHECK(valid_utf8(text) == text);
  CHECK(has(text, "\\x1b[31m\\x7f"));
}

TEST_CASE("the text ends with verdict, cause, report path and the command that repeats the run") {
  const samples::Sample sample = samples::two_leaders_run(300);
  const std::string path = "store/latest/report.html";
  for (const bool quiet : {false, true}) {
    const std::string text = text_summary(sample.report, {false, quiet, path});
    CHECK(line_from_end(text, 4) == "verdict  INVALID");
    CHECK(line_from_end(text, 3) == "cause    " + sample.report.cause);
    CHECK(line_from_end(text, 2) == "report   " + path);
    CHECK(line_from_end(text, 1) == "repeat   " + sample.report.command);
  }
  const std::string text = text_summary(sample.report, {false, false, path});
  CHECK(text.substr(0, 9) == "INVALID  ");
  CHECK(has(text, "ES at 9.871 s: n2 and n5 both led term 3"));
  CHECK(has(text, "bug vote-ram-only  reached 3 times"));
  CHECK_FALSE(has(text, "\x1b"));
  CHECK(has(text_summary(sample.report, {true, true, ""}), "\x1b[1;31mINVALID\x1b[0m"));
}

TEST_CASE("a witness draws each op once, whichever of its ends is named") {
  const samples::Sample sample = samples::stale_read_run(300);
  const std::vector<OpPair> pairs = pair_ops(sample.history);
  Violation violation = sample.report.checks[0].violations[0];
  const std::vector<WitnessOp> whole = witness_ops(violation, sample.history, pairs);
  REQUIRE(whole.size() == 3);
  CHECK(whole[2].shows);
  // Completions alone, then invocations alone.
  for (const std::size_t kept : {1U, 0U}) {
    Violation half = violation;
    half.witness.clear();
    for (std::size_t i = kept; i < 6; i += 2) half.witness.push_back(violation.witness[i]);
    const std::vector<WitnessOp> ops = witness_ops(half, sample.history, pairs);
    REQUIRE(ops.size() == 3);
    CHECK(ops[0].invoke == whole[0].invoke);
    CHECK(ops[0].done == whole[0].done);
    CHECK_FALSE(ops[0].open);
  }
  // Without a history, what the witness itself holds is paired.
  const std::vector<WitnessOp> alone = witness_ops(violation, {}, {});
  REQUIRE(alone.size() == 3);
  CHECK(alone[1].invoke.time == whole[1].invoke.time);
  CHECK(alone[1].done == whole[1].done);

  const std::string svg = witness_svg(whole);
  CHECK(xml_fault(svg) == "");
  CHECK(times(svg, "<rect ") == 3);
  CHECK(has(svg, "index 4410 term 6"));
  CHECK(witness_svg({}) == "");
}

TEST_CASE("the progress line says what happens and fits the terminal") {
  Progress p;
  p.elapsed = milliseconds(12'480);
  p.limit = seconds(40);
  p.ops_per_second = 1003.6;
  p.ok = 12'345;
  p.fail = 23;
  p.info = 14;
  CHECK(progress_line(p) == "12.4 s of 40.0 s  1004 ops/s  ok 12 345 fail 23 info 14  no leader");
  p.phase = "torture";
  p.leader = NodeId{3};
  p.term = 7;
  p.active_faults = {"kill n2", "partition isolate-leader\n"};
  const std::string line = progress_line(p);
  CHECK(line ==
        "torture  12.4 s of 40.0 s  1004 ops/s  ok 12 345 fail 23 info 14  leader n3 term 7  "
        "faults: kill n2, partition isolate-leader\\n");
  CHECK(progress_line(p, 30) == line.substr(0, 27) + "...");
  CHECK(progress_line(p, 2) == "..");
  CHECK(progress_line(p, 500) == line);
  Progress campaign;
  campaign.elapsed = seconds(125);
  campaign.seeds_total = 10'000;
  campaign.seeds_done = 512;
  campaign.failures = 1;
  CHECK(progress_line(campaign).substr(0, 37) == "2:05  512/10 000 seeds  1 failed  0 o");
}
