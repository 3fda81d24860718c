// All configurations at once, event by event.
//
// A configuration says what the key holds and which of the ops in flight took effect already. Ops
// in flight hold numbered slots, so a configuration is a state and two words of bits, never a set
// of all ops. The frontier is the set of configurations that fit everything up to some instant:
//
//   - a call gives the op a slot; nothing else has to happen;
//   - a return asks that the op took effect: configurations in which it did not yet are carried on
//   by
//     every order of pending writes that ends with it ("just in time", Lowe 2017, section 5);
//   - an op that only observes takes effect as soon as its answer fits, since that changes nothing;
//   - indeterminate ops keep their slots for good. Equal ones are used in the order of invocation,
//   and
//     a configuration that used more of them than another, for the same, is dropped. They are not
//     used at all in a first pass, whose success is a proof already.
//
// An empty frontier is a proof that the history is not linearizable, and its time says where.
#pragma once

#include <span>

#include "checkers/budget.hpp"
#include "checkers/model.hpp"

namespace ww::checkers {

/// Decides whether `ops` (ordered by invocation) are linearizable from `initial`.
///
/// Shape:   exponential at worst in the ops in flight at once; memory for the frontier only.
/// Returns: kLinearizable or kNot, both exact; kUndecided when `budget` ran out; kNotApplicable
/// when
///          more than 64 ops of either sort (determinate or not) are in flight. `stuck` is where it
///          was then, or what emptied the frontier.
[[nodiscard]] Answer decide_by_frontier(StateTable& table, State initial,
                                        std::span<const KeyOp> ops, Budget& budget, Window& stuck);

}  // namespace ww::checkers
