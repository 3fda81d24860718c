// What a round with a fault says of its phases, from made-up logs of operations.
#include <catch2/catch.hpp>
#include <string>

#include "controller/bench/bench_run.hpp"
#include "controller/bench/condition.hpp"
#include "controller/bench/fault.hpp"
#include "controller/bench/phases.hpp"
#include "controller/bench/route.hpp"

namespace ww::bench {

namespace {

constexpr std::size_t kHealthy = 0;
constexpr std::size_t kFaulty = 1;
constexpr std::size_t kRecovery = 2;

Instant at(std::int64_t ms) {
  return Instant{milliseconds(ms)};
}

/// Healthy from 1 s to 3 s, seen 2 ms after the injection, healed at 5 s, over at 8 s.
PhaseMarks marks() {
  return {at(1000), at(3000), at(3002), at(5000), at(8000)};
}

/// One operation every `every` ms of [from, to), each taking 1 ms.
void add(OperationLog& log, std::int64_t from, std::int64_t to, std::int64_t every) {
  for (std::int64_t t = from; t < to; t += every) log.done.push_back({at(t), at(t + 1)});
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

constexpr std::int64_t kMs = 1'000'000;

}  // namespace

TEST_CASE("an outage: phases, unavailability, and recovery from both ends") {
  OperationLog log;
  add(log, 0, 2990, 10);
  log.done.push_back({at(2999), at(3900)});  // waited for the fault
  log.done.push_back({at(3001), at(3850)});  // begun before the node was seen dead
  log.done.push_back({at(3010), at(3870)});
  add(log, 4200, 4500, 10);  // back, though not healed
  add(log, 4500, 5400, 20);  // half
  add(log, 5400, 8100, 10);
  const PhasesTold told = tell_phases(log, marks());
  const reports::BenchFault& f = told.fault;
  CHECK(f.phases[kHealthy].seconds == Approx(2));
  CHECK(f.phases[kFaulty].seconds == Approx(2));
  CHECK(f.phases[kRecovery].seconds == Approx(3));
  CHECK(f.phases[kHealthy].operations == 199);  // 1000, ..., 2980, and the last of the warm-up's
  CHECK(f.phases[kFaulty].operations == 3 + 30 + 25);
  CHECK(f.phases[kFaulty].throughput == Approx(29));
  CHECK(f.healthy_median == Approx(100));
  CHECK(f.steady == 1);
  // By arrival, but for what was under way.
  CHECK(to_ns(told.latencies[kHealthy].max()) == kMs);
  CHECK(told.latencies[kFaulty].count() == 3 + 30 + 25);
  CHECK(to_ns(told.latencies[kFaulty].max()) == 901 * kMs);
  CHECK(f.seen_after == 2 * kMs);
  CHECK(f.unavailable == 870 * kMs);
  CHECK(f.from_injection == 1200 * kMs);
  CHECK(f.from_heal == 400 * kMs);
}

TEST_CASE("what never came back is told as such, and what was lost is counted where it was") {
  OperationLog log;
  add(log, 0, 2998, 10);
  // Two good slices in a row are not three.
  add(log, 6000, 6200, 5);
  log.unanswered = {at(2999), at(4000), at(7999), at(8001)};
  log.given_up = at(10'000);
  log.refused = {at(500), at(2000), at(3500), at(3600)};
  log.lost = {at(3001), at(9000)};
  const PhasesTold told = tell_phases(log, marks());
  const reports::BenchFault& f = told.fault;
  CHECK(f.unavailable == 3001 * kMs);
  CHECK_FALSE(f.from_injection);
  CHECK_FALSE(f.from_heal);
  CHECK(f.phases[kHealthy].unanswered == 0);
  CHECK(f.phases[kFaulty].unanswered == 2);
  CHECK(f.phases[kRecovery].unanswered == 1);
  // They waited at least so long.
  CHECK(to_ns(told.latencies[kFaulty].max()) == 7001 * kMs);
  CHECK(f.phases[kHealthy].refused == 1);
  CHECK(f.phases[kFaulty].refused == 2);
  CHECK(f.phases[kFaulty].lost == 1);
  CHECK(f.phases[kRecovery].lost == 0);

  log.done.resize(299);
  CHECK_FALSE(tell_phases(log, marks()).fault.unavailable);
}

TEST_CASE("a fault that nobody notices leaves nothing to recover from") {
  OperationLog log;
  add(log, 0, 8200, 10);
  const reports::BenchFault f = tell_phases(log, marks()).fault;
  CHECK(f.unavailable == 11 * kMs);
  CHECK(f.from_injection == 0);
  CHECK(f.from_heal == 0);
}

TEST_CASE("where nothing was healthy there is nothing to come back to") {
  OperationLog log;
  add(log, 5000, 8000, 10);
  const reports::BenchFault f = tell_phases(log, marks()).fault;
  CHECK(f.healthy_median == 0);
  CHECK_FALSE(f.from_injection);
  CHECK_FALSE(f.from_heal);
  CHECK(f.unavailable == 2001 * kMs);
}

TEST_CASE("kinds of faults are read as they are spelt, and others refused with the reason") {
  for (const FaultKind kind :
       {FaultKind::kKill, FaultKind::kPause, FaultKind::kKillFollower, FaultKind::kPauseFollower}) {
    const auto parsed = parse_fault_kind(std::string(name_of(kind)));
    REQUIRE(parsed.ok());
    CHECK(*parsed == kind);
  }
  for (const char* const wrong : {"partition", "packet", "kil", ""}) {
    INFO(wrong);
    const auto parsed = parse_fault_kind(wrong);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().code == ErrorCode::kUsage);
    CHECK(mentions(parsed.error().message, "bypasses the proxies"));
    CHECK(mentions(parsed.error().message, "kill, pause, kill-follower, pause-follower"));
  }
  CHECK(mentions(parse_fault_kind("kil").error().message, "did you mean 'kill'"));
}

TEST_CASE("rounds with faults are summed up by phase, and conditions speak of them") {
  BenchPlan plan;
  plan.variants = std::move(*variants_of({}, {"batching=on,off"}));
  plan.blocks = 2;
  plan.fault = FaultPlan{};
  reports::BenchReport report;
  report.faults.emplace().kind = "kill";
  for (const Variant& v : plan.variants) report.variants.emplace_back().label = v.label;
  report.variants.emplace_back().label = plan.variants.front().label;
  report.variants.back().again = true;
  for (auto& v : report.variants) v.faults.emplace();
  for (const Slot& slot : schedule_of(plan)) {
    auto& round = report.rounds.emplace_back();
    round.label = plan.variants[slot.variant].label;
    round.again = slot.again;
    round.block = slot.block;
    round.throughput = 1000;
    auto& fault = round.fault.emplace();
    const double factor = slot.again ? 1.5 : slot.variant == 0 ? 2 : 1;
    fault.phases[kHealthy].throughput = 1000;
    fault.phases[kFaulty].throughput = 100 * factor;
    fault.phases[kRecovery].throughput = 900;
    fault.phases[kFaulty].lost = 7;
    fault.phases[kFaulty].unanswered = slot.variant == 1 ? 1 : 0;
    fault.unavailable = (slot.block + 1) * (slot.variant == 0 ? 500 : 1000) * kMs;
    fault.from_injection = slot.variant == 0 ? 1000 * kMs : 0;
    fault.steady = slot.variant == 1 ? 0.4 : 1;
    // The second variant does not come back in the second block.
    if (slot.variant == 0 || slot.block == 0) fault.from_heal = 200 * kMs;
  }
  summarize(plan, report);
  const auto& first = *report.variants[0].faults;
  CHECK(first.rounds == 2);
  CHECK(first.throughput[kFaulty].value == Approx(200));
  CHECK(first.sums[kFaulty].lost == 14);
  CHECK(first.unavailable.mean.value == Approx(750e6));
  CHECK(first.unavailable.worst == 1000 * kMs);
  CHECK(first.from_heal.reached == 2);
  const auto& second = *report.variants[1].faults;
  CHECK(second.from_heal.reached == 1);
  CHECK(second.from_heal.mean.value == Approx(200e6));
  REQUIRE(report.ratios.size() == 1);
  CHECK(report.ratios[0].ratio.value == Approx(1));
  REQUIRE(report.ratios[0].faulty);
  CHECK(report.ratios[0].faulty->value == Approx(2));
  CHECK(report.ratios[0].recovery->value == Approx(1));
  REQUIRE(report.noise.faulty);
  CHECK(report.noise.faulty->value == Approx(0.75));
  REQUIRE(report.ratios[0].unavailable);
  CHECK(report.ratios[0].unavailable->value == Approx(0.5));
  CHECK(report.ratios[0].unavailable->low <= 0.5);
  CHECK(report.ratios[0].unavailable->high >= 0.5);
  CHECK_FALSE(report.ratios[0].from_heal);       // the second variant did not come back
  CHECK_FALSE(report.ratios[0].from_injection);  // and took no time from the injection
  REQUIRE(report.noise.from_heal);
  CHECK(report.noise.from_heal->value == Approx(1));
  // Only where it was noisy.
  REQUIRE(report.warnings.size() == 1);
  CHECK(mentions(report.warnings[0], "batching=off"));
  CHECK(mentions(report.warnings[0], "40 %"));

  const auto judged = [&](const char* text) { return judge(*parse_condition(text), report); };
  CHECK(judged("unavailable>1400ms").holds);
  CHECK_FALSE(judged("unavailable>1600ms").holds);
  CHECK(judged("recovery>1h").holds);
  CHECK(mentions(judged("recovery>1h").where, "batching=off: never"));
  CHECK(judged("recovery<1s").holds);  // the first variant's
  CHECK_FALSE(judged("recovery-from-injection>1s").holds);
  CHECK(judged("faulty-throughput<150").holds);
  CHECK_FALSE(judged("recovery-throughput<900").holds);
  CHECK(judged("unanswered>0").holds);
  CHECK_FALSE(judged("unanswered>2").holds);
  CHECK_FALSE(parse_condition("recovery>2").ok());
}

namespace {

/// A variant's rounds during faults; `faulty` are throughputs of that phase.
std::vector<reports::BenchSamples> faulty_samples(std::vector<double> faulty,
                                                  const char* kind = "kill") {
  reports::BenchSamples out;
  out.label = "a";
  out.throughputs = {100, 101, 99, 100};
  out.faults = reports::BenchFaultPlan{kind, 1, 2, 3};
  out.faulty = std::move(faulty);
  out.recovery = {90, 91, 89, 90};
  return {out};
}

}  // namespace

TEST_CASE("phases with a fault are compared with the baseline's, where both had the same") {
  std::vector<std::string> warnings;
  const auto before = faulty_samples({50, 51, 49, 50});
  const auto slower = changes(faulty_samples({30, 31, 29, 30}), before, 1, warnings);
  REQUIRE(slower.size() == 1);
  CHECK(warnings.empty());
  REQUIRE(slower[0].faulty);
  CHECK(slower[0].faulty->value == Approx(0.6));
  REQUIRE(slower[0].recovery);
  CHECK(slower[0].recovery->value == Approx(1));
  CHECK(regressions(slower[0]) == std::vector<std::string>{"a in the faulty phase"});
  CHECK(regressions(changes(before, before, 1, warnings)[0]).empty());
  CHECK(warnings.empty());

  const auto other = changes(faulty_samples({30, 31, 29, 30}, "pause"), before, 1, warnings);
  CHECK_FALSE(other[0].faulty);
  CHECK(regressions(other[0]).empty());
  REQUIRE(warnings.size() == 1);
  CHECK(mentions(warnings[0], "other faults"));

  warnings.clear();
  const auto none = changes(before, faulty_samples({50, 0, 49, 50}), 1, warnings);
  CHECK_FALSE(none[0].faulty);
  CHECK(none[0].recovery);
  REQUIRE(warnings.size() == 1);
  CHECK(mentions(warnings[0], "'a' had no throughput"));
}

TEST_CASE("a client that timed out at a node is not sent back to it for a while") {
  Route route(3);
  CHECK(route.node() == 0);
  route.on_timeout(at(0));
  CHECK(route.node() == 1);
  // The others still believe that it leads.
  CHECK(route.on_not_leading(0, at(20)));
  CHECK(route.node() == 2);
  CHECK(route.on_not_leading(0, at(40)));
  CHECK(route.node() == 1);
  route.on_lost(at(60));
  route.on_lost(at(80));
  CHECK(route.node() == 1);
  // Another leader is followed at once.
  CHECK(route.on_not_leading(2, at(100)));
  CHECK(route.node() == 2);
  // After a while it is a node like any other.
  CHECK(route.on_not_leading(0, at(1000)));
  CHECK(route.node() == 0);
  CHECK(route.on_not_leading(std::nullopt, at(1020)));
  CHECK(route.node() == 1);
  CHECK(route.on_not_leading(7, at(1040)));  // there is no such node
  CHECK(route.node() == 2);
}

TEST_CASE("where there is no other node to ask, a client waits at the one it has") {
  Route two(2);
  two.on_timeout(at(0));
  CHECK(two.node() == 1);
  CHECK_FALSE(two.on_not_leading(0, at(20)));
  CHECK(two.node() == 1);
  CHECK(two.on_not_leading(0, at(1000)));
  CHECK(two.node() == 0);
  Route one;
  one.on_timeout(at(0));
  CHECK(one.node() == 0);
  CHECK_FALSE(one.on_not_leading(0, at(20)));
  one.on_lost(at(40));
  CHECK(one.node() == 0);
}

}  // namespace ww::bench
