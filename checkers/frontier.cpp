#include "checkers/frontier.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#include "base/hash.hpp"

namespace ww::checkers {

namespace {

constexpr std::size_t kSlots = 64;
constexpr std::uint32_t kNone = 0xffffffff;

struct Configuration {
  State state = kNil;
  std::uint64_t done = 0;     // slots of ops in flight that took effect
  std::uint64_t crashed = 0;  // slots of indeterminate ops that took effect
  friend bool operator==(const Configuration&, const Configuration&) = default;
};

/// A set that remembers the order of insertion.
class ConfigurationSet {
 public:
  bool insert(const Configuration& c) {
    if ((items_.size() + 1) * 2 > index_.size()) rehash();
    std::uint32_t* slot = find(c);
    if (*slot != kNone) return false;
    *slot = static_cast<std::uint32_t>(items_.size());
    items_.push_back(c);
    return true;
  }
  void clear() {
    // Emptying costs what the index is long, so one that was needed once is not kept for good.
    const bool roomy = index_.size() > kSmall && items_.size() * 16 < index_.size();
    index_.assign(roomy ? index_.size() / 4 : index_.size(), kNone);
    items_.clear();
  }
  [[nodiscard]] const std::vector<Configuration>& items() const { return items_; }
  void swap(ConfigurationSet& other) {
    items_.swap(other.items_);
    index_.swap(other.index_);
  }
  [[nodiscard]] std::size_t bytes() const {
    return items_.capacity() * sizeof(Configuration) + index_.capacity() * sizeof(std::uint32_t);
  }
  /// Replaces the contents.
  void assign(const std::vector<Configuration>& items) {
    clear();
    for (const Configuration& c : items) insert(c);
  }

 private:
  static constexpr std::size_t kSmall = 64;

  std::uint32_t* find(const Configuration& c) {
    const std::size_t mask = index_.size() - 1;
    const std::uint64_t hash = hash_combine(hash_combine(mix64(c.state), c.done), c.crashed);
    std::size_t i = static_cast<std::size_t>(hash) & mask;
    while (index_[i] != kNone && !(items_[index_[i]] == c)) i = (i + 1) & mask;
    return &index_[i];
  }
  void rehash() {
    index_.assign(std::max(kSmall, index_.size() * 2), kNone);
    for (std::uint32_t i = 0; i < items_.size(); ++i) *find(items_[i]) = i;
  }

  std::vector<Configuration> items_;
  std::vector<std::uint32_t> index_;
};

struct Event {
  std::int64_t time = 0;
  std::uint32_t op = 0;
  bool is_return = false;
};

std::vector<Event> events_of(std::span<const KeyOp> ops, bool with_optional) {
  std::vector<Event> events;
  events.reserve(ops.size() * 2);
  for (std::uint32_t i = 0; i < ops.size(); ++i) {
    if (ops[i].optional && !with_optional) continue;
    events.push_back({ops[i].call, i, false});
    if (ops[i].ret != kForever) events.push_back({ops[i].ret, i, true});
  }
  // Intervals are closed: what begins when another ends is concurrent with it.
  std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    if (a.time != b.time) return a.time < b.time;
    if (a.is_return != b.is_return) return b.is_return;
    return a.op < b.op;
  });
  return events;
}

class Frontier {
 public:
  Frontier(StateTable& table, State initial, std::span<const KeyOp> ops, Budget& budget)
      : table_(table), ops_(ops), budget_(budget), slot_of_(ops.size(), kNone) {
    live_.fill(kNone);
    now_.insert(Configuration{initial, 0, 0});
  }

  Answer run(const std::vector<Event>& events, Window& stuck) {
    for (const Event& event : events) {
      const KeyOp& op = ops_[event.op];
      Answer answer = Answer::kLinearizable;
      if (event.is_return) {
        answer = on_return(event.op);
      } else if (!(op.optional ? take_crashed_slot(event.op) : take_slot(event.op))) {
        answer = Answer::kNotApplicable;
      }
      if (answer != Answer::kLinearizable) {
        stuck = Window{op.call, event.time, open_ops()};
        return answer;
      }
    }
    return Answer::kLinearizable;
  }

 private:
  [[nodiscard]] std::size_t open_ops() const {
    return static_cast<std::size_t>(std::popcount(used_)) + crashed_.size();
  }

  bool take_slot(std::uint32_t op) {
    if (~used_ == 0) return false;
    const auto slot = static_cast<std::uint32_t>(std::countr_one(used_));
    used_ |= std::uint64_t{1} << slot;
    live_[slot] = op;
    slot_of_[op] = slot;
    if (is_mutator(ops_[op].kind)) {
      writers_ |= std::uint64_t{1} << slot;
      return true;
    }
    next_.clear();
    for (Configuration c : now_.items()) {
      if (fits(c.state, ops_[op])) c.done |= std::uint64_t{1} << slot;
      next_.insert(c);
    }
    now_.swap(next_);
    return true;
  }

  bool take_crashed_slot(std::uint32_t op) {
    if (crashed_.size() == kSlots) return false;
    std::uint32_t twin = kNone;
    for (std::uint32_t s = 0; s < crashed_.size(); ++s) {
      const KeyOp& other = ops_[crashed_[s].op];
      if (other.kind == ops_[op].kind && other.arg == ops_[op].arg && other.out == ops_[op].out) {
        twin = s;
      }
    }
    crashed_.push_back({op, twin});
    return true;
  }

  Answer on_return(std::uint32_t op) {
    const std::uint64_t bit = std::uint64_t{1} << slot_of_[op];
    next_.clear();
    visited_.clear();
    for (const Configuration& c : now_.items()) {
      if ((c.done & bit) != 0) {
        next_.insert({c.state, c.done & ~bit, c.crashed});
      } else if (visited_.insert(c)) {
        stack_.push_back(c);
      }
    }
    while (!stack_.empty()) {
      const Configuration c = stack_.back();
      stack_.pop_back();
      expand(c, bit);
      if (budget_.exhausted()) {
        stack_.clear();
        return Answer::kUndecided;
      }
    }
    used_ &= ~bit;
    writers_ &= ~bit;
    now_.swap(next_);
    if (!crashed_.empty()) drop_dominated();
    return now_.items().empty() ? Answer::kNot : Answer::kLinearizable;
  }

  /// Lets one more pending op take effect, in every way.
  void expand(const Configuration& c, std::uint64_t goal) {
    for (std::uint64_t rest = writers_ & ~c.done; rest != 0; rest &= rest - 1) {
      const auto slot = static_cast<std::size_t>(std::countr_zero(rest));
      Configuration after = c;
      if (!step(table_, after.state, ops_[live_[slot]])) continue;
      after.done |= std::uint64_t{1} << slot;
      carry_on(after, goal);
    }
    for (std::size_t s = 0; s < crashed_.size(); ++s) {
      const std::uint64_t bit = std::uint64_t{1} << s;
      if ((c.crashed & bit) != 0) continue;
      const std::uint32_t twin = crashed_[s].twin;
      if (twin != kNone && (c.crashed >> twin & 1) == 0) continue;
      Configuration after = c;
      if (!step(table_, after.state, ops_[crashed_[s].op]) || after.state == c.state) continue;
      after.crashed |= bit;
      carry_on(after, goal);
    }
  }

  void carry_on(Configuration c, std::uint64_t goal) {
    if (!budget_.spend(now_.bytes() + next_.bytes() + visited_.bytes())) return;
    for (std::uint64_t rest = used_ & ~writers_ & ~c.done; rest != 0; rest &= rest - 1) {
      const auto slot = static_cast<std::size_t>(std::countr_zero(rest));
      if (fits(c.state, ops_[live_[slot]])) c.done |= std::uint64_t{1} << slot;
    }
    if ((c.done & goal) != 0) {
      next_.insert({c.state, c.done & ~goal, c.crashed});
    } else if (visited_.insert(c)) {
      stack_.push_back(c);
    }
  }

  /// Keeps, of configurations that differ only in the indeterminate ops used, those that used
  /// least.
  void drop_dominated() {
    sorted_ = now_.items();
    std::sort(sorted_.begin(), sorted_.end(), [](const Configuration& a, const Configuration& b) {
      if (a.state != b.state) return a.state < b.state;
      if (a.done != b.done) return a.done < b.done;
      const int pa = std::popcount(a.crashed);
      const int pb = std::popcount(b.crashed);
      return pa != pb ? pa < pb : a.crashed < b.crashed;
    });
    kept_.clear();
    std::size_t group = 0;  // where the kept ones of this state and these ops begin
    for (const Configuration& c : sorted_) {
      if (kept_.size() > group && (kept_[group].state != c.state || kept_[group].done != c.done)) {
        group = kept_.size();
      }
      // Comparing with a bounded number keeps this linear; a dominated one that stays is harmless.
      const std::size_t end = std::min(kept_.size(), group + kMaxCompared);
      bool dominated = false;
      for (std::size_t k = group; k < end && !dominated; ++k) {
        dominated = (kept_[k].crashed & ~c.crashed) == 0;
      }
      if (!dominated) kept_.push_back(c);
    }
    if (kept_.size() < sorted_.size()) now_.assign(kept_);
  }

  static constexpr std::size_t kMaxCompared = 256;
  struct Crashed {
    std::uint32_t op;
    std::uint32_t twin;  // the slot of the equal op before it
  };

  StateTable& table_;
  std::span<const KeyOp> ops_;
  Budget& budget_;
  std::vector<std::uint32_t> slot_of_;
  std::array<std::uint32_t, kSlots> live_{};
  std::uint64_t used_ = 0;
  std::uint64_t writers_ = 0;
  std::vector<Crashed> crashed_;
  ConfigurationSet now_, next_, visited_;
  std::vector<Configuration> stack_, sorted_, kept_;
};

}  // namespace

Answer decide_by_frontier(StateTable& table, State initial, std::span<const KeyOp> ops,
                          Budget& budget, Window& stuck) {
  const bool any_optional =
      std::any_of(ops.begin(), ops.end(), [](const KeyOp& op) { return op.optional; });
  const Answer without = Frontier(table, initial, ops, budget).run(events_of(ops, false), stuck);
  if (!any_optional || without != Answer::kNot) return without;
  return Frontier(table, initial, ops, budget).run(events_of(ops, true), stuck);
}

}  // namespace ww::checkers
