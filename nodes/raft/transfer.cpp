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
#include <algorithm>
#include <tuple>

#include "nodes/raft/replica.hpp"

namespace ww::raft {

namespace trace = wire::trace;

void Replica::on(Step& s, const TransferLeadership& input) {
  Leader* leader = as_leader();
  if (leader == nullptr || leader->transfer || leader->peers.empty()) return;
  // Of those that are as far as any, the one heard from last.
  const auto best = std::max_element(
      leader->peers.begin(), leader->peers.end(), [](const Progress& a, const Progress& b) {
        return std::tuple(a.match_index(), a.heard) < std::tuple(b.match_index(), b.heard);
      });
  const NodeId to = input.to == kNobody ? best->id : input.to;
  if (std::none_of(leader->peers.begin(), leader->peers.end(),
                   [to](const Progress& p) { return p.id == to; })) {
    return;
  }
  leader->transfer = {to, s.now.mono + config_.election_timeout, false};
  s.trace(trace::Transfer{trace::TransferPhase::kBegan, to, hard_.term});
  advance_transfer(s);
}

/// Tells the target to stand once it has everything. REQUIRES: this node leads.
void Replica::advance_transfer(Step& s) {
  Leader& leader = *as_leader();
  if (!leader.transfer || leader.transfer->told) return;
  const NodeId to = leader.transfer->to;
  const auto peer = std::find_if(leader.peers.begin(), leader.peers.end(),
                                 [to](const Progress& p) { return p.id == to; });
  if (peer->match_index() != log_.last_index()) return;
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
  if (keeps_out(s)) return;
  if (s.now.mono >= disk_due()) return mark(s, RarePath::kDiskStall);
  mark(s, RarePath::kStoodForTransfer);
  start_election(s, {}, true);
}

}  // namespace ww::raft
