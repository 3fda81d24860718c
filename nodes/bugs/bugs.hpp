// The bug zoo's switches: mistakes that real Raft implementations made, off by default.
//
// Only the node sees them. A switch is asked at its decision point with `Switches::flips`, which
// also counts how often the decision came out otherwise than the correct code's.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace ww::bugs {

enum class Bug : std::uint8_t {
  kLocalRead,
  kAckBeforeFsync,
  kVoteRamOnly,
  kNoDedupe,
  kCommitOldTerm,
  kStaleGrantCounted,
  kTruncOnStaleAe,
  kOneByOneNoBarrier,
  kJointOldMajority,
  kConfigRollbackLost,
  kElectionPendingConf,
  kJointNeverLeaves,
  kWatchUncommitted,
  kWatchResumeSkips,
  kWatchResumeRepeats,
  kWatchSilentCompaction,
  kCorruptAsTornTail,
  kAmnesiaVoter,
  kCommitUnmatchedTail,
  kAckOwnLast,
  kVoteLogCheckWrong,
  kReadIndexEarly,
  kSnapStaleConfig,
  kDedupeNotInSnapshot,
  kLeaseVsTransfer,
  kLeaseTimerLate,
  kLeasePromiseLost
};
inline constexpr std::size_t kBugCount = 27;

struct BugRow {
  Bug bug;
  std::string_view name;    // "local-read"
  std::string_view wrong;   // what is wrong, in one line
  std::string_view breaks;  // "LIN", "DUR", "ES", "EO", "LC"
  std::string_view source;  // who had it
};

/// The explicit table of all bugs.
std::span<const BugRow> registry();
std::optional<Bug> bug_of(std::string_view name);

/// Which bugs are on, and how often each changed a decision. A regular value.
class Switches {
 public:
  void turn_on(Bug bug) { on_[static_cast<std::size_t>(bug)] = true; }
  [[nodiscard]] bool is_on(Bug bug) const { return on_[static_cast<std::size_t>(bug)]; }
  /// True when `bug` is on and `differs`: the caller then does the wrong thing. Counts it.
  bool flips(Bug bug, bool differs) {
    if (!is_on(bug) || !differs) return false;
    ++reached_[static_cast<std::size_t>(bug)];
    return true;
  }
  [[nodiscard]] std::uint64_t reached(Bug bug) const {
    return reached_[static_cast<std::size_t>(bug)];
  }
  friend bool operator==(const Switches&, const Switches&) = default;
  /// Every member, for checkpoints (nodes/raft/checkpoint.hpp).
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("on", s.on_), v("reached", s.reached_);
  }

 private:
  std::array<bool, kBugCount> on_{};
  std::array<std::uint64_t, kBugCount> reached_{};
};

}  // namespace ww::bugs
