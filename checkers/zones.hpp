// Registers whose values are written once: decided exactly, without search.
//
// When every value has one writer, the ops that write and see a value form a cluster: all reads of
// a value follow its write and precede the next write. A cas that took effect glues the cluster of
// the value it wrote right behind the cluster of the value it found, so clusters form chains, and a
// linearization is an order of chains. For a chain let f be the earliest return in it and s the
// latest invocation. Chain A must precede chain B iff f_A < s_B, for then some op of A ended before
// some op of B began. The history is linearizable iff
//
//   - every value seen has a writer, no value has two cas that found it, and every chain begins
//   with a
//     plain write or the initial value (which precedes everything);
//   - inside a chain, in its only order, no op returns before one ahead of it was invoked;
//   - no two chains must precede each other. Longer cycles need not be looked for: in a cycle of
//     chains let A have the smallest f, P be its predecessor and Q the one of P. Then P precedes A,
//     and f_A <= f_Q < s_P, so A precedes P as well: a cycle of two.
//
// Indeterminate writes that nobody observed were dropped before; observed ones happened, and last
// forever. Gibbons & Korach, "Testing shared memories", SIAM J. Comput. 26 (1997), section 4,
// extended by the chains of cas.
#pragma once

#include <span>

#include "checkers/budget.hpp"
#include "checkers/model.hpp"

namespace ww::checkers {

/// Decides whether `ops` are linearizable from `initial`.
///
/// Shape:    n ops, O(n log n) time, O(n) memory.
/// Requires: drop_unobserved was applied.
/// Returns:  kLinearizable or kNot, both exact; kNotApplicable when a value has two writers, or
/// there is
///           an append, a written list, or a failed cas that did not tell what it saw.
[[nodiscard]] Answer decide_by_zones(const StateTable& table, State initial,
                                     std::span<const KeyOp> ops);

}  // namespace ww::checkers
