#include <catch2/catch.hpp>

#include "base/rng.hpp"
#include "checkers/linearizable.hpp"
#include "tests/unit/test_seed.hpp"
#include "tests/unit/tiny_history.hpp"

using namespace ww;
using ww::checkers::check_linearizable;
using ww::checkers::LinOptions;
using ww::test::history_of;
using ww::test::TinyOp;
using ww::test::v;

namespace {

TinyOp wrote(std::int64_t value, std::int64_t call, std::int64_t ret) {
  return {.f = Func::kWrite, .value = v(value), .call = call, .ret = ret};
}
TinyOp saw(Value value, std::int64_t call, std::int64_t ret) {
  return {.f = Func::kRead, .value = std::move(value), .call = call, .ret = ret};
}
TinyOp cas(std::int64_t from, std::int64_t to, std::int64_t call, std::int64_t ret) {
  return {.f = Func::kCas, .value = v(from), .call = call, .ret = ret, .to = v(to)};
}

CheckResult check(const std::vector<TinyOp>& ops, const LinOptions& options = {}) {
  return check_linearizable(history_of(ops), options);
}

/// A write of 1 ends; then a write of 2 overlaps two reads.
std::vector<TinyOp> textbook(std::int64_t first, std::int64_t second) {
  return {wrote(1, 0, 10), wrote(2, 20, 100), saw(v(first), 30, 40), saw(v(second), 50, 60)};
}

}  // namespace

TEST_CASE("reading the old value and then the new during a write is linearizable") {
  CHECK(check(textbook(1, 2)).verdict == Verdict::kValid);
  CHECK(check(textbook(1, 1)).verdict == Verdict::kValid);
  CHECK(check(textbook(2, 2)).verdict == Verdict::kValid);
}

TEST_CASE("reading the new value and then the old is not, and the witness names all four ops") {
  const CheckResult result = check(textbook(2, 1));
  REQUIRE(result.verdict == Verdict::kInvalid);
  REQUIRE(result.violations.size() == 1);
  const Violation& violation = result.violations[0];
  CHECK(violation.property == "LIN");
  CHECK(violation.witness.size() == 8);
  CHECK(violation.time == 60);
  CHECK(violation.summary ==
        "key 0: process 3 read 1 at 0.000 s after process 2 had read 2 at 0.000 s");
  CHECK(result.reason == violation.summary);
}

TEST_CASE("it becomes linearizable when either read is taken away or the reads overlap") {
  std::vector<TinyOp> without_first = textbook(2, 1);
  without_first.erase(without_first.begin() + 2);
  CHECK(check(without_first).verdict == Verdict::kValid);
  std::vector<TinyOp> without_second = textbook(2, 1);
  without_second.erase(without_second.begin() + 3);
  CHECK(check(without_second).verdict == Verdict::kValid);
  std::vector<TinyOp> overlapping = textbook(2, 1);
  overlapping[3].call = 35;
  CHECK(check(overlapping).verdict == Verdict::kValid);
  overlapping[3].call = 40;  // closed intervals: ops that touch are concurrent
  CHECK(check(overlapping).verdict == Verdict::kValid);
  overlapping[3].call = 41;
  CHECK(check(overlapping).verdict == Verdict::kInvalid);
}

TEST_CASE("a read of a value that nobody wrote is never linearizable") {
  std::vector<TinyOp> ops = {wrote(1, 0, 10), saw(v(4), 5, 1'203'000'000)};
  const CheckResult result = check(ops);
  REQUIRE(result.verdict == Verdict::kInvalid);
  CHECK(result.violations[0].summary == "key 0: process 1 read 4 at 1.203 s, which nobody wrote");
  CHECK(result.violations[0].witness.size() == 2);

  ops[0].value = v(4);
  ops[0].end = OpType::kFail;
  CHECK(check(ops).violations.at(0).summary ==
        "key 0: process 1 read 4 at 1.203 s, which only process 0 tried to write, and that "
        "surely failed");
  ops[0].end = OpType::kInfo;
  CHECK(check(ops).verdict == Verdict::kValid);
  ops[0].end = OpType::kInvoke;
  CHECK(check(ops).verdict == Verdict::kValid);
}

TEST_CASE("a stale read names the write that had completed before it") {
  const CheckResult result =
      check({wrote(4, 0, 1'000'000'000), wrote(5, 1'100'000'000, 1'180'000'000),
             saw(v(5), 1'185'000'000, 1'190'000'000), saw(v(4), 1'200'000'000, 1'203'000'000),
             saw(v(5), 1'300'000'000, 1'400'000'000)});
  REQUIRE(result.verdict == Verdict::kInvalid);
  CHECK(result.reason ==
        "key 0: process 3 read 4 at 1.203 s after process 1's write of 5 had completed at "
        "1.180 s");
  CHECK(result.violations[0].witness.size() == 6);
}

TEST_CASE("an indeterminate write may happen late, but only once") {
  TinyOp late = wrote(2, 0, 5);
  late.end = OpType::kInfo;
  CHECK(check({late, wrote(1, 10, 20), saw(v(1), 30, 40), saw(v(2), 50, 60)}).verdict ==
        Verdict::kValid);
  CHECK(check({late, wrote(1, 10, 20), saw(v(2), 30, 40), saw(v(1), 50, 60)}).verdict ==
        Verdict::kInvalid);
  CHECK(check({late, wrote(1, 10, 20), saw(v(2), 30, 40), wrote(3, 50, 60), saw(v(2), 70, 80)})
            .verdict == Verdict::kInvalid);
}

TEST_CASE("a cas finds what is there or says what it saw") {
  CHECK(check({wrote(1, 0, 10), cas(1, 2, 20, 30), saw(v(2), 40, 50)}).verdict == Verdict::kValid);
  CHECK(check({wrote(1, 0, 10), cas(3, 2, 20, 30)}).verdict == Verdict::kInvalid);
  TinyOp miss = cas(3, 2, 20, 30);
  miss.matched = false;
  miss.seen = v(1);
  CHECK(check({wrote(1, 0, 10), miss}).verdict == Verdict::kValid);
  miss.seen = v(7);
  CHECK(check({wrote(1, 0, 10), miss}).verdict == Verdict::kInvalid);
  miss.value = v(1);
  miss.seen = v(1);  // it cannot both expect 1, see 1, and not match
  CHECK(check({wrote(1, 0, 10), miss}).verdict == Verdict::kInvalid);
  CHECK(check({cas(1, 2, 0, 10), cas(1, 3, 20, 30)}).verdict == Verdict::kInvalid);
}

TEST_CASE("two cas cannot both replace the same write") {
  const CheckResult result = check({wrote(1, 0, 10), cas(1, 2, 20, 30), cas(1, 3, 20, 40)});
  REQUIRE(result.verdict == Verdict::kInvalid);
  CHECK(result.violations[0].witness.size() == 6);
}

TEST_CASE("keys are judged apart, and a violation names its own") {
  std::vector<TinyOp> ops = textbook(2, 1);
  for (TinyOp& op : ops) op.key = 7;
  ops.push_back(wrote(1, 0, 10));
  ops.push_back(saw(v(1), 20, 30));
  const CheckResult result = check(ops);
  CHECK(result.verdict == Verdict::kInvalid);
  CHECK(result.violation_count == 1);
  CHECK(result.reason.rfind("key 7: ", 0) == 0);
  CHECK(result.evaluated == 6);
  CHECK(result.numbers.at("keys") == 2);
}

TEST_CASE("log indices that explain the answers are a proof, and wrong ones prove nothing") {
  std::vector<TinyOp> ops = textbook(1, 2);
  ops[0].at = 1;
  ops[1].at = 2;
  ops[2].at = 1;
  ops[3].at = 2;
  CHECK(check(ops).numbers.at("keys-by-witness") == 1);
  ops[3].at = 1;
  const CheckResult wrong = check(ops);
  CHECK(wrong.verdict == Verdict::kValid);
  CHECK(wrong.numbers.at("keys-by-zones") == 1);
  std::vector<TinyOp> bad = textbook(2, 1);
  for (std::size_t i = 0; i < bad.size(); ++i) bad[i].at = i + 1;
  CHECK(check(bad).verdict == Verdict::kInvalid);
}

TEST_CASE("the initial value may be read until something else was written") {
  CHECK(check({saw(Value{}, 0, 10)}).verdict == Verdict::kValid);
  CHECK(check({saw(v(0), 0, 10)}).verdict == Verdict::kInvalid);
  CHECK(check({saw(v(0), 0, 10)}, {.initial = v(0)}).verdict == Verdict::kValid);
  CHECK(check({wrote(1, 0, 10), saw(Value{}, 20, 30)}).verdict == Verdict::kInvalid);
}

TEST_CASE("a history without ops is unknown, not valid") {
  const CheckResult result = check_linearizable({});
  CHECK(result.verdict == Verdict::kUnknown);
  CHECK(result.evaluated == 0);
}

TEST_CASE("a key that exhausts its budget is unknown and names the window that blocked it") {
  // Twelve concurrent writes of few values, then reads that no order gives.
  std::vector<TinyOp> ops;
  for (std::int64_t i = 0; i < 12; ++i) ops.push_back(wrote(i % 3, 0, 1'000'000'000));
  for (std::int64_t i = 0; i < 30; ++i) {
    ops.push_back(saw(v(i * i % 3), 10'000'000 * i + 5, 10'000'000 * i + 10));
  }
  for (TinyOp& op : ops) op.key = 9;
  const CheckResult result = check(ops, {.max_steps = 2});
  CHECK(result.verdict == Verdict::kUnknown);
  CHECK(result.reason.rfind("key 9 is undecided after ", 0) == 0);
  CHECK(result.reason.find("was blocked between 0.") != std::string::npos);
  CHECK(result.numbers.at("keys-undecided") == 1);
  CHECK(check(ops, {.max_memory = 1}).verdict == Verdict::kUnknown);
}

TEST_CASE("an outer guard ends a long search with unknown") {
  std::vector<TinyOp> ops;
  for (std::int64_t i = 0; i < 20; ++i) ops.push_back(wrote(i % 10, 0, 1000));
  for (std::int64_t i = 0; i < 20; ++i) ops.push_back(saw(v(i % 10), 10 * i + 5, 10 * i + 9));
  ops.push_back(saw(v(0), 250, 260));
  ops.push_back(saw(v(0), 1100, 1200));
  ops.push_back(saw(v(1), 1300, 1400));
  int asked = 0;
  const CheckResult result = check(ops, {.expired = [&] { return ++asked > 0; }});
  CHECK(result.verdict == Verdict::kUnknown);
  CHECK(asked == 1);
}

namespace {

/// Ops of a closed loop of clients against one true register each; op i takes effect at time 10 i.
std::vector<TinyOp> long_history(std::int64_t ops, std::uint64_t keys, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<Value> now(keys);
  std::vector<TinyOp> out;
  for (std::int64_t i = 0; i < ops; ++i) {
    TinyOp op;
    op.key = rng.below(keys);
    op.call = std::max<std::int64_t>(0, 10 * i - rng.between(0, 100));
    op.ret = 10 * i + rng.between(0, 100);
    op.at = static_cast<Index>(i) + 1;
    Value& value = now[op.key];
    op.f = rng.below(2) == 0 ? Func::kRead : Func::kWrite;
    if (op.f == Func::kWrite) value = v(i);
    op.value = value;
    out.push_back(op);
  }
  return out;
}

}  // namespace

TEST_CASE("long histories are decided without a single step of search") {
  INFO(ww::test::repeat_with());
  std::vector<TinyOp> ops = long_history(20'000, 20, ww::test::seed());
  const CheckResult witnessed = check(ops);
  CHECK(witnessed.verdict == Verdict::kValid);
  CHECK(witnessed.numbers.at("keys-by-witness") == 20);
  const CheckResult without = check(ops, {.use_witness = false});
  CHECK(without.verdict == Verdict::kValid);
  CHECK(without.numbers.at("keys-by-zones") == 20);
  CHECK(without.numbers.at("steps") == 0);
}

TEST_CASE("one stale read in a long history is found and shown with a handful of ops") {
  INFO(ww::test::repeat_with());
  std::vector<TinyOp> ops = long_history(5'000, 1, ww::test::seed());
  Value old;
  for (std::size_t i = 4'000;; ++i) {
    REQUIRE(i < ops.size());
    if (i < 4'100 && ops[i].f == Func::kWrite && old == Value{}) old = ops[i].value;
    if (i < 4'300 || ops[i].f != Func::kRead) continue;
    ops[i].value = old;
    const CheckResult result = check(ops);
    REQUIRE(result.verdict == Verdict::kInvalid);
    CHECK(result.violations[0].witness.size() <= 8);
    CHECK(result.violations[0].time == ops[i].ret);
    CHECK(result.reason.find(" read " + std::to_string(std::get<std::int64_t>(old))) !=
          std::string::npos);
    break;
  }
}
