// Could this history have come from one copy of each key?
//
// Linearizability is local (Herlihy & Wing 1990): a history is linearizable iff every key's part of
// it is, so keys are decided one by one, each by the first of these that can:
//
//   1. normalise   drop what surely did not happen or cannot matter (key_history.hpp)
//   2. witness     replay in the order of the log indices that the nodes named: a pass is a proof
//   3. zones       values written once: exact in O(n log n) (zones.hpp)
//   4. frontier    all configurations that fit so far, event by event (frontier.hpp)
//   5. search      depth first with memory, after Wing & Gong and Lowe (search.hpp)
//
// Budgets are counted in steps and bytes, so that the same history always gets the same verdict; a
// key that exhausts them is `unknown`, with the window of time that blocked it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/verdict.hpp"

namespace ww::checkers {

struct LinOptions {
  /// What every key holds before its first op; nil is the absent key.
  Value initial{};
  /// Whether `seen` of a cas that did not match is an observation. When false, such a cas says only
  /// that the key did not hold the expected value (recorded histories of others).
  bool failed_cas_observes = true;
  /// Times are line numbers (recorded histories without a clock); reasons then say "line 12".
  bool times_are_lines = false;
  /// Try the nodes' log indices first. They are untrusted: they can only speed up a `valid`.
  bool use_witness = true;
  /// Find the smallest set of ops that still shows the violation.
  bool minimise = true;
  /// Configurations visited per key, and bytes held for them, before the verdict is `unknown`.
  std::uint64_t max_steps = 8'000'000;
  std::size_t max_memory = std::size_t{512} << 20;
  /// An outer guard, asked now and then: true ends the check with `unknown`. It may look at a
  /// clock, and a verdict that it caused is the only one that a second check can change.
  std::function<bool()> expired{};
};

/// Decides whether `history` could have come from one copy of a read/write/cas/append/delete map.
///
/// Shape:    n ops -> one result; O(n log n) for witnessed keys and for values written once,
/// exponential
///           at worst. `evaluated` counts the client ops; one violation (property "LIN") per bad
///           key.
/// Units:    times are ns since the run began, closed intervals: ops that touch are concurrent.
/// Requires: lines in order, at most one open op per process (what parse_history checks).
/// Errors:   none; unknown when a budget runs out, or when there was no op to check.
/// Source:   Herlihy & Wing 1990; Gibbons & Korach 1997; Lowe 2017.
[[nodiscard]] CheckResult check_linearizable(const History& history,
                                             const LinOptions& options = {});

}  // namespace ww::checkers
