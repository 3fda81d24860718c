#include "checkers/search.hpp"

#include <algorithm>
#include <vector>

#include "base/hash.hpp"

namespace ww::checkers {

namespace {

constexpr std::uint32_t kNone = 0xffffffff;

/// The configurations that were entered: sets of ops taken, with the state they left.
class Memory {
 public:
  explicit Memory(std::size_t ops) : words_((ops + 63) / 64), taken_(words_, 0) {}

  void flip(std::uint32_t op) {
    taken_[op / 64] ^= std::uint64_t{1} << (op % 64);
    hash_ ^= mix64(op);
  }
  /// False when the set of ops taken was here before with that state.
  bool enter(State state) {
    if ((states_.size() + 1) * 2 > index_.size()) grow();
    const std::uint64_t hash = hash_combine(hash_, state);
    const std::size_t mask = index_.size() - 1;
    std::size_t i = static_cast<std::size_t>(hash) & mask;
    for (; index_[i] != kNone; i = (i + 1) & mask) {
      if (equal(index_[i], state)) return false;
    }
    index_[i] = static_cast<std::uint32_t>(states_.size());
    states_.push_back(state);
    hashes_.push_back(hash);
    sets_.insert(sets_.end(), taken_.begin(), taken_.end());
    return true;
  }
  [[nodiscard]] std::size_t bytes() const {
    return sets_.capacity() * 8 + hashes_.capacity() * 8 + states_.capacity() * sizeof(State) +
           index_.capacity() * 4;
  }

 private:
  [[nodiscard]] bool equal(std::uint32_t entry, State state) const {
    return states_[entry] == state &&
           std::equal(taken_.begin(), taken_.end(),
                      sets_.begin() + static_cast<std::ptrdiff_t>(entry * words_));
  }
  void grow() {
    index_.assign(std::max<std::size_t>(256, index_.size() * 2), kNone);
    const std::size_t mask = index_.size() - 1;
    for (std::uint32_t entry = 0; entry < states_.size(); ++entry) {
      std::size_t i = static_cast<std::size_t>(hashes_[entry]) & mask;
      while (index_[i] != kNone) i = (i + 1) & mask;
      index_[i] = entry;
    }
  }

  std::size_t words_;
  std::vector<std::uint64_t> taken_;
  std::uint64_t hash_ = 0;
  std::vector<State> states_;
  std::vector<std::uint64_t> hashes_;
  std::vector<std::uint64_t> sets_;  // `words_` each
  std::vector<std::uint32_t> index_;
};

/// Calls and returns in the order of time, as a list from which ops are lifted and put back.
class EventList {
 public:
  explicit EventList(std::span<const KeyOp> ops) : ops_(ops) {
    const auto n = static_cast<std::uint32_t>(ops.size());
    // Node 2i is the call of op i, 2i + 1 its return, 2n the head.
    std::vector<std::uint32_t> order;
    for (std::uint32_t i = 0; i < n; ++i) {
      order.push_back(2 * i);
      if (ops[i].ret != kForever) order.push_back(2 * i + 1);
    }
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
      if (time_of(a) != time_of(b)) return time_of(a) < time_of(b);
      if (is_return(a) != is_return(b)) return is_return(b);
      return a < b;
    });
    next_.assign(2 * n + 1, kNone);
    previous_.assign(2 * n + 1, kNone);
    std::uint32_t last = 2 * n;
    for (const std::uint32_t node : order) {
      next_[last] = node;
      previous_[node] = last;
      last = node;
    }
  }
  [[nodiscard]] std::uint32_t first() const { return next_.back(); }
  [[nodiscard]] std::uint32_t after(std::uint32_t node) const { return next_[node]; }
  static bool is_return(std::uint32_t node) { return (node & 1) != 0; }
  [[nodiscard]] std::int64_t time_of(std::uint32_t node) const {
    return is_return(node) ? ops_[node / 2].ret : ops_[node / 2].call;
  }
  void lift(std::uint32_t op) {
    unlink(2 * op);
    if (ops_[op].ret != kForever) unlink(2 * op + 1);
  }
  /// Undoes the latest lift that was not undone yet.
  void put_back(std::uint32_t op) {
    if (ops_[op].ret != kForever) link(2 * op + 1);
    link(2 * op);
  }

 private:
  void unlink(std::uint32_t node) {
    next_[previous_[node]] = next_[node];
    if (next_[node] != kNone) previous_[next_[node]] = previous_[node];
  }
  void link(std::uint32_t node) {
    next_[previous_[node]] = node;
    if (next_[node] != kNone) previous_[next_[node]] = node;
  }
  std::span<const KeyOp> ops_;
  std::vector<std::uint32_t> next_;
  std::vector<std::uint32_t> previous_;
};

class Search {
 public:
  Search(StateTable& table, State initial, std::span<const KeyOp> ops, Budget& budget)
      : table_(table),
        state_(initial),
        ops_(ops),
        budget_(budget),
        list_(ops),
        memory_(ops.size()) {
    for (const KeyOp& op : ops) required_ += op.optional ? 0 : 1;
  }

  Answer run(Window& stuck) {
    std::uint32_t node = list_.first();
    while (required_ > 0) {
      if (!budget_.spend(memory_.bytes())) {
        note_stuck(stuck);
        return Answer::kUndecided;
      }
      if (node != kNone && !EventList::is_return(node)) {
        node = try_op(node / 2) ? list_.first() : list_.after(node);
        continue;
      }
      if (node != kNone && (blocked_ == kNone || ops_[blocked_].ret < ops_[node / 2].ret)) {
        blocked_ = node / 2;
      }
      if (!go_back(node)) {
        note_stuck(stuck);
        return Answer::kNot;
      }
    }
    return Answer::kLinearizable;
  }

 private:
  struct Taken {
    std::uint32_t op;
    State before;
  };

  bool try_op(std::uint32_t op) {
    State state = state_;
    if (!step(table_, state, ops_[op])) return false;
    memory_.flip(op);
    if (!memory_.enter(state)) {
      memory_.flip(op);
      return false;
    }
    taken_.push_back({op, state_});
    state_ = state;
    list_.lift(op);
    required_ -= ops_[op].optional ? 0 : 1;
    return true;
  }

  /// Undoes ops up to and with the latest that could also have waited. False: there is none.
  bool go_back(std::uint32_t& node) {
    while (!taken_.empty()) {
      const Taken last = taken_.back();
      taken_.pop_back();
      state_ = last.before;
      memory_.flip(last.op);
      list_.put_back(last.op);
      required_ += ops_[last.op].optional ? 0 : 1;
      if (!is_mutator(ops_[last.op].kind)) continue;
      node = list_.after(2 * last.op);
      return true;
    }
    return false;
  }

  void note_stuck(Window& stuck) const {
    if (blocked_ == kNone) return;
    const KeyOp& op = ops_[blocked_];
    stuck = Window{op.call, op.ret, 0};
    for (const KeyOp& other : ops_) {
      if (other.call <= op.ret && other.ret >= op.call) ++stuck.open_ops;
    }
  }

  StateTable& table_;
  State state_;
  std::span<const KeyOp> ops_;
  Budget& budget_;
  EventList list_;
  Memory memory_;
  std::vector<Taken> taken_;
  std::size_t required_ = 0;
  std::uint32_t blocked_ = kNone;  // the op with the latest return that was ever in the way
};

}  // namespace

Answer decide_by_search(StateTable& table, State initial, std::span<const KeyOp> ops,
                        Budget& budget, Window& stuck) {
  return Search(table, initial, ops, budget).run(stuck);
}

}  // namespace ww::checkers
