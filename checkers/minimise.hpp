// From a key's ops that are not linearizable to the fewest that still are not.
//
// An op may only be left out when a linearizable history would stay linearizable without it: then
// what remains convicts the whole. An op that only observes may always go. A write may go together
// with everything that observed its value, and, where one of those is a cas, with everything that
// observed what *it* wrote. While a failed cas remains that tells only what the value was not, no
// write may go.
#pragma once

#include <functional>
#include <vector>

#include "checkers/budget.hpp"
#include "checkers/model.hpp"

namespace ww::checkers {

struct Minimal {
  std::vector<KeyOp> ops;   // no single one of them may be left out; ordered by invocation
  std::size_t culprit = 0;  // the one whose return makes it impossible; up to it all was well
};

/// Shrinks `ops` by the earliest impossible prefix and then by delta debugging (Zeller &
/// Hildebrandt 2002): chunks first, then ops one by one, to a fixed point or until the work is
/// bounded.
///
/// Requires: `ops`, as build_key_ops made them, is not linearizable from `initial`.
/// Errors:   none; a part that a decider cannot decide counts as linearizable, so the result always
///           convicts but may then be larger than need be.
[[nodiscard]] Minimal minimise(StateTable& table, State initial, std::vector<KeyOp> ops,
                               const std::function<bool()>* expired = nullptr);

}  // namespace ww::checkers
