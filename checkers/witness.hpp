// The order that the nodes themselves claim.
#pragma once

#include <span>

#include "checkers/model.hpp"

namespace ww::checkers {

/// Replays `ops` in the order of their log indices and looks whether answers and real time agree.
///
/// The indices are untrusted: an order that explains every answer and respects real time is a proof
/// whoever proposed it, and an order that does not proves nothing. An optional op has no index; it
/// is put where an answer cannot be explained otherwise. Shape:   n ops, O(n log n). Errors: none.
/// Returns: true for a proof of linearizability; false for "do not know".
[[nodiscard]] bool witness_explains(StateTable& table, State initial, std::span<const KeyOp> ops);

}  // namespace ww::checkers
