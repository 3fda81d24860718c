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
/// A read that waits for its round.
struct PendingRead {
  RequestId id;
  SessionId session;
  std::uint64_t seq = 0;
  std::string key;
  friend bool operator==(const PendingRead&, const PendingRead&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("id", s.id), v("session", s.session), v("seq", s.seq), v("key", s.key);
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
  Index term_start = 0;         // the no-op of this term
  std::uint64_t round = 0;      // counts broadcasts; each append carries the present one
  std::uint64_t confirmed = 0;  // the highest round that a quorum echoed
  Instant heartbeat_due{};
  Instant quorum_check_due{};
  Instant gather_due = kNever;         // requests wait for this (Config::gather)
  std::deque<PendingWrite> writes;     // in log order
  std::vector<PendingRead> gathering;  // for the next round
  std::deque<ReadBatch> batches;       // in order of rounds
  std::size_t reads_pending = 0;
  std::vector<Snapshot> outgoing;  // that some peer is being sent
  friend bool operator==(const Leader&, const Leader&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("peers", s.peers), v("term_start", s.term_start), v("round", s.round);
    v("confirmed", s.confirmed), v("heartbeat_due", s.heartbeat_due);
    v("quorum_check_due", s.quorum_check_due), v("gather_due", s.gather_due);
    v("writes", s.writes);
    v("gathering", s.gathering), v("batches", s.batches), v("reads_pending", s.reads_pending);
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
/// A snapshot on its way to disk.
struct Saving {
  /// Who sent it and awaits an answer.
  struct Origin {
    NodeId node;
    Term term = 0;
    std::uint64_t round = 0;
    friend bool operator==(const Origin&, const Origin&) = default;
    template <class Self, class V>
    static void fields(Self& s, V& v) {
      v("node", s.node), v("term", s.term), v("round", s.round);
    }
  };
  SaveId id;
  Snapshot snapshot;
  std::optional<Origin> from;  // none: it is our own
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
