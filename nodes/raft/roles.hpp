// What a replica remembers in each role, and only in that role.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "nodes/raft/configuration.hpp"
#include "nodes/raft/contract.hpp"
#include "nodes/raft/progress.hpp"
#include "nodes/raft/snapshot.hpp"

namespace ww::raft {

/// A logged command whose client waits here.
struct PendingWrite {
  Index index = 0;
  RequestId id;
  SessionId session;
  std::uint64_t seq = 0;
  friend bool operator==(const PendingWrite&, const PendingWrite&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("index", s.index), v("id", s.id), v("session", s.session), v("seq", s.seq);
  }
};
/// A read that waits for its round: of a client of ours, or of `asker`, a follower whose clients
/// wait there.
struct PendingRead {
  RequestId id;
  SessionId session;
  std::uint64_t seq = 0;
  std::string key;
  NodeId asker = kNobody;
  std::uint64_t context = 0;  // the asker's
  friend bool operator==(const PendingRead&, const PendingRead&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("id", s.id), v("session", s.session), v("seq", s.seq), v("key", s.key);
    v("asker", s.asker), v("context", s.context);
  }
};
/// A client's read at a node that does not lead: it waits for an index, and then until that is
/// applied.
struct RemoteRead {
  std::uint64_t context = 0;
  Instant give_up{};
  std::optional<Index> read_index;
  PendingRead read;
  friend bool operator==(const RemoteRead&, const RemoteRead&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("context", s.context), v("give_up", s.give_up), v("read_index", s.read_index);
    v("read", s.read);
  }
};
/// When a round of appends that no quorum has echoed yet was begun.
struct RoundStart {
  std::uint64_t round = 0;
  Instant at{};
  friend bool operator==(const RoundStart&, const RoundStart&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("round", s.round), v("at", s.at);
  }
};
/// What a leader's lease rests on: the latest round that a quorum has echoed.
struct Lease {
  std::uint64_t round = 0;
  Instant from{};
  friend bool operator==(const Lease&, const Lease&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("round", s.round), v("from", s.from);
  }
};
/// A transfer of leadership under way (dissertation, 3.10).
struct LeadershipTransfer {
  NodeId to;
  Instant give_up{};
  bool told = false;  // TimeoutNow was sent
  friend bool operator==(const LeadershipTransfer&, const LeadershipTransfer&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("to", s.to), v("give_up", s.give_up), v("told", s.told);
  }
};
/// Reads that one round of appends confirms.
struct ReadBatch {
  std::uint64_t round = 0;
  Index read_index = 0;
  std::vector<PendingRead> reads;
  friend bool operator==(const ReadBatch&, const ReadBatch&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("round", s.round), v("read_index", s.read_index), v("reads", s.reads);
  }
};

/// A change of the voters that this leader has begun.
struct MembershipChange {
  std::vector<NodeId> voters;
  wire::MembershipMode mode = wire::MembershipMode::kJoint;
  bool decided = false;  // the configuration that leads to them is in the log
  Index round_end = 0;   // of the log; until then the new nodes are to be brought in this round
  Instant round_began{};
  std::uint32_t rounds = 0;
  Instant give_up{};
  friend bool operator==(const MembershipChange&, const MembershipChange&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("voters", s.voters), v("mode", s.mode), v("decided", s.decided);
    v("round_end", s.round_end), v("round_began", s.round_began), v("rounds", s.rounds);
    v("give_up", s.give_up);
  }
};

struct Follower {
  NodeId leader;
  Instant heard{};  // when that leader's last append came
  friend bool operator==(const Follower&, const Follower&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("leader", s.leader), v("heard", s.heard);
  }
};
struct PreCandidate {
  std::vector<NodeId> granters;
  friend bool operator==(const PreCandidate&, const PreCandidate&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("granters", s.granters);
  }
};
struct Candidate {
  std::vector<NodeId> granters;
  friend bool operator==(const Candidate&, const Candidate&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("granters", s.granters);
  }
};
struct Leader {
  std::vector<Progress> peers;
  std::vector<Progress> doubted;  // peers that left and had been in doubt: nodes/raft/doubt.cpp
  Index term_start = 0;           // the no-op of this term
  std::uint64_t round = 0;        // counts broadcasts; each append carries the present one
  std::uint64_t confirmed = 0;    // the highest round that a quorum echoed
  Instant heartbeat_due{};
  Instant quorum_check_due{};
  Instant gather_due = kNever;         // requests wait for this (Config::gather)
  std::deque<PendingWrite> writes;     // in log order
  std::vector<PendingRead> gathering;  // for the next round
  std::deque<ReadBatch> batches;       // in order of rounds
  std::size_t reads_pending = 0;
  std::vector<Snapshot> outgoing;  // that some peer is being sent
  std::deque<RoundStart> rounds;   // not echoed by a quorum yet; only where there are leases
  std::optional<Lease> lease;
  bool lease_forfeited = false;  // for the rest of the term, see nodes/raft/lease.cpp
  std::optional<LeadershipTransfer> transfer;
  std::optional<MembershipChange> change;
  friend bool operator==(const Leader&, const Leader&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("peers", s.peers), v("doubted", s.doubted), v("term_start", s.term_start),
        v("round", s.round);
    v("confirmed", s.confirmed), v("heartbeat_due", s.heartbeat_due);
    v("quorum_check_due", s.quorum_check_due), v("gather_due", s.gather_due);
    v("writes", s.writes);
    v("gathering", s.gathering), v("batches", s.batches), v("reads_pending", s.reads_pending);
    v("rounds", s.rounds), v("lease", s.lease), v("lease_forfeited", s.lease_forfeited);
    v("transfer", s.transfer), v("change", s.change);
    v("outgoing", s.outgoing);
  }
};
/// A snapshot that another node sends, as far as it came.
struct Incoming {
  NodeId from;
  Term term = 0;  // in which it is sent
  LogPosition at;
  std::uint64_t total = 0;
  std::uint64_t round = 0;  // the highest of its pieces
  std::string bytes;
  [[nodiscard]] bool is_whole() const { return bytes.size() == total; }
  friend bool operator==(const Incoming&, const Incoming&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("from", s.from), v("term", s.term), v("at", s.at), v("total", s.total);
    v("round", s.round), v("bytes", s.bytes);
  }
};
/// Who sent a snapshot and awaits an answer.
struct SnapshotOrigin {
  NodeId node;
  Term term = 0;
  std::uint64_t round = 0;
  friend bool operator==(const SnapshotOrigin&, const SnapshotOrigin&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("node", s.node), v("term", s.term), v("round", s.round);
  }
};
/// A snapshot on its way to disk.
struct Saving {
  SaveId id;
  Snapshot snapshot;
  std::optional<SnapshotOrigin> from;  // none: it is our own
  friend bool operator==(const Saving&, const Saving&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("id", s.id), v("snapshot", s.snapshot), v("from", s.from);
  }
};
/// A write failed: nothing is sent and everything is refused from now on.
struct Halted {
  friend bool operator==(const Halted&, const Halted&) = default;
  template <class Self, class V>
  static void fields(Self&, V&) {}
};

/// In the order of wire::Role.
using RoleState = std::variant<Follower, PreCandidate, Candidate, Leader, Halted>;

}  // namespace ww::raft
