// Nodes that may have lost what they acknowledged: damage outside Raft's crash model.
//
// A node that starts on a tail that is damaged, or without the files that it had, does not know
// what it promised: entries that it acknowledged, votes that it gave, terms that it has seen. In
// doubt it follows whoever leads, takes entries and snapshots, and says in each reply that it is in
// doubt. It does not vote, stand or serve; its leader counts it for nothing, be it a commit, a
// round or CheckQuorum. It is as if it were down, but for its log, which the leader repairs.
//
// That is safe for any number of such nodes, in any configuration. Raft rests on quorums that meet
// in a node that remembers. An entry is committed on a quorum. Those that lost it do not vote, so
// the quorum of a later leader meets that one in a node which still holds it. (Of a majority q of
// n, with d of them lost: q + (q - d) > n - d.) Too many of them, and there is no leader; never a
// lost write.
//
// The way back. When a leader of term t first hears of the doubt, it appends an entry, the *cover*,
// and covers the node once the cover is committed by a quorum without it, and is at the node. Then
// the node holds, durably, all that it ever acknowledged and that could yet be committed: a leader
// of t or before had it in its log, and whoever wins an election without the node's vote has what
// is committed (as above); so the leader of t had it before the cover, which is behind its log. And
// no vote that the node forgot can do harm: a candidate of a term above t that holds it asked for
// it before the node's restart, with a log that ends before the cover was made. Its voters meet the
// cover's quorum, which the node is not of, in one that holds the cover and refuses a log without
// it. Nor can a leader of a term above t have been there when the cover was committed, for then
// some node of the cover's quorum would have been of that term. So the node may even vote again in
// a term in which it did before: the forgotten vote elects nobody. Covers are taken in order, so
// this holds of several nodes, too.
//
// The cover must be committed by the configuration in force, which a change of members has changed
// as soon as it is appended: membership.cpp sees to it that a quorum without doubt remains.
//
// Once a leader knows of a doubt it hears only answers that name it. An older one would be true of
// what the node held, and say nothing of where its log ends now. What it knows it keeps while it
// leads, for nodes that leave and join again as well: or a late answer would put one in doubt that
// has long been covered, and that names no doubt any more.
//
// From that moment on the leader counts the node. It tells it, naming its incarnation, in every
// append; so the word for an earlier doubt is none for a later one. What the disk remembers of the
// doubt goes with the next write; until then a start is in doubt again, which costs time and no
// safety.
#include "nodes/raft/replica.hpp"

namespace ww::raft {

namespace trace = wire::trace;

void Replica::begin_in_doubt(Step& s, const Durable& survived) {
  if (config_.bugs.flips(bugs::Bug::kCorruptAsTornTail, survived.damage_cut)) {
    s.trace(trace::Mark{"bug:corrupt-as-torn-tail", 1});
  }
  in_doubt_ = survived.in_doubt;
  if (in_doubt_) s.trace(trace::Doubt{false, survived.doubt, log_.last()});
}

/// Whether the node, being in doubt, must not do what it is about to do.
bool Replica::keeps_out(Step& s) {
  if (!in_doubt_ || config_.bugs.flips(bugs::Bug::kAmnesiaVoter, true)) return false;
  mark(s, RarePath::kDoubtRefusal);
  return true;
}

/// What its replies say of it.
Incarnation Replica::doubt_mark() const {
  return in_doubt_ && !config_.bugs.is_on(bugs::Bug::kAmnesiaVoter) ? config_.incarnation : 0;
}

/// An append of our term's leader was taken.
void Replica::take_cover(Step& s, const wire::Append& m) {
  if (!in_doubt_ || m.covers != config_.incarnation) return;
  in_doubt_ = false;
  doubt_settled_ = true;
  s.trace(trace::Doubt{true, trace::DoubtCause::kStanding, log_.last()});
}

/// A peer says that it may have lost what it acknowledged. REQUIRES: this node leads.
void Replica::hear_doubt(Step& s, Progress& peer, Incarnation incarnation) {
  if (peer.doubt() >= incarnation) return;  // Known, or of a process before.
  mark(s, RarePath::kDoubtSeen);
  peer.fell_in_doubt(incarnation, log_.last_index() + 1);
  append_own(s, wire::EntryKind::kNoop, {});
  release_gathered(s);
}

/// What the next append tells the peer of its doubt.
Incarnation Replica::cover_for(Step& s, Progress& peer) {
  if (peer.doubt() == 0) return 0;
  const Index cover = peer.cover_index();
  if (!peer.covered() && commit_index_ >= cover && peer.match_index() >= cover) {
    peer.cover();
    mark(s, RarePath::kDoubtCovered);
  }
  return peer.covered() ? peer.doubt() : 0;
}

}  // namespace ww::raft
