#include "nodes/kv/machine.hpp"

#include <utility>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/hash.hpp"
#include "base/wire/fields.hpp"

namespace ww::kv {

namespace {

using wire::Outcome;
using wire::Refusal;
using wire::trace::Execution;

// The digest is a sum of hashes, one per key and one per session: a change costs one subtraction
// and one addition, and the order in which things came to be does not show.

std::uint64_t hash_of_session(SessionId id, std::uint64_t seq, const wire::ClientReply& reply) {
  const std::uint64_t hash = hash_combine(hash_combine(0x73657373696f6e73ULL, id.value), seq);
  return hash_combine(hash_combine(hash, reply.at.index), hash_of(reply));
}

Applied refused(Outcome outcome, Refusal why) {
  Applied out;
  out.reply.outcome = outcome;
  out.reply.refusal = why;
  out.reply.matched = false;
  out.execution = Execution::kRefused;
  return out;
}

}  // namespace

std::uint64_t hash_of(const wire::ClientReply& reply) {
  std::uint64_t hash = hash_combine(0, static_cast<std::uint64_t>(reply.outcome));
  hash = hash_combine(hash, static_cast<std::uint64_t>(reply.refusal));
  hash = hash_combine(hash, (reply.matched ? 2U : 0U) | (reply.exists ? 1U : 0U));
  hash = hash_combine(hash, reply.session.value);
  return hash_bytes(reply.value, hash);
}

Applied Machine::apply(LogPosition at, const wire::CommandView& command, bugs::Switches& bugs) {
  expire(at.index);
  changes_.forget(at.index, limits_);
  if (command.kind == wire::CommandKind::kOpenSession) return open_session(at);
  if (command.session == SessionId{0}) {
    return Applied{execute(at, command), Execution::kExecuted};
  }
  const auto found = sessions_.find(command.session);
  if (found == sessions_.end()) return refused(Outcome::kFailed, Refusal::kExpired);
  Session& session = found->second;
  if (command.seq < session.seq || command.seq == 0) {
    return refused(Outcome::kUnknown, Refusal::kExpired);
  }
  if (command.seq == session.seq && !bugs.flips(bugs::Bug::kNoDedupe, true)) {
    return Applied{session.reply, Execution::kRepeated};
  }
  // A client may skip numbers, for instance of attempts that failed before they were logged.
  Applied out{execute(at, command), Execution::kExecuted};
  remember(command.session, session, command.seq, out.reply);
  return out;
}

/// A retry that is answered from memory is no use of the session: nothing of the machine changes.
void Machine::forget_sessions() {
  for (const auto& [id, session] : sessions_) digest_ -= session.digest;
  sessions_.clear();
  by_use_.clear();
}

void Machine::expire(Index now) {
  if (limits_.session_entries == 0) return;
  while (!by_use_.empty() && now - by_use_.begin()->first > limits_.session_entries) {
    const auto session = sessions_.find(by_use_.begin()->second);
    digest_ -= session->second.digest;
    sessions_.erase(session);
    by_use_.erase(by_use_.begin());
  }
}

wire::ClientReply Machine::read(std::string_view key) const {
  wire::ClientReply reply;
  reply.outcome = Outcome::kOk;
  const auto found = data_.find(key);
  reply.exists = found != data_.end();
  if (reply.exists) reply.value = found->second;
  return reply;
}

void Machine::encode(std::string& out) const {
  ByteWriter w(out);
  w.varint(data_.size());
  for (const auto& [key, value] : data_) {
    w.bytes(key);
    w.bytes(value);
  }
  w.varint(sessions_.size());
  for (const auto& [id, session] : sessions_) {
    w.varint(id.value);
    w.varint(session.seq);
    wire::encode_record(out, session.reply);
  }
  changes_.encode(out);
}

Result<Machine> Machine::decode(std::string_view bytes, Limits limits) {
  Machine out(limits);
  ByteReader in(bytes);
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    const std::string_view key = in.bytes();
    const std::string_view value = in.bytes();
    if (!out.data_.empty() && key <= out.data_.rbegin()->first) in.fail();
    if (in.ok()) out.put(out.data_.end(), key, value, hash_of_pair(key, value));
  }
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    const SessionId id{in.varint()};
    const std::uint64_t seq = in.varint();
    wire::ClientReply reply;
    wire::decode_record(in, reply);
    if (!out.sessions_.empty() && id <= out.sessions_.rbegin()->first) in.fail();
    if (out.by_use_.contains(reply.at.index)) in.fail();
    if (in.ok()) out.remember(id, out.sessions_[id], seq, reply);
  }
  out.changes_.decode(in);
  if (in.done()) return out;
  return Error{ErrorCode::kCorrupt, true, "a state of the key-value machine that does not decode"};
}

Applied Machine::open_session(LogPosition at) {
  if (sessions_.size() >= limits_.max_sessions) return refused(Outcome::kFailed, Refusal::kBusy);
  const SessionId id{at.index};
  const auto [place, fresh] = sessions_.try_emplace(id);
  WW_ASSERT(fresh, "two entries at one index");
  Applied out;
  out.reply.outcome = Outcome::kOk;
  out.reply.at = at;
  out.reply.session = id;
  remember(id, place->second, 0, out.reply);
  return out;
}

wire::ClientReply Machine::execute(LogPosition at, const wire::CommandView& command) {
  wire::ClientReply reply;
  reply.outcome = Outcome::kOk;
  reply.at = at;
  const auto found = data_.find(command.key);
  reply.exists = found != data_.end();
  switch (command.kind) {
    case wire::CommandKind::kRead:
      if (reply.exists) reply.value = found->second;
      break;
    case wire::CommandKind::kWrite:
      change(at.index, found, command.key, command.value);
      break;
    case wire::CommandKind::kCas:
      if (reply.exists) reply.value = found->second;
      reply.matched = reply.exists && found->second == command.expected;
      if (reply.matched) change(at.index, found, command.key, command.value);
      break;
    case wire::CommandKind::kAppend:
      change(at.index, found, command.key,
             (reply.exists ? found->second : std::string()).append(command.value));
      break;
    case wire::CommandKind::kDelete:
      if (reply.exists) remove(at.index, found);
      break;
    case wire::CommandKind::kOpenSession:
      WW_ASSERT(false, "sessions are opened elsewhere");
  }
  return reply;
}

/// `place`: where `key` is, or the end.
void Machine::change(Index revision, Data::iterator place, std::string_view key,
                     std::string_view value) {
  const std::uint64_t hash = hash_of_pair(key, value);
  put(place, key, value, hash);
  changes_.add({revision, true, std::string(key), std::string(value)}, hash, limits_);
}

void Machine::put(Data::iterator place, std::string_view key, std::string_view value,
                  std::uint64_t hash) {
  digest_ += hash;
  if (place == data_.end()) {
    data_.emplace(key, value);
    return;
  }
  digest_ -= hash_of_pair(key, place->second);
  place->second = value;
}

void Machine::remove(Index revision, Data::iterator place) {
  digest_ -= hash_of_pair(place->first, place->second);
  changes_.add({revision, false, place->first, {}}, hash_of_absence(place->first), limits_);
  data_.erase(place);
}

void Machine::remember(SessionId id, Session& session, std::uint64_t seq,
                       const wire::ClientReply& reply) {
  auto use = by_use_.extract(session.reply.at.index);
  if (use.empty()) {
    by_use_.emplace(reply.at.index, id);
  } else {
    use.key() = reply.at.index;
    by_use_.insert(by_use_.end(), std::move(use));
  }
  digest_ -= session.digest;
  session.seq = seq;
  session.reply = reply;
  session.digest = hash_of_session(id, seq, reply);
  digest_ += session.digest;
}

}  // namespace ww::kv
