// Small histories for the tests of the checkers, and a judge of linearizability that shares nothing
// with them: it tries every order.
#pragma once

#include <algorithm>
#include <vector>

#include "base/op.hpp"

namespace ww::test {

inline Value v(std::int64_t number) {
  return Value{number};
}

/// One op of key `key`, whole. `end` kInvoke: it was never completed.
struct TinyOp {
  Func f = Func::kRead;
  Value value{};  // as in Op; of a read, what it saw
  std::int64_t call = 0;
  std::int64_t ret = 0;
  Value to{};
  bool matched = true;
  Value seen{};
  OpType end = OpType::kOk;
  Index at = 0;
  std::uint64_t key = 0;
};

/// Lines in the order of time, calls first; op i is of process i.
inline History history_of(const std::vector<TinyOp>& ops) {
  History out;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const TinyOp& tiny = ops[i];
    Op op;
    op.process = static_cast<std::int64_t>(i);
    op.f = tiny.f;
    op.key = tiny.key;
    op.time = tiny.call;
    if (tiny.f != Func::kRead) op.value = tiny.value;
    op.to = tiny.to;
    out.push_back(op);
    if (tiny.end == OpType::kInvoke) continue;
    op.type = tiny.end;
    op.time = tiny.ret;
    if (tiny.end == OpType::kOk) {
      op.value = tiny.value;
      op.matched = tiny.matched;
      op.seen = tiny.seen;
      op.at.index = tiny.at;
    }
    out.push_back(op);
  }
  std::stable_sort(out.begin(), out.end(), [](const Op& a, const Op& b) {
    if (a.time != b.time) return a.time < b.time;
    return a.type == OpType::kInvoke && b.type != OpType::kInvoke;
  });
  for (std::size_t i = 0; i < out.size(); ++i) out[i].index = i;
  return out;
}

/// Tries every order of one key's ops.
class BruteForce {
 public:
  BruteForce(const std::vector<TinyOp>& ops, bool failed_cas_observes)
      : ops_(ops), observes_(failed_cas_observes), done_(ops.size(), false) {
    for (std::size_t i = 0; i < ops.size(); ++i) {
      // What failed did not happen, and an unanswered read says nothing.
      if (ops[i].end == OpType::kFail || (!certain(i) && ops[i].f == Func::kRead)) done_[i] = true;
    }
  }
  bool linearizable(const Value& state = {}) {
    bool all = true;
    for (std::size_t i = 0; i < ops_.size(); ++i) all = all && (done_[i] || !certain(i));
    if (all) return true;
    for (std::size_t i = 0; i < ops_.size(); ++i) {
      if (done_[i] || !may_be_next(i)) continue;
      Value after = state;
      if (!apply(ops_[i], after)) continue;
      done_[i] = true;
      const bool found = linearizable(after);
      done_[i] = false;
      if (found) return true;
    }
    return false;
  }

 private:
  [[nodiscard]] bool certain(std::size_t i) const { return ops_[i].end == OpType::kOk; }
  [[nodiscard]] bool may_be_next(std::size_t i) const {
    for (std::size_t j = 0; j < ops_.size(); ++j) {
      if (!done_[j] && certain(j) && ops_[j].ret < ops_[i].call) return false;
    }
    return true;
  }
  [[nodiscard]] bool apply(const TinyOp& op, Value& state) const {
    if (op.f == Func::kRead) return state == op.value;
    if (op.f == Func::kWrite) state = op.value;
    if (op.f == Func::kDelete) state = Value{};
    if (op.f == Func::kAppend) {
      std::vector<std::int64_t> list;
      if (const auto* old = std::get_if<std::vector<std::int64_t>>(&state)) list = *old;
      if (const auto* one = std::get_if<std::int64_t>(&state)) list = {*one};
      list.push_back(*std::get_if<std::int64_t>(&op.value));
      state = list;
    }
    if (op.f == Func::kCas) {
      const bool misses = certain_miss(op);
      if ((state == op.value) == misses) return false;
      if (misses) return !observes_ || state == op.seen;
      state = op.to;
    }
    return true;
  }
  static bool certain_miss(const TinyOp& op) { return op.end == OpType::kOk && !op.matched; }

  const std::vector<TinyOp>& ops_;
  bool observes_;
  std::vector<bool> done_;
};

inline bool brute_force(const std::vector<TinyOp>& ops, bool failed_cas_observes = true) {
  return BruteForce(ops, failed_cas_observes).linearizable();
}

}  // namespace ww::test
