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
};
/// A read that waits for its round.
struct PendingRead {
  RequestId id;
  SessionId session;
  std::uint64_t seq = 0;
  std::string key;
  friend bool operator==(const PendingRead&, const PendingRead&) = default;
};
/// Reads that one round of appends confirms.
struct ReadBatch {
  std::uint64_t round = 0;
  Index read_index = 0;
  std::vector<PendingRead> reads;
  friend bool operator==(const ReadBatch&, const ReadBatch&) = default;
};

struct Follower {
  NodeId leader;
  Instant heard{};  // when that leader's last append came
  friend bool operator==(const Follower&, const Follower&) = default;
};
struct PreCandidate {
  std::vector<NodeId> granters;
  friend bool operator==(const PreCandidate&, const PreCandidate&) = default;
};
struct Candidate {
  std::vector<NodeId> granters;
  friend bool operator==(const Candidate&, const Candidate&) = default;
};
struct Leader {
  std::vector<Progress> peers;
  Index term_start = 0;         // the no-op of this term
  std::uint64_t round = 0;      // counts broadcasts; each append carries the present one
  std::uint64_t confirmed = 0;  // the highest round that a quorum echoed
  Instant heartbeat_due{};
  Instant quorum_check_due{};
  std::deque<PendingWrite> writes;     // in log order
  std::vector<PendingRead> gathering;  // for the next round
  std::deque<ReadBatch> batches;       // in order of rounds
  std::size_t reads_pending = 0;
  friend bool operator==(const Leader&, const Leader&) = default;
};
/// A write failed: nothing is sent and everything is refused from now on.
struct Halted {
  friend bool operator==(const Halted&, const Halted&) = default;
};

/// In the order of wire::Role.
using RoleState = std::variant<Follower, PreCandidate, Candidate, Leader, Halted>;

}  // namespace ww::raft
