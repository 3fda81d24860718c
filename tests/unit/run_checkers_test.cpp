// Statistics, vacuity, liveness, and the table of checkers. For each checker one field of something
// valid is changed, and the verdict must change with it.

#include <catch2/catch.hpp>

#include "checkers/liveness.hpp"
#include "checkers/registry.hpp"
#include "checkers/statistics.hpp"
#include "checkers/vacuity.hpp"
#include "tests/unit/tiny_history.hpp"

using namespace ww;
using namespace ww::checkers;
using ww::test::history_of;
using ww::test::TinyOp;
using ww::test::v;

namespace {

/// A write and a read that overlap, and a cas that does not match.
std::vector<TinyOp> some_ops() {
  return {{.f = Func::kWrite, .value = v(1), .call = 0, .ret = 2'000'000'000},
          {.f = Func::kRead, .value = v(1), .call = 1'000'000'000, .ret = 1'500'000'000},
          {.f = Func::kCas,
           .value = v(2),
           .call = 3'000'000'000,
           .ret = 4'000'000'000,
           .to = v(3),
           .matched = false,
           .seen = v(1)}};
}

}  // namespace

TEST_CASE("statistics count each function's outcomes, latencies and rate") {
  std::vector<TinyOp> ops = some_ops();
  for (std::int64_t i = 1; i <= 100; ++i) {
    ops.push_back({.f = Func::kRead,
                   .value = v(1),
                   .call = 2'000'000'000,
                   .ret = 2'000'000'000 + i * 1'000'000});
  }
  ops.push_back({.f = Func::kRead, .call = 5, .ret = 6, .end = OpType::kFail});
  ops.push_back({.f = Func::kWrite, .value = v(9), .call = 5, .ret = 6, .end = OpType::kInfo});
  ops.push_back({.f = Func::kWrite, .value = v(8), .call = 7, .end = OpType::kInvoke});
  const CheckResult result = check_statistics(history_of(ops));
  CHECK(result.verdict == Verdict::kValid);
  CHECK(result.evaluated == 106);
  CHECK(result.numbers.at("ops") == 106);
  CHECK(result.numbers.at("ok") == 103);
  CHECK(result.numbers.at("fail") == 1);
  CHECK(result.numbers.at("info") == 1);
  CHECK(result.numbers.at("open") == 1);
  CHECK(result.numbers.at("read.ok") == 101);
  CHECK(result.numbers.at("read.fail") == 1);
  CHECK(result.numbers.at("write.info") == 1);
  CHECK(result.numbers.at("cas.matched") == 0);
  CHECK(result.numbers.at("read.latency-p50") == Approx(0.051));
  CHECK(result.numbers.at("read.latency-p99") == Approx(0.1));
  CHECK(result.numbers.at("read.latency-max") == Approx(0.5));
  CHECK(result.numbers.at("rate") == Approx(103 / 4.0));
}

TEST_CASE("a function that never succeeded makes the statistics unknown") {
  std::vector<TinyOp> ops = some_ops();
  CHECK(check_statistics(history_of(ops)).verdict == Verdict::kValid);
  ops[2].end = OpType::kInfo;
  const CheckResult result = check_statistics(history_of(ops));
  CHECK(result.verdict == Verdict::kUnknown);
  CHECK(result.reason == "no cas ever succeeded");
  CHECK(check_statistics({}).verdict == Verdict::kUnknown);
}

TEST_CASE("a history's facts are counted in all and for each fault's window") {
  RunFacts facts;
  facts.windows = {{.kind = "kill", .from = 0, .to = 1'600'000'000},
                   {.kind = "pause", .from = 2'500'000'000, .to = 9'000'000'000}};
  std::vector<TinyOp> ops = some_ops();
  ops.push_back({.f = Func::kWrite,
                 .value = v(5),
                 .call = 4,
                 .ret = 3'000'000'000,
                 .end = OpType::kInfo,
                 .key = 1});
  add_history_facts(facts, history_of(ops));
  CHECK(facts.ok_ops == 3);
  CHECK(facts.info_ops == 1);
  CHECK(facts.contended_keys == 1);
  CHECK(facts.windows[0].ok_ops == 1);
  CHECK(facts.windows[0].contended_keys == 1);
  CHECK(facts.windows[1].ok_ops == 1);
  CHECK(facts.windows[1].info_ops == 1);
  CHECK(facts.windows[1].contended_keys == 0);
}

TEST_CASE("keys are contended only while a read and a write that matter overlap") {
  const auto contended = [](std::vector<TinyOp> ops) {
    RunFacts facts;
    add_history_facts(facts, history_of(ops));
    return facts.contended_keys == 1;
  };
  const TinyOp write = {.f = Func::kWrite, .value = v(1), .call = 0, .ret = 10};
  const TinyOp read = {.f = Func::kRead, .value = v(1), .call = 5, .ret = 15};
  CHECK(contended({write, read}));
  CHECK_FALSE(contended({write}));
  CHECK_FALSE(contended({write, write}));
  CHECK_FALSE(contended({read, read}));
  TinyOp later = read;
  later.call = 11;
  CHECK_FALSE(contended({write, later}));
  TinyOp lost = write;
  lost.end = OpType::kInfo;
  CHECK(contended({lost, later}));
  TinyOp unanswered = read;
  unanswered.end = OpType::kInfo;
  CHECK_FALSE(contended({write, unanswered}));
  TinyOp refused = write;
  refused.end = OpType::kFail;
  CHECK_FALSE(contended({refused, read}));
}

namespace {

RunFacts busy_run() {
  RunFacts facts;
  facts.leader_changes = 5;
  facts.blocked_messages = 100;
  facts.faults = {{.kind = "kill", .planned = 5, .injected = 5, .effective = 3}};
  facts.windows = {
      {.kind = "kill", .from = 0, .to = 9, .ok_ops = 10, .info_ops = 1, .contended_keys = 2},
      {.kind = "kill", .from = 20, .to = 29, .ok_ops = 0}};
  facts.ok_ops = 1000;
  facts.info_ops = 10;
  facts.contended_keys = 8;
  return facts;
}

constexpr VacuityLimits kEveryLimit = {.leader_changes = 3,
                                       .blocked_messages = 50,
                                       .ok_ops = 500,
                                       .info_ops = 5,
                                       .contended_keys = 4,
                                       .effective_per_fault = 2,
                                       .window_ok_ops = 5,
                                       .window_info_ops = 1,
                                       .window_contended_keys = 1,
                                       .window_share = 0.5};

std::string shortfall(const RunFacts& facts) {
  const CheckResult result = check_vacuity(facts, kEveryLimit);
  CHECK(result.verdict == (result.reason.empty() ? Verdict::kValid : Verdict::kUnknown));
  CHECK(result.violations.empty());
  return result.reason;
}

}  // namespace

TEST_CASE("a busy run is not vacuous, and falls below each minimum by one changed field") {
  CHECK(shortfall(busy_run()) == "");
  CHECK(check_vacuity(busy_run(), kEveryLimit).evaluated == 8);
  RunFacts facts = busy_run();
  facts.leader_changes = 2;
  CHECK(shortfall(facts) == "vacuous: 2 leader changes, at least 3 wanted");
  facts = busy_run();
  facts.blocked_messages = 49;
  CHECK(shortfall(facts) == "vacuous: 49 blocked messages, at least 50 wanted");
  facts = busy_run();
  facts.ok_ops = 499;
  CHECK(shortfall(facts) == "vacuous: 499 ops that succeeded, at least 500 wanted");
  facts = busy_run();
  facts.info_ops = 4;
  CHECK(shortfall(facts) == "vacuous: 4 indeterminate ops, at least 5 wanted");
  facts = busy_run();
  facts.contended_keys = 3;
  CHECK(shortfall(facts) ==
        "vacuous: 3 keys with reads and writes at the same time, at least 4 wanted");
  facts = busy_run();
  facts.faults[0].effective = 1;
  CHECK(
      shortfall(facts) ==
      "vacuous: 1 effective faults of kind kill (5 of 5 planned were injected), at least 2 wanted");
  facts = busy_run();
  facts.windows[0].ok_ops = 4;
  CHECK(shortfall(facts) == "vacuous: only 0 of 2 fault windows saw enough client ops");
  facts = busy_run();
  facts.windows[0].info_ops = 0;
  CHECK(shortfall(facts) == "vacuous: only 0 of 2 fault windows saw enough client ops");
  facts = busy_run();
  facts.windows[0].contended_keys = 0;
  facts.leader_changes = 0;
  CHECK(shortfall(facts) ==
        "vacuous: 0 leader changes, at least 3 wanted; only 0 of 2 fault windows saw enough client "
        "ops");
}

TEST_CASE("a run without any minimum is unknown, and kinds that were not planned ask for nothing") {
  const CheckResult nothing = check_vacuity({}, {.leader_changes = 0,
                                                 .ok_ops = 0,
                                                 .contended_keys = 0,
                                                 .effective_per_fault = 0,
                                                 .window_ok_ops = 0});
  CHECK(nothing.verdict == Verdict::kUnknown);
  RunFacts facts = busy_run();
  facts.faults.push_back({.kind = "disk"});
  CHECK(shortfall(facts) == "");
}

TEST_CASE(
    "of faults of many kinds, a few each, those of half of the kinds must have had an effect") {
  RunFacts facts = busy_run();
  facts.faults = {{.kind = "clock", .planned = 2, .injected = 2, .effective = 0}};
  CHECK(shortfall(facts) == "vacuous: too few effective faults of 1 of 1 kinds: clock");
  facts.faults.push_back({.kind = "kill", .planned = 2, .injected = 2, .effective = 2});
  CHECK(shortfall(facts) == "");
  facts.faults.push_back({.kind = "disk", .planned = 1, .injected = 1, .effective = 0});
  CHECK(shortfall(facts) == "vacuous: too few effective faults of 2 of 3 kinds: clock, disk");
  facts.faults[1].effective = 0;
  facts.faults[1].planned = 5;
  CHECK(
      shortfall(facts) ==
      "vacuous: 0 effective faults of kind kill (2 of 5 planned were injected), at least 2 wanted");
}

namespace {

LivenessFacts recovered() {
  LivenessFacts facts;
  facts.healed = Instant{seconds(40)};
  facts.ended = Instant{seconds(45)};
  facts.election_timeout = milliseconds(300);
  facts.leader = Instant{seconds(41)};
  for (const char* process : {"process 0 at n1", "process 1 at n2"}) {
    facts.probes.push_back({process, Instant{milliseconds(41'200)}, Instant{milliseconds(41'300)}});
  }
  for (std::uint32_t n = 1; n <= 3; ++n) {
    facts.voters.push_back({.node = NodeId{n}, .last_index = 90, .applied = 90, .digest = 0x1234});
  }
  return facts;
}

void expect_live_violation(const LivenessFacts& facts, const std::string& summary) {
  const CheckResult result = check_liveness(facts);
  CHECK(result.verdict == Verdict::kInvalid);
  REQUIRE(result.violations.size() == 1);
  CHECK(result.violations[0].property == "Live");
  CHECK(result.violations[0].summary == summary);
  CHECK(result.reason == summary);
  LivenessFacts slow = facts;
  slow.stalls.push_back({Instant{seconds(42)}, milliseconds(151), "fsync"});
  const CheckResult excused = check_liveness(slow);
  CHECK(excused.verdict == Verdict::kUnknown);
  CHECK(excused.violations.empty());
  CHECK(excused.reason == summary +
                              "; but the machine itself stood still (fsync, 0.151 s at "
                              "42.000 s), so this proves nothing");
}

}  // namespace

TEST_CASE("a cluster that recovered is live") {
  const CheckResult result = check_liveness(recovered());
  CHECK(result.verdict == Verdict::kValid);
  CHECK(result.evaluated == 9);
  CHECK(result.numbers.at("leader-after") == Approx(1.0));
  CHECK(result.numbers.at("recovered-after") == Approx(1.3));
}

TEST_CASE("each thing that Raft owes after a heal is missed by one changed field") {
  LivenessFacts facts = recovered();
  facts.leader.reset();
  expect_live_violation(facts,
                        "no leader was elected after the heal; 20 election timeouts (6.000 s) are "
                        "allowed");
  facts = recovered();
  facts.leader = Instant{milliseconds(46'001)};
  expect_live_violation(facts,
                        "a leader was there only 6.001 s after the heal; 20 election timeouts "
                        "(6.000 s) are allowed");
  facts = recovered();
  facts.probes[1].write_ok.reset();
  expect_live_violation(facts, "process 1 at n2: its write after the heal never succeeded");
  facts = recovered();
  facts.probes[0].read_ok = Instant{seconds(51)};
  expect_live_violation(facts,
                        "process 0 at n1: its final read succeeded only 11.000 s after the heal; "
                        "10.000 s are allowed");
  facts = recovered();
  facts.pending_ops = 2;
  expect_live_violation(facts, "2 ops were never completed");
  facts = recovered();
  facts.voters[2].running = false;
  expect_live_violation(facts, "n3 was not running at the end");
  facts = recovered();
  facts.voters[1].applied = 80;
  expect_live_violation(facts, "n2 applied only 80 of its 90 entries");
  facts = recovered();
  facts.voters[1].last_index = 91;
  facts.voters[1].applied = 91;
  expect_live_violation(facts, "n1 and n2 end at different entries, 90 and 91");
  facts = recovered();
  facts.restored = false;
  expect_live_violation(facts,
                        "the change of members that was asked for after the heal never came to be");
  facts.restored = true;
  CHECK(check_liveness(facts).evaluated == 10);
  CHECK(check_liveness(facts).verdict == Verdict::kValid);
}

TEST_CASE("states that differ after equal logs are no matter of time") {
  LivenessFacts facts = recovered();
  facts.voters[2].digest = 1;
  facts.stalls.push_back({Instant{seconds(42)}, seconds(5), "scheduling"});
  const CheckResult result = check_liveness(facts);
  CHECK(result.verdict == Verdict::kInvalid);
  REQUIRE(result.violations.size() == 1);
  CHECK(result.violations[0].property == "Apply");
  CHECK(result.reason == "n1 and n3 applied the same 90 entries to different states");
}

TEST_CASE("only long stalls after the heal excuse, and nothing looked at is unknown") {
  LivenessFacts facts = recovered();
  facts.pending_ops = 1;
  facts.stalls.push_back({Instant{seconds(42)}, milliseconds(150), "fsync"});
  facts.stalls.push_back({Instant{seconds(30)}, seconds(5), "fsync"});
  CHECK(check_liveness(facts).verdict == Verdict::kInvalid);
  CHECK(check_liveness({}).verdict == Verdict::kUnknown);
}

TEST_CASE("the table names every checker once, and check_history runs those for histories") {
  std::vector<std::string> names;
  for (const CheckerRow& row : ww::checkers::checkers()) {
    CHECK_FALSE(row.title.empty());
    if (row.needs == Needs::kHistory) names.emplace_back(row.name);
  }
  History history = history_of(some_ops());
  for (const Func f : {Func::kWrite, Func::kWatch}) {
    for (const OpType type : {OpType::kInvoke, OpType::kOk}) {
      Op op;
      op.index = history.size();
      op.time = history.back().time + 1;
      op.type = type;
      op.process = 1000;
      op.f = f;
      op.key = 77;
      op.value = v(5);
      const bool told = f == Func::kWatch && type == OpType::kOk;
      if (told) op.to = v(9);
      if (told) op.changes = {{7, 77, v(5)}};
      history.push_back(std::move(op));
    }
  }
  std::vector<std::string> ran;
  for (const CheckResult& result : check_history(history)) {
    CHECK(result.verdict == Verdict::kValid);
    ran.push_back(result.checker);
  }
  CHECK(names == ran);
  CHECK(ww::checkers::checkers().size() == 5);
}
