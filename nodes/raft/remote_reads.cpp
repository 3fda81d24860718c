// Linearizable reads at nodes that do not lead (dissertation, 6.4): the node asks its leader for a
// read index, waits until it has applied that far, and serves from its own state.
//
// The index is good whatever becomes of the leader or of this node meanwhile: it was not below
// anything that had been committed when the question came. So a read outlives changes of term and
// role, and ends without an answer only when none comes for an election timeout.
#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "nodes/raft/replica.hpp"

namespace ww::raft {

namespace trace = wire::trace;

/// REQUIRES: this node does not lead, and knows who does.
void Replica::ask_for_index(Step& s, PendingRead read) {
  // Questions of different incarnations differ, for answers outlive those who asked.
  const std::uint64_t context =
      (std::uint64_t{config_.incarnation} << kMessageCounterBits) | ++questions_;
  s.trace(trace::Read{
      context, trace::ReadPhase::kRequested, 0, last_applied_, trace::ReadBasis::kIndex, {}});
  remote_reads_.push_back(
      {context, s.now.mono + config_.election_timeout, std::nullopt, std::move(read)});
  send_after(s, needed_for_term(s), leader(), wire::ReadIndex{hard_.term, context});
}

/// A follower asks: its question waits for a round, or is answered by the lease, as a read of ours.
void Replica::on_message(Step& s, NodeId from, const wire::ReadIndex& m) {
  if (m.term > hard_.term) become_follower(s, m.term, kNobody);
  const Leader* leader = as_leader();
  if (leader == nullptr ||
      leader->writes.size() + leader->reads_pending >= config_.limits.max_pending_requests) {
    return send_after(s, needed_for_term(s), from,
                      wire::ReadIndexReply{hard_.term, false, m.context, 0});
  }
  PendingRead question;
  question.asker = from;
  question.context = m.context;
  take_index_read(s, std::move(question));
}

/// REQUIRES: this node leads.
void Replica::tell_index(Step& s, const PendingRead& read, Index index) {
  send(s, read.asker, wire::ReadIndexReply{hard_.term, true, read.context, index});
}

void Replica::on_message(Step& s, NodeId from, const wire::ReadIndexReply& m) {
  if (m.term > hard_.term) become_follower(s, m.term, kNobody);
  const auto asked = std::find_if(remote_reads_.begin(), remote_reads_.end(),
                                  [&](const RemoteRead& r) { return r.context == m.context; });
  if (asked == remote_reads_.end() || asked->read_index) return;
  if (m.success) {
    asked->read_index = m.index;
    s.trace(trace::Read{m.context,
                        trace::ReadPhase::kConfirmed,
                        m.index,
                        last_applied_,
                        trace::ReadBasis::kIndex,
                        {}});
    return serve_remote_reads(s);
  }
  const PendingRead read = std::move(asked->read);
  remote_reads_.erase(asked);
  wire::ClientReply reply;
  reply.outcome = wire::Outcome::kFailed;
  // Who leads in our term and has no index for us has too much to do.
  const bool busy = m.term == hard_.term && from == leader();
  reply.refusal = busy ? wire::Refusal::kBusy : wire::Refusal::kNotLeader;
  reply.leader_hint = leader();
  answer(s, read.id, read.session, read.seq, std::move(reply));
}

/// Serves what has its index applied.
void Replica::serve_remote_reads(Step& s) {
  for (auto it = remote_reads_.begin(); it != remote_reads_.end();) {
    if (!it->read_index || *it->read_index > last_applied_) {
      ++it;
      continue;
    }
    const RemoteRead remote = std::move(*it);
    it = remote_reads_.erase(it);
    s.trace(trace::Read{remote.context,
                        trace::ReadPhase::kServed,
                        *remote.read_index,
                        last_applied_,
                        trace::ReadBasis::kIndex,
                        {}});
    serve(s, remote.read, *remote.read_index);
  }
}

/// Ends those whose time is up at `now`.
void Replica::give_up_remote_reads(Step& s, Instant now, wire::Refusal why) {
  wire::ClientReply reply;
  reply.outcome = wire::Outcome::kFailed;
  reply.refusal = why;
  while (!remote_reads_.empty() && remote_reads_.front().give_up <= now) {
    const PendingRead read = std::move(remote_reads_.front().read);
    remote_reads_.pop_front();
    mark(s, RarePath::kReadGivenUp);
    answer(s, read.id, read.session, read.seq, reply);
  }
}

}  // namespace ww::raft
