// What is written about a benchmark.
#include <algorithm>
#include <catch2/catch.hpp>

#include "reports/bench_report.hpp"

namespace ww::reports {

namespace {

BenchReport sample() {
  BenchReport r;
  r.started = "2026-11-23T00:14:47Z";
  r.command = "./whitewater bench --vary 'label=<a>&b,c'";
  r.unit = "writes/s";
  r.seed = 18446744073709551615U;
  for (const char* const label : {"label=<a>&b", "label=c, \"quoted\"", "label=<a>&b"}) {
    BenchVariant& v = r.variants.emplace_back();
    v.label = label;
    v.again = r.variants.size() == 3;
    v.settings = {{"clients", "64"}};
    v.throughput = {1000, 900, 1100};
    for (int i = 1; i <= 1000; ++i) v.latency.record(microseconds(i));
    for (std::uint32_t block = 0; block < 2; ++block) {
      BenchRound& round = r.rounds.emplace_back();
      round.label = label;
      round.again = v.again;
      round.block = block;
      round.place = static_cast<std::uint32_t>(r.rounds.size() - 1);
      round.seconds = 0.5;
      round.warm_up = 0.1;
      round.operations = 500;
      round.throughput = 1000 + block;
      round.latency = latency_of(v.latency);
      round.slices = {90, 100, 110, 100, 100};
    }
  }
  r.variants[0].target = BenchTarget{950, "a formula", BenchTarget::Alone{1200, "t = 125 us"}};
  r.variants[1].target = BenchTarget{800, "another"};
  r.ratios = {{"label=<a>&b", "label=c, \"quoted\"", {9.5, 8, 11}, BenchTarget{20, "a floor"}}};
  r.noise.ratio = {1.01, 0.97, 1.05};
  r.sync_loops = {{1, {120'000, 125'000}, {130'000, 135'000}},
                  {3, {640'000, 710'000}, {660'000, 720'000}}};
  r.sync_nodes = {480'000, 530'000};
  r.conditions = {{"ratio<10", true, "the only ratio: 9.5"}};
  r.setup = {{"commit", "abc"}};
  r.warnings = {"something <odd>"};
  r.exit_code = 5;
  r.cause = "fails: ratio<10";
  return r;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("bench.json is read back as the samples of its variants, without the A/A run") {
  const auto samples = parse_bench(bench_json(sample()), "x/bench.json");
  REQUIRE(samples.ok());
  REQUIRE(samples->size() == 2);
  CHECK((*samples)[0].label == "label=<a>&b");
  CHECK((*samples)[0].throughputs == std::vector<double>{1000, 1001});
  CHECK((*samples)[1].settings == std::vector<Fact>{{"clients", "64"}});
}

TEST_CASE("a bench.json that is none is refused with its path and a reason") {
  std::string no_throughput = bench_json(sample());
  const std::string number = "\"throughput\": 1001.0";
  no_throughput.replace(no_throughput.find(number), number.size(), "\"throughput\": 0");
  std::string other_version = bench_json(sample());
  other_version.replace(other_version.find("\"v\": 1"), 6, "\"v\": 9");
  const std::pair<std::string, const char*> cases[] = {
      {"", "not JSON"},
      {"[]", "not JSON"},
      {"{}", "schema"},
      {R"({"schema": "other", "v": 1})", "no bench.json"},
      {R"({"schema": "whitewater.bench", "v": 1, "variants": [], "rounds": []})", "no variant"},
      {other_version, "another version"},
      {no_throughput, "no throughput in some round"},
  };
  for (const auto& [text, reason] : cases) {
    const auto parsed = parse_bench(text, "x/bench.json");
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().code == ErrorCode::kCorrupt);
    INFO(parsed.error().message);
    CHECK(contains(parsed.error().message, "x/bench.json"));
    CHECK(contains(parsed.error().message, reason));
  }
}

TEST_CASE("bench.csv has a line a round and as many fields in each, quoted where they must be") {
  const std::string csv = bench_csv(sample());
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 7);
  CHECK(contains(csv, "\"label=c, \"\"quoted\"\"\""));
  // Outside of quotes every line has the header's number of commas.
  std::size_t commas = 0;
  std::vector<std::size_t> by_line;
  bool quoted = false;
  for (const char c : csv) {
    if (c == '"') quoted = !quoted;
    if (c == ',' && !quoted) ++commas;
    if (c != '\n') continue;
    by_line.push_back(commas);
    commas = 0;
  }
  for (const std::size_t n : by_line) CHECK(n == by_line.front());
  CHECK(by_line.front() == 22);
}

TEST_CASE("the page holds the figures, escapes what came from elsewhere, and needs nothing else") {
  const std::string page = bench_html(sample());
  CHECK(contains(page, "9.50\xc3\x97"));
  CHECK(contains(page, "label=&lt;a&gt;&amp;b"));
  CHECK_FALSE(contains(page, "<a>&b"));
  CHECK(contains(page, "something &lt;odd&gt;"));
  CHECK(contains(page, "fails: ratio&lt;10"));
  CHECK(contains(page, "missed"));
  CHECK(contains(page, "reached"));
  CHECK(contains(page, "alone, t = 125 us"));
  CHECK(contains(page, "<line class=\"least alone\""));
  CHECK(
      contains(page, "<dt>3 bare loops at once, before</dt><dd>640 \xc2\xb5s, mean 710 \xc2\xb5s"));
  CHECK(contains(page, "throughput of each variant"));
  CHECK(contains(page, "latency by percentile"));
  CHECK(contains(page, "throughput over time"));
  CHECK_FALSE(contains(page, "{{"));
  CHECK_FALSE(contains(page, "http://"));
  CHECK_FALSE(contains(page, "https://"));
  CHECK_FALSE(contains(page, "nan"));
  CHECK_FALSE(contains(page, "inf\""));
}

TEST_CASE("a benchmark in which nothing was done still makes a page") {
  BenchReport r = sample();
  r.ratios.clear();
  for (BenchVariant& v : r.variants) {
    v.latency = Histogram{};
    v.throughput = {};
    v.target.reset();
  }
  for (BenchRound& round : r.rounds) {
    round.throughput = 0;
    round.slices.clear();
    round.latency = {};
  }
  const std::string page = bench_html(r);
  CHECK_FALSE(contains(page, "nan"));
  CHECK(contains(page, "0 writes/s"));
}

namespace {

/// The sample, with a fault in each round; the second of each variant does not recover.
BenchReport with_faults() {
  BenchReport r = sample();
  r.faults = BenchFaultPlan{"kill", 2'000'000'000, 5'000'000'000, 500'000'000};
  for (BenchRound& round : r.rounds) {
    BenchFault& f = round.fault.emplace();
    f.node = f.leader = "n2";
    f.term = 3;
    f.leader_then = "n1";
    f.term_then = 5;
    f.injected_at = 0.6;
    f.healed_at = 2.6;
    f.phases[2].seconds = 5;
    f.phases[1].throughput = 40 + round.block;
    f.phases[2].throughput = 70 + round.block;
    f.phases[1].lost = 4321;
    f.unavailable = 1'234'000'000;
    if (round.block == 0) f.from_heal = 321'000'000;
  }
  for (BenchVariant& v : r.variants) {
    BenchFaultSummary& f = v.faults.emplace();
    f.rounds = 2;
    f.unavailable = {{1.234e9, 1.2e9, 1.3e9}, 2, 1'234'000'000};
    f.from_heal = {{3.21e8, 3.21e8, 3.21e8}, 1, 321'000'000};
    f.sums[1].lost = 8642;
    f.latency[1].record(milliseconds(777));
    f.steady = 0.875;
  }
  r.ratios[0].faulty = BenchEstimate{1.5, 1.4, 1.6};
  r.ratios[0].unavailable = BenchEstimate{0.62, 0.51, 0.73};
  return r;
}

}  // namespace

TEST_CASE("faults are told in the text: phases, times, and what never came") {
  const std::string text = bench_text(with_faults(), "x");
  CHECK(contains(text, "kill -9 of the leader for 2 s"));
  CHECK(contains(text, "unavailable                    1.23 s    1.2 s - 1.3 s  1.23 s"));
  CHECK(contains(text, "321 ms  not recovered in 1 of 2"));
  CHECK(contains(text, "not recovered in 2 of 2"));
  CHECK(contains(text, "1.50 (1.40 - 1.60)"));
  CHECK(contains(text, "0.62 (0.51 - 0.73)"));
  CHECK(contains(text, "8642"));
  CHECK(contains(text, "88 %"));
  CHECK_FALSE(contains(bench_text(sample(), "x"), "during faults"));
}

TEST_CASE("changes of the phases with a fault are told beside the healthy one") {
  BenchReport r = with_faults();
  r.baseline = "before.json";
  r.changes = {{"a", "baseline", {1.01, 0.98, 1.04}, {}}};
  r.changes[0].faulty = BenchEstimate{0.6, 0.5, 0.7};
  for (const std::string& text : {bench_text(r, "x"), changes_text(r)}) {
    CHECK(contains(text,
                   "a to baseline: 1.01   95 % interval 0.98 - 1.04\n"
                   "  in the faulty phase: 0.60   95 % interval 0.50 - 0.70\n"));
    CHECK_FALSE(contains(text, "in the recovery phase"));
  }
  CHECK(contains(bench_html(r), "a : baseline, faulty phase"));
}

TEST_CASE("faults are told on the page, with the phases shaded in the timeline") {
  const std::string page = bench_html(with_faults());
  CHECK(contains(page, "kill -9 of the leader for 2 s"));
  CHECK(contains(page, "<rect class=\"faulty\""));
  CHECK(contains(page, "<rect class=\"recovery\""));
  CHECK(contains(page, "n2 in term 3"));
  CHECK(contains(page, "n1 in term 5"));
  CHECK(contains(page, "not recovered"));
  CHECK(contains(page, "0.62 (0.51 \xe2\x80\x93 0.73)"));
  CHECK(contains(page, "1.23 s"));
  CHECK_FALSE(contains(page, "no faults"));
  CHECK_FALSE(contains(page, "{{"));
  CHECK_FALSE(contains(page, "\"nan"));  // a coordinate; the page says "unanswered", too
  CHECK_FALSE(contains(page, ">nan"));
  CHECK_FALSE(contains(page, "<a>&b"));
  const std::string without = bench_html(sample());
  CHECK(contains(without, "no faults"));
  CHECK_FALSE(contains(without, "Healthy, faulty, recovery"));
}

TEST_CASE("faults are in bench.json and bench.csv, and a baseline is still read") {
  const std::string json = bench_json(with_faults());
  CHECK(contains(json, "\"unavailable_ns\": 1234000000"));
  CHECK(contains(json, "\"recovered_from_heal_ns\": null"));
  CHECK(contains(json, "\"kind\": \"kill\""));
  CHECK(contains(json, "\"never\": 1"));
  CHECK(contains(json, "\"lost\": 4321"));
  const auto samples = parse_bench(json, "x");
  REQUIRE(samples.ok());
  CHECK((*samples)[0].faults == with_faults().faults);
  CHECK((*samples)[0].faulty == std::vector<double>{40, 41});
  CHECK((*samples)[0].recovery == std::vector<double>{70, 71});
  CHECK_FALSE((*parse_bench(bench_json(sample()), "x"))[0].faults);
  CHECK(contains(json, "\"unavailable\": {\n        \"value\": 0.62"));
  CHECK_FALSE(contains(bench_json(sample()), "unavailable_ns"));
  const std::string csv = bench_csv(with_faults());
  CHECK(contains(csv, ",recovery_unanswered\r\n"));
  CHECK(contains(csv, ",n2,n2,3,n1,5,"));
  const auto commas = [&csv](std::size_t line) {
    std::size_t from = 0;
    for (; line > 0; --line) from = csv.find('\n', from) + 1;
    const std::string text = csv.substr(from, csv.find('\n', from) - from);
    return std::count(text.begin(), text.end(), ',');
  };
  CHECK(commas(0) == 22 + 11 + 33);
  CHECK(commas(1) == commas(0));
}

TEST_CASE("the text says the figures, the targets, the noise and what failed") {
  const std::string text = bench_text(sample(), "store/bench.html");
  CHECK(contains(text, "reached: 950 (a formula); alone t = 125 us: missed: 1200"));
  CHECK(contains(text, "reached: 800 (another)"));
  CHECK(contains(text, "9.50   95 % interval 8.00 - 11"));
  CHECK(contains(text, "noise floor (A/A): 1.01"));
  CHECK(contains(text, "FAILS if ratio<10"));
  CHECK(contains(text,
                 "\none alone                         120 us  125 us          130 us  135 us\n"));
  CHECK(contains(text,
                 "\n3 at once                         640 us  710 us          660 us  720 us\n"));
  CHECK(contains(text, "in the nodes: median 480 us, mean 530 us"));
  CHECK(contains(text, "store/bench.html"));
}

}  // namespace ww::reports
