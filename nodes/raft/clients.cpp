// Clients' requests: writes through the log, linearizable reads by ReadIndex (dissertation, 6.4),
// by a lease (lease.cpp), or at a follower (remote_reads.cpp), and the answers.
//
// An answer says ok only for what is committed and applied; failed only where the attempt surely
// has no effect, now or ever; and unknown otherwise. A read has no effect whatever becomes of it.
#include <utility>

#include "base/assert.hpp"
#include "nodes/raft/replica.hpp"

namespace ww::raft {

namespace trace = wire::trace;

void Replica::on(Step& s, const Request& request) {
  const wire::Command& command = request.command;
  s.trace(trace::Client{request.id.connection,
                        request.id.request,
                        command.session,
                        command.seq,
                        false,
                        wire::Outcome::kUnknown,
                        {}});
  if (role() == wire::Role::kHalted) return refuse(s, request, wire::Refusal::kStopped);
  const bool index_read =
      command.kind == wire::CommandKind::kRead && request.read_mode == wire::ReadMode::kIndex;
  const Leader* leader = as_leader();
  if (leader == nullptr && index_read && config_.follower_reads && Replica::leader() != kNobody &&
      !keeps_out(s)) {
    if (remote_reads_.size() < config_.limits.max_pending_requests) {
      return ask_for_index(s, {request.id, command.session, command.seq, command.key});
    }
    mark(s, RarePath::kBusy);
    return refuse(s, request, wire::Refusal::kBusy);
  }
  if (leader == nullptr) return refuse(s, request, wire::Refusal::kNotLeader);
  if (leader->writes.size() + leader->reads_pending >= config_.limits.max_pending_requests) {
    mark(s, RarePath::kBusy);
    return refuse(s, request, wire::Refusal::kBusy);
  }
  if (index_read) return take_read(s, request);
  if (leader->transfer) {
    mark(s, RarePath::kTransferPause);
    return refuse(s, request, wire::Refusal::kBusy);
  }
  take_write(s, request);
}

void Replica::take_write(Step& s, const Request& request) {
  std::string payload;
  wire::encode_command(payload, request.command);
  if (payload.size() > wire::kMaxEntryPayload) return refuse(s, request, wire::Refusal::kTooLarge);
  // One command always has room, or a bound below its size would stop the service for good.
  const std::uint64_t uncommitted = log_.bytes_between(commit_index_, log_.last_index());
  if (uncommitted != 0 && uncommitted + payload.size() > config_.limits.max_uncommitted_bytes) {
    mark(s, RarePath::kBusy);
    return refuse(s, request, wire::Refusal::kBusy);
  }
  append_own(s, wire::EntryKind::kCommand, payload);
  as_leader()->writes.push_back(
      {log_.last_index(), request.id, request.command.session, request.command.seq});
  if (!config_.gather) return release_gathered(s);
  as_leader()->gather_due = s.now.mono;
}

void Replica::take_read(Step& s, const Request& request) {
  const wire::Command& command = request.command;
  PendingRead read{request.id, command.session, command.seq, command.key};
  const bool needs_confirmation = !is_quorum({config_.self}) || !own_term_committed();
  if (config_.bugs.flips(bugs::Bug::kLocalRead, needs_confirmation)) {
    return serve(s, read, commit_index_);
  }
  take_index_read(s, std::move(read));
}

/// Of a client or of a follower.
void Replica::take_index_read(Step& s, PendingRead read) {
  if (serve_by_lease(s, read)) return;
  Leader& leader = *as_leader();
  leader.gathering.push_back(std::move(read));
  ++leader.reads_pending;
  start_read_round(s);
}

/// Whether an entry of the present term is committed. Until then this leader does not know how far
/// its predecessors committed, and its commit index is no read index.
bool Replica::own_term_committed() const {
  const auto* leader = std::get_if<Leader>(&role_);
  return leader != nullptr && commit_index_ >= leader->term_start;
}

/// Whether this leader's commit index is a read index.
bool Replica::may_index_reads() {
  return own_term_committed() || config_.bugs.flips(bugs::Bug::kReadIndexEarly, true);
}

/// Reads that arrive while a round is under way wait for the next: the confirming appends must be
/// sent after the read came.
void Replica::start_read_round(Step& s) {
  const Leader* leader = as_leader();
  if (leader == nullptr || leader->gathering.empty() || !may_index_reads()) return;
  if (leader->confirmed == leader->round) broadcast(s);
}

/// Binds the reads that wait to the round that begins now; the commit index is their read index.
void Replica::bind_reads(Step& s) {
  Leader& leader = *as_leader();
  if (leader.gathering.empty() || !may_index_reads()) return;
  if (leader.gathering.size() > 1) mark(s, RarePath::kReadsBatched);
  s.trace(trace::Read{leader.round, trace::ReadPhase::kRequested, commit_index_, last_applied_});
  leader.batches.push_back({leader.round, commit_index_, std::exchange(leader.gathering, {})});
}

/// Serves the reads whose round a quorum has echoed.
void Replica::confirm_reads(Step& s) {
  Leader& leader = *as_leader();
  leader.confirmed = quorum_round();
  renew_lease(s.now);
  while (!leader.batches.empty() && leader.batches.front().round <= leader.confirmed) {
    const ReadBatch batch = std::move(leader.batches.front());
    leader.batches.pop_front();
    WW_ASSERT(last_applied_ >= batch.read_index, "what is committed is applied in the same step");
    trace::Read event{batch.round, trace::ReadPhase::kConfirmed, batch.read_index, last_applied_};
    s.trace(event);
    event.phase = trace::ReadPhase::kServed;
    s.trace(event);
    leader.reads_pending -= batch.reads.size();
    for (const PendingRead& read : batch.reads) serve(s, read, batch.read_index);
  }
  start_read_round(s);
}

void Replica::serve(Step& s, const PendingRead& read, Index read_index) {
  if (read.asker != kNobody) return tell_index(s, read, read_index);
  wire::ClientReply reply = machine_.read(read.key);
  reply.at = {last_applied_, log_.term_at(last_applied_)};
  answer(s, read.id, read.session, read.seq, std::move(reply));
}

void Replica::apply_entry(Step& s, Index index) {
  const wire::EntryView entry = log_.at(index);
  trace::Applied event;
  event.at = {index, entry.term};
  event.hash = log_.hash_at(index);
  kv::Applied applied;
  if (entry.kind == wire::EntryKind::kCommand) {
    const Result<wire::CommandView> command = wire::decode_command(entry.payload);
    WW_ASSERT(command.ok(), "a leader logs only commands that decode");
    applied = machine_.apply(event.at, *command, config_.bugs);
    event.session = command->session;
    event.seq = command->seq;
    event.execution = applied.execution;
    event.answer = kv::hash_of(applied.reply);
  }
  event.digest = machine_.digest();
  s.trace(event);
  if (entry.kind == wire::EntryKind::kConfiguration) {
    s.trace(trace::Configured{trace::ConfigurationAct::kCommitted, event.at,
                              configurations_.at(index)});
  }
  if (event.execution == trace::Execution::kRepeated) mark(s, RarePath::kRepeatedCommand);
  Leader* leader = as_leader();
  if (leader == nullptr || leader->writes.empty() || leader->writes.front().index != index) return;
  const PendingWrite write = leader->writes.front();
  leader->writes.pop_front();
  answer(s, write.id, write.session, write.seq, std::move(applied.reply));
}

/// Ends everything that waits for an answer: the entries of writes may yet be committed by others.
void Replica::fail_pending(Step& s, wire::Refusal why) {
  Leader* leader = as_leader();
  if (leader == nullptr) return;
  wire::ClientReply reply;
  reply.refusal = why;
  reply.outcome = wire::Outcome::kUnknown;
  for (const PendingWrite& write : std::exchange(leader->writes, {})) {
    answer(s, write.id, write.session, write.seq, reply);
  }
  reply.outcome = wire::Outcome::kFailed;
  const auto fail = [&](const std::vector<PendingRead>& reads) {
    for (const PendingRead& read : reads) {
      // A follower that asked will see for itself.
      if (read.asker == kNobody) answer(s, read.id, read.session, read.seq, reply);
    }
  };
  for (const ReadBatch& batch : std::exchange(leader->batches, {})) fail(batch.reads);
  fail(std::exchange(leader->gathering, {}));
  leader->reads_pending = 0;
}

void Replica::answer(Step& s, const RequestId& id, SessionId session, std::uint64_t seq,
                     wire::ClientReply reply) {
  s.trace(trace::Client{id.connection, id.request, session, seq, true, reply.outcome, reply.at});
  reply.request = id.request;
  s.out.emplace_back(Answer{id, std::move(reply)});
}

void Replica::refuse(Step& s, const Request& request, wire::Refusal why) {
  wire::ClientReply reply;
  reply.outcome = wire::Outcome::kFailed;
  reply.refusal = why;
  if (why == wire::Refusal::kNotLeader) reply.leader_hint = leader();
  answer(s, request.id, request.command.session, request.command.seq, std::move(reply));
}

}  // namespace ww::raft
