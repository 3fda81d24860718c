// What a replica remembers in each role, and only in that role.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "nodes/raft/contract.hpp"
#include "nodes/raft/progress.hpp"

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
  friend bool operator==(const Leader&, const Leader&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("peers", s.peers), v("term_start", s.term_start), v("round", s.round);
    v("confirmed", s.confirmed), v("heartbeat_due", s.heartbeat_due);
    v("quorum_check_due", s.quorum_check_due), v("gather_due", s.gather_due);
    v("writes", s.writes);
    v("gathering", s.gathering), v("batches", s.batches), v("reads_pending", s.reads_pending);
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
