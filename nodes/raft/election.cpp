// Elections (Raft paper, sections 5.2 and 5.4.1) with PreVote and vote stickiness
// (dissertation, 9.6 and 4.2.3).
//
// A node whose timer runs out first asks whether it could win; only with a quorum of such pre-votes
// does it raise its term. A node that heard from a leader of its term within the minimum election
// timeout refuses votes and pre-votes and keeps its term, so that a node that only *it* cannot
// reach does not depose a working leader. That cannot lock a cluster up: refusals carry our term,
// and a leader that appends to a node of a higher term is answered with that term and steps down.
// Where there are leases, more is refused (lease.cpp); what a leader asks for itself is not
// (transfer.cpp).
#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "nodes/raft/replica.hpp"

namespace ww::raft {

namespace trace = wire::trace;

namespace {

/// Adds `node` unless it is there: a vote counts once, however often it arrives.
void add_granter(std::vector<NodeId>& granters, NodeId node) {
  const auto place = std::lower_bound(granters.begin(), granters.end(), node);
  if (place == granters.end() || *place != node) granters.insert(place, node);
}

}  // namespace

void Replica::start_pre_vote(Step& s) {
  if (!may_stand()) return wait_for_leader(s);
  const bool again = role() == wire::Role::kPreCandidate;
  role_ = PreCandidate{{config_.self}};
  if (!again) s.trace(trace::RoleChange{wire::Role::kPreCandidate, hard_.term, {}});
  draw_timeout();
  restart_election_timer(s.now);
  if (is_quorum({config_.self})) return start_election(s, {config_.self}, false);
  for (const NodeId peer : voters_of(configuration())) {
    if (peer != config_.self) send(s, peer, wire::PreVote{hard_.term + 1, log_.last()});
  }
}

/// Figure 2, candidates: increment currentTerm, vote for self, reset the timer, request votes. The
/// requests, and our own vote, wait until that vote is durable. `transfer`: the leader asks for it,
/// and there were no pre-votes.
void Replica::start_election(Step& s, const std::vector<NodeId>& pre_granters, bool transfer) {
  hard_ = {hard_.term + 1, config_.self};
  draws_in_term_ = 0;
  role_ = Candidate{};
  s.trace(trace::RoleChange{wire::Role::kCandidate, hard_.term, pre_granters});
  s.trace(trace::VoteCast{hard_.term, config_.self, true, false, log_.last(), log_.last()});
  draw_timeout();
  restart_election_timer(s.now);
  const WriteId needed = needed_for_term(s);
  for (const NodeId peer : voters_of(configuration())) {
    if (peer == config_.self) continue;
    send_after(s, needed, peer, wire::Vote{hard_.term, log_.last(), transfer});
  }
  count_own_vote(s);
}

void Replica::count_own_vote(Step& s) {
  auto& granters = std::get<Candidate>(role_).granters;
  if (durability_.state() != hard_) return;
  add_granter(granters, config_.self);
  if (is_quorum(granters)) become_leader(s, std::move(granters));
}

/// Figure 2, all servers: a higher term makes a follower. Also ends a candidacy or leadership
/// within the term. Only a new term or the end of a leadership draws a new timeout; only the latter
/// restarts the timer, for otherwise a candidate that cannot win could keep the others from
/// standing.
void Replica::become_follower(Step& s, Term term, NodeId leader) {
  WW_ASSERT(term >= hard_.term, "terms never fall");
  const wire::Role before = role();
  const bool new_term = term > hard_.term;
  if (new_term) {
    hard_ = {term, kNobody};
    draws_in_term_ = 0;
    draw_timeout();
  }
  if (new_term || before != wire::Role::kFollower) {
    s.trace(trace::RoleChange{wire::Role::kFollower, term, {}});
  }
  if (before == wire::Role::kLeader) {
    if (!new_term) draw_timeout();
    restart_election_timer(s.now);
    // Nothing is said about a new leader yet: it is not one of the answers' concerns.
    fail_pending(s, wire::Refusal::kLost);
  }
  role_ = Follower{leader, s.now.mono};
}

void Replica::become_leader(Step& s, std::vector<NodeId> granters) {
  Leader leader;
  leader.quorum_check_due = s.now.mono + config_.quorum_patience();
  leader.term_start = log_.last_index() + 1;
  role_ = std::move(leader);
  follow_configuration(s, log_.last_index() + 1);
  s.trace(trace::RoleChange{wire::Role::kLeader, hard_.term, std::move(granters)});
  append_own(s, wire::EntryKind::kNoop, {});  // Commits what earlier terms left (paper, section 8).
  issue_write(s);
  broadcast(s);
}

bool Replica::leader_is_current(Now now) const {
  if (role() == wire::Role::kLeader) return true;
  const auto* follower = std::get_if<Follower>(&role_);
  return follower != nullptr && follower->leader != kNobody &&
         now.mono < follower->heard + config_.election_timeout;
}

/// The election restriction (section 5.4.1): the later last term wins, then the longer log.
bool Replica::is_up_to_date(LogPosition candidate_last) {
  const LogPosition own = log_.last();
  const bool longer = candidate_last.index >= own.index;
  const bool is = candidate_last.term == own.term ? longer : candidate_last.term > own.term;
  return config_.bugs.flips(bugs::Bug::kVoteLogCheckWrong, longer != is) ? longer : is;
}

/// One vote per term. REQUIRES: term >= current_term().
bool Replica::may_vote_for(NodeId candidate, Term term) const {
  return term > hard_.term || hard_.vote == kNobody || hard_.vote == candidate;
}

void Replica::on_message(Step& s, NodeId from, const wire::PreVote& m) {
  bool granted = false;
  if (m.term < hard_.term) {
    mark(s, RarePath::kLowTermRequest);
  } else if (keeps_out(s)) {
    // Refused, for a vote of ours may be out there that we do not know of.
  } else if (leader_is_current(s.now)) {
    mark(s, RarePath::kStickyRefusal);
  } else if (promise_binds(s.now)) {
    mark(s, RarePath::kPromiseKept);
  } else if (knows_members()) {
    granted = may_vote_for(from, m.term) && is_up_to_date(m.last);
  }
  s.trace(trace::VoteCast{m.term, from, granted, true, m.last, log_.last()});
  // A grant promises nothing and names the term asked about; a refusal tells our term, which must
  // be durable before anybody hears of it.
  if (granted) return send(s, from, wire::PreVoteReply{m.term, true});
  send_after(s, needed_for_term(s), from, wire::PreVoteReply{hard_.term, false});
}

void Replica::on_message(Step& s, NodeId from, const wire::PreVoteReply& m) {
  if (!m.granted) {
    if (m.term > hard_.term) become_follower(s, m.term, kNobody);
    return;
  }
  auto* pre = std::get_if<PreCandidate>(&role_);
  if (pre == nullptr || m.term != hard_.term + 1) return;
  add_granter(pre->granters, from);
  if (!is_quorum(pre->granters)) return;
  const std::vector<NodeId> granters = std::move(pre->granters);
  start_election(s, granters, false);
}

void Replica::on_message(Step& s, NodeId from, const wire::Vote& m) {
  bool granted = false;
  // Whoever follows a leader of that very term knows better than the one who asked for this vote.
  const bool waived = m.transfer && (m.term > hard_.term || leader() == kNobody);
  if (m.term < hard_.term) {
    mark(s, RarePath::kLowTermRequest);
  } else if (!waived && leader_is_current(s.now)) {
    mark(s, RarePath::kStickyRefusal);
  } else if (!waived && promise_binds(s.now)) {
    mark(s, RarePath::kPromiseKept);
  } else if (keeps_out(s)) {
    if (m.term > hard_.term) become_follower(s, m.term, kNobody);
  } else if (knows_members()) {
    if (leader_is_current(s.now) || promise_binds(s.now)) mark(s, RarePath::kRefusalWaived);
    if (m.term > hard_.term) become_follower(s, m.term, kNobody);
    granted = may_vote_for(from, m.term) && is_up_to_date(m.last);
  }
  s.trace(trace::VoteCast{m.term, from, granted, false, m.last, log_.last()});
  if (granted) {
    hard_.vote = from;
    if (role() != wire::Role::kFollower) become_follower(s, hard_.term, kNobody);
    restart_election_timer(s.now);
  }
  send_after(s, needed_for_term(s), from, wire::VoteReply{hard_.term, granted});
}

void Replica::on_message(Step& s, NodeId from, const wire::VoteReply& m) {
  if (m.term > hard_.term) return become_follower(s, m.term, kNobody);
  auto* candidate = std::get_if<Candidate>(&role_);
  if (candidate == nullptr || !m.granted) return;
  const auto& granters = candidate->granters;
  const bool news = !std::binary_search(granters.begin(), granters.end(), from);
  if (m.term < hard_.term && !config_.bugs.flips(bugs::Bug::kStaleGrantCounted, news)) return;
  add_granter(candidate->granters, from);
  if (is_quorum(candidate->granters)) become_leader(s, std::move(candidate->granters));
}

}  // namespace ww::raft
