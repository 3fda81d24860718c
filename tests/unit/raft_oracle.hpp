// Watches a test cluster from above, disks included, and says what no Raft may do.
//
// It knows every node's state at every moment, so it can be simple where the harness's own checkers
// must reconstruct; it shares no code with them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/unit/raft_cluster.hpp"

namespace ww::raft::testing {

class Oracle {
 public:
  /// The bound on sessions that the cluster under test must have.
  static constexpr std::uint32_t kMaxSessions = 4;
  static constexpr std::uint64_t kSessionEntries = 12;

  /// To be called by the cluster's observer, before an effect has consequences.
  void see(const Cluster& cluster, const Member& member, const Effect& effect);
  /// To be called before a request is given to a node.
  void requested(const Member& member, const Request& request);
  /// To be called after each step.
  void check_state(const Member& member);
  /// Whether everyone who was asked and lived on has answered.
  [[nodiscard]] bool all_answered(const Cluster& cluster) const;
  void crashed(NodeId node) { now_[node] = {}; }
  /// To be called before its disk is lost.
  void wiped(const Member& member) { lost_[member.id].push_back(member.disk); }

  /// The first rule that was broken: "ES: ...".
  [[nodiscard]] const std::optional<std::string>& violation() const { return violation_; }
  [[nodiscard]] std::size_t committed() const { return global_.size(); }
  [[nodiscard]] std::size_t leaders() const { return leaders_.size(); }
  [[nodiscard]] std::size_t reads_served() const { return reads_served_; }
  [[nodiscard]] std::size_t answered_ok() const { return answered_ok_; }
  [[nodiscard]] std::size_t snapshots_taken() const { return snapshots_taken_; }
  /// Configurations that were committed.
  [[nodiscard]] std::size_t configurations() const { return configurations_.size(); }
  [[nodiscard]] bool was_wiped(NodeId node) const { return lost_.count(node) != 0; }
  /// At each node that ever was told of one, whether it is up or not.
  [[nodiscard]] const std::map<NodeId, wire::Configuration>& in_force() const { return in_force_; }
  [[nodiscard]] std::size_t snapshots_installed() const { return snapshots_installed_; }

 private:
  struct Committed {
    Term term = 0;
    std::uint64_t chain = 0;
    Term committer = 0;
  };
  struct View {  // of one incarnation
    Term term = 0;
    Index commit = 0;
    Index applied = 0;
  };
  struct Invoked {
    std::size_t committed = 0;
    wire::Command command;
    NodeId node;
    Incarnation incarnation = 0;
  };
  void broken(const char* rule, const Member& member, const std::string& what);
  void on(const Member& member, const wire::trace::RoleChange& event);
  void on(const Cluster& cluster, const Member& member, const wire::trace::Committed& event);
  void on(const Member& member, const wire::trace::Appended& event);
  void on(const Member& member, const wire::trace::Applied& event);
  void on(const Member& member, const wire::trace::VoteCast& event);
  void on(const Member& member, const wire::trace::Snapshot& event);
  void on(const Member& member, const wire::trace::Configured& event);
  [[nodiscard]] std::uint64_t chain_of(const Log& log, Index upto) const;
  void on(const Member& member, const Send& send);
  void on(const Member& member, const Answer& answer);
  [[nodiscard]] std::size_t lost(NodeId node) const;
  [[nodiscard]] bool has_voted(NodeId node, Term term, NodeId candidate) const;
  void voted(const Member& member, Term term, NodeId candidate);
  void model(Index index, const wire::EntryView& entry);
  [[nodiscard]] std::optional<std::string> value_at(const std::string& key, Index index) const;

  std::optional<std::string> violation_;
  std::map<Term, NodeId> leaders_;
  /// Votes that left their node, by how many disks it had lost: those it does not remember.
  std::map<std::tuple<NodeId, Term, std::size_t>, NodeId> votes_;
  std::map<NodeId, std::vector<Disk>> lost_;
  std::map<std::tuple<NodeId, Incarnation, Term>, NodeId> decided_;
  std::map<std::pair<Index, Term>, std::uint64_t> chains_;
  std::vector<Committed> global_;
  std::map<Index, std::uint64_t> digests_;
  std::map<NodeId, View> now_;
  std::map<RequestId, Invoked> invoked_;
  std::set<std::string> failed_values_;
  std::map<std::string, std::vector<std::pair<Index, std::optional<std::string>>>> versions_;
  struct Session {
    std::uint64_t seq = 0;
    Index used = 0;
  };
  std::map<SessionId, Session> sessions_;
  std::set<std::string> logged_values_;
  std::map<std::pair<SessionId, std::uint64_t>, Index> executed_;
  std::size_t reads_served_ = 0;
  std::size_t answered_ok_ = 0;
  std::size_t snapshots_taken_ = 0;
  std::size_t snapshots_installed_ = 0;
  std::map<Index, wire::Configuration> configurations_;
  // At the moment of an effect, which a node's state after the step does not tell.
  std::map<NodeId, wire::Configuration> in_force_;
  std::map<NodeId, wire::Role> roles_;
};

}  // namespace ww::raft::testing
