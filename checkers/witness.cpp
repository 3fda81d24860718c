#include "checkers/witness.hpp"

#include <algorithm>
#include <limits>

namespace ww::checkers {

namespace {

class Replay {
 public:
  Replay(StateTable& table, State initial, std::span<const KeyOp> ops)
      : table_(table), state_(initial), ops_(ops) {}

  bool run() {
    for (std::uint32_t i = 0; i < ops_.size(); ++i) {
      if (ops_[i].optional) {
        spare_.push_back(i);
      } else if (ops_[i].at == 0) {
        return false;
      } else {
        order_.push_back(i);
      }
    }
    const auto before = [&](std::uint32_t a, std::uint32_t b) {
      const KeyOp& x = ops_[a];
      const KeyOp& y = ops_[b];
      if (x.at != y.at) return x.at < y.at;
      // An index read names the entry that it was served after.
      if (is_mutator(x.kind) != is_mutator(y.kind)) return is_mutator(x.kind);
      return a < b;
    };
    if (!std::is_sorted(order_.begin(), order_.end(), before)) {
      std::sort(order_.begin(), order_.end(), before);
    }
    return std::all_of(order_.begin(), order_.end(),
                       [&](std::uint32_t i) { return take(ops_[i]); });
  }

 private:
  /// Every op taken so far was invoked by `latest_call_`, so the next must not have ended before.
  bool take(const KeyOp& op) {
    if (op.ret < latest_call_) return false;
    if (!step(table_, state_, op) && !rescue(op)) return false;
    latest_call_ = std::max(latest_call_, op.call);
    return true;
  }

  bool rescue(const KeyOp& op) {
    for (std::size_t s = 0; s < spare_.size(); ++s) {
      const KeyOp& optional = ops_[spare_[s]];
      // Those behind it were invoked later still.
      if (optional.call > op.ret) return false;
      State state = state_;
      if (!step(table_, state, optional) || !step(table_, state, op)) continue;
      state_ = state;
      latest_call_ = std::max(latest_call_, optional.call);
      spare_.erase(spare_.begin() + static_cast<std::ptrdiff_t>(s));
      return true;
    }
    return false;
  }

  StateTable& table_;
  State state_;
  std::span<const KeyOp> ops_;
  std::vector<std::uint32_t> order_;
  std::vector<std::uint32_t> spare_;  // optional ops not yet used, by invocation
  std::int64_t latest_call_ = std::numeric_limits<std::int64_t>::min();
};

}  // namespace

bool witness_explains(StateTable& table, State initial, std::span<const KeyOp> ops) {
  return Replay(table, initial, ops).run();
}

}  // namespace ww::checkers
