// ES, Vote1, Promise, Win, UpToDate, Term: who may lead, and what a vote binds. (Raft paper, 5.2
// and 5.4.1.)
#pragma once

#include <map>
#include <vector>

#include "checkers/invariants/cluster_state.hpp"
#include "checkers/invariants/findings.hpp"

namespace ww::checkers::invariants {

class ElectionRules {
 public:
  /// `house_rules`: see InvariantOptions.
  ElectionRules(ClusterState& state, Findings& findings, bool house_rules);

  void on_boot(const Node& n, const Stamp& at, const wire::trace::Boot& e);
  void on_role(const Node& n, const Stamp& at, const wire::trace::RoleChange& e);
  void on_vote(const Node& n, const Stamp& at, const wire::trace::VoteCast& e);
  void on_sent(const Node& n, const Stamp& at, const wire::trace::Sent& e);
  void on_received(const Node& n, const wire::trace::Received& e);
  /// Damage took durable state of the node: of its votes so far nothing binds it any more.
  void on_loss(const Node& n);
  void on_disk_regress(const Node& n, const Stamp& at, const VoteState& before,
                       const VoteState& now);

 private:
  /// A real vote of one node in one term. A vote that was decided but never left the process does
  /// not bind the next incarnation: a crash may have taken it.
  struct Ballot {
    NodeId candidate;
    Incarnation incarnation = 0;
    bool left = false;
    Stamp at;
    bool lost = false;  // the node's disk was damaged since
  };
  struct Voter {
    std::map<Term, Ballot> ballots;
    Term left_term = 0;                   // of the highest vote that left
    Term decided_term = 0;                // of the highest vote decided in this incarnation
    std::map<NodeId, LogPosition> asked;  // the last request for a vote by candidate
  };
  static constexpr std::size_t kMaxBallots = 4096;

  void cast(const Node& n, const Stamp& at, Term term, NodeId candidate, bool leaves);
  void check_leader(const Node& n, const Stamp& at, const wire::trace::RoleChange& e);
  void check_win(const Node& n, const Stamp& at, const wire::trace::RoleChange& e);
  void check_durable_vote(const Node& n, const Stamp& at, Term term, NodeId candidate);
  void check_sent_term(const Node& n, const Stamp& at, const wire::trace::Sent& e);

  ClusterState& state_;
  Findings& findings_;
  std::vector<Voter> voters_;  // by node number
  bool house_rules_;
};

}  // namespace ww::checkers::invariants
