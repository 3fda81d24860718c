// Leader leases (dissertation, 6.4.1): index reads without a round of heartbeats.
//
// The lease. A quorum has echoed a round of appends that was sent at `from`; each of its members
// got it later than that, and votes for nobody for an election timeout T from when it did (4.2.3).
// So no other leader can be elected before `from` + T on the slowest reckoning of those clocks, and
// this node reads until `from` + T / (1 + bound) on its own. The bound is on how far any clock
// outruns any other, not on what they show: offsets do not matter, and neither does the wall clock.
//
// Pieces of a snapshot carry rounds as appends do, and who is sent one counts as much: whoever gets
// a message of the leader's in its term promises, and only then echoes its round. What is answered
// later, when a write or a save is done, echoes a round that was received before. An echo is of our
// own term, for rounds are numbered in each (reject_append).
//
// Changes of members. Rounds are counted by the configuration in force, and a lease outlives it.
// Whoever leads by a later configuration needs the votes of a quorum that meets each of those which
// committed the changes from here to there. Those held their part of the log only after the lease
// began, and promised then, which is why a node that is told of its membership promises before it
// could be asked for a vote, and one that was removed keeps its promise.
//
// The promise. Stickiness as it is in election.cpp is not enough: a node forgets whom it follows
// when it learns of a new term or restarts. Where there are leases it remembers until when it has
// promised to vote for nobody, whatever happens to its term or role; a start promises anew, for the
// process before may have echoed a round just before it died. A node's own candidacy needs no rule:
// its timer began when it promised, and is never shorter than T.
//
// Transfers. A vote that the leader itself asked for (TimeoutNow) overrides the promise. So the
// leader forfeits its lease before it sends TimeoutNow, and for the rest of its term: nothing that
// it can see in that term proves that the message, or a copy of it, will not be acted upon. Another
// term is such a proof, for TimeoutNow counts only in its own; until then reads take rounds.
//
// The check. A read is judged by the clock that was read after its request had been received as a
// whole, and from then on the read is as good as served: what the node does next, it may be stopped
// between the two, is within the read's duration, and whatever happened to the cluster meanwhile is
// concurrent with it.
#include "nodes/raft/replica.hpp"

namespace ww::raft {

namespace trace = wire::trace;

/// A leader was heard from, or the node started.
void Replica::promise(Now now) {
  if (config_.leases) promised_until_ = now.mono + config_.election_timeout;
  promised_by_start_ = false;
}

bool Replica::promise_binds(Now now) {
  const bool binds = config_.leases && now.mono < promised_until_;
  return binds && !config_.bugs.flips(bugs::Bug::kLeasePromiseLost, promised_by_start_);
}

/// A round of appends begins.
void Replica::note_round(Now now) {
  Leader& leader = *as_leader();
  if (config_.leases) leader.rounds.push_back({leader.round, now.mono});
}

/// The lease goes with the latest round that a quorum has echoed.
void Replica::renew_lease(Now now) {
  Leader& leader = *as_leader();
  while (!leader.rounds.empty() && leader.rounds.front().round <= leader.confirmed) {
    const RoundStart& round = leader.rounds.front();
    const bool late = config_.bugs.flips(bugs::Bug::kLeaseTimerLate, round.at != now.mono);
    leader.lease = {round.round, late ? now.mono : round.at};
    leader.rounds.pop_front();
  }
}

bool Replica::lease_holds(Now now) {
  const Leader& leader = *as_leader();
  if (!leader.lease || now.mono >= leader.lease->from + config_.lease_length()) return false;
  return !leader.lease_forfeited || config_.bugs.flips(bugs::Bug::kLeaseVsTransfer, true);
}

/// Serves the read, unless there are no leases or this one has run out.
bool Replica::serve_by_lease(Step& s, const PendingRead& read) {
  if (!config_.leases || !own_term_committed()) return false;
  if (!lease_holds(s.now)) {
    mark(s, RarePath::kLeaseLapsed);
    return false;
  }
  s.trace(trace::Read{as_leader()->lease->round,
                      trace::ReadPhase::kServed,
                      commit_index_,
                      last_applied_,
                      trace::ReadBasis::kLease,
                      {}});
  serve(s, read, commit_index_);
  return true;
}

}  // namespace ww::raft
