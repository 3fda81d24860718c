// Leadership transfer (dissertation, 3.10).
//
// The leader takes no proposals while the target catches up, tells it to stand at once
// (TimeoutNow), and expects to be deposed. If it still leads an election timeout after it began, it
// gives up and takes proposals again. The target stands without pre-votes, and its requests say
// that the leader asked for them, so that nobody refuses for having just heard from that leader; a
// node that has heard from a leader of the candidate's own term does.
//
// Giving up takes nothing back. TimeoutNow, a copy of it, or the requests that it led to may be on
// their way for as long as the network likes, and whoever gets one later still stands. All they can
// bring about is an election in the very next term, at worst one too many. A lease would not be
// safe from that election: see lease.cpp.
//
// Only a voter that is in no doubt (doubt.cpp) can take over, and while members change only one
// that stays a voter; a change that removes the target ends the transfer. None begins while a
// transfer is under way.
#include <algorithm>
#include <tuple>

#include "nodes/raft/replica.hpp"

namespace ww::raft {

namespace trace = wire::trace;

void Replica::on(Step& s, const TransferLeadership& input) {
  Leader* leader = as_leader();
  if (leader == nullptr || leader->transfer) return;
  // Of those that are as far as any, the one heard from last.
  const Progress* best = nullptr;
  for (const Progress& peer : leader->peers) {
    if (!may_take_over(peer.id) || !peer.counts() || (input.to != kNobody && peer.id != input.to))
      continue;
    if (best == nullptr ||
        std::tuple(best->match_index(), best->heard) < std::tuple(peer.match_index(), peer.heard)) {
      best = &peer;
    }
  }
  if (best == nullptr) return;
  const NodeId to = best->id;
  leader->transfer = {to, s.now.mono + config_.election_timeout, false};
  s.trace(trace::Transfer{trace::TransferPhase::kBegan, to, hard_.term});
  advance_transfer(s);
}

/// Whether the node votes, and goes on voting.
bool Replica::may_take_over(NodeId node) const {
  const Configuration& now = configuration();
  const auto& lasting = is_joint(now) ? now.next : now.voters;
  return std::binary_search(lasting.begin(), lasting.end(), node);
}

/// Tells the target to stand once it has everything. REQUIRES: this node leads.
void Replica::advance_transfer(Step& s) {
  Leader& leader = *as_leader();
  if (!leader.transfer || leader.transfer->told) return;
  const NodeId to = leader.transfer->to;
  const Progress& target = *peer_of(to);
  if (!target.counts() || target.match_index() != log_.last_index()) return;
  leader.transfer->told = true;
  leader.lease_forfeited = true;
  s.trace(trace::Transfer{trace::TransferPhase::kTimeoutNow, to, hard_.term});
  send(s, to, wire::TimeoutNow{hard_.term});
}

void Replica::give_up_transfer(Step& s) {
  Leader& leader = *as_leader();
  s.trace(trace::Transfer{trace::TransferPhase::kGivenUp, leader.transfer->to, hard_.term});
  leader.transfer.reset();
}

void Replica::on_message(Step& s, NodeId from, const wire::TimeoutNow& m) {
  if (m.term < hard_.term) return mark(s, RarePath::kLowTermRequest);
  if (m.term > hard_.term) become_follower(s, m.term, from);
  if (role() == wire::Role::kLeader) return;
  if (!may_stand()) return mark(s, RarePath::kNotStanding);
  if (keeps_out(s)) return;
  if (s.now.mono >= disk_due()) return mark(s, RarePath::kDiskStall);
  mark(s, RarePath::kStoodForTransfer);
  start_election(s, {}, true);
}

}  // namespace ww::raft
