#include "nodes/raft/replica.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/rng.hpp"

namespace ww::raft {

namespace trace = wire::trace;

Replica::Replica(Config config, Durable survived, Now now, Effects& effects)
    : config_(std::move(config)), machine_(config_.limits.machine) {
  const Configuration initial{config_.voters, {}, {}};
  WW_ASSERT(wire::is_sound(initial), "the first voters are not sorted, or too many");
  if (is_voter(initial, config_.self)) configurations_.begin_with(0, initial);
  const Result<void> loaded = log_.load(survived.base, survived.count, std::move(survived.entries));
  WW_ASSERT(loaded.ok(), loaded.ok() ? "" : loaded.error().message.c_str());
  snapshot_ = std::move(survived.snapshot);
  const LogPosition at = snapshot_.at;
  WW_ASSERT(log_.has(at), "no gap from the snapshot to the log");
  if (at.index != 0) {
    auto content = decode_snapshot(snapshot_.bytes, config_.limits.machine);
    WW_ASSERT(content.ok(), content.ok() ? "" : content.error().message.c_str());
    machine_ = std::move(content->machine);
    configurations_.begin_with(at.index, std::move(content->configuration));
    commit_index_ = at.index;
    last_applied_ = at.index;
  }

  Step s{now, effects};
  s.trace(
      trace::Boot{survived.current_term, survived.voted_for, log_.first_index(), log_.last(), at});
  if (at.index != 0) {
    s.trace(trace::Snapshot{trace::SnapshotAct::kLoaded, at, machine_.digest(), configuration(),
                            snapshot_.bytes.size(), log_.first_index(), true});
  }
  trace_configuration(s, trace::ConfigurationAct::kLoaded);
  for (Index i = at.index + 1; i <= log_.last_index(); ++i) adopt(s, i, log_.at(i));
  begin_in_doubt(s, survived);
  hard_ = {survived.current_term, survived.voted_for};
  // Only a node that forgets its term, or lost it, can find a log from its future.
  if (log_.last().term > hard_.term) hard_ = {log_.last().term, kNobody};
  durability_ = Durability({survived.current_term, survived.voted_for}, log_.last_index());
  draw_timeout();
  restart_election_timer(now);
  restart_snapshot_timer(now);
  led_at_ = now.mono;
  promise(now);  // It may have echoed a leader's round just before it died.
  promised_by_start_ = true;
  s.trace(trace::RoleChange{wire::Role::kFollower, hard_.term, {}});
}

void Replica::step(Now now, const Input& input, Effects& effects) {
  Step s{now, effects};
  const bugs::Switches before = config_.bugs;
  // Not earlier: pieces that a step sends name a snapshot that is held until they are encoded.
  if (role() == wire::Role::kLeader) forget_transfers();
  if (role() == wire::Role::kHalted) {
    if (const auto* request = std::get_if<Request>(&input)) on(s, *request);
    if (const auto* watch = std::get_if<Watch>(&input)) on(s, *watch);
    return;
  }
  std::visit([&](const auto& i) { on(s, i); }, input);
  if (leader() != kNobody) led_at_ = now.mono;
  if (as_leader() != nullptr) advance_membership(s);
  // What is gathered is neither written nor in a snapshot yet.
  if (const Leader* leader = as_leader(); leader == nullptr || leader->gather_due == kNever) {
    issue_write(s);
    start_save(s);
  }
  serve_watchers(s);
  if (config_.bugs != before) trace_bugs(s, before);
}

Instant Replica::deadline() const {
  if (role() == wire::Role::kHalted) return kNever;
  const Instant remote_due = remote_reads_.empty() ? kNever : remote_reads_.front().give_up;
  if (const auto* leader = std::get_if<Leader>(&role_)) {
    const Instant give_up = leader->transfer ? leader->transfer->give_up : kNever;
    return std::min({leader->heartbeat_due, leader->quorum_check_due, leader->gather_due, give_up,
                     remote_due, disk_due()});
  }
  return std::min(election_due_, remote_due);
}

NodeId Replica::leader() const {
  if (const auto* follower = std::get_if<Follower>(&role_)) return follower->leader;
  return role() == wire::Role::kLeader ? config_.self : kNobody;
}

void Replica::on(Step& s, const TimerDue&) {
  if (s.now.mono < deadline()) return;
  give_up_remote_reads(s, s.now.mono, wire::Refusal::kLost);
  if (as_leader() != nullptr) return on_leader_timer(s);
  if (s.now.mono < election_due_) return;
  restart_election_timer(s.now);
  const bool stalled = s.now.mono >= disk_due();
  if (stalled) mark(s, RarePath::kDiskStall);
  if (stalled || keeps_out(s)) {
    // It does not stand; but whom it followed is not heard from any more, and clients are told so.
    if (auto* follower = std::get_if<Follower>(&role_)) follower->leader = kNobody;
    return;
  }
  start_pre_vote(s);
}

void Replica::on(Step& s, const Received& input) {
  // Requests are taken from anybody: who is no member here may be one at the others.
  if (input.from == config_.self || is_strange(input.from, input.message)) return;
  std::visit([&](const auto& m) { on_message(s, input.from, m); }, input.message);
}

void Replica::on(Step& s, const Written& input) {
  if (!input.outcome.ok()) {
    const LogPosition stable{durability_.stable_index(), log_.term_at(durability_.stable_index())};
    s.trace(
        trace::Synced{input.id, stable, durability_.state().term, durability_.state().vote, false});
    // After a failed write nobody knows what the disk holds: serving on would be a guess.
    return halt(
        s, "write " + std::to_string(input.id.value) + " failed: " + input.outcome.error().message);
  }
  const Durability::Completion done = durability_.complete(input.id, s.now.mono);
  if (done.synced) {
    const LogPosition stable{durability_.stable_index(), log_.term_at(durability_.stable_index())};
    s.trace(
        trace::Synced{input.id, stable, durability_.state().term, durability_.state().vote, true});
  }
  if (done.tail_replaced) mark(s, RarePath::kTailReplaced);
  release_held(s, input.id);
  if (role() == wire::Role::kCandidate) count_own_vote(s);
  if (role() == wire::Role::kLeader) advance_leader_commit(s);
}

void Replica::trace_bugs(Step& s, const bugs::Switches& before) {
  for (const bugs::BugRow& row : bugs::registry()) {
    const std::uint64_t count = config_.bugs.reached(row.bug);
    if (count == before.reached(row.bug)) continue;
    s.trace(trace::Mark{"bug:" + std::string(row.name), count});
  }
}

void Replica::mark(Step& s, RarePath path) {
  const std::uint64_t count = ++rare_paths_[static_cast<std::size_t>(path)];
  s.trace(trace::Mark{std::string(name_of(path)), count});
}

// Time.

/// Draws a new election timeout from [T, 2T]. The draw is named by node, term and its number in the
/// term, so that it does not depend on how many messages came before.
void Replica::draw_timeout() {
  Rng rng = keyed(config_.seed, "election.timeout", config_.self, hard_.term, draws_in_term_++);
  timeout_ = rng.between(config_.election_timeout, 2 * config_.election_timeout);
}

void Replica::restart_election_timer(Now now) {
  election_due_ = now.mono + timeout_;
}

/// When a disk that goes on completing nothing is given up.
Instant Replica::disk_due() const {
  const Instant since = durability_.waits_since();
  return since == kNever ? kNever : since + config_.disk_patience();
}

// Durability.

/// Issues one write of everything that changed since the last: truncation, new entries, term and
/// vote.
void Replica::issue_write(Step& s) {
  if (hard_ != durability_.issued_state() && config_.bugs.flips(bugs::Bug::kVoteRamOnly, true)) {
    durability_.pretend(hard_);
  }
  const bool state_changed = hard_ != durability_.issued_state();
  if (!state_changed && appended_from_ == 0 && !truncated_from_ && !reset_to_ && !doubt_settled_) {
    return;
  }
  Write write;
  if (state_changed) {
    write.term = hard_.term;
    write.voted_for = hard_.vote;
  }
  write.reset_to = reset_to_;
  write.truncate_from = truncated_from_;
  if (appended_from_ != 0) {
    write.entries = {appended_from_,
                     static_cast<std::uint32_t>(log_.last_index() - appended_from_ + 1)};
  }
  write.sync = state_changed || !config_.bugs.is_on(bugs::Bug::kAckBeforeFsync);
  write.settles_doubt = std::exchange(doubt_settled_, false);
  write.id = durability_.issue(hard_, log_.last_index(), write.sync, s.now.mono);
  reset_to_.reset();
  truncated_from_.reset();
  appended_from_ = 0;
  s.out.emplace_back(write);
}

void Replica::send(Step& s, NodeId to, const wire::PeerMessage& message) {
  const MessageId id{(std::uint64_t{config_.incarnation} << kMessageCounterBits) |
                     ++messages_sent_};
  s.out.emplace_back(Send{to, id, message});
}

/// Sends once the write `needed` is done; at once when that is 0.
void Replica::send_after(Step& s, WriteId needed, NodeId to, const wire::PeerMessage& message) {
  if (needed == WriteId{0}) return send(s, to, message);
  // Kept in the order of writes; what waits for an earlier write may come later.
  const auto place = std::upper_bound(held_.begin(), held_.end(), needed,
                                      [](WriteId id, const Held& h) { return id < h.after; });
  held_.insert(place, Held{needed, to, message});
}

/// The write that makes the present term and vote durable. No message of a term leaves before it.
WriteId Replica::needed_for_term(Step& s) {
  issue_write(s);
  return durability_.needed_for(hard_);
}

/// The write that an acknowledgement of the entries up to `match` waits for: these very entries
/// must be durable, and the term in which they are acknowledged.
WriteId Replica::needed_for_ack(Step& s, Index match) {
  const WriteId for_term = needed_for_term(s);
  const WriteId for_entries = durability_.needed_for(match);
  if (config_.bugs.flips(bugs::Bug::kAckBeforeFsync, for_entries > for_term)) return for_term;
  return std::max(for_term, for_entries);
}

void Replica::release_held(Step& s, WriteId done) {
  while (!held_.empty() && held_.front().after <= done) {
    const Held held = std::move(held_.front());
    held_.pop_front();
    const bool campaigning = role() == wire::Role::kCandidate;
    const bool is_vote = std::holds_alternative<wire::Vote>(held.message);
    if (wire::term_of(held.message) != hard_.term || (is_vote && !campaigning)) {
      mark(s, RarePath::kHeldDropped);
      continue;
    }
    send(s, held.to, held.message);
  }
}

void Replica::halt(Step& s, std::string reason) {
  s.trace(trace::Halt{std::move(reason)});
  s.trace(trace::RoleChange{wire::Role::kHalted, hard_.term, {}});
  fail_pending(s, wire::Refusal::kStopped);
  give_up_remote_reads(s, kNever, wire::Refusal::kStopped);
  end_watches(s, wire::Refusal::kStopped);
  held_.clear();
  truncated_from_.reset();
  reset_to_.reset();
  appended_from_ = 0;
  role_ = Halted{};
}

}  // namespace ww::raft
