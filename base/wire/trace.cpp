#include "base/wire/trace.hpp"

#include <array>

#include "base/hash.hpp"
#include "base/history.hpp"
#include "base/wire/variant.hpp"

namespace ww::wire {

std::string_view name_of(Role role) {
  static constexpr std::array<std::string_view, 5> kNames = {"follower", "pre-candidate",
                                                             "candidate", "leader", "halted"};
  return kNames[static_cast<std::size_t>(role)];
}

namespace trace {

namespace {

constexpr std::array<std::string_view, std::variant_size_v<Event>> kEventNames = {
    "boot",  "role", "vote",     "append", "trunc",      "sync",  "commit", "apply",
    "tx",    "rx",   "read",     "client", "mark",       "clock", "stall",  "halt",
    "store", "snap", "transfer", "cfg",    "membership", "doubt", "disk"};

}  // namespace

std::string_view name_of(Execution execution) {
  static constexpr std::array<std::string_view, 4> kNames = {"noop", "executed", "repeated",
                                                             "refused"};
  return kNames[static_cast<std::size_t>(execution)];
}
std::string_view name_of(ReadPhase phase) {
  static constexpr std::array<std::string_view, 3> kNames = {"req", "confirmed", "served"};
  return kNames[static_cast<std::size_t>(phase)];
}
std::string_view name_of(SnapshotAct act) {
  static constexpr std::array<std::string_view, 4> kNames = {"taken", "durable", "installed",
                                                             "loaded"};
  return kNames[static_cast<std::size_t>(act)];
}
std::string_view name_of(ReadBasis basis) {
  return basis == ReadBasis::kIndex ? "index" : "lease";
}
std::string_view name_of(TransferPhase phase) {
  static constexpr std::array<std::string_view, 3> kNames = {"began", "timeout-now", "given-up"};
  return kNames[static_cast<std::size_t>(phase)];
}
std::string_view name_of(ConfigurationAct act) {
  static constexpr std::array<std::string_view, 4> kNames = {"append", "commit", "revert", "load"};
  return kNames[static_cast<std::size_t>(act)];
}
std::string_view name_of(MembershipPhase phase) {
  static constexpr std::array<std::string_view, 4> kNames = {"began", "refused", "done",
                                                             "given-up"};
  return kNames[static_cast<std::size_t>(phase)];
}
std::string_view name_of(DoubtCause cause) {
  static constexpr std::array<std::string_view, 3> kNames = {"tail", "missing", "standing"};
  return kNames[static_cast<std::size_t>(cause)];
}
std::string_view name_of(StoreOp op) {
  static constexpr std::array<std::string_view, 7> kNames = {
      "create", "rename", "unlink", "truncate", "write", "sync-file", "sync-dir"};
  return kNames[static_cast<std::size_t>(op)];
}
std::string_view name_of(const Event& event) {
  return kEventNames[event.index()];
}

void encode(std::string& out, std::uint64_t sequence, Instant time, const Event& event) {
  ByteWriter w(out);
  w.varint(sequence);
  w.varint(zigzag(to_ns(time)));
  w.u8(static_cast<std::uint8_t>(event.index()));
  std::visit([&](const auto& e) { encode_record(out, e); }, event);
}

Result<Record> decode(std::string_view payload) {
  ByteReader in(payload);
  Record record;
  record.sequence = in.varint();
  record.time = instant_at(unzigzag(in.varint()));
  const std::size_t kind = in.u8();
  decode_alternative(in, kind, record.event);
  if (!in.done()) {
    return Error{ErrorCode::kCorrupt, true,
                 "malformed trace record of kind " + std::to_string(kind)};
  }
  return record;
}

void append_json(std::string& out, NodeId node, Incarnation incarnation, const Record& record) {
  out += "{\"v\":1,\"n\":\"";
  out += ww::name_of(node);
  out += "\",\"inc\":" + std::to_string(incarnation);
  out += ",\"s\":" + std::to_string(record.sequence);
  out += ",\"mt\":" + std::to_string(to_ns(record.time));
  out += ",\"ev\":\"";
  out += name_of(record.event);
  out += '"';
  JsonFields fields(out);
  if (const auto* store = std::get_if<Store>(&record.event)) {
    fields("op", store->op);
    if (!store->file.empty()) fields("file", store->file);
    if (!store->other.empty()) fields("other", store->other);
    fields("offset", store->offset);
    if (store->op == StoreOp::kWrite) {
      fields("bytes", store->data.size());
      fields("bh", hash_bytes(store->data));
    }
    fields("ok", store->ok);
  } else {
    std::visit([&](const auto& e) { e.fields(e, fields); }, record.event);
  }
  out += "}\n";
}

Summary summarize(const PeerMessage& message, std::string_view bulk) {
  Summary s;
  s.type = type_of(message);
  s.term = term_of(message);
  if (const auto* m = std::get_if<PreVote>(&message)) s.position = m->last;
  if (const auto* m = std::get_if<Vote>(&message)) {
    s.position = m->last;
    s.count = m->transfer ? 1 : 0;
  }
  if (const auto* m = std::get_if<PreVoteReply>(&message)) s.ok = m->granted;
  if (const auto* m = std::get_if<VoteReply>(&message)) s.ok = m->granted;
  if (const auto* m = std::get_if<Append>(&message)) {
    s.position = m->prev;
    s.count = m->count;
    s.index = m->commit;
    s.round = m->round;
  }
  if (const auto* m = std::get_if<AppendReply>(&message)) {
    s.ok = m->success;
    s.position = m->conflict;
    s.index = m->match;
    s.round = m->round;
    s.count = m->doubt != 0 ? 1 : 0;
  }
  if (const auto* m = std::get_if<InstallSnapshot>(&message)) {
    s.position = m->at;
    s.count = m->size;
    s.index = m->offset;
    s.round = m->round;
  }
  if (const auto* m = std::get_if<InstallSnapshotReply>(&message)) {
    s.ok = m->success;
    s.position = m->at;
    s.index = m->received;
    s.round = m->round;
    s.count = m->doubt != 0 ? 1 : 0;
  }
  if (!bulk.empty()) s.entries_hash = hash_bytes(bulk);
  if (const auto* m = std::get_if<ReadIndex>(&message)) s.round = m->context;
  if (const auto* m = std::get_if<ReadIndexReply>(&message)) {
    s.ok = m->success;
    s.round = m->context;
    s.index = m->index;
  }
  return s;
}

}  // namespace trace
}  // namespace ww::wire
