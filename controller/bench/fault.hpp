// bench --during-faults: what is done to a cluster in the middle of a round.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/time.hpp"

namespace ww::bench {

enum class FaultKind : std::uint8_t { kKill, kPause, kKillFollower, kPauseFollower };
std::string_view name_of(FaultKind kind);

/// Whether a follower is hit, not the leader.
bool hits_follower(FaultKind kind);
/// Whether the node ends, by SIGKILL, and is started again at the heal.
bool kills(FaultKind kind);

/// "kill", "pause-follower". Errors: kUsage, with a suggestion where one is near; for what needs
/// the proxies, which a benchmark does without, the reason.
Result<FaultKind> parse_fault_kind(const std::string& text);

struct FaultPlan {
  FaultKind kind = FaultKind::kKill;
  Duration length = seconds(2);    // from the injection to the heal
  Duration recovery = seconds(5);  // the phase after the heal
  /// A client without an answer asks another node after this. It bounds what a client makes of a
  /// node that is there and silent.
  Duration attempt_timeout = milliseconds(500);
};

}  // namespace ww::bench
