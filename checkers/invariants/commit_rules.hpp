// CommitMono, CommitAgree, OwnTerm, FollowerBound, LC: what may be committed, and who must have it.
// (Raft paper, 5.4.2 and 5.4.3.)
#pragma once

#include "checkers/invariants/cluster_state.hpp"
#include "checkers/invariants/durability_rules.hpp"
#include "checkers/invariants/findings.hpp"

namespace ww::checkers::invariants {

class CommitRules {
 public:
  CommitRules(ClusterState& state, Findings& findings, DurabilityRules& durability)
      : state_(state), findings_(findings), durability_(durability) {}

  /// Checks, and then raises `n.commit` and the committed log.
  void on_committed(Node& n, const Stamp& at, const wire::trace::Committed& e);
  /// What an append lets its receiver commit.
  void on_received(Node& n, const wire::trace::Received& e);
  /// `n` won `term`: it must have what was committed before.
  void on_leader(const Node& n, const Stamp& at, Term term);

 private:
  bool check_in_log(const Node& n, const Stamp& at, const wire::trace::Committed& e);
  void check_term(const Node& n, const Stamp& at, const wire::trace::Committed& e);
  bool check_agreement(const Node& n, const Stamp& at, Index to);
  void note_leader_commit(const Node& n, const Stamp& at, Index to);

  ClusterState& state_;
  Findings& findings_;
  DurabilityRules& durability_;
};

}  // namespace ww::checkers::invariants
