// From the lines of a history to the ops of each key.
#pragma once

#include <span>
#include <vector>

#include "checkers/model.hpp"

namespace ww::checkers {

/// An invocation and its completion, by line number; kNoLine when it was never completed.
struct OpPair {
  std::uint32_t invoke = 0;
  std::uint32_t complete = kNoLine;
};

/// The client ops of a history, grouped by key in the order of the keys' first appearance, in each
/// group by invocation.
struct KeyGroups {
  std::vector<std::uint64_t> keys;
  std::vector<std::size_t> begins;  // group g is pairs[begins[g], begins[g + 1])
  std::vector<OpPair> pairs;

  [[nodiscard]] std::span<const OpPair> group(std::size_t g) const {
    return std::span(pairs).subspan(begins[g], begins[g + 1] - begins[g]);
  }
};

/// Pairs and groups, O(n). The nemesis' marks and completions of nothing are left out.
[[nodiscard]] KeyGroups group_by_key(const History& history);

/// How one key's ops look to the deciders. What surely did not happen (`fail`) and what nobody saw
/// the answer of (reads without `ok`) is left out, and watches are, which are no ops on one copy of
/// a key; other ops without `ok` become optional ones that last forever.
///
/// Freezes `table`. Requires: `pairs` ordered by invocation time, which a history's lines are.
void build_key_ops(const History& history, std::span<const OpPair> pairs, bool failed_cas_observes,
                   StateTable& table, std::vector<KeyOp>& out);

/// Removes the optional ops that no other op observed, directly or through a chain of cas.
///
/// Exact: take any order that explains the history and delete from it a write whose value nobody
/// observes; up to the next write nothing looked. The exception is a failed cas that tells only
/// what the value was *not*, so with one of these nothing is removed. Returns: how many were
/// removed.
std::size_t drop_unobserved(const StateTable& table, std::vector<KeyOp>& ops);

}  // namespace ww::checkers
