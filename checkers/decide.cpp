#include "checkers/decide.hpp"

#include <array>

#include "checkers/frontier.hpp"
#include "checkers/key_history.hpp"
#include "checkers/search.hpp"
#include "checkers/witness.hpp"
#include "checkers/zones.hpp"

namespace ww::checkers {

std::string_view name_of(Decider decider) {
  static constexpr std::array<std::string_view, kDeciders> kNames = {"witness", "zones", "frontier",
                                                                     "search"};
  return kNames[static_cast<std::size_t>(decider)];
}

namespace {

/// A search that is lucky at once needs about one step per op; most valid histories let it be.
constexpr std::uint64_t kLuckyStepsPerOp = 16;

}  // namespace

Decision decide(StateTable& table, State initial, std::vector<KeyOp>& ops, Budget& budget,
                const DecideOptions& options) {
  Decision decision;
  decision.dropped = drop_unobserved(table, ops);
  const auto by = [&](Decider decider, Answer answer) {
    decision.by = decider;
    decision.answer = answer;
    return answer == Answer::kLinearizable || answer == Answer::kNot;
  };
  if (options.use_witness && witness_explains(table, initial, ops)) {
    by(Decider::kWitness, Answer::kLinearizable);
    return decision;
  }
  if (options.use_zones && by(Decider::kZones, decide_by_zones(table, initial, ops))) {
    return decision;
  }
  const auto attempt = [&](Decider decider, std::uint64_t steps) {
    Budget part = budget.portion(steps);
    const Answer answer = decider == Decider::kSearch
                              ? decide_by_search(table, initial, ops, part, decision.stuck)
                              : decide_by_frontier(table, initial, ops, part, decision.stuck);
    budget.absorb(part);
    return by(decider, answer);
  };
  if (attempt(Decider::kSearch, kLuckyStepsPerOp * (ops.size() + 1))) return decision;
  if (attempt(Decider::kFrontier, budget.steps_left() / 2)) return decision;
  if (attempt(Decider::kSearch, budget.steps_left())) return decision;
  decision.answer = Answer::kUndecided;
  return decision;
}

}  // namespace ww::checkers
