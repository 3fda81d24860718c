#include "checkers/linearizable.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "checkers/decide.hpp"
#include "checkers/explain.hpp"
#include "checkers/key_history.hpp"
#include "checkers/minimise.hpp"

namespace ww::checkers {

namespace {

class LinearizableCheck {
 public:
  LinearizableCheck(const History& history, const LinOptions& options)
      : history_(history), options_(options), groups_(group_by_key(history)) {
    result_.checker = "linearizable";
    result_.title = "each key behaves like one copy of a register";
    result_.verdict = Verdict::kValid;
  }

  CheckResult run() {
    for (std::size_t g = 0; g < groups_.keys.size(); ++g) check_key(g);
    result_.evaluated = static_cast<std::uint64_t>(
        std::count_if(groups_.pairs.begin(), groups_.pairs.end(),
                      [&](const OpPair& pair) { return history_[pair.invoke].f != Func::kWatch; }));
    if (result_.evaluated == 0) {
      result_.verdict = Verdict::kUnknown;
      result_.reason = "there was no op to check";
    }
    if (result_.violation_count > 0) {
      result_.reason = result_.violations.front().summary;
    }
    result_.numbers["keys"] = static_cast<double>(groups_.keys.size());
    result_.numbers["ops"] = static_cast<double>(groups_.pairs.size());
    result_.numbers["steps"] = static_cast<double>(steps_);
    result_.numbers["indeterminate-dropped"] = static_cast<double>(dropped_);
    result_.numbers["indeterminate-kept"] = static_cast<double>(kept_);
    result_.numbers["keys-undecided"] = static_cast<double>(undecided_);
    for (std::size_t d = 0; d < kDeciders; ++d) {
      const std::string name(name_of(static_cast<Decider>(d)));
      result_.numbers["keys-by-" + name] = static_cast<double>(decided_by_[d]);
    }
    return std::move(result_);
  }

 private:
  void check_key(std::size_t g) {
    table_.clear();
    const State initial = table_.intern(options_.initial);
    build_key_ops(history_, groups_.group(g), options_.failed_cas_observes, table_, ops_);
    std::size_t optional = 0;
    for (const KeyOp& op : ops_) optional += op.optional ? 1 : 0;
    scratch_ = ops_;
    Budget budget(options_.max_steps, options_.max_memory, &options_.expired);
    const Decision decision =
        decide(table_, initial, scratch_, budget, {.use_witness = options_.use_witness});
    steps_ += budget.spent();
    dropped_ += decision.dropped;
    kept_ += optional - decision.dropped;
    if (decision.answer == Answer::kUndecided) return note_undecided(g, decision, budget);
    ++decided_by_[static_cast<std::size_t>(decision.by)];
    if (decision.answer == Answer::kNot) note_violation(g, initial);
  }

  void note_undecided(std::size_t g, const Decision& decision, const Budget& budget) {
    ++undecided_;
    result_.verdict = compose(result_.verdict, Verdict::kUnknown);
    if (!result_.reason.empty()) return;
    const bool lines = options_.times_are_lines;
    result_.reason = "key " + std::to_string(groups_.keys[g]) + " is undecided after " +
                     std::to_string(budget.spent()) + " steps: the search was blocked between " +
                     text_of_time(decision.stuck.from, lines) + " and " +
                     text_of_time(decision.stuck.to, lines) + ", where " +
                     std::to_string(decision.stuck.open_ops) + " ops were in flight";
  }

  void note_violation(std::size_t g, State initial) {
    result_.verdict = Verdict::kInvalid;
    ++result_.violation_count;
    if (result_.violations.size() == kMaxViolations) return;
    Minimal minimal;
    if (options_.minimise) {
      minimal = minimise(table_, initial, ops_, &options_.expired);
    } else {
      minimal.ops = ops_;
      minimal.culprit = ops_.size() - 1;
    }
    result_.violations.push_back(explain(history_, groups_.group(g), groups_.keys[g], minimal,
                                         options_.initial, options_.times_are_lines));
  }

  const History& history_;
  const LinOptions& options_;
  KeyGroups groups_;
  StateTable table_;
  std::vector<KeyOp> ops_;
  std::vector<KeyOp> scratch_;
  CheckResult result_;
  std::array<std::uint64_t, kDeciders> decided_by_{};
  std::uint64_t steps_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t kept_ = 0;
  std::uint64_t undecided_ = 0;
};

}  // namespace

CheckResult check_linearizable(const History& history, const LinOptions& options) {
  return LinearizableCheck(history, options).run();
}

}  // namespace ww::checkers
