// LeaseDisjoint: while a leader serves by its lease, no leader of a later term has committed.
// LeasePromise: a node votes for nobody as long as a lease may rest on what it answered.
#pragma once

#include <cstddef>
#include <map>
#include <optional>

#include "checkers/invariants/cluster_state.hpp"
#include "checkers/invariants/findings.hpp"

namespace ww::checkers::invariants {

/// LeaseDisjoint compares true times, of moments that are each told late if at all: a read by the
/// moment at which its node judged the lease (what it does later is within the read), a commit by
/// its record, which is written after it was decided. Nothing correct is blamed for a node that is
/// stopped in between. LeasePromise cannot be judged so: it needs the very moments.
class LeaseRules {
 public:
  /// `promise`: how long after it heard from a leader, or started, a node votes for nobody; nothing
  /// where that is not judged.
  LeaseRules(Findings& findings, std::optional<Duration> promise)
      : findings_(findings), promise_(promise) {}

  /// REQUIRES: a read by a lease.
  void on_read(const Node& n, const Stamp& at, const wire::trace::Read& e);
  /// A leader's commit index rose.
  void on_commit(const Node& n, const Stamp& at);
  void on_boot(const Node& n, const Stamp& at);
  /// REQUIRES: `n.term` is what it was before.
  void on_received(const Node& n, const Stamp& at, const wire::trace::Received& e);
  void on_vote(const Node& n, const Stamp& at, const wire::trace::VoteCast& e);

 private:
  struct Moment {
    Instant time{};
    Stamp at;
  };
  /// What a node promised last, and when a leader last asked for an election.
  struct Promised {
    std::optional<Stamp> at;  // none: nothing yet
    bool by_starting = false;
    std::optional<Instant> asked_for;
  };
  static constexpr std::size_t kMaxTerms = 4096;

  void breach(Term read_term, const Moment& read, Term commit_term, const Moment& commit);

  Findings& findings_;
  std::optional<Duration> promise_;
  std::map<NodeId, Promised> promised_;
  std::map<Term, Moment> last_reads_;     // the latest of each term's leader
  std::map<Term, Moment> first_commits_;  // the earliest of each term's leader
};

}  // namespace ww::checkers::invariants
