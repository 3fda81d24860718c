#include "controller/run/restoration.hpp"

#include <algorithm>

#include "faults/membership.hpp"

namespace ww::run {

Restoration::Restoration(const TestSpec& spec)
    : voters_(faults::first_voters(spec.nodes)),
      mode_(spec.membership_mode()),
      limit_(spec.recovery_limit),
      every_(spec.election_timeout / 2) {}

void Restoration::advance(Instant now, faults::Cluster& cluster) {
  if (!began_) began_ = now;
  const faults::ClusterView view = cluster.view();
  const NodeId id = faults::leader_of(view);
  if (id == kNobody) return;
  const faults::KnownMembers& members = view.nodes[id.value - 1].members;
  // Each of them, not the leader alone: another configuration that is not committed anywhere may
  // still be in force at one whose log is the longest, and then it could not lead without nodes
  // that are about to be left broken.
  done_ = std::all_of(voters_.begin(), voters_.end(), [&](NodeId voter) {
    return view.nodes[voter.value - 1].members.settled_on(voters_);
  });
  if (done_ || members.settled_on(voters_) || now < next_) return;
  next_ = now + every_;
  cluster.change_membership(id, faults::step_towards(members.lasting_voters(), voters_, mode_),
                            mode_);
}

}  // namespace ww::run
