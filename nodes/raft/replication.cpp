// Log replication and commitment (Raft paper, sections 5.3 and 5.4.2), and CheckQuorum
// (dissertation, 6.2: a leader that cannot reach a quorum for two election timeouts steps down).
//
// Every append is also a heartbeat and carries the leader's present round; its reply echoes it. The
// leader writes to its own disk in parallel with replicating (dissertation, 10.2.1) and counts
// itself only as far as its log is durable.
#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "nodes/raft/replica.hpp"

namespace ww::raft {

namespace trace = wire::trace;

template <class T, class Of>
T Replica::quorum_of(T own, Of of) {
  const auto at = [&](NodeId node) {
    if (node == config_.self) return own;
    const Progress& peer = *peer_of(node);
    return peer.counts() ? of(peer) : T{};
  };
  const T reached = reached_by_quorum(configuration(), at);
  if (config_.bugs.is_on(bugs::Bug::kJointOldMajority)) {
    const T old = reached_by_quorum(Configuration{configuration().voters, {}, {}}, at);
    if (config_.bugs.flips(bugs::Bug::kJointOldMajority, old != reached)) return old;
  }
  return reached;
}

// The follower's side.

void Replica::on_message(Step& s, NodeId from, const wire::Append& m) {
  if (m.term < hard_.term) {
    mark(s, RarePath::kLowTermRequest);
    return reject_append(s, from, m);
  }
  if (m.term == hard_.term && role() == wire::Role::kLeader) {
    return mark(s, RarePath::kRivalLeader);
  }
  if (m.term > hard_.term || role() != wire::Role::kFollower) become_follower(s, m.term, from);
  auto& follower = std::get<Follower>(role_);
  follower.leader = from;
  follower.heard = s.now.mono;
  promise(s.now);
  restart_election_timer(s.now);
  // What is below our base is in our snapshot: committed, and so in every later leader's log.
  if (m.prev.index >= log_.base().index && !log_.has(m.prev)) {
    mark(s, RarePath::kRejectedAppend);
    return reject_append(s, from, m);
  }
  const bool news = m.count != 0 && !log_holds(m);
  if (news && !accept_entries(s, m)) return;
  if (m.count != 0 && !news) mark(s, RarePath::kStaleAppend);
  // Only what this append covers was compared with the leader's log: what lies behind it may
  // differ.
  const Index match = m.prev.index + m.count;
  const Index kept = std::max(match, commit_index_);
  if (config_.bugs.flips(bugs::Bug::kTruncOnStaleAe, log_.last_index() > kept)) {
    remove_entries(s, kept + 1);
  }
  const WriteId issued_before = durability_.last_issued();
  const Index last = log_.last_index();
  const Index acked = config_.bugs.flips(bugs::Bug::kAckOwnLast, last > match) ? last : match;
  const WriteId needed = needed_for_ack(s, acked);
  if (needed != WriteId{0} && needed <= issued_before) mark(s, RarePath::kAckWaited);
  const bool beyond = std::min(m.commit, last) > match;
  const bool unmatched = config_.bugs.flips(bugs::Bug::kCommitUnmatchedTail, beyond);
  commit_to(s, std::min(m.commit, unmatched ? last : match));
  take_cover(s, m);
  send_after(s, needed, from,
             wire::AppendReply{hard_.term, true, acked, {}, m.round, doubt_mark()});
}

/// The rounds of another term are not echoed: its leader may lead in ours by now, and would take
/// the number for that of a round which began after this answer.
void Replica::reject_append(Step& s, NodeId from, const wire::Append& m) {
  const std::uint64_t round = m.term == hard_.term ? m.round : 0;
  wire::AppendReply reply{hard_.term, false, m.prev.index, {}, round, doubt_mark()};
  const bool below = m.prev.index == 0 || m.prev.index < log_.base().index;  // of an old term, then
  if (below || m.prev.index > log_.last_index()) {
    reply.conflict = {log_.last_index() + 1, 0};
  } else {
    reply.conflict = {log_.first_of_same_term(m.prev.index), log_.term_at(m.prev.index)};
  }
  send_after(s, needed_for_term(s), from, reply);
}

/// Whether every entry of the append is here already, or in the snapshot. REQUIRES:
/// log_.has(m.prev) or prev is below the base.
bool Replica::log_holds(const wire::Append& m) const {
  if (m.prev.index + m.count > log_.last_index()) return false;
  ByteReader in(m.entries);
  for (std::uint32_t i = 1; i <= m.count; ++i) {
    const Term term = wire::read_entry(in).term;
    const Index index = m.prev.index + i;
    if (index >= log_.base().index && term != log_.term_at(index)) return false;
  }
  return true;
}

/// Figure 2, AppendEntries, steps 3 and 4: removes what conflicts, and only that; appends what is
/// not here. Returns false when it would have to remove committed entries: the cluster is broken
/// then, and this node stops rather than make it worse.
bool Replica::accept_entries(Step& s, const wire::Append& m) {
  trace::Appended appended;
  ByteReader in(m.entries);
  for (std::uint32_t i = 1; i <= m.count; ++i) {
    const wire::EntryView entry = wire::read_entry(in);
    const Index index = m.prev.index + i;
    if (index < log_.base().index) continue;
    if (index <= log_.last_index()) {
      if (log_.term_at(index) == entry.term) continue;
      if (index <= commit_index_) {
        halt(s, "asked to replace entry " + std::to_string(index) + ", which is committed");
        return false;
      }
      remove_entries(s, index);
      mark(s, RarePath::kConflict);
    }
    log_.append(entry);
    if (appended.entries.empty()) appended.first = index;
    appended.entries.push_back({entry.term, log_.hash_at(index)});
  }
  // Entries that this node gathered as a leader may wait for their write before these.
  if (appended_from_ == 0) appended_from_ = appended.first;
  const Index first = appended.first;
  s.trace(std::move(appended));
  for (Index i = first; i <= log_.last_index(); ++i) adopt(s, i, log_.at(i));
  return true;
}

void Replica::remove_entries(Step& s, Index from) {
  log_.truncate(from);
  durability_.truncated(from);
  truncated_from_ = from;
  if (appended_from_ >= from) appended_from_ = 0;
  s.trace(trace::Truncated{from});
  revert_configurations(s, from);
}

// The leader's side.

void Replica::on_message(Step& s, NodeId from, const wire::AppendReply& m) {
  if (m.term > hard_.term) return become_follower(s, m.term, kNobody);
  Progress* peer = hear(s, from, m.term, m.round, m.doubt);
  if (peer == nullptr) return;
  if (!m.success) {
    if (!peer->rejected(m.match, m.conflict, log_)) mark(s, RarePath::kStaleReply);
  } else if (m.match <= log_.last_index()) {
    take_match(s, *peer, m.match);
  }
  confirm_reads(s);
  send_entries(s, *peer);
  advance_transfer(s);
}

Progress* Replica::hear(Step& s, NodeId from, Term term, std::uint64_t round, Incarnation doubt) {
  Leader* leader = as_leader();
  if (leader == nullptr || term < hard_.term) return nullptr;
  Progress* found = peer_of(from);
  WW_ASSERT(found != nullptr, "every member but the leader is a peer");
  if (doubt != 0) {
    hear_doubt(s, *found, doubt);
    found = peer_of(from);
  }
  // A copy of an answer from before the doubt, or from an earlier one: what it tells may be lost.
  if (!found->counts() && doubt != found->doubt()) {
    mark(s, RarePath::kStaleReply);
    return nullptr;
  }
  found->heard = s.now.mono;
  found->confirmed = std::max(found->confirmed, std::min(round, leader->round));
  return found;
}

/// The peer holds our log up to `match`, durably.
void Replica::take_match(Step& s, Progress& peer, Index match) {
  const bool news = peer.accepted(match);
  // One that was covered since its last answer counts by that answer, too.
  if (news || peer.doubt() != 0) advance_leader_commit(s);
}

void Replica::on_leader_timer(Step& s) {
  Leader* leader = as_leader();
  if (s.now.mono >= leader->quorum_check_due && !check_quorum(s)) return;
  if (s.now.mono >= disk_due()) {
    mark(s, RarePath::kDiskStall);
    return become_follower(s, hard_.term, kNobody);
  }
  if (s.now.mono >= leader->heartbeat_due && leave(s)) return;
  if (s.now.mono >= leader->gather_due) release_gathered(s);
  if (leader->transfer && s.now.mono >= leader->transfer->give_up) give_up_transfer(s);
  if (s.now.mono >= leader->heartbeat_due) broadcast(s);
}

/// Returns whether this node goes on leading.
bool Replica::check_quorum(Step& s) {
  Leader& leader = *as_leader();
  const Instant contact = quorum_of(s.now.mono, [](const Progress& p) { return p.heard; });
  leader.quorum_check_due = contact + config_.quorum_patience();
  if (s.now.mono < leader.quorum_check_due) return true;
  mark(s, RarePath::kCheckQuorum);
  become_follower(s, hard_.term, kNobody);
  return false;
}

/// Begins a round: every peer hears from us, and waiting reads are bound to its confirmation.
void Replica::broadcast(Step& s) {
  Leader& leader = *as_leader();
  ++leader.round;
  note_round(s.now);
  leader.heartbeat_due = s.now.mono + config_.heartbeat_interval;
  bind_reads(s);
  for (Progress& peer : leader.peers) {
    if (needs_snapshot(peer)) begin_transfer(peer);
    if (peer.in_snapshot()) {
      send_piece(s, peer);
    } else if (peer.has_room(config_.limits.max_in_flight_appends) &&
               peer.next_index() <= log_.last_index()) {
      send_entries(s, peer);
    } else {
      send_append(s, peer, {peer.next_index(), 0});
    }
  }
  confirm_reads(s);
}

void Replica::replicate(Step& s) {
  for (Progress& peer : as_leader()->peers) send_entries(s, peer);
}

void Replica::send_append(Step& s, Progress& peer, wire::EntryRange range) {
  const Index prev = range.first - 1;
  wire::Append m;
  m.term = hard_.term;
  m.prev = {prev, log_.term_at(prev)};
  m.commit = commit_index_;
  m.round = as_leader()->round;
  m.count = range.count;
  m.covers = cover_for(s, peer);
  peer.sent(range);
  send(s, peer.id, m);
}

void Replica::send_entries(Step& s, Progress& peer) {
  if (needs_snapshot(peer)) begin_transfer(peer);
  if (peer.in_snapshot()) {
    const bool more = peer.received_bytes() < peer.snapshot_bytes();
    if (more && !peer.piece_under_way()) send_piece(s, peer);
    return;
  }
  const Limits& limits = config_.limits;
  while (peer.has_room(limits.max_in_flight_appends) && peer.next_index() <= log_.last_index()) {
    wire::EntryRange range = log_.batch_from(peer.next_index(), limits.max_append_bytes);
    range.count = std::min(range.count, limits.max_append_entries);
    send_append(s, peer, range);
  }
}

void Replica::append_own(Step& s, wire::EntryKind kind, std::string_view payload) {
  log_.append({hard_.term, kind, payload});
  const Index index = log_.last_index();
  s.trace(trace::Appended{index, {{hard_.term, log_.hash_at(index)}}});
  if (appended_from_ == 0) appended_from_ = index;
  adopt(s, index, log_.at(index));
}

/// Writes and replicates the commands that were appended since the last time.
void Replica::release_gathered(Step& s) {
  as_leader()->gather_due = kNever;
  issue_write(s);
  replicate(s);
  advance_leader_commit(s);  // Nothing to do before the write is durable, in a correct node.
}

Index Replica::quorum_match(Index own) {
  return quorum_of(own, [](const Progress& p) { return p.match_index(); });
}

std::uint64_t Replica::quorum_round() {
  return quorum_of(std::get<Leader>(role_).round, [](const Progress& p) { return p.confirmed; });
}

/// Figure 2, leaders: commits N when a quorum holds it durably and it is of our term
/// (section 5.4.2).
void Replica::advance_leader_commit(Step& s) {
  Index n = quorum_match(durability_.stable_index());
  if (config_.bugs.is_on(bugs::Bug::kAckBeforeFsync)) {
    const Index unsynced = quorum_match(log_.last_index());
    const bool differs =
        unsynced > std::max(n, commit_index_) && unsynced >= as_leader()->term_start;
    if (config_.bugs.flips(bugs::Bug::kAckBeforeFsync, differs)) n = unsynced;
  }
  if (n <= commit_index_) return;
  const bool old_term = log_.term_at(n) != hard_.term;
  if (old_term && !config_.bugs.flips(bugs::Bug::kCommitOldTerm, true)) {
    return mark(s, RarePath::kOldTermCommit);
  }
  commit_to(s, n);
  start_read_round(s);
}

/// Figure 2, all servers: raises commitIndex and applies what became committed.
void Replica::commit_to(Step& s, Index index) {
  if (index <= commit_index_) return;
  commit_index_ = index;
  s.trace(trace::Committed{{index, log_.term_at(index)}});
  // Watchers are told before a long run of entries pushes what they need next out of the history.
  const Index pace = std::max<Index>(1, config_.limits.machine.history_entries / 4);
  for (Index unserved = 1; last_applied_ < commit_index_; ++unserved) {
    apply_entry(s, ++last_applied_);
    if (unserved % pace == 0) serve_watchers(s);
  }
  serve_remote_reads(s);
}

}  // namespace ww::raft
