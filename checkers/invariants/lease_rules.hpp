// LeaseDisjoint: while a leader serves by its lease, no leader of a later term has committed.
#pragma once

#include <cstddef>
#include <map>

#include "checkers/invariants/cluster_state.hpp"
#include "checkers/invariants/findings.hpp"

namespace ww::checkers::invariants {

/// Compares true times, of moments that are each told late if at all: a read by the moment at which
/// its node judged the lease (what it does later is within the read), a commit by its record, which
/// is written after it was decided. Nothing correct is blamed for a node that is stopped in
/// between.
class LeaseRules {
 public:
  explicit LeaseRules(Findings& findings) : findings_(findings) {}

  /// REQUIRES: a read by a lease.
  void on_read(const Node& n, const Stamp& at, const wire::trace::Read& e);
  /// A leader's commit index rose.
  void on_commit(const Node& n, const Stamp& at);

 private:
  struct Moment {
    Instant time{};
    Stamp at;
  };
  static constexpr std::size_t kMaxTerms = 4096;

  void breach(Term read_term, const Moment& read, Term commit_term, const Moment& commit);

  Findings& findings_;
  std::map<Term, Moment> last_reads_;     // the latest of each term's leader
  std::map<Term, Moment> first_commits_;  // the earliest of each term's leader
};

}  // namespace ww::checkers::invariants
