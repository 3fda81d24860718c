// SnapPrefix: a snapshot is the committed state where it stands, and what it replaces is no history
// but that one. (Raft paper, section 7.)
#pragma once

#include <string>

#include "checkers/invariants/cluster_state.hpp"
#include "checkers/invariants/findings.hpp"

namespace ww::checkers::invariants {

class SnapshotRules {
 public:
  SnapshotRules(ClusterState& state, Findings& findings) : state_(state), findings_(findings) {}

  /// Checks, and of an installed one then moves `n.log`, `n.commit` and `n.applied`.
  void on_snapshot(Node& n, const Stamp& at, const wire::trace::Snapshot& e);

 private:
  void check_content(const Node& n, const Stamp& at, const wire::trace::Snapshot& e);
  void check_taken(const Node& n, const Stamp& at, const wire::trace::Snapshot& e);
  void check_durable(const Node& n, const Stamp& at, const wire::trace::Snapshot& e);
  void install(Node& n, const Stamp& at, const wire::trace::Snapshot& e);
  void breach(const Stamp& at, const wire::trace::Snapshot& e, const std::string& what);

  ClusterState& state_;
  Findings& findings_;
};

}  // namespace ww::checkers::invariants
