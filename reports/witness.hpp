// The ops of a violation as a small interval diagram.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/verdict.hpp"
#include "reports/op_stats.hpp"

namespace ww::reports {

inline constexpr std::size_t kMaxWitnessOps = 80;

/// An op of a witness with both its ends.
struct WitnessOp {
  Op invoke;
  Op done;             // the invocation itself when the op never completed
  bool open = false;   // never completed, or `info`: it may take effect at any later time
  bool shows = false;  // its completion is the event that showed the violation
};

/// The clients' ops that the witness names by an invocation, a completion or both, each once, in
/// the order of invocation. A missing end is looked up in the history. At most kMaxWitnessOps.
std::vector<WitnessOp> witness_ops(const Violation& violation, std::span<const Op> history,
                                   std::span<const OpPair> pairs);

/// An SVG element: processes as rows, time from left to right, each op as an interval with what it
/// did and where in the log it took effect. The order of all ends is exact; the distances are
/// compressed so that every label fits, and the ticks say the true times. Empty for no ops.
std::string witness_svg(const std::vector<WitnessOp>& ops);

}  // namespace ww::reports
