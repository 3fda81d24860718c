// Snapshots and compaction (Raft paper, section 7 and figure 13; dissertation, chapter 5).
//
// A snapshot is encoded within a step and saved beside it: writes, appends and commits go on. Only
// once it is durable is the log in front of it dropped, or, of another node's snapshot, the state
// machine exchanged; a crash before that finds everything as it was. One save is under way at a
// time.
//
// The log keeps a few entries in front of its snapshot, for followers that are slightly behind. One
// that needs what was dropped is sent the snapshot, a piece at a time: each piece is answered with
// how much is there, and the next begins behind that. Where an answer fails to come, the next round
// asks again, with a piece of no bytes; an answer to a later round than the piece's own says
// whether it was lost.
#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "nodes/raft/replica.hpp"

namespace ww::raft {

namespace trace = wire::trace;

// Taking and saving.

/// Whether the log behind the last snapshot has grown to a threshold, or there is one and it is
/// time. No deadline follows from that: whatever comes in next, be it a heartbeat, is soon enough.
bool Replica::snapshot_is_due(Now now) const {
  const SnapshotOptions& options = config_.snapshots;
  const Index behind = snapshot_.at.index;
  if (last_applied_ <= behind) return false;
  // A node that joins was told of no configuration yet, and does not know what belongs in it.
  if (configurations_.at(last_applied_).voters.empty()) return false;
  if (options.entries != 0 && last_applied_ - behind >= options.entries) return true;
  if (now.mono >= snapshot_due_) return true;
  return options.bytes != 0 && log_.bytes_between(behind, last_applied_) >= options.bytes;
}

void Replica::restart_snapshot_timer(Now now) {
  const Duration interval = config_.snapshots.interval;
  if (interval != Duration{}) snapshot_due_ = now.mono + interval;
}

/// Begins to save what waits to be saved: a snapshot that came whole, or our own that is due. No
/// snapshot may be durable before the term of its last entry is: a start would find a log from the
/// future of its term.
void Replica::start_save(Step& s) {
  if (saving_ || role() == wire::Role::kHalted) return;
  const Term durable = durability_.state().term;
  if (incoming_ && incoming_->at.index <= commit_index_) incoming_.reset();
  if (incoming_ && incoming_->is_whole() && incoming_->at.term <= durable) {
    saving_ = Saving{SaveId{++saves_}, {incoming_->at, std::move(incoming_->bytes)}, {}};
    saving_->from = SnapshotOrigin{incoming_->from, incoming_->term, incoming_->round};
    incoming_.reset();
  } else if (snapshot_is_due(s.now) && log_.term_at(last_applied_) <= durable) {
    const LogPosition at{last_applied_, log_.term_at(last_applied_)};
    const Configuration& taken = configurations_.at(last_applied_);
    saving_ = Saving{SaveId{++saves_}, {at, encode_snapshot(taken, machine_)}, {}};
    const bool sessions = machine_.session_count() != 0;
    if (config_.bugs.flips(bugs::Bug::kDedupeNotInSnapshot, sessions)) {
      kv::Machine without = machine_;
      without.forget_sessions();
      saving_->snapshot.bytes = encode_snapshot(taken, without);
    }
    mark(s, RarePath::kSnapshotTaken);
    s.trace(trace::Snapshot{trace::SnapshotAct::kTaken, at, machine_.digest(), taken,
                            saving_->snapshot.bytes.size(), log_.first_index(), true});
  } else {
    return;
  }
  s.out.emplace_back(Save{saving_->id, saving_->snapshot.at});
}

void Replica::on(Step& s, const Saved& input) {
  WW_ASSERT(saving_ && saving_->id == input.id, "one save is under way at a time");
  if (!input.outcome.ok()) {
    // Nobody knows what of it the disk holds, as after a failed write.
    return halt(s, "snapshot " + std::to_string(input.id.value) +
                       " failed: " + input.outcome.error().message);
  }
  const Saving saved = std::move(*saving_);
  saving_.reset();
  const LogPosition at = saved.snapshot.at;
  if (as_leader() != nullptr && at.index > commit_index_ && !log_.has(at)) {
    // A leader's log has everything that was committed: the cluster is broken (paper, 5.4).
    return halt(s, "asked to replace its log as a leader by a snapshot up to entry " +
                       std::to_string(at.index));
  }
  snapshot_ = saved.snapshot;
  auto content = decode_snapshot(snapshot_.bytes, config_.limits.machine);
  WW_ASSERT(content.ok(), "what is saved was encoded here, or decoded when it came");
  trace::Snapshot event{trace::SnapshotAct::kDurable,
                        at,
                        content->machine.digest(),
                        content->configuration,
                        snapshot_.bytes.size(),
                        0,
                        true};
  if (at.index > commit_index_) {
    event.act = trace::SnapshotAct::kInstalled;
    event.kept = install(s, at, std::move(*content));
  } else if (saved.from) {
    mark(s, RarePath::kSnapshotOvertaken);
  }
  durability_.covered(at.index);
  drop_prefix();
  restart_snapshot_timer(s.now);
  event.first = log_.first_index();
  const bool installed = event.act == trace::SnapshotAct::kInstalled;
  s.trace(std::move(event));
  if (installed) {
    trace_configuration(s, trace::ConfigurationAct::kLoaded);
    serve_remote_reads(s);
  }
  if (!saved.from || saved.from->term != hard_.term) return;
  send_after(s, needed_for_term(s), saved.from->node,
             wire::InstallSnapshotReply{hard_.term, true, at, snapshot_.bytes.size(),
                                        saved.from->round, doubt_mark()});
}

/// Goes on from another node's snapshot: everything up to it is committed. What of the log is
/// behind it stays if the log has that very entry; else the whole log is another history. Returns
/// which it was.
bool Replica::install(Step& s, LogPosition at, SnapshotContent content) {
  const bool kept = log_.has(at);
  mark(s, RarePath::kSnapshotInstalled);
  if (kept) {
    mark(s, RarePath::kSuffixKept);
  } else {
    if (log_.last_index() > at.index) durability_.truncated(at.index + 1);
    log_.reset(at);
    reset_to_ = at;
    configurations_.truncate(at.index + 1);
  }
  const bool other = content.configuration != configurations_.latest();
  if (!config_.bugs.flips(bugs::Bug::kSnapStaleConfig, !kept && other)) {
    configurations_.begin_with(at.index, std::move(content.configuration));
  }
  machine_ = std::move(content.machine);
  commit_index_ = at.index;
  last_applied_ = at.index;
  return kept;
}

/// Drops what the durable snapshot covers, but for the entries that are to trail behind it.
void Replica::drop_prefix() {
  const Index upto = snapshot_.at.index - std::min(config_.snapshots.trailing, snapshot_.at.index);
  if (upto <= log_.base().index) return;
  log_.drop_to(upto);
  configurations_.drop_to(upto);
}

// The follower's side.

void Replica::on_message(Step& s, NodeId from, const wire::InstallSnapshot& m) {
  wire::InstallSnapshotReply reply{hard_.term, false, m.at, 0, m.round, doubt_mark()};
  if (m.term < hard_.term) {
    mark(s, RarePath::kLowTermRequest);
    reply.round = 0;  // As in reject_append.
    return send_after(s, needed_for_term(s), from, reply);
  }
  if (m.term == hard_.term && role() == wire::Role::kLeader) {
    return mark(s, RarePath::kRivalLeader);
  }
  if (m.term > hard_.term || role() != wire::Role::kFollower) become_follower(s, m.term, from);
  auto& follower = std::get<Follower>(role_);
  follower.leader = from;
  follower.heard = s.now.mono;
  promise(s.now);  // Its round is echoed as an append's is, and a lease may rest on it.
  restart_election_timer(s.now);
  reply.term = hard_.term;
  if (m.at.index <= commit_index_ || log_.has(m.at)) {
    // The log holds all of it: a snapshot older than our commit index, or one not needed.
    mark(s, RarePath::kSnapshotUnneeded);
    reply.success = true;
    reply.received = m.total;
    return send_after(s, needed_for_ack(s, m.at.index), from, reply);
  }
  reply.received = take_piece(s, from, m);
  send_after(s, needed_for_term(s), from, reply);
}

/// Adds a piece to what is there of its snapshot, and returns how much that is. A snapshot of
/// another leader or term begins anew.
std::uint64_t Replica::take_piece(Step& s, NodeId from, const wire::InstallSnapshot& m) {
  if (saving_ && saving_->snapshot.at == m.at) {
    if (saving_->from) *saving_->from = {from, m.term, m.round};
    return m.total;
  }
  const bool same_sender = incoming_ && incoming_->from == from && incoming_->term == m.term;
  if (same_sender && m.at.index < incoming_->at.index) {
    mark(s, RarePath::kStrayPiece);  // Of a transfer that ended.
    return 0;
  }
  const bool goes_on = same_sender && incoming_->at == m.at && incoming_->total == m.total;
  if (!goes_on) incoming_ = Incoming{from, m.term, m.at, m.total, 0, {}};
  Incoming& in = *incoming_;
  in.round = std::max(in.round, m.round);
  const std::uint64_t there = in.bytes.size();
  if (m.offset > there || m.offset + m.size < there) {
    mark(s, RarePath::kStrayPiece);
    return there;
  }
  const std::string_view news = m.data.substr(static_cast<std::size_t>(there - m.offset));
  in.bytes.append(news);
  if (news.empty() || !in.is_whole()) return in.bytes.size();
  const auto content = decode_snapshot(in.bytes, config_.limits.machine);
  if (content.ok()) return in.total;
  mark(s, RarePath::kSnapshotRefused);
  incoming_.reset();
  return 0;
}

// The leader's side.

/// Whether the entries that the peer needs next were dropped.
bool Replica::needs_snapshot(const Progress& peer) const {
  return !peer.in_snapshot() && peer.next_index() <= log_.base().index;
}

/// The snapshot under way to a peer stays as it is when we take the next.
void Replica::begin_transfer(Progress& peer) {
  auto& outgoing = as_leader()->outgoing;
  const auto same = [&](const Snapshot& held) { return held.at == snapshot_.at; };
  if (std::none_of(outgoing.begin(), outgoing.end(), same)) outgoing.push_back(snapshot_);
  peer.begin_snapshot(snapshot_.at, snapshot_.bytes.size());
}

/// Forgets the snapshots that nobody is sent any more.
void Replica::forget_transfers() {
  Leader& leader = *as_leader();
  std::erase_if(leader.outgoing, [&](const Snapshot& held) {
    return std::none_of(leader.peers.begin(), leader.peers.end(), [&](const Progress& peer) {
      return peer.in_snapshot() && peer.snapshot() == held.at;
    });
  });
}

/// Sends the next piece, or with one under way a piece of no bytes.
void Replica::send_piece(Step& s, Progress& peer) {
  wire::InstallSnapshot m;
  m.term = hard_.term;
  m.at = peer.snapshot();
  m.total = peer.snapshot_bytes();
  m.offset = peer.received_bytes();
  m.round = as_leader()->round;
  if (!peer.piece_under_way()) {
    m.size = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(config_.snapshots.piece_bytes, m.total - m.offset));
    if (m.size != 0) peer.piece_sent(m.round);
  }
  send(s, peer.id, m);
}

void Replica::on_message(Step& s, NodeId from, const wire::InstallSnapshotReply& m) {
  if (m.term > hard_.term) return become_follower(s, m.term, kNobody);
  Progress* peer = hear(s, from, m.term, m.round, m.doubt);
  if (peer == nullptr) return;
  if (m.success) {
    if (m.at.index <= log_.last_index()) take_match(s, *peer, m.at.index);
  } else if (!peer->in_snapshot() || peer->snapshot() != m.at) {
    mark(s, RarePath::kStaleReply);
  } else if (peer->pieces_answered(m.received, m.round)) {
    mark(s, RarePath::kPieceAgain);
  }
  confirm_reads(s);
  send_entries(s, *peer);
  advance_transfer(s);
}

std::string_view Replica::chunk(const wire::InstallSnapshot& m) const {
  const auto& outgoing = std::get<Leader>(role_).outgoing;
  const auto held = std::find_if(outgoing.begin(), outgoing.end(),
                                 [&](const Snapshot& snapshot) { return snapshot.at == m.at; });
  WW_ASSERT(held != outgoing.end(), "a piece of a snapshot that is not held");
  return std::string_view(held->bytes).substr(static_cast<std::size_t>(m.offset), m.size);
}

}  // namespace ww::raft
