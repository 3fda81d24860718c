// AckTruth, CommitDurable, Restart: what is said to be durable is durable.
//
// All of it is causal. An acknowledgement is worth what its sender's synced bytes held when it
// left; a leader knows of it when it consumed it; and a commit needs a quorum of such knowledge. So
// an acknowledgement before the sync is found with no crash at all.
#pragma once

#include "base/evidence.hpp"
#include "checkers/invariants/cluster_state.hpp"
#include "checkers/invariants/findings.hpp"

namespace ww::checkers::invariants {

class DurabilityRules {
 public:
  DurabilityRules(ClusterState& state, Findings& findings) : state_(state), findings_(findings) {}

  void on_sent(const Node& n, const Stamp& at, const wire::trace::Sent& e);
  void on_received(Node& n, const wire::trace::Received& e);
  /// The leader `n` is about to commit up to `index`, further than anybody before.
  void on_first_commit(const Node& n, const Stamp& at, Index index);
  void on_synced(const Node& n, const Stamp& at, const wire::trace::Synced& e);
  void on_disk(const Node& n, const Stamp& at, const DiskAudit& audit, bool power);
  void on_malformed(const Node& n, const Stamp& at, const std::string& what);
  void on_removed(const Node& n, const Stamp& at, const std::string& what);
  void on_boot(const Node& n, const Stamp& at, const wire::trace::Boot& e);

 private:
  void check_acknowledgement(const Node& n, const Stamp& at, const wire::trace::Sent& e);

  ClusterState& state_;
  Findings& findings_;
};

}  // namespace ww::checkers::invariants
