// The rare paths of a replica: each is counted and traced, so that a campaign can say which it
// reached.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace ww::raft {

enum class RarePath : std::uint8_t {
  kStickyRefusal,     // a vote was refused because a leader is alive
  kLowTermRequest,    // a request of an old term was answered with ours
  kCheckQuorum,       // a leader stepped down because it heard no quorum
  kConflict,          // an append conflicted with our log, and entries were removed
  kStaleAppend,       // an append brought only entries that were here already
  kRejectedAppend,    // the consistency check refused an append
  kStaleReply,        // an append's reply was overtaken
  kAckWaited,         // an acknowledgement waited for a write of an earlier step
  kTailReplaced,      // a write completed whose entries had been replaced in the meantime
  kHeldDropped,       // a message was dropped because the term moved on before its write was done
  kOldTermCommit,     // a quorum held entries of an old term, which alone may not be committed
  kReadsBatched,      // several reads shared one round
  kRepeatedCommand,   // a session's retry was answered from memory
  kBusy,              // a bound refused a request
  kRivalLeader,       // another leader of our own term was seen; only a broken cluster has one
  kPromiseKept,       // a vote was refused only because of what a lease may rest on
  kStoodForTransfer,  // a node stood for election because its leader asked it to
  kRefusalWaived,     // a vote that would have been refused was asked for by the leader itself
  kTransferPause,     // a proposal was refused during a transfer of leadership
  kLeaseLapsed,       // an index read found no lease, and took a round
  kReadGivenUp,       // a follower's read got no index in time
};
inline constexpr std::size_t kRarePathCount = 21;

std::string_view name_of(RarePath path);

using RarePathCounts = std::array<std::uint64_t, kRarePathCount>;

}  // namespace ww::raft
