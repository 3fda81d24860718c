// After the last heal a majority is up and can talk: Raft owes a leader, answers, and agreement.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "base/verdict.hpp"

namespace ww::checkers {

/// One client's fresh write and final read after the heal; empty when it did not succeed.
struct RecoveryProbe {
  std::string process;  // as reports name it: "process 3 at n1"
  std::optional<Instant> write_ok;
  std::optional<Instant> read_ok;
};

/// Where a voter stood when the run ended.
struct VoterState {
  NodeId node;
  bool running = true;
  Index last_index = 0;
  Index applied = 0;
  std::uint64_t digest = 0;  // of the state machine after `applied`
};

/// A time in which the machine itself stood still, as the sentinel measured it.
struct MachineStall {
  Instant time{};
  Duration length{};
  std::string what;  // "scheduling", "fsync", "trace pipe of n2"
};

/// What a world saw between its last heal and its end.
struct LivenessFacts {
  Instant healed{};
  Instant ended{};
  Duration election_timeout{};        // T; nodes draw theirs from [T, 2T]
  std::optional<Instant> leader;      // when a leader that lasted was there; `healed` if it was
  std::vector<RecoveryProbe> probes;  // one per process (or per node)
  std::uint64_t pending_ops = 0;      // ops without any completion at the end
  std::vector<VoterState> voters;     // the others owe nothing
  std::optional<bool> restored;       // the change of members asked for after the heal came to be
  std::vector<MachineStall> stalls;   // only those after the heal matter
};

struct LivenessLimits {
  /// Election timeouts until a leader must be there. Split votes and backed-off links take a few.
  std::uint32_t leader_timeouts = 20;
  /// Time until every probe's write and read must have succeeded.
  Duration recovery = std::chrono::seconds(10);
};

/// Decides whether the cluster recovered in time.
///
/// Shape:  `evaluated` counts the obligations; each one not met is a violation of property "Live",
///         except that equal logs applied to different states break "Apply".
/// Errors: none; unknown instead of invalid when the machine stalled for more than half an election
///         timeout after the heal, since a slow box is no liveness bug; unknown without any probe
///         and voter.
[[nodiscard]] CheckResult check_liveness(const LivenessFacts& facts,
                                         const LivenessLimits& limits = {});

}  // namespace ww::checkers
