// What a benchmark measures and what its rounds say, without running one.
#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>

#include "base/rng.hpp"
#include "controller/bench/bench_run.hpp"
#include "controller/bench/bootstrap.hpp"
#include "controller/bench/condition.hpp"
#include "controller/bench/settings.hpp"
#include "controller/bench/sync_loop.hpp"
#include "controller/bench/targets.hpp"
#include "tests/support/program.hpp"

namespace ww::bench {

namespace {

std::vector<Variant> variants(const std::vector<std::string>& vary, const Settings& base = {}) {
  auto out = variants_of(base, vary);
  REQUIRE(out.ok());
  return std::move(*out);
}

std::string complaint(const std::vector<std::string>& vary, const Settings& base = {}) {
  const auto out = variants_of(base, vary);
  REQUIRE_FALSE(out.ok());
  CHECK(out.error().code == ErrorCode::kUsage);
  return out.error().message;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A report of `plan` whose rounds have what `throughput` says of their slot.
template <class Throughput>
reports::BenchReport measured(const BenchPlan& plan, Throughput throughput) {
  reports::BenchReport report;
  for (const Variant& v : plan.variants) report.variants.emplace_back().label = v.label;
  auto& again = report.variants.emplace_back();
  again.label = plan.variants.front().label;
  again.again = true;
  for (const Slot& slot : schedule_of(plan)) {
    auto& round = report.rounds.emplace_back();
    round.label = plan.variants[slot.variant].label;
    round.again = slot.again;
    round.block = slot.block;
    round.seconds = 1;
    round.throughput = throughput(slot);
  }
  return report;
}

}  // namespace

TEST_CASE("variants are every combination, in the order that was asked for") {
  const auto out = variants({"batching=on,off", "clients=1,64"});
  REQUIRE(out.size() == 4);
  CHECK(out[0].label == "batching=on clients=1");
  CHECK(out[3].label == "batching=off clients=64");
  CHECK(out[0].settings.batching);
  CHECK(out[0].settings.clients == 1);
  CHECK_FALSE(out[3].settings.batching);
  CHECK(variants({}).front().label == "as given");
  CHECK(variants({"fsync-floor=0,1000us"})[1].label == "fsync-floor=1ms");
  CHECK(variants({"checks=on,off"})[0].settings.tracing);
}

TEST_CASE("a variation that cannot be is refused with its reason") {
  CHECK(contains(complaint({"batching"}), "names no values"));
  CHECK(contains(complaint({"batchin=on,off"}), "did you mean 'batching'"));
  CHECK(contains(complaint({"batching=on,of"}), "neither on nor off"));
  CHECK(contains(complaint({"batching=on,on"}), "two different values"));
  CHECK(contains(complaint({"fsync-floor=1ms,1000us"}), "two different values"));
  CHECK(contains(complaint({"batching=on,off", "batching=off,on"}), "varied twice"));
  CHECK(contains(complaint({"clients=1,2,3,4,5,6,7", "value-size=1,2"}), "more than 12"));
  CHECK(contains(complaint({"clients=0,1"}), "from 1 to"));
  CHECK(contains(complaint({"reads=log,wish"}), "no read mode"));
  CHECK(contains(complaint({"reads=log,index"}), "--read-share is 0"));
  CHECK(contains(complaint({"fsync=on,off", "checks=on,off"}), "do not go with fsync=off"));
  CHECK(contains(complaint({"fsync=on,off", "fsync-floor=0,1ms"}), "nothing is synced"));
  Settings large;
  large.value_size = 200'000;
  CHECK(contains(complaint({"clients=1,64"}, large), "4 MiB"));
}

TEST_CASE("every dimension reads what it writes") {
  Settings other;
  for (const char* const value :
       {"batching=off", "pipelining=off", "preallocate=off", "fsync=off", "fsync-floor=3ms",
        "reads=log", "reads=lease", "read-share=40", "tracing=on", "journal=on", "checks=on",
        "clients=7", "value-size=12", "nodes=5", "rate=900"}) {
    const std::string text = value;
    const std::size_t at = text.find('=');
    REQUIRE(set(other, text.substr(0, at), text.substr(at + 1)).ok());
  }
  Settings copy;
  for (const Dimension& d : dimensions()) {
    INFO(d.name);
    CHECK(d.get(other) != d.get(copy));
    REQUIRE(d.set(copy, d.get(other)).ok());
  }
  CHECK(copy == other);
}

TEST_CASE("blocks run forward and backward, with one seed each and the A/A run in each") {
  BenchPlan plan;
  plan.variants = variants({"batching=on,off"});
  plan.blocks = 2;
  const auto slots = schedule_of(plan);
  REQUIRE(slots.size() == 6);
  const std::size_t order[] = {0, 1, 0, 0, 1, 0};
  const bool again[] = {false, false, true, true, false, false};
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(slots[i].variant == order[i]);
    CHECK(slots[i].again == again[i]);
    CHECK(slots[i].block == i / 3);
    CHECK(slots[i].seed == slots[i / 3 * 3].seed);
  }
  CHECK(slots[0].seed != slots[3].seed);
}

TEST_CASE("an interval holds its estimate, is the same for the same seed, and narrows") {
  const std::vector<double> few = {90, 100, 110, 95, 105};
  std::vector<double> many;
  for (int i = 0; i < 20; ++i) many.insert(many.end(), few.begin(), few.end());
  const Estimate a = mean_of(few, 1);
  CHECK(a.value == Approx(100));
  CHECK(a.low < 100);
  CHECK(a.high > 100);
  CHECK(a.low >= 90);
  CHECK(a.high <= 110);
  CHECK(mean_of(few, 1) == a);
  const Estimate b = mean_of(many, 1);
  CHECK(b.high - b.low < (a.high - a.low) / 2);
  const std::vector<double> one = {5};
  CHECK(mean_of(one, 1) == Estimate{5, 5, 5});
}

TEST_CASE("about 95 of 100 intervals of 20 rounds hold the true mean") {
  constexpr int kTrials = 400;
  int held = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    Rng rng = keyed(7, "test.bench.coverage", trial);
    std::vector<double> samples(20);
    for (double& x : samples) x = static_cast<double>(rng.below(1'000'001)) / 1e6;
    const Estimate e = mean_of(samples, static_cast<std::uint64_t>(trial));
    held += e.low <= 0.5 && 0.5 <= e.high ? 1 : 0;
  }
  CHECK(held > kTrials * 89 / 100);
  CHECK(held < kTrials * 99 / 100);
}

TEST_CASE("pairing takes out what disturbs a whole block") {
  std::vector<std::pair<double, double>> blocks;
  std::vector<double> above;
  std::vector<double> below;
  for (const double machine : {1.0, 0.5, 2.0, 0.7, 1.4}) {
    blocks.emplace_back(200 * machine, 100 * machine);
    above.push_back(200 * machine);
    below.push_back(100 * machine);
  }
  const Estimate paired = paired_ratio(blocks, 1);
  CHECK(paired.value == Approx(2));
  CHECK(paired.low == Approx(2));
  CHECK(paired.high == Approx(2));
  const Estimate apart = ratio_of(above, below, 1);
  CHECK(apart.value == Approx(2));
  CHECK(apart.low < 1.6);
  CHECK(apart.high > 2.4);
}

TEST_CASE("a condition is parsed, or refused with an example") {
  const auto ratio = parse_condition("ratio < 10");
  REQUIRE(ratio.ok());
  CHECK(ratio->metric == Metric::kRatio);
  CHECK(ratio->below);
  CHECK(ratio->bound == 10);
  const auto tail = parse_condition("p99.9>=5ms");
  REQUIRE(tail.ok());
  CHECK(tail->metric == Metric::kP999);
  CHECK_FALSE(tail->below);
  CHECK(tail->or_equal);
  CHECK(tail->bound == 5e6);
  for (const char* const wrong :
       {"", "ratio", "ratio=3", "ratoi<3", "ratio<", "ratio<x", "p99<5"}) {
    INFO(wrong);
    const auto parsed = parse_condition(wrong);
    REQUIRE_FALSE(parsed.ok());
    CHECK(contains(parsed.error().message, "ratio<10"));
  }
}

TEST_CASE("summing up: ratios to the last variant, the noise of the first, targets by the syncs") {
  BenchPlan plan;
  plan.variants = variants({"batching=on,off"});
  plan.blocks = 4;
  auto report = measured(plan, [](const Slot& slot) {
    return slot.again ? 1100.0 : slot.variant == 0 ? 1000.0 : 100.0 + 10 * slot.block;
  });
  report.sync_loops = {{1, {300'000, 1}, {500'000, 1}}, {3, {900'000, 1}, {1'100'000, 1}}};
  summarize(plan, report);
  REQUIRE(report.ratios.size() == 1);
  CHECK(report.ratios[0].above == "batching=on");
  CHECK(report.ratios[0].ratio.value == Approx(1000 / 115.0));
  CHECK(report.ratios[0].ratio.low <= report.ratios[0].ratio.value);
  CHECK(report.noise.ratio.value == Approx(1.1));
  CHECK(report.unit == "writes/s");
  CHECK(report.warnings.empty());
  REQUIRE(report.variants[0].target);
  CHECK(report.variants[0].target->least == Approx(0.75 * 64 / 2.2e-3));
  REQUIRE(report.variants[1].target);
  CHECK(report.variants[1].target->least == Approx(0.8 / 1.05e-3));
  CHECK_FALSE(report.variants[2].target);
  REQUIRE(report.variants[0].target->alone);
  CHECK(report.variants[0].target->alone->least == Approx(30'000));
  REQUIRE(report.variants[1].target->alone);
  CHECK(report.variants[1].target->alone->least == Approx(0.8 / 0.45e-3));

  const auto judged = [&](const char* text) { return judge(*parse_condition(text), report).holds; };
  CHECK(judged("ratio<10"));
  CHECK_FALSE(judged("ratio<8"));
  CHECK(judged("throughput<200"));
  CHECK(judged("throughput>999"));
  CHECK_FALSE(judged("throughput>1000"));
  CHECK(judged("throughput>=1000"));
  CHECK(judged("target<0.1"));
  // By a lone writer's t the first variant is at 0.033.
  CHECK_FALSE(judged("target<0.04"));
}

TEST_CASE("a condition on what was not measured fails rather than pass unseen") {
  BenchPlan plan;
  plan.variants = variants({});
  plan.blocks = 1;
  auto report = measured(plan, [](const Slot&) { return 10.0; });
  summarize(plan, report);
  CHECK(report.ratios.empty());
  CHECK(judge(*parse_condition("ratio<1"), report).holds);
}

TEST_CASE("the nodes' own syncs are summed up without rounds that a floor made longer") {
  BenchPlan plan;
  plan.variants = variants({"fsync-floor=0,5ms"});
  plan.blocks = 2;
  auto report = measured(plan, [](const Slot&) { return 1000.0; });
  for (auto& round : report.rounds) {
    const bool floored = round.label == "fsync-floor=5ms";
    round.syncs = round.again ? 30 : 10;
    round.sync_median = floored ? 5'000'000 : 1'500'000;
    round.sync_mean = floored ? 5'100'000 : round.again ? 3'000'000 : 1'000'000;
  }
  summarize(plan, report);
  CHECK(report.sync_nodes.median == 1'500'000);
  CHECK(report.sync_nodes.mean == 2'500'000);
}

TEST_CASE("a lone writer that is slower than several at once is warned of") {
  BenchPlan plan;
  plan.variants = variants({});
  plan.blocks = 1;
  auto report = measured(plan, [](const Slot&) { return 10.0; });
  report.sync_loops = {{1, {4'000'000, 1}, {4'000'000, 1}}, {3, {800'000, 1}, {700'000, 1}}};
  summarize(plan, report);
  REQUIRE(report.warnings.size() == 1);
  CHECK(contains(report.warnings[0], "alone synced in 4 ms, 3 at once in 750 us"));
}

TEST_CASE("bare loops sync as often as they must, each of them, and leave no file behind") {
  const test::TemporaryFolder folder;
  for (const std::uint32_t writers : {1U, 3U}) {
    const auto times = time_syncs(folder.path(), Duration{}, writers);
    REQUIRE(times.ok());
    CHECK(times->count() >= 20 * writers);
    CHECK(times->max() > Duration{});
  }
  CHECK(std::filesystem::is_empty(folder.path()));
  const auto failed = time_syncs(folder.path() + "/none", Duration{}, 3);
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().code == ErrorCode::kEnvironment);
  CHECK(contains(failed.error().message, folder.path() + "/none"));
}

TEST_CASE("targets say which t they are by, and a floor leaves one") {
  Settings s;
  const SyncMedians sync{microseconds(800), microseconds(330)};
  const auto both = target_of(s, sync, false);
  REQUIRE(both);
  CHECK(both->least == Approx(0.75 * 64 / 1.8e-3));
  CHECK(both->formula == "0.75 x 64 / (2t + 0.2 ms), t = 800 us, 3 at once");
  REQUIRE(both->alone);
  CHECK(both->alone->least == Approx(30'000));
  CHECK(both->alone->given == "t = 330 us, at most 30 000");
  s.batching = false;
  CHECK(target_of(s, sync, false)->alone->least == Approx(0.8 / 0.38e-3));
  s.fsync_floor = milliseconds(1);
  const auto floored = target_of(s, sync, false);
  CHECK(floored->formula == "0.8 / (t + 0.05 ms), t = 1 ms, the floor");
  CHECK_FALSE(floored->alone);
  // A floor that several writers at once exceed is one only for a lone writer.
  s.fsync_floor = microseconds(500);
  const auto between = target_of(s, sync, false);
  CHECK(between->formula == "0.8 / (t + 0.05 ms), t = 800 us, 3 at once");
  REQUIRE(between->alone);
  CHECK(between->alone->given == "t = 500 us, the floor");
}

TEST_CASE("targets speak only of what they were made for") {
  const SyncMedians t{microseconds(500), microseconds(500)};
  Settings s;
  CHECK(target_of(s, {microseconds(100), microseconds(100)}, false)->least == Approx(30'000));
  CHECK(target_of(s, t, true)->least == Approx(40'000));
  s.clients = 1;
  CHECK(target_of(s, t, false)->least == Approx(0.8 / 0.75e-3));
  s.fsync_floor = milliseconds(1);
  CHECK(target_of(s, t, false)->least == Approx(0.8 / 1.25e-3));
  s = {};
  s.fsync = false;
  CHECK_FALSE(target_of(s, t, false));
  s = {};
  s.read_share = 100;
  CHECK(target_of(s, t, false)->least == Approx(40'000));
  s.reads = Reads::kLease;
  CHECK(target_of(s, t, false)->least == Approx(60'000));
  s.reads = Reads::kLog;
  CHECK_FALSE(target_of(s, t, false));
  for (const char* const other :
       {"nodes=5", "value-size=101", "tracing=on", "rate=10", "pipelining=off", "read-share=50"}) {
    Settings changed;
    const std::string text = other;
    const std::size_t at = text.find('=');
    REQUIRE(set(changed, text.substr(0, at), text.substr(at + 1)).ok());
    INFO(other);
    CHECK_FALSE(target_of(changed, t, false));
  }
  Settings on;
  on.fsync_floor = milliseconds(1);
  Settings off = on;
  off.batching = false;
  CHECK(ratio_target_of(on, off)->least == 20);
  CHECK_FALSE(ratio_target_of(off, on));
  off.clients = 1;
  CHECK_FALSE(ratio_target_of(on, off));
}

TEST_CASE("a change is a regression only when its interval lies below 1") {
  const std::vector<reports::Fact> settings = {{"clients", "64"}};
  const std::vector<reports::BenchSamples> before = {{"a", settings, {100, 101, 99, 100}},
                                                     {"b", settings, {100, 150, 50, 100}},
                                                     {"c", settings, {100}},
                                                     {"d", {{"clients", "1"}}, {100}}};
  const std::vector<reports::BenchSamples> now = {{"a", settings, {80, 81, 79, 80}},
                                                  {"b", settings, {95, 140, 45, 100}},
                                                  {"d", settings, {10}},
                                                  {"e", settings, {10}}};
  std::vector<std::string> warnings;
  const auto all = changes(now, before, 1, warnings);
  REQUIRE(all.size() == 2);
  CHECK(all[0].above == "a");
  CHECK(all[0].ratio.value == Approx(0.8));
  CHECK(regressions(all[0]) == std::vector<std::string>{"a"});
  CHECK(regressions(all[1]).empty());
  REQUIRE(warnings.size() == 3);
  CHECK(contains(warnings[0], "'d' was measured with other settings"));
  CHECK(contains(warnings[1], "'e' is not in the baseline"));
  CHECK(contains(warnings[2], "'c' was not measured"));
}

}  // namespace ww::bench
