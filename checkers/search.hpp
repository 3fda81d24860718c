// Depth first, for what the frontier is too wide for.
//
// Wing & Gong's search: take any op that no unfinished op had to precede, see whether its answer
// fits, go on; go back when stuck. Lowe's memory makes it bearable: a (set of ops taken, state)
// that failed once is never entered again. An op that only observes is taken as soon as it fits and
// never tried later, since waiting with it gains nothing. (Wing & Gong, J. Parallel Distrib.
// Comput. 17, 1993; Lowe, Concurrency Computat. 29, 2017, section 4.)
#pragma once

#include <span>

#include "checkers/budget.hpp"
#include "checkers/model.hpp"

namespace ww::checkers {

/// Decides whether `ops` (ordered by invocation) are linearizable from `initial`.
///
/// Shape:   exponential at worst; each configuration remembered takes n/8 + 4 bytes.
/// Returns: kLinearizable or kNot, both exact; kUndecided when `budget` ran out, and `stuck` is the
///          latest op that could not be passed by then.
[[nodiscard]] Answer decide_by_search(StateTable& table, State initial, std::span<const KeyOp> ops,
                                      Budget& budget, Window& stuck);

}  // namespace ww::checkers
