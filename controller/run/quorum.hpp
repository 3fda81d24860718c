// Who recovers at the end of a run, and how the others are left.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "faults/nemesis.hpp"

namespace ww::run {

struct Recovery {
  std::vector<NodeId> members;  // who must recover, in order
  faults::Rest rest;            // of the others
  std::string left;             // "n2 dead, n5 deaf"; empty when everybody recovers
};

/// Everybody recovers.
Recovery recover_all(std::uint32_t nodes);

/// A quorum of `nodes` recovers, from a bare majority to all but one; of the others some stay dead,
/// some are cut off, some deaf, some mute. All of it is drawn by the seed. Clusters of one or two
/// nodes have nobody to spare: everybody recovers. Links to the `spares`, who are no voters, are
/// cut with the others.
///
/// None of this may keep the quorum from making progress: a dead or cut node says nothing, a mute
/// one is not heard, and what a deaf one says is refused by those who hear of a leader
/// (dissertation, 4.2.3 and 9.6), once it has stepped down itself (6.2).
Recovery recover_quorum(std::uint64_t seed, std::uint32_t nodes, std::uint32_t spares = 0);

}  // namespace ww::run
