// The deciders in order, for one key.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "checkers/budget.hpp"
#include "checkers/model.hpp"

namespace ww::checkers {

/// Who decided.
enum class Decider : std::uint8_t { kWitness, kZones, kFrontier, kSearch };
inline constexpr std::size_t kDeciders = 4;
[[nodiscard]] std::string_view name_of(Decider decider);

struct Decision {
  Answer answer = Answer::kUndecided;
  Decider by = Decider::kSearch;
  std::size_t dropped = 0;  // indeterminate ops that nobody observed
  Window stuck;             // where the general deciders got stuck, when undecided
};

struct DecideOptions {
  bool use_witness = true;
  bool use_zones = true;  // false: always by the general deciders, to check one against the other
};

/// Decides one key's ops, ordered by invocation; `ops` is used up. Never answers kNotApplicable.
[[nodiscard]] Decision decide(StateTable& table, State initial, std::vector<KeyOp>& ops,
                              Budget& budget, const DecideOptions& options = {});

}  // namespace ww::checkers
