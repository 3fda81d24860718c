// A run in which nothing happened proves nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/verdict.hpp"

namespace ww::checkers {

/// What became of one kind of fault. Effective: a decision could differ because of it.
struct FaultFacts {
  std::string kind{};
  std::uint64_t planned = 0;
  std::uint64_t injected = 0;
  std::uint64_t effective = 0;
};

/// The client ops that completed while one fault was in force.
struct WindowFacts {
  std::string kind{};
  std::int64_t from = 0;  // ns since the run began, both ends included
  std::int64_t to = 0;
  std::uint64_t ok_ops = 0;
  std::uint64_t info_ops = 0;
  std::uint64_t contended_keys = 0;  // keys with an effective read and a write at the same time
};

struct RunFacts {
  std::uint64_t leader_changes = 0;
  std::uint64_t blocked_messages = 0;
  std::vector<FaultFacts> faults{};
  std::vector<WindowFacts> windows{};
  // The following are filled in by add_history_facts.
  std::uint64_t ok_ops = 0;
  std::uint64_t info_ops = 0;
  std::uint64_t contended_keys = 0;
};

/// Minimums; 0 switches one off.
struct VacuityLimits {
  std::uint64_t leader_changes = 1;
  std::uint64_t blocked_messages = 0;
  std::uint64_t ok_ops = 100;
  std::uint64_t info_ops = 0;
  std::uint64_t contended_keys = 1;
  /// A kind of which enough were planned must have been effective so often; and so must that share
  /// of all kinds. (Not all: one clock that drifts, or one power loss, may well change nothing.)
  std::uint64_t effective_per_fault = 1;
  std::uint64_t faults_to_judge_a_kind = 5;
  double kind_share = 0.5;
  /// A window counts when it saw so many ops; that share of all windows must count, and at least
  /// one of a kind that had enough. (Not all: without a majority no op can end `ok`.)
  std::uint64_t window_ok_ops = 1;
  std::uint64_t window_info_ops = 0;
  std::uint64_t window_contended_keys = 0;
  double window_share = 0.5;
  std::uint64_t windows_to_judge_a_kind = 5;
};

/// Counts the ops of `history`, in all and in each of the windows that `facts` names.
///
/// Shape:  O(ops * windows that they overlap).
/// Errors: none.
void add_history_facts(RunFacts& facts, const History& history);

/// Compares what happened with what must have happened for a `valid` to mean something.
///
/// Shape:  `evaluated` counts the minimums compared; `reason` lists every shortfall.
/// Errors: none; unknown, "vacuous: ...", below a minimum, never invalid.
[[nodiscard]] CheckResult check_vacuity(const RunFacts& facts, const VacuityLimits& limits = {});

}  // namespace ww::checkers
