// The fast deciders against one that tries every order: on all tiny histories, then on random ones.

#include <catch2/catch.hpp>

#include "base/history.hpp"
#include "base/rng.hpp"
#include "checkers/decide.hpp"
#include "checkers/frontier.hpp"
#include "checkers/key_history.hpp"
#include "checkers/linearizable.hpp"
#include "checkers/minimise.hpp"
#include "checkers/search.hpp"
#include "tests/unit/test_seed.hpp"
#include "tests/unit/tiny_history.hpp"

using namespace ww;
using namespace ww::checkers;
using ww::test::brute_force;
using ww::test::history_of;
using ww::test::TinyOp;
using ww::test::v;

namespace {

struct Tally {
  std::uint64_t linearizable = 0;
  std::uint64_t not_linearizable = 0;
};

std::string text_of_ops(const std::vector<TinyOp>& ops) {
  std::string out;
  for (const Op& op : history_of(ops)) append_json(out, op);
  return out;
}

/// Every decider must say what brute force says.
void compare(const std::vector<TinyOp>& tiny, bool failed_cas_observes, Tally& tally) {
  const bool expected = brute_force(tiny, failed_cas_observes);
  ++(expected ? tally.linearizable : tally.not_linearizable);
  const Answer answer = expected ? Answer::kLinearizable : Answer::kNot;
  const History history = history_of(tiny);
  const KeyGroups groups = group_by_key(history);
  StateTable table;
  std::vector<KeyOp> ops;
  build_key_ops(history, groups.group(0), failed_cas_observes, table, ops);
  const auto fail = [&](const char* who) {
    FAIL(who << " disagrees with brute force, which says " << (expected ? "linearizable" : "not")
             << ":\n"
             << text_of_ops(tiny));
  };
  Window stuck;
  Budget budget(10'000'000, std::size_t{1} << 30);
  if (decide_by_frontier(table, kNil, ops, budget, stuck) != answer) fail("frontier");
  if (decide_by_search(table, kNil, ops, budget, stuck) != answer) fail("search");
  std::vector<KeyOp> scratch = ops;
  if (decide(table, kNil, scratch, budget).answer != answer) fail("the pipeline");
  scratch = ops;
  if (decide(table, kNil, scratch, budget, {.use_witness = false, .use_zones = false}).answer !=
      answer) {
    fail("the pipeline without zones");
  }
}

/// All ways in which `ops` can overlap, each op with each of `kinds`.
class Exhaustive {
 public:
  Exhaustive(std::size_t ops, std::vector<TinyOp> kinds, bool failed_cas_observes = true)
      : ops_(ops), kinds_(std::move(kinds)), observes_(failed_cas_observes), tiny_(ops) {}

  Tally run() {
    place(0, 0, 0);
    return tally_;
  }

 private:
  /// Event `time` is the call of the next op or the return of an open one.
  void place(std::size_t called, std::uint32_t open, std::int64_t time) {
    if (called == ops_ && open == 0) return choose(0);
    if (called < ops_) {
      tiny_[called].call = time;
      place(called + 1, open | 1U << called, time + 1);
    }
    for (std::size_t i = 0; i < called; ++i) {
      if ((open >> i & 1) == 0) continue;
      tiny_[i].ret = time;
      place(called, open & ~(1U << i), time + 1);
    }
  }
  void choose(std::size_t i) {
    if (i == ops_) return compare(tiny_, observes_, tally_);
    const std::int64_t call = tiny_[i].call;
    const std::int64_t ret = tiny_[i].ret;
    for (const TinyOp& kind : kinds_) {
      tiny_[i] = kind;
      tiny_[i].call = call;
      tiny_[i].ret = ret;
      choose(i + 1);
    }
  }

  std::size_t ops_;
  std::vector<TinyOp> kinds_;
  bool observes_;
  std::vector<TinyOp> tiny_;
  Tally tally_;
};

TinyOp kind(Func f, Value value, OpType end = OpType::kOk) {
  return {.f = f, .value = std::move(value), .end = end};
}
TinyOp cas_kind(std::int64_t from, std::int64_t to, OpType end = OpType::kOk) {
  return {.f = Func::kCas, .value = v(from), .to = v(to), .end = end};
}
TinyOp miss_kind(std::int64_t from, std::int64_t seen) {
  return {.f = Func::kCas, .value = v(from), .to = v(9), .matched = false, .seen = v(seen)};
}

}  // namespace

TEST_CASE("all histories of three ops of fourteen kinds are judged as by brute force") {
  const std::vector<TinyOp> kinds = {kind(Func::kRead, Value{}),
                                     kind(Func::kRead, v(1)),
                                     kind(Func::kRead, v(2)),
                                     kind(Func::kWrite, v(1)),
                                     kind(Func::kWrite, v(2)),
                                     kind(Func::kWrite, v(1), OpType::kInfo),
                                     kind(Func::kWrite, v(2), OpType::kFail),
                                     kind(Func::kDelete, Value{}),
                                     cas_kind(1, 2),
                                     cas_kind(2, 1),
                                     cas_kind(1, 2, OpType::kInfo),
                                     cas_kind(1, 1),
                                     miss_kind(1, 2),
                                     miss_kind(2, 1)};
  const Tally tally = Exhaustive(3, kinds).run();
  CHECK(tally.linearizable + tally.not_linearizable == 15 * 14 * 14 * 14);
  CHECK(tally.linearizable > 1000);
  CHECK(tally.not_linearizable > 1000);
}

TEST_CASE("all histories of three ops whose failed cas tell only what was not there") {
  const std::vector<TinyOp> kinds = {
      kind(Func::kRead, v(1)),  kind(Func::kRead, v(2)), kind(Func::kWrite, v(1)),
      kind(Func::kWrite, v(2)), cas_kind(1, 2),          kind(Func::kWrite, v(2), OpType::kInfo),
      miss_kind(1, 0),          miss_kind(2, 0)};
  const Tally tally = Exhaustive(3, kinds, false).run();
  CHECK(tally.linearizable > 500);
  CHECK(tally.not_linearizable > 500);
}

TEST_CASE("all histories of four ops of five kinds are judged as by brute force") {
  const std::vector<TinyOp> kinds = {kind(Func::kRead, v(1)), kind(Func::kRead, v(2)),
                                     kind(Func::kWrite, v(1)), kind(Func::kWrite, v(2)),
                                     cas_kind(1, 2)};
  const Tally tally = Exhaustive(4, kinds).run();
  CHECK(tally.linearizable + tally.not_linearizable == 105 * 625);
  CHECK(tally.linearizable > 1000);
  CHECK(tally.not_linearizable > 1000);
}

TEST_CASE("all histories of four ops of lists are judged as by brute force") {
  using List = std::vector<std::int64_t>;
  const std::vector<TinyOp> kinds = {kind(Func::kRead, List{1, 2}), kind(Func::kRead, List{1}),
                                     kind(Func::kAppend, v(1)), kind(Func::kAppend, v(2)),
                                     kind(Func::kAppend, v(2), OpType::kInfo)};
  const Tally tally = Exhaustive(4, kinds).run();
  CHECK(tally.linearizable > 1000);
  CHECK(tally.not_linearizable > 1000);
}

namespace {

/// Histories near the edge: ops of an imagined run in some order, a few answers then changed.
class RandomHistory {
 public:
  explicit RandomHistory(std::uint64_t key) : rng_(key) {}

  std::vector<TinyOp> make(std::size_t n, bool unique, bool lists) {
    std::vector<TinyOp> ops(n);
    Value state;
    std::int64_t point = 0;
    const std::uint64_t spread = 1 + rng_.below(30);
    for (std::size_t i = 0; i < n; ++i) {
      point += static_cast<std::int64_t>(rng_.below(8));
      TinyOp& op = ops[i];
      op.call = std::max<std::int64_t>(0, point - static_cast<std::int64_t>(rng_.below(spread)));
      op.ret = point + static_cast<std::int64_t>(rng_.below(spread));
      op.at = i + 1;
      fill(op, state, unique ? static_cast<std::int64_t>(10 + i) : value(), lists);
    }
    if (rng_.below(2) == 0) spoil(ops[rng_.below(n)]);
    for (TinyOp& op : ops) {
      if (rng_.below(8) == 0) op.end = OpType::kInfo;
      if (rng_.below(6) == 0) op.at = rng_.below(n + 1);
    }
    return ops;
  }

 private:
  std::int64_t value() { return static_cast<std::int64_t>(rng_.below(3)); }

  void fill(TinyOp& op, Value& state, std::int64_t fresh, bool lists) {
    switch (rng_.below(lists ? 6 : 4)) {
      case 0:
        op.f = Func::kWrite;
        op.value = v(fresh);
        state = op.value;
        break;
      case 1:
        op.f = Func::kCas;
        op.value = rng_.below(4) == 0 ? v(value()) : state;
        op.to = v(fresh);
        op.matched = op.value == state;
        if (op.matched) {
          state = op.to;
        } else {
          op.seen = state;
        }
        break;
      case 4: {
        op.f = Func::kAppend;
        op.value = v(fresh);
        std::vector<std::int64_t> list;
        if (const auto* old = std::get_if<std::vector<std::int64_t>>(&state)) list = *old;
        if (const auto* one = std::get_if<std::int64_t>(&state)) list = {*one};
        list.push_back(fresh);
        state = list;
        break;
      }
      case 5:
        op.f = Func::kDelete;
        state = Value{};
        break;
      default:
        op.f = Func::kRead;
        op.value = state;
    }
  }

  void spoil(TinyOp& op) {
    if (op.f == Func::kRead) op.value = v(value());
    if (op.f == Func::kCas && !op.matched) op.seen = v(value());
    const std::int64_t shift = static_cast<std::int64_t>(rng_.below(40));
    op.call += shift;
    op.ret += shift;
  }

  Rng rng_;
};

}  // namespace

TEST_CASE("random histories of up to nine ops are judged as by brute force") {
  INFO(ww::test::repeat_with());
  const std::uint64_t seed = ww::test::seed();
  Tally tally;
  for (std::uint64_t i = 0; i < 6000; ++i) {
    CAPTURE(i);
    RandomHistory random(key_of(seed, "tiny", i));
    const std::size_t n = 4 + i % 6;
    compare(random.make(n, i % 2 == 0, i % 5 == 4), i % 7 != 6, tally);
  }
  CHECK(tally.linearizable > 1000);
  CHECK(tally.not_linearizable > 1000);
}

TEST_CASE("a minimal witness still convicts, and no single op may be left out of it") {
  INFO(ww::test::repeat_with());
  const std::uint64_t seed = ww::test::seed();
  std::uint64_t shrunk = 0;
  for (std::uint64_t i = 0; i < 1500; ++i) {
    CAPTURE(i);
    const std::vector<TinyOp> tiny =
        RandomHistory(key_of(seed, "minimal", i)).make(8, i % 2 == 0, i % 5 == 4);
    if (brute_force(tiny)) continue;
    const CheckResult result = check_linearizable(history_of(tiny));
    REQUIRE(result.verdict == Verdict::kInvalid);
    std::vector<TinyOp> left;
    for (const Op& op : result.violations.at(0).witness) {
      if (op.type == OpType::kInvoke) left.push_back(tiny[static_cast<std::size_t>(op.process)]);
    }
    INFO(text_of_ops(tiny) << "-->\n" << text_of_ops(left) << result.reason);
    REQUIRE_FALSE(brute_force(left));
    for (std::size_t k = 0; k < left.size(); ++k) {
      // Leaving out a write that somebody observed proves nothing, so only observers are tried.
      if (left[k].f != Func::kRead) continue;
      std::vector<TinyOp> rest = left;
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(k));
      REQUIRE(brute_force(rest));
    }
    ++shrunk;
  }
  CHECK(shrunk > 200);
}
