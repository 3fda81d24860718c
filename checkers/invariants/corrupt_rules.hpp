// Corrupt: injected damage is detected and refused, or repaired by the others; it is never served
// or voted on.
//
// What was lost is not taken from the node: it is the difference between what its synced bytes held
// and what the damage left, as this side decodes both. From then on the node may not vote, stand,
// acknowledge as one that counts, or answer, until some leader has covered it: an entry that the
// leader appended since is committed, became durable on a quorum without the node, and is durable
// at the node. Who held that entry may lose it later: the leader has counted it. The quorum is one
// of a configuration that was in force at that leader, by its log, since it appended the entry.
//
// And a leader that was told of a doubt does not count the node. By what it heard, what it commits
// is backed by others, until it has committed an entry that it appended since.
#pragma once

#include "base/evidence.hpp"
#include "checkers/invariants/cluster_state.hpp"
#include "checkers/invariants/findings.hpp"

namespace ww::checkers::invariants {

class CorruptRules {
 public:
  CorruptRules(ClusterState& state, Findings& findings) : state_(state), findings_(findings) {}

  /// Notes who is covered by now, and who holds what will cover others. Called before a node's disk
  /// changes: it may be one of those that cover another.
  void settle();
  /// The damage of a node's files took durable state away.
  void on_loss(Node& n, const Stamp& at, const std::string& what) { n.loss = Loss{at, what, {}}; }
  /// A leader added entries to its log.
  void on_appended(const Node& leader, const wire::trace::Appended& e);
  void on_vote(Node& n, const Stamp& at, const wire::trace::VoteCast& e);
  void on_role(Node& n, const Stamp& at, const wire::trace::RoleChange& e);
  void on_sent(Node& n, const Stamp& at, const wire::trace::Sent& e);
  void on_client(Node& n, const Stamp& at, const wire::trace::Client& e);
  /// A leader hears who is in doubt.
  void on_received(Node& n, const Stamp& at, const wire::trace::Received& e);
  /// A leader commits. Called before the state takes note of it.
  void on_committed(const Node& n, const Stamp& at, const wire::trace::Committed& e);

 private:
  void judge(Node& n, const Stamp& at, const wire::trace::Event& act);
  /// Adds who has what would cover `n`. REQUIRES: it has a loss.
  void note_holders(Node& n);
  [[nodiscard]] bool is_covered(const Node& n) const;
  /// Whether those that held the cover of the leader of `term` are a quorum to it.
  [[nodiscard]] bool is_backed(Term term, const Cover& cover) const;
  [[nodiscard]] static bool holds(const Node& n, LogPosition cover);

  ClusterState& state_;
  Findings& findings_;
};

}  // namespace ww::checkers::invariants
