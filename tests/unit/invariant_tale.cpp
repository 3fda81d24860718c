#include "tests/unit/invariant_tale.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "base/hash.hpp"

namespace ww::test {

namespace t = wire::trace;

namespace {

NodeId node(int n) {
  return NodeId{static_cast<std::uint32_t>(n)};
}

wire::EntryView view(const TaleEntry& entry) {
  auto kind = entry.payload.empty() ? wire::EntryKind::kNoop : wire::EntryKind::kCommand;
  if (entry.configures) kind = wire::EntryKind::kConfiguration;
  return {entry.term, kind, entry.payload};
}

std::string file_name(std::uint64_t segment) {
  std::string digits = std::to_string(segment);
  return "log-" + std::string(10 - digits.size(), '0') + digits + ".seg";
}

}  // namespace

Tale::Tale(std::uint32_t nodes) : members_(nodes + std::size_t{1}) {
  for (int n = 1; n <= static_cast<int>(nodes); ++n) start(n);
}

std::string Tale::file(int n) const {
  return file_name(member(n).segment);
}

void Tale::trace(int n, t::Event event) {
  Member& m = member(n);
  Step step;
  step.node = node(n);
  step.incarnation = m.incarnation;
  step.record = {++m.sequence, tick(), std::move(event)};
  steps.push_back(std::move(step));
}

void Tale::store(int n, t::StoreOp op, std::string data) {
  Member& m = member(n);
  t::Store event;
  event.op = op;
  if (op != t::StoreOp::kSyncDir) event.file = file(n);
  std::string& bytes = m.files[file(n)];
  event.offset = op == t::StoreOp::kWrite ? bytes.size() : 0;
  event.data = data;
  bytes += data;
  if (op == t::StoreOp::kSyncFile) m.durable[file(n)] = bytes;
  trace(n, event);
}

void Tale::store_file(int n, t::StoreOp op, const std::string& name, std::string data) {
  t::Store event;
  event.op = op;
  event.file = name;
  event.data = std::move(data);
  trace(n, event);
}

/// The file of a snapshot beside the first segment, at whose beginning there was nothing.
void Tale::save(int n, LogPosition at, const std::string& content) {
  Member& m = member(n);
  std::string body;
  ByteWriter b(body);
  for (const std::uint64_t number :
       {at.index, at.term, Term{1}, Term{0}, Term{0}, Index{0}, Term{0}}) {
    b.varint(number);
  }
  b.raw(content);
  std::string file = "WWSNAP01";
  ByteWriter w(file);
  w.u32(static_cast<std::uint32_t>(n));
  w.u32(static_cast<std::uint32_t>(body.size()));
  w.u32(crc32c(body));
  w.u32(crc32c(file));
  file += body;
  const std::string digits = std::to_string(at.index);
  const std::string stem = "snap-" + std::string(10 - digits.size(), '0') + digits;
  store_file(n, t::StoreOp::kCreate, stem + ".tmp");
  store_file(n, t::StoreOp::kWrite, stem + ".tmp", file);
  store_file(n, t::StoreOp::kSyncFile, stem + ".tmp");
  t::Store rename;
  rename.op = t::StoreOp::kRename;
  rename.file = stem + ".tmp";
  rename.other = stem + ".snap";
  trace(n, rename);
  t::Store sync;
  sync.op = t::StoreOp::kSyncDir;
  trace(n, sync);
  m.files[stem + ".snap"] = file;
  m.durable[stem + ".snap"] = file;
  m.snapshot = at;
  m.content = content;
  m.snapshot_digest = m.digest;
}

t::Snapshot Tale::told(int n, t::SnapshotAct act, bool kept) const {
  const Member& m = member(n);
  t::Snapshot event{act, m.snapshot, m.snapshot_digest, {}, m.content.size(), m.snapshot.index + 1,
                    kept};
  for (std::size_t i = 1; i < members_.size(); ++i)
    event.configuration.voters.push_back(node(static_cast<int>(i)));
  return event;
}

Tale& Tale::snapshot(int n) {
  Member& m = member(n);
  std::string content;
  ByteWriter w(content);
  w.varint(members_.size() - 1);
  for (std::size_t i = 1; i < members_.size(); ++i) w.varint(i);
  w.varint(0);  // neither a C_new
  w.varint(0);  // nor learners
  w.u64(m.digest);
  w.raw("the state");
  t::Snapshot taken = told(n, t::SnapshotAct::kTaken, true);
  taken.at = at(n, m.applied);
  taken.digest = m.digest;
  trace(n, taken);
  save(n, at(n, m.applied), content);
  trace(n, told(n, t::SnapshotAct::kDurable, true));
  return *this;
}

Tale& Tale::install(int n, int from, bool kept) {
  const Member& leader = member(from);
  Member& m = member(n);
  wire::InstallSnapshot piece;
  piece.term = leader.term;
  piece.at = leader.snapshot;
  piece.total = leader.content.size();
  piece.round = 1;
  piece.size = static_cast<std::uint32_t>(leader.content.size());
  receive(n, from, send(from, n, piece));
  m.digest = leader.snapshot_digest;
  save(n, leader.snapshot, leader.content);
  m.commit = m.applied = leader.snapshot.index;
  if (!kept) {
    m.log.assign(leader.log.begin(),
                 leader.log.begin() + static_cast<std::ptrdiff_t>(leader.snapshot.index));
    m.pending_reset = leader.snapshot;
    m.written = m.synced = leader.snapshot.index;
  }
  trace(n, told(n, t::SnapshotAct::kInstalled, kept));
  const MessageId answer = send(
      n, from,
      wire::InstallSnapshotReply{leader.term, true, leader.snapshot, leader.content.size(), 1});
  return receive(from, n, answer);
}

void Tale::new_segment(int n) {
  Member& m = member(n);
  ++m.segment;
  store(n, t::StoreOp::kCreate);
  std::string header = "WWLOG002";
  ByteWriter w(header);
  w.u32(static_cast<std::uint32_t>(n));
  w.u64(m.segment);
  w.u32(crc32c(header));
  store(n, t::StoreOp::kWrite, header);
  store(n, t::StoreOp::kSyncFile);
  store(n, t::StoreOp::kSyncDir);
  m.synced_segment = m.segment;
  m.synced_offset = header.size();
}

void Tale::record(int n, std::uint8_t kind, std::string body) {
  Member& m = member(n);
  std::string place;
  ByteWriter p(place);
  p.u64(m.segment);
  p.u64(m.files[file(n)].size());
  p.u8(kind);
  p.u32(static_cast<std::uint32_t>(body.size()));
  std::string out = "\xA7\x57";
  ByteWriter w(out);
  w.u8(kind);
  w.u32(static_cast<std::uint32_t>(body.size()));
  w.u32(crc32c(body, crc32c(place)));
  w.raw(body);
  out += '\x5A';
  store(n, t::StoreOp::kWrite, out);
}

Tale& Tale::start(int n) {
  Member& m = member(n);
  ++m.incarnation;
  m.sequence = 0;
  m.messages = 0;
  m.commit = m.snapshot.index;
  m.applied = m.snapshot.index;
  m.digest = m.snapshot_digest;
  m.pending_cut = 0;
  Step step;
  step.kind = Step::Kind::kStart;
  step.node = node(n);
  step.incarnation = m.incarnation;
  step.record.time = tick();
  steps.push_back(step);
  if (m.segment > 0) {
    // What was found is synced before it counts.
    store(n, t::StoreOp::kSyncFile);
    store(n, t::StoreOp::kSyncDir);
  }
  new_segment(n);
  trace(n, t::Boot{m.term, m.vote, m.snapshot.index + 1, last(n), m.snapshot});
  if (m.snapshot.index != 0) trace(n, told(n, t::SnapshotAct::kLoaded, true));
  trace(n, t::RoleChange{wire::Role::kFollower, m.term, {}});
  return *this;
}

Tale& Tale::role(int n, wire::Role role, Term term, std::vector<int> granters) {
  t::RoleChange event{role, term, {}};
  for (const int g : granters) event.granters.push_back(node(g));
  trace(n, event);
  return *this;
}

Tale& Tale::set_term(int n, Term term, int vote) {
  member(n).term = term;
  member(n).vote = node(vote);
  return *this;
}

Tale& Tale::vote(int n, int candidate, Term term, LogPosition candidate_last, bool granted,
                 bool pre) {
  trace(n, t::VoteCast{term, node(candidate), granted, pre, candidate_last, last(n)});
  if (granted && !pre) set_term(n, term, candidate);
  return *this;
}

Tale& Tale::append(int n, std::vector<TaleEntry> entries) {
  Member& m = member(n);
  t::Appended event{m.log.size() + 1, {}};
  for (TaleEntry& entry : entries) {
    m.log.push_back(std::move(entry));
    const wire::EntryView e = view(m.log.back());
    event.entries.push_back({e.term, wire::entry_hash(m.log.size(), e)});
  }
  const Index first = event.first;
  trace(n, event);
  for (Index i = first; i <= m.log.size(); ++i) {
    tell_configuration(n, i, t::ConfigurationAct::kAppended);
  }
  return *this;
}

Tale& Tale::configure(int n, Term term, const wire::Configuration& configuration) {
  std::string payload;
  wire::encode_configuration(payload, configuration);
  return append(n, {{term, payload, true}});
}

Tale& Tale::begin_with(int n, const wire::Configuration& configuration) {
  trace(n, t::Configured{t::ConfigurationAct::kLoaded, {}, configuration});
  return *this;
}

Tale& Tale::tell_appended(int n, Index index) {
  tell_configuration(n, index, t::ConfigurationAct::kAppended);
  return *this;
}

void Tale::tell_configuration(int n, Index index, t::ConfigurationAct act) {
  const TaleEntry& entry = member(n).log[static_cast<std::size_t>(index - 1)];
  if (!entry.configures) return;
  trace(n, t::Configured{act, {index, entry.term}, *wire::decode_configuration(entry.payload)});
}

Tale& Tale::cut(int n, Index from) {
  Member& m = member(n);
  m.log.resize(static_cast<std::size_t>(from - 1));
  if (from <= m.written) {
    m.pending_cut = m.pending_cut == 0 ? from : std::min(m.pending_cut, from);
    m.written = from - 1;
    m.synced = std::min(m.synced, m.written);
  }
  trace(n, t::Truncated{from});
  return *this;
}

Tale& Tale::write(int n) {
  Member& m = member(n);
  const bool state = m.term != m.written_term || m.vote != m.written_vote;
  const bool entries = m.log.size() > m.written;
  std::string body;
  ByteWriter w(body);
  w.varint(m.synced_segment);
  w.varint(m.synced_offset);
  const bool reset = m.pending_reset.index != 0;
  w.u8(static_cast<std::uint8_t>((state ? 1 : 0) | (m.pending_cut ? 2 : 0) | (entries ? 4 : 0) |
                                 (reset ? 8 : 0)));
  if (state) {
    w.varint(m.term);
    w.varint(m.vote.value);
  }
  if (reset) {
    w.varint(m.pending_reset.index);
    w.varint(m.pending_reset.term);
  }
  m.pending_reset = {};
  if (m.pending_cut != 0) w.varint(m.pending_cut);
  if (entries) {
    w.varint(m.written + 1);
    w.varint(m.log.size() - m.written);
    w.raw(encoded(n, m.written + 1, m.log.size()));
  }
  m.written_term = m.term;
  m.written_vote = m.vote;
  m.written = m.log.size();
  m.pending_cut = 0;
  ++m.writes;
  record(n, 1, body);
  return *this;
}

Tale& Tale::sync(int n) {
  Member& m = member(n);
  store(n, t::StoreOp::kSyncFile);
  m.synced_segment = m.segment;
  m.synced_offset = m.files[file(n)].size();
  m.synced = m.written;
  m.synced_term = m.written_term;
  m.synced_vote = m.written_vote;
  std::string body;
  ByteWriter w(body);
  w.varint(m.synced_segment);
  w.varint(m.synced_offset);
  record(n, 2, body);
  trace(n, t::Synced{WriteId{m.writes}, at(n, m.synced), m.written_term, m.written_vote, true});
  return *this;
}

Tale& Tale::commit(int n, Index index) {
  member(n).commit = index;
  trace(n, t::Committed{at(n, index)});
  return *this;
}

/// The payloads' state machine: "s5.2=x" is command 2 of session 5 with the answer x; executed
/// once.
Tale& Tale::apply_to_commit(int n) {
  Member& m = member(n);
  while (m.applied < m.commit) {
    ++m.applied;
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> answers;
    std::uint64_t digest = 0;
    t::Applied event;
    for (Index i = 1; i <= m.applied; ++i) {
      const TaleEntry& entry = m.log[static_cast<std::size_t>(i - 1)];
      event = t::Applied{};
      event.at = {i, entry.term};
      event.hash = wire::entry_hash(i, view(entry));
      const std::size_t dot = entry.payload.find('.');
      const std::size_t equals = entry.payload.find('=');
      if (dot != std::string::npos && equals != std::string::npos) {
        event.session = SessionId{std::stoull(entry.payload.substr(1, dot - 1))};
        event.seq = std::stoull(entry.payload.substr(dot + 1, equals - dot - 1));
        const auto [there, fresh] = answers.try_emplace(
            {event.session.value, event.seq}, hash_bytes(entry.payload.substr(equals + 1)));
        event.execution = fresh ? t::Execution::kExecuted : t::Execution::kRepeated;
        event.answer = there->second;
        if (fresh) digest = hash_combine(digest, event.answer);
      } else if (!entry.payload.empty() && !entry.configures) {
        digest = hash_combine(digest, hash_bytes(entry.payload));
        event.execution = t::Execution::kExecuted;
      }
      event.digest = digest;
    }
    m.digest = event.digest;
    trace(n, event);
    tell_configuration(n, m.applied, t::ConfigurationAct::kCommitted);
  }
  return *this;
}

MessageId Tale::send(int n, int to, const wire::PeerMessage& message) {
  Member& m = member(n);
  const MessageId id{(std::uint64_t{m.incarnation} << 44) | ++m.messages};
  std::string entries;
  if (const auto* append = std::get_if<wire::Append>(&message); append && append->count > 0) {
    entries = encoded(n, append->prev.index + 1, append->prev.index + append->count);
  }
  if (std::holds_alternative<wire::InstallSnapshot>(message)) entries = m.content;
  const t::Summary summary = t::summarize(message, entries);
  trace(n, t::Sent{node(to), id, summary});
  posted_[{n, id.value}] = {summary};
  Step frame;
  frame.kind = Step::Kind::kFrame;
  frame.node = node(n);
  frame.to = node(to);
  frame.id = id;
  frame.message = message;
  frame.entries = entries;
  frame.record.time = tick();
  steps.push_back(std::move(frame));
  return id;
}

Tale& Tale::receive(int n, int from, MessageId id) {
  trace(n, t::Received{node(from), id, posted_.at({from, id.value}).message});
  return *this;
}

Tale& Tale::client_ok(int n, LogPosition at) {
  t::Client event;
  event.connection = ClientId{1};
  event.request = 1;
  event.answered = true;
  event.outcome = wire::Outcome::kOk;
  event.at = at;
  trace(n, event);
  return *this;
}

Tale& Tale::lease_read(int n, Instant checked) {
  const Member& m = member(n);
  trace(n, t::Read{1, t::ReadPhase::kServed, m.commit, m.applied, t::ReadBasis::kLease, checked});
  return *this;
}

Tale& Tale::op_ok(LogPosition at) {
  Step step;
  step.kind = Step::Kind::kOp;
  step.record.time = tick();
  step.op.time = to_ns(step.record.time);
  step.op.type = OpType::kOk;
  step.op.at = at;
  step.op.node = NodeId{1};
  steps.push_back(step);
  return *this;
}

Tale& Tale::die(int n, Fate fate, bool torn) {
  Member& m = member(n);
  Step death;
  death.kind = Step::Kind::kDeath;
  death.node = node(n);
  death.incarnation = m.incarnation;
  death.how = fate == Fate::kKilled  ? Death::kKilled
              : fate == Fate::kWiped ? Death::kDamage
                                     : Death::kPowerLoss;
  death.torn = torn;
  death.record.time = tick();
  steps.push_back(death);
  Step disk = death;
  disk.kind = Step::Kind::kDisk;
  disk.before = m.files;
  if (fate == Fate::kWiped) {
    const Incarnation lived = m.incarnation;
    m = Member{};
    m.incarnation = lived;
  }
  if (fate == Fate::kPowerLossOfAll) {
    m.files = m.durable;
    m.written = m.synced;
    m.written_term = m.synced_term;
    m.written_vote = m.synced_vote;
    m.log.resize(static_cast<std::size_t>(m.synced));
  } else {
    m.log.resize(static_cast<std::size_t>(m.written));
  }
  m.durable = m.files;
  m.synced = m.written;
  m.synced_term = m.written_term;
  m.synced_vote = m.written_vote;
  m.term = m.written_term;
  m.vote = m.written_vote;
  disk.after = m.files;
  steps.push_back(disk);
  return *this;
}

Tale& Tale::elect(int n, Term term, std::vector<int> granters) {
  const LogPosition mine = last(n);
  set_term(n, term, n);
  role(n, wire::Role::kCandidate, term);
  vote(n, n, term, mine);
  write_and_sync(n);
  std::vector<int> all{n};
  for (const int g : granters) {
    const MessageId asked = send(n, g, wire::Vote{term, mine});
    receive(g, n, asked);
    role(g, wire::Role::kFollower, term);
    vote(g, n, term, mine);
    write_and_sync(g);
    const MessageId granted = send(g, n, wire::VoteReply{term, true});
    receive(n, g, granted);
    all.push_back(g);
  }
  role(n, wire::Role::kLeader, term, all);
  append(n, {{term, ""}});
  return write_and_sync(n);
}

MessageId Tale::replicate(int n, int to, Index prev, bool in_doubt) {
  const Member& leader = member(n);
  Member& follower = member(to);
  const Term term = leader.term;
  const Index end = leader.log.size();
  const MessageId sent =
      send(n, to,
           wire::Append{
               term, at(n, prev), leader.commit, 1, static_cast<std::uint32_t>(end - prev), {}});
  receive(to, n, sent);
  if (follower.term != term) {
    set_term(to, term, 0);
    role(to, wire::Role::kFollower, term);
  }
  Index i = prev + 1;
  while (i <= end && i <= follower.log.size() && at(to, i) == at(n, i)) ++i;
  if (i <= end && i <= follower.log.size()) cut(to, i);
  if (i <= end) {
    append(to, {leader.log.begin() + static_cast<std::ptrdiff_t>(i - 1), leader.log.end()});
  }
  write_and_sync(to);
  const Index bound = std::min(leader.commit, end);
  if (bound > follower.commit) {
    commit(to, bound);
    apply_to_commit(to);
  }
  return send(to, n,
              wire::AppendReply{term, true, end, {}, 1, in_doubt ? follower.incarnation : 0});
}

Tale& Tale::replicate_fully(int n, int to, Index prev) {
  const MessageId answer = replicate(n, to, prev);
  return receive(n, to, answer);
}

LogPosition Tale::last(int n) const {
  return at(n, member(n).log.size());
}

LogPosition Tale::at(int n, Index index) const {
  if (index == 0) return {};
  WW_ASSERT(index <= member(n).log.size(), "a tale about an entry that is not there");
  return {index, member(n).log[static_cast<std::size_t>(index - 1)].term};
}

std::string Tale::encoded(int n, Index first, Index last) const {
  std::string out;
  for (Index i = first; i <= last; ++i) {
    wire::append_entry(out, view(member(n).log[static_cast<std::size_t>(i - 1)]));
  }
  return out;
}

std::map<std::string, CheckResult> tell(const std::vector<Step>& steps, std::uint32_t nodes,
                                        checkers::InvariantOptions options) {
  for (std::uint32_t n = 1; n <= nodes; ++n) options.voters.push_back(NodeId{n});
  checkers::InvariantChecker checker(options);
  for (const Step& step : steps) {
    const Instant time = step.record.time;
    switch (step.kind) {
      case Step::Kind::kStart:
        checker.on_start(step.node, step.incarnation, time);
        break;
      case Step::Kind::kTrace:
        checker.on_trace(step.node, step.incarnation, step.record);
        break;
      case Step::Kind::kDeath:
        checker.on_death(step.node, step.incarnation, time, step.how, step.torn);
        break;
      case Step::Kind::kDisk:
        checker.on_disk(step.node, time, step.before, step.after);
        break;
      case Step::Kind::kFrame: {
        std::string payload;
        wire::encode_peer(payload, step.node, step.to, step.id, step.message, step.entries);
        checker.on_frame(time, *wire::peek_envelope(payload), payload);
        break;
      }
      case Step::Kind::kOp:
        checker.on_op(step.op);
        break;
    }
  }
  std::map<std::string, CheckResult> results;
  bool invalid = false;
  for (CheckResult& result : checker.finish()) {
    invalid = invalid || result.verdict == Verdict::kInvalid;
    results[result.checker] = std::move(result);
  }
  // A run that ends at a violation must not be one without any.
  CHECK(checker.violated() == invalid);
  return results;
}

std::string violations_of(const std::map<std::string, CheckResult>& results) {
  std::string out;
  for (const auto& [id, result] : results) {
    for (const Violation& violation : result.violations) {
      out += violation.property + ": " + violation.summary + "\n";
      for (const std::string& line : violation.evidence) out += "    " + line + "\n";
    }
  }
  return out;
}

}  // namespace ww::test
