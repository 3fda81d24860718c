// The rare paths of a replica: each is counted and traced, so that a campaign can say which it
// reached.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace ww::raft {

enum class RarePath : std::uint8_t {
  kStickyRefusal,      // a vote was refused because a leader is alive
  kLowTermRequest,     // a request of an old term was answered with ours
  kCheckQuorum,        // a leader stepped down because it heard no quorum
  kConflict,           // an append conflicted with our log, and entries were removed
  kStaleAppend,        // an append brought only entries that were here already
  kRejectedAppend,     // the consistency check refused an append
  kStaleReply,         // an append's reply was overtaken
  kAckWaited,          // an acknowledgement waited for a write of an earlier step
  kTailReplaced,       // a write completed whose entries had been replaced in the meantime
  kHeldDropped,        // a message was dropped because the term moved on before its write was done
  kOldTermCommit,      // a quorum held entries of an old term, which alone may not be committed
  kReadsBatched,       // several reads shared one round
  kRepeatedCommand,    // a session's retry was answered from memory
  kBusy,               // a bound refused a request
  kRivalLeader,        // another leader of our own term was seen; only a broken cluster has one
  kSnapshotTaken,      // our own state was handed out to be saved
  kSnapshotInstalled,  // the state machine went on from another node's snapshot
  kSuffixKept,         // the log behind an installed snapshot was kept
  kSnapshotOvertaken,  // another node's snapshot was durable when the log had gone further
  kSnapshotUnneeded,   // a piece came of a snapshot that the log has or covers
  kSnapshotRefused,    // a snapshot did not decode; only a broken cluster sends one
  kStrayPiece,         // a piece came that was there, or that does not follow
  kPieceAgain,         // a piece was lost, and is sent again
  kPromiseKept,        // a vote was refused only because of what a lease may rest on
  kStoodForTransfer,   // a node stood for election because its leader asked it to
  kRefusalWaived,      // a vote that would have been refused was asked for by the leader itself
  kTransferPause,      // a proposal was refused during a transfer of leadership
  kLeaseLapsed,        // an index read found no lease, and took a round
  kReadGivenUp,        // a follower's read got no index in time
  kConfigurationReverted,  // the entry of the configuration in force was removed
  kNotStanding,            // a node that is no voter waited on instead of standing for election
  kBarrier,                // a change was refused for want of a committed entry of the term
  kLeaderRemoved,          // a leader stepped down because C_new leaves it out
  kCatchUpGivenUp,         // new nodes took too long to catch up
  kWatchResumed,           // a watch began with what was applied before it came
  kWatchCompacted,         // a watch asked for, or came to need, what is not kept any more
  kWatchCut,               // a watcher acknowledged nothing for too long
  kDiskStall,        // a leader stepped down, or a node did not stand, as its disk stood still
  kDoubtRefusal,     // a node in doubt refused to vote, to stand or to serve
  kDoubtSeen,        // a leader heard that a peer may have lost what it acknowledged
  kDoubtCovered,     // a leader covered a node in doubt, which counts again
  kDoubtedChange,    // a change was refused, as its quorum would need a node in doubt
  kWatchLeaderless,  // a watch was ended because no leader was heard from for too long
};
inline constexpr std::size_t kRarePathCount = 43;

std::string_view name_of(RarePath path);

using RarePathCounts = std::array<std::uint64_t, kRarePathCount>;

}  // namespace ww::raft
