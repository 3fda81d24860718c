#include "checkers/minimise.hpp"

#include <algorithm>
#include <utility>

#include "checkers/decide.hpp"

namespace ww::checkers {

namespace {

/// Ops given to deciders in all, and steps for each question.
constexpr std::uint64_t kMaxWork = 20'000'000;
constexpr std::uint64_t kStepsPerQuestion = 200'000;
constexpr std::size_t kBytesPerQuestion = std::size_t{64} << 20;

State made_by(const KeyOp& op) {
  return op.kind == KeyOpKind::kCas ? op.out : op.arg;
}

class Minimiser {
 public:
  Minimiser(StateTable& table, State initial, std::vector<KeyOp> ops,
            const std::function<bool()>* expired)
      : table_(table), initial_(initial), ops_(std::move(ops)), expired_(expired) {}

  Minimal run() {
    alive_.resize(ops_.size());
    for (std::uint32_t i = 0; i < ops_.size(); ++i) alive_[i] = i;
    until_ = first_impossible_return();
    std::erase_if(alive_, [&](std::uint32_t i) { return !in_prefix(ops_[i]); });
    shrink(alive_.size() / 2);
    // Ops that went on beyond the prefix have their returns back, which may spare others.
    until_ = kForever;
    shrink(1);
    Minimal minimal;
    const std::int64_t last = first_impossible_return();
    for (const std::uint32_t i : alive_) {
      if (ops_[i].ret == last) minimal.culprit = minimal.ops.size();
      minimal.ops.push_back(ops_[i]);
    }
    return minimal;
  }

 private:
  [[nodiscard]] bool in_prefix(const KeyOp& op) const {
    return op.call <= until_ && (op.ret <= until_ || is_mutator(op.kind));
  }

  /// Whether the ops of `alive`, cut off at `until_`, are proved impossible.
  bool impossible(const std::vector<std::uint32_t>& alive) {
    work_ += alive.size();
    scratch_.clear();
    for (const std::uint32_t i : alive) {
      KeyOp op = ops_[i];
      if (!in_prefix(op)) continue;
      if (op.ret > until_) {
        op.ret = kForever;
        op.optional = true;
      }
      scratch_.push_back(op);
    }
    Budget budget(kStepsPerQuestion, kBytesPerQuestion, expired_);
    const Decision decision = decide(table_, initial_, scratch_, budget, {.use_witness = false});
    work_ += budget.spent();
    return decision.answer == Answer::kNot;
  }

  /// The earliest return by which the living ops are impossible; kForever when that is not found.
  std::int64_t first_impossible_return() {
    std::vector<std::int64_t> returns;
    for (const std::uint32_t i : alive_) {
      if (ops_[i].ret != kForever) returns.push_back(ops_[i].ret);
    }
    std::sort(returns.begin(), returns.end());
    const std::int64_t saved = std::exchange(until_, kForever);
    const auto first = std::partition_point(returns.begin(), returns.end(), [&](std::int64_t t) {
      until_ = t;
      return !impossible(alive_);
    });
    until_ = saved;
    return first == returns.end() ? kForever : *first;
  }

  void shrink(std::size_t chunk) {
    for (chunk = std::max<std::size_t>(chunk, 1);;) {
      bool shrunk = false;
      for (std::size_t at = 0; at < alive_.size();) {
        if (work_ > kMaxWork || (expired_ != nullptr && *expired_ && (*expired_)())) return;
        std::vector<std::uint32_t> rest = without(at, std::min(at + chunk, alive_.size()));
        if (rest.size() < alive_.size() && !rest.empty() && impossible(rest)) {
          alive_ = std::move(rest);
          shrunk = true;
        } else {
          at += chunk;
        }
      }
      if (chunk > 1) {
        chunk /= 2;
      } else if (!shrunk) {
        return;
      }
    }
  }

  /// The living ops without those at [from, to) and without what cannot stay without them.
  std::vector<std::uint32_t> without(std::size_t from, std::size_t to) {
    const bool writes_must_stay = std::any_of(alive_.begin(), alive_.end(), [&](std::uint32_t i) {
      return ops_[i].kind == KeyOpKind::kCasMissUnseen;
    });
    std::vector<std::uint32_t> rest;
    gone_.assign(table_.size(), 0);
    const auto remove = [&](const KeyOp& op) {
      if (is_mutator(op.kind)) gone_[made_by(op)] = 1;
    };
    for (std::size_t i = 0; i < alive_.size(); ++i) {
      const KeyOp& op = ops_[alive_[i]];
      const bool removable = !writes_must_stay || !is_mutator(op.kind);
      if (i < from || i >= to || !removable) {
        rest.push_back(alive_[i]);
      } else {
        remove(op);
      }
    }
    for (bool again = true; again;) {
      again = false;
      std::erase_if(rest, [&](std::uint32_t i) {
        if (!observed_what_is_gone(ops_[i])) return false;
        remove(ops_[i]);
        again = again || is_mutator(ops_[i].kind);
        return true;
      });
    }
    return rest;
  }

  [[nodiscard]] bool observed_what_is_gone(const KeyOp& op) const {
    State seen = kNil;
    if (op.kind == KeyOpKind::kRead || op.kind == KeyOpKind::kCasMiss) {
      seen = op.out;
    } else if (op.kind == KeyOpKind::kCas) {
      seen = op.arg;
    } else {
      return false;
    }
    if (gone_[seen] != 0) return true;
    // Who saw a list saw its elements and the lists that it grew from, the absent key first of all.
    for (; table_.is_list(seen); seen = table_.parent(seen)) {
      if (gone_[seen] != 0 || gone_[table_.last(seen)] != 0 || gone_[kNil] != 0) return true;
    }
    return false;
  }

  StateTable& table_;
  State initial_;
  std::vector<KeyOp> ops_;
  const std::function<bool()>* expired_;
  std::int64_t until_ = kForever;
  std::vector<std::uint32_t> alive_;
  std::vector<KeyOp> scratch_;
  std::vector<unsigned char> gone_;  // by state: its writers are being left out
  std::uint64_t work_ = 0;
};

}  // namespace

Minimal minimise(StateTable& table, State initial, std::vector<KeyOp> ops,
                 const std::function<bool()>* expired) {
  return Minimiser(table, initial, std::move(ops), expired).run();
}

}  // namespace ww::checkers
