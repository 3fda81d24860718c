#include "tests/unit/raft_oracle.hpp"

#include <algorithm>

#include "base/hash.hpp"

namespace ww::raft::testing {

namespace trace = wire::trace;

namespace {

/// Whether the disk has the log's entries up to `upto`, or a snapshot of them.
bool disk_holds(const Disk& disk, const Log& log, Index upto) {
  if (disk.snapshot.at.index >= upto) return true;
  if (disk.last_index() < upto || log.last_index() < upto) return false;
  const Index covered = std::max(disk.snapshot.at.index, log.base().index);
  if (covered < disk.base.index) return false;
  for (Index i = covered + 1; i <= upto; ++i) {
    if (disk.entry(i) != log.encoded({i, 1})) return false;
  }
  return true;
}

/// Whether those for which `holds` is true are more than half of each list of voters.
template <class Holds>
bool agreed(const wire::Configuration& c, Holds holds) {
  for (const auto* half : {&c.voters, &c.next}) {
    const auto count = static_cast<std::size_t>(std::count_if(half->begin(), half->end(), holds));
    if (!half->empty() && 2 * count <= half->size()) return false;
  }
  return !c.voters.empty();
}

/// Whether the command writes its unique value for good once it is logged.
bool is_lone_write(const wire::Command& command) {
  return command.kind == wire::CommandKind::kWrite && command.session == SessionId{0};
}

}  // namespace

/// Names a log's first `upto` entries. What a log dropped was committed.
std::uint64_t Oracle::chain_of(const Log& log, Index upto) const {
  const Index base = log.base().index;
  if (base > upto || base > global_.size())
    return upto == 0 || upto > global_.size() ? 0 : global_[upto - 1].chain;
  std::uint64_t chain = base == 0 ? 0 : global_[base - 1].chain;
  for (Index i = base + 1; i <= upto; ++i) chain = hash_combine(chain, log.hash_at(i));
  return chain;
}

void Oracle::broken(const char* rule, const Member& member, const std::string& what) {
  if (!violation_) violation_ = std::string(rule) + ": " + name_of(member.id) + " " + what;
}

void Oracle::see(const Cluster& cluster, const Member& member, const Effect& effect) {
  if (const auto* send = std::get_if<Send>(&effect)) return on(member, *send);
  if (const auto* answer = std::get_if<Answer>(&effect)) return on(member, *answer);
  const auto* event = std::get_if<Trace>(&effect);
  if (event == nullptr) return;
  if (const auto* e = std::get_if<trace::RoleChange>(&event->event)) on(member, *e);
  if (const auto* e = std::get_if<trace::Committed>(&event->event)) on(cluster, member, *e);
  if (const auto* e = std::get_if<trace::Appended>(&event->event)) on(member, *e);
  if (const auto* e = std::get_if<trace::Applied>(&event->event)) on(member, *e);
  if (const auto* e = std::get_if<trace::VoteCast>(&event->event)) on(member, *e);
  if (const auto* e = std::get_if<trace::Snapshot>(&event->event)) on(member, *e);
  if (const auto* e = std::get_if<trace::Configured>(&event->event)) on(member, *e);
  if (const auto* e = std::get_if<trace::Truncated>(&event->event)) {
    if (e->from <= now_[member.id].commit) broken("NoTrunc", member, "removed committed entries");
  }
}

void Oracle::requested(const Member& member, const Request& request) {
  invoked_[request.id] = {global_.size(), request.command, member.id, member.config.incarnation};
}

bool Oracle::all_answered(const Cluster& cluster) const {
  for (const auto& [id, asked] : invoked_) {
    if (cluster.member(asked.node).config.incarnation == asked.incarnation) return false;
  }
  return true;
}

void Oracle::check_state(const Member& member) {
  if (!member.replica) return;
  const Replica& r = *member.replica;
  View& view = now_[member.id];
  if (r.current_term() < view.term) broken("Term", member, "forgot its term");
  if (r.commit_index() < view.commit) broken("CommitMono", member, "uncommitted something");
  if (r.last_applied() != r.commit_index()) broken("Apply", member, "did not apply all");
  if (r.commit_index() > r.last().index) broken("Apply", member, "committed beyond its log");
  if (r.log().last().term > r.current_term()) broken("LM", member, "has entries of the future");
  if (r.durability().stable_index() > r.last().index) {
    broken("AckTruth", member, "believes more durable than there is");
  }
  view = {r.current_term(), r.commit_index(), r.last_applied()};
}

void Oracle::on(const Member& member, const trace::RoleChange& event) {
  roles_[member.id] = event.role;
  if (event.role != wire::Role::kLeader) return;
  if (!leaders_.try_emplace(event.term, member.id).second) {
    broken("ES", member, "is a second leader of term " + std::to_string(event.term));
  }
  const auto granted = [&](NodeId id) {
    const bool own = id == member.id && member.disk.vote == id && member.disk.term == event.term;
    return std::count(event.granters.begin(), event.granters.end(), id) == 1 &&
           (own || has_voted(id, event.term, member.id));
  };
  if (!agreed(in_force_[member.id], granted)) {
    broken("Win", member, "won without a quorum");
  }
  const Log& log = member.replica->log();
  Index checked = 0;
  while (checked < global_.size() && global_[checked].committer < event.term) ++checked;
  if (checked == 0) return;
  if (log.last_index() < checked || chain_of(log, checked) != global_[checked - 1].chain) {
    broken("LC", member, "leads without the committed entries");
  }
}

void Oracle::on(const Cluster& cluster, const Member& member, const trace::Committed& event) {
  const Replica& r = *member.replica;
  const Index before = global_.size();
  const std::uint64_t chain = chain_of(r.log(), event.to.index);
  if (event.to.index <= before) {
    if (global_[event.to.index - 1].chain != chain) broken("CommitAgree", member, "differs");
    return;
  }
  if (before > 0 && chain_of(r.log(), before) != global_.back().chain) {
    return broken("CommitAgree", member, "differs");
  }
  if (roles_[member.id] != wire::Role::kLeader)
    return broken("FollowerBound", member, "committed first");
  if (event.to.term != r.current_term()) broken("OwnTerm", member, "committed by an old term");
  const auto holds = [&](NodeId id) {
    // Those that lost it vote for nobody, so it is as safe with them as if they held it.
    const auto lost = lost_.find(id);
    const auto held = [&](const Disk& disk) { return disk_holds(disk, r.log(), event.to.index); };
    return held(cluster.member(id).disk) ||
           (lost != lost_.end() && std::any_of(lost->second.begin(), lost->second.end(), held));
  };
  if (!agreed(in_force_[member.id], holds)) {
    broken("CommitDurable", member, "committed in memory only");
  }
  for (Index i = before + 1; i <= event.to.index; ++i) {
    global_.push_back({r.log().term_at(i), chain_of(r.log(), i), r.current_term()});
    model(i, r.log().at(i));
  }
}

void Oracle::on(const Member& member, const trace::Appended& event) {
  const Log& log = member.replica->log();
  for (Index i = event.first; i < event.first + event.entries.size(); ++i) {
    const std::uint64_t chain = chain_of(log, i);
    const auto [known, fresh] = chains_.try_emplace({i, log.term_at(i)}, chain);
    if (!fresh && known->second != chain) broken("LM", member, "holds another log of equal end");
  }
}

void Oracle::on(const Member& member, const trace::Applied& event) {
  const auto [known, fresh] = digests_.try_emplace(event.at.index, event.digest);
  if (!fresh && known->second != event.digest) broken("Apply", member, "has another digest");
  if (event.session == SessionId{0} || event.execution != trace::Execution::kExecuted) return;
  const auto [first, once] = executed_.try_emplace({event.session, event.seq}, event.at.index);
  if (!once && first->second != event.at.index) broken("Session", member, "executed a retry");
}

void Oracle::on(const Member& member, const trace::VoteCast& event) {
  if (!event.granted || event.pre) return;
  // A decision that nobody heard of and that was not durable is forgotten in a crash, rightly.
  const auto key = std::make_tuple(member.id, member.config.incarnation, event.term);
  const auto [cast, fresh] = decided_.try_emplace(key, event.candidate);
  if (!fresh && cast->second != event.candidate) broken("Vote1", member, "decided twice");
}

void Oracle::on(const Member& member, const Send& send) {
  const auto* pre = std::get_if<wire::PreVoteReply>(&send.message);
  if (std::holds_alternative<wire::PreVote>(send.message) || (pre != nullptr && pre->granted)) {
    return;
  }
  const Disk& disk = member.disk;
  if (wire::term_of(send.message) > disk.term) {
    broken("Term", member, "spoke of a term that is not durable");
  }
  if (const auto* m = std::get_if<wire::VoteReply>(&send.message)) {
    if (m->granted) voted(member, m->term, send.to);
    if (m->granted && disk.term == m->term && disk.vote != send.to) {
      broken("Vote1", member, "gave a vote that is not durable");
    }
  }
  if (std::holds_alternative<wire::Vote>(send.message)) {
    voted(member, wire::term_of(send.message), member.id);
    if (disk.vote != member.id) broken("Vote1", member, "stands without a durable vote");
  }
  if (const auto* m = std::get_if<wire::AppendReply>(&send.message)) {
    if (m->success && !disk_holds(disk, member.replica->log(), m->match)) {
      broken("AckTruth", member, "acknowledged entries that are not durable");
    }
  }
  if (const auto* m = std::get_if<wire::InstallSnapshotReply>(&send.message)) {
    if (m->success && !disk_holds(disk, member.replica->log(), m->at.index)) {
      broken("AckTruth", member, "acknowledged a snapshot that is not durable");
    }
  }
}

void Oracle::on(const Member& member, const trace::Snapshot& event) {
  if (event.at.index > global_.size() || global_[event.at.index - 1].term != event.at.term) {
    return broken("SnapPrefix", member, "has a snapshot of what is not committed");
  }
  const auto digest = digests_.find(event.at.index);
  if (digest == digests_.end() || digest->second != event.digest) {
    broken("SnapPrefix", member, "has a snapshot of another state");
  }
  const bool installed = event.act == trace::SnapshotAct::kInstalled;
  snapshots_taken_ += event.act == trace::SnapshotAct::kTaken ? 1 : 0;
  snapshots_installed_ += installed ? 1 : 0;
  if (event.act == trace::SnapshotAct::kTaken) return;
  if (member.disk.snapshot.at != event.at) broken("SnapPrefix", member, "has it in memory only");
  if (event.first > event.at.index + 1) broken("SnapPrefix", member, "left a gap");
}

void Oracle::on(const Member& member, const trace::Configured& event) {
  if (event.act != trace::ConfigurationAct::kCommitted) {
    in_force_[member.id] = event.configuration;
    return;
  }
  const auto [known, fresh] = configurations_.try_emplace(event.at.index, event.configuration);
  if (!fresh && known->second != event.configuration) {
    broken("CommitAgree", member, "committed another configuration");
  }
}

std::size_t Oracle::lost(NodeId node) const {
  const auto found = lost_.find(node);
  return found == lost_.end() ? 0 : found->second.size();
}

bool Oracle::has_voted(NodeId node, Term term, NodeId candidate) const {
  for (std::size_t disks = 0; disks <= lost(node); ++disks) {
    const auto vote = votes_.find({node, term, disks});
    if (vote != votes_.end() && vote->second == candidate) return true;
  }
  return false;
}

void Oracle::voted(const Member& member, Term term, NodeId candidate) {
  const auto [vote, fresh] = votes_.try_emplace({member.id, term, lost(member.id)}, candidate);
  if (!fresh && vote->second != candidate) broken("Vote1", member, "voted twice");
}

void Oracle::on(const Member& member, const Answer& answer) {
  const auto found = invoked_.find(answer.id);
  if (found == invoked_.end()) return broken("ReplyTruth", member, "answered nobody, or twice");
  const Invoked invoked = found->second;
  invoked_.erase(found);
  const wire::ClientReply& reply = answer.reply;
  const wire::Command& command = invoked.command;
  if (reply.outcome == wire::Outcome::kFailed && is_lone_write(command)) {
    failed_values_.insert(command.value);
    if (logged_values_.count(command.value) != 0) broken("ReplyTruth", member, "lied of failure");
  }
  if (reply.outcome != wire::Outcome::kOk) return;
  ++answered_ok_;
  const bool known = reply.at.index <= global_.size();
  const Term term = known && reply.at.index > 0 ? global_[reply.at.index - 1].term : 0;
  if (!known || term != reply.at.term) {
    return broken("ReplyTruth", member, "said ok of what is not committed");
  }
  if (is_lone_write(command) && logged_values_.count(command.value) == 0) {
    broken("ReplyTruth", member, "said ok of a write that is not in the log");
  }
  if (command.kind != wire::CommandKind::kRead || command.session != SessionId{0}) return;
  ++reads_served_;
  if (reply.at.index < invoked.committed) broken("LIN", member, "served a stale read");
  const std::optional<std::string> expected = value_at(command.key, reply.at.index);
  if (expected.has_value() != reply.exists || expected.value_or("") != reply.value) {
    broken("LIN", member, "read what was never there");
  }
}

void Oracle::model(Index index, const wire::EntryView& entry) {
  if (entry.kind != wire::EntryKind::kCommand) return;
  const wire::Command command = copy_of(*wire::decode_command(entry.payload));
  std::erase_if(sessions_, [&](const auto& s) { return s.second.used + kSessionEntries < index; });
  if (command.kind == wire::CommandKind::kOpenSession) {
    if (sessions_.size() < kMaxSessions) sessions_[SessionId{index}] = {0, index};
    return;
  }
  if (command.session != SessionId{0}) {
    const auto session = sessions_.find(command.session);
    if (session == sessions_.end() || command.seq <= session->second.seq) return;
    session->second = {command.seq, index};
  }
  auto& versions = versions_[command.key];
  const std::optional<std::string> before = value_at(command.key, index);
  if (command.kind == wire::CommandKind::kWrite) {
    versions.emplace_back(index, command.value);
    logged_values_.insert(command.value);
  } else if (command.kind == wire::CommandKind::kAppend) {
    versions.emplace_back(index, before.value_or("") + command.value);
  } else if (command.kind == wire::CommandKind::kDelete) {
    versions.emplace_back(index, std::nullopt);
  } else if (command.kind == wire::CommandKind::kCas && before == command.expected) {
    versions.emplace_back(index, command.value);
  }
  if (is_lone_write(command) && failed_values_.count(command.value) != 0 && !violation_) {
    violation_ = "ReplyTruth: a definite failure was committed";
  }
}

std::optional<std::string> Oracle::value_at(const std::string& key, Index index) const {
  const auto found = versions_.find(key);
  if (found == versions_.end()) return std::nullopt;
  std::optional<std::string> value;
  for (const auto& [at, version] : found->second) {
    if (at <= index) value = version;
  }
  return value;
}

}  // namespace ww::raft::testing
