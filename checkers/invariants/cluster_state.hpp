// The cluster as its evidence tells it: what each node holds, who led, what is committed.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/wire/trace.hpp"
#include "checkers/invariants/disk_tracker.hpp"
#include "checkers/invariants/findings.hpp"
#include "checkers/invariants/links.hpp"
#include "checkers/invariants/log_chain.hpp"
#include "checkers/invariants/snapshot_points.hpp"

namespace ww::checkers::invariants {

/// What a leader may conclude from the acknowledgements it consumed in its term.
struct Knowledge {
  Index durable = 0;   // the follower's synced log equals the leader's up to here
  bool blind = false;  // an acknowledgement came whose worth is not known any more
  Stamp at;            // when it was sent

  // The follower's doubt, once an answer told of one.
  Incarnation doubt = 0;  // it was in doubt in this one
  Index cover = 0;        // what the leader appended since begins here
  Stamp doubted_at;       // when the leader heard of it
};

/// The first entry that a leader of a term appended since a node's loss.
struct Cover {
  Index index = 0;
  wire::Configuration configuration;  // in force at the leader before it
  std::set<NodeId> held;  // who had it durably and unharmed, be it lost since: a leader counts that
};

/// Durable state that damage took from a node, as long as no leader has covered it.
struct Loss {
  Stamp at;
  std::string what;
  std::map<Term, Cover> covers;
};

struct Node {
  NodeId id;
  Incarnation incarnation = 0;
  std::uint64_t last_sequence = 0;
  bool alive = false;
  bool power_lost = false;  // how the last incarnation ended
  bool damaged = false;     // or so
  bool files_bad = false;   // what is left of damage shows in its files still
  std::optional<Loss> loss;
  wire::Role role = wire::Role::kFollower;
  Term term = 0;  // as its trace tells it
  LogChain log;
  Index commit = 0;
  Index applied = 0;
  wire::Configuration configuration;        // in force there, by its log
  LogPosition configured_at;                // of its entry
  std::optional<wire::Configuration> told;  // what the node last said is in force, since its start
  DiskTracker disk;

  // As a follower of `followed_term`: what its leader's appends let it commit.
  Term followed_term = 0;
  Index leader_commit = 0;
  Index verified = 0;

  std::vector<Knowledge> knowledge;  // as a leader; by node number
};

/// Who won a term, and the log it won with.
struct Leadership {
  NodeId node;
  Incarnation incarnation = 0;
  Stamp at;
  std::vector<TermRun> runs;  // of its log at the election; old ones may be forgotten
  Index last_at_election = 0;
  Index last = 0;  // of its log since

  enum class Has : std::uint8_t { kYes, kNo, kUnknown };
  /// Whether its log has an entry of term `entry_term` at `index`.
  [[nodiscard]] Has has(Index index, Term entry_term, Term own_term) const;
};

/// G: what was committed anywhere, by index.
///
/// Dense above a floor; below it one entry in kSparse stays, to compare later replays with.
class CommittedLog {
 public:
  struct Entry {
    Term term = 0;
    std::uint64_t chain = 0;
    NodeId first_node;  // who committed it first
    Instant first_time{};
    bool applied = false;
    NodeId applied_node;
    std::uint64_t digest = 0;
    SessionId session;
    std::uint64_t seq = 0;
    wire::trace::Execution execution = wire::trace::Execution::kNoop;
    std::uint64_t answer = 0;
  };
  static constexpr Index kSparse = 256;

  [[nodiscard]] Index last() const { return floor_ + entries_.size(); }
  /// Entries at and below it are thinned out.
  [[nodiscard]] Index floor() const { return floor_; }
  [[nodiscard]] const Entry* find(Index i) const;
  Entry* find(Index i) { return const_cast<Entry*>(std::as_const(*this).find(i)); }
  void append(const Entry& entry) { entries_.push_back(entry); }
  void prune(Index below);

  /// Notes that the leader of `term` committed up to `index`.
  void note_leader_commit(Term term, Index index, const Stamp& at);
  struct LeaderCommit {
    Index index = 0;
    Stamp at;
  };
  /// The highest index that a leader of a term below `term` committed; index 0 for none.
  [[nodiscard]] std::pair<Term, LeaderCommit> committed_below(Term term) const;

 private:
  Index floor_ = 0;
  std::deque<Entry> entries_;
  std::map<Index, Entry> sparse_;
  std::map<Term, LeaderCommit> by_term_;  // both grow
};

[[nodiscard]] bool is_voter(const wire::Configuration& c, NodeId id);
/// Whether the voters for which `holds` is true are a majority of each half.
template <class Holds>
[[nodiscard]] bool is_quorum(const wire::Configuration& c, Holds holds) {
  const auto majority = [&holds](const std::vector<NodeId>& half) {
    std::size_t count = 0;
    for (const NodeId id : half) count += holds(id) ? 1U : 0U;
    return count > half.size() / 2;
  };
  return majority(c.voters) && (c.next.empty() || majority(c.next));
}

struct ClusterState {
  /// `spares`: nodes that are none of the first voters.
  ClusterState(std::vector<NodeId> first_voters, const std::vector<NodeId>& spares,
               bool store_evidence_in);

  std::vector<NodeId> everyone;  // first voters and spares, sorted
  bool store_evidence = true;
  std::vector<Node> nodes;  // by number; 0 is nobody
  std::vector<Link> links;  // by from, to
  CommittedLog committed;
  SnapshotPoints snapshots;
  std::map<Term, Leadership> leaderships;
  std::map<LogPosition, wire::Configuration> configurations;  // that somebody appended
  std::map<Index, std::pair<Term, wire::Configuration>> committed_configurations;
  /// A message was consumed whose sending the trace of a dead node should have told and did not:
  /// what only that trace could prove is not judged any more.
  bool has_gaps = false;

  [[nodiscard]] bool knows(NodeId node) const {
    return node.value < nodes.size() && node.value > 0;
  }
  Node& node(NodeId id) { return nodes[id.value]; }
  [[nodiscard]] const Node& node(NodeId id) const { return nodes[id.value]; }
  Link& link(NodeId from, NodeId to) { return links[from.value * nodes.size() + to.value]; }
  [[nodiscard]] const Link& link(NodeId from, NodeId to) const {
    return links[from.value * nodes.size() + to.value];
  }
  /// The configuration before any entry, at its voters.
  [[nodiscard]] const wire::Configuration& first() const { return first_; }
  [[nodiscard]] bool is_first_voter(NodeId id) const;
  void note_configuration(LogPosition at, const wire::Configuration& c);
  struct InForce {
    LogPosition at;
    wire::Configuration configuration;
  };
  /// What is in force at `n` by its log.
  [[nodiscard]] InForce configuration_of(const Node& n) const;
  /// What was when the committed log ended at `index`.
  [[nodiscard]] const wire::Configuration& committed_configuration(Index index) const;
  /// Whether durable state of `n` is known.
  [[nodiscard]] bool sees_disk(const Node& n) const {
    return store_evidence && !n.disk.lost_track();
  }
  void prune(Index keep);

  static constexpr std::size_t kMaxLeaderships = 4096;
  static constexpr std::size_t kMaxConfigurations = 4096;

 private:
  wire::Configuration first_;
};

}  // namespace ww::checkers::invariants
