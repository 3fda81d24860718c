// Random schedules for a test cluster: messages are delivered, lost, copied and overtaken, writes
// are late, nodes crash and lose what was not synced, or their disks; an oracle that sees
// everything judges each step.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "nodes/bugs/bugs.hpp"

namespace ww::raft::testing {

/// What came of one run.
struct TortureResult {
  std::optional<std::string> violation;
  std::uint64_t reached = 0;  // how often the bug changed a decision
  std::size_t committed = 0;
  std::size_t leaders = 0;
  std::size_t reads = 0;
  std::size_t ok = 0;
  std::size_t taken = 0;       // snapshots
  std::size_t installed = 0;   // of other nodes
  std::size_t configured = 0;  // configurations that were committed
  std::size_t wiped = 0;       // disks
  std::size_t covered = 0;     // nodes that lost theirs and count again at the end
  bool converged = false;
};

/// Runs one seed for so many steps, then heals everything and waits until all agree and owe no
/// answer. Everything in it is decided by the seed. A first violation ends the run.
TortureResult torture(std::uint64_t seed, int steps, std::optional<bugs::Bug> bug);

}  // namespace ww::raft::testing
