#include "base/wire/peer.hpp"

#include <array>

#include "base/hash.hpp"

namespace ww::wire {

namespace {

constexpr std::array<std::string_view, EnumSize<MessageType>::value> kTypeNames = {
    "pre-vote",
    "pre-vote-reply",
    "vote",
    "vote-reply",
    "append",
    "append-reply",
    "install-snapshot",
    "install-snapshot-reply",
    "client-request",
    "client-reply",
    "timeout-now",
    "read-index",
    "read-index-reply",
    "watch",
    "watch-frame"};

Error malformed(std::string what) {
  return Error{ErrorCode::kCorrupt, true, "malformed message between nodes: " + std::move(what)};
}

template <class T>
PeerMessage decode_as(ByteReader& in, Term term) {
  T message;
  message.term = term;
  decode_record(in, message);
  return message;
}

PeerMessage decode_body(ByteReader& in, MessageType type, Term term) {
  switch (type) {
    case MessageType::kPreVote:
      return decode_as<PreVote>(in, term);
    case MessageType::kPreVoteReply:
      return decode_as<PreVoteReply>(in, term);
    case MessageType::kVote:
      return decode_as<Vote>(in, term);
    case MessageType::kVoteReply:
      return decode_as<VoteReply>(in, term);
    case MessageType::kAppend: {
      Append message;
      message.term = term;
      decode_record(in, message);
      message.entries = in.rest();
      return message;
    }
    case MessageType::kAppendReply:
      return decode_as<AppendReply>(in, term);
    case MessageType::kInstallSnapshot: {
      InstallSnapshot message;
      message.term = term;
      decode_record(in, message);
      message.data = in.rest();
      return message;
    }
    case MessageType::kInstallSnapshotReply:
      return decode_as<InstallSnapshotReply>(in, term);
    case MessageType::kTimeoutNow:
      return decode_as<TimeoutNow>(in, term);
    case MessageType::kReadIndex:
      return decode_as<ReadIndex>(in, term);
    case MessageType::kReadIndexReply:
      return decode_as<ReadIndexReply>(in, term);
    case MessageType::kClientRequest:
    case MessageType::kClientReply:
    case MessageType::kWatch:
    case MessageType::kWatchFrame:
      break;
  }
  in.fail();
  return PreVote{};
}

bool entries_are_well_formed(const Append& message) {
  ByteReader in(message.entries);
  Term previous = message.prev.term;
  for (std::uint32_t i = 0; i < message.count; ++i) {
    const EntryView entry = read_entry(in);
    if (!in.ok() || entry.term < previous || entry.term > message.term) return false;
    previous = entry.term;
  }
  return in.done();
}

bool piece_is_well_formed(const InstallSnapshot& m) {
  return m.at.index > 0 && m.at.term <= m.term && m.total <= kMaxSnapshotBytes &&
         m.data.size() == m.size && m.offset <= m.total && m.size <= m.total - m.offset;
}

}  // namespace

std::string_view name_of(MessageType type) {
  return kTypeNames[static_cast<std::size_t>(type)];
}

std::optional<MessageType> message_type_of(std::string_view name) {
  for (std::size_t i = 0; i < kTypeNames.size(); ++i) {
    if (kTypeNames[i] == name) return static_cast<MessageType>(i);
  }
  return std::nullopt;
}

std::string_view name_of(EntryKind kind) {
  static constexpr std::array<std::string_view, 3> kNames = {"noop", "command", "configuration"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::optional<Envelope> peek_envelope(std::string_view payload) {
  ByteReader in(payload);
  Envelope envelope;
  decode_record(in, envelope);
  if (!in.ok()) return std::nullopt;
  return envelope;
}

void append_entry(std::string& out, const EntryView& entry) {
  std::size_t term_bytes = 1;
  for (Term t = entry.term; t >= 0x80; t >>= 7) ++term_bytes;
  ByteWriter w(out);
  w.varint(term_bytes + 1 + entry.payload.size());
  w.varint(entry.term);
  w.u8(static_cast<std::uint8_t>(entry.kind));
  w.raw(entry.payload);
}

EntryView read_entry(ByteReader& in) {
  const std::string_view body = in.bytes();
  ByteReader r(body);
  EntryView entry;
  entry.term = r.varint();
  const std::uint8_t kind = r.u8();
  entry.payload = r.rest();
  if (!r.ok() || kind >= EnumSize<EntryKind>::value || entry.payload.size() > kMaxEntryPayload) {
    in.fail();
    return {};
  }
  entry.kind = static_cast<EntryKind>(kind);
  return entry;
}

std::uint64_t entry_hash(Index index, const EntryView& entry) {
  const std::uint64_t seed =
      hash_combine(hash_combine(index, entry.term), static_cast<std::uint64_t>(entry.kind));
  return hash_bytes(entry.payload, seed);
}

MessageType type_of(const PeerMessage& message) {
  constexpr std::array kTypes = {MessageType::kPreVote,
                                 MessageType::kPreVoteReply,
                                 MessageType::kVote,
                                 MessageType::kVoteReply,
                                 MessageType::kAppend,
                                 MessageType::kAppendReply,
                                 MessageType::kInstallSnapshot,
                                 MessageType::kInstallSnapshotReply,
                                 MessageType::kTimeoutNow,
                                 MessageType::kReadIndex,
                                 MessageType::kReadIndexReply};
  static_assert(kTypes.size() == std::variant_size_v<PeerMessage>);
  return kTypes[message.index()];
}

Term term_of(const PeerMessage& message) {
  return std::visit([](const auto& m) { return m.term; }, message);
}

std::uint64_t content_of(const PeerMessage& message) {
  constexpr unsigned kHalf = 32;
  if (const auto* append = std::get_if<Append>(&message)) return append->prev.index + 1;
  if (const auto* piece = std::get_if<InstallSnapshot>(&message)) {
    return piece->at.index + (piece->offset << kHalf);
  }
  if (const auto* asked = std::get_if<ReadIndex>(&message)) return asked->context;
  const auto* told = std::get_if<ReadIndexReply>(&message);
  return told ? told->context : 0;
}

std::string_view borrowed_by(const PeerMessage& message) {
  if (const auto* append = std::get_if<Append>(&message)) return append->entries;
  const auto* piece = std::get_if<InstallSnapshot>(&message);
  return piece ? piece->data : std::string_view();
}

void encode_peer(std::string& out, NodeId from, NodeId to, MessageId id, const PeerMessage& message,
                 std::string_view bulk) {
  const Envelope envelope{
      endpoint_of(from),  endpoint_of(to), type_of(message), term_of(message), id,
      content_of(message)};
  encode_record(out, envelope);
  std::visit([&](const auto& m) { encode_record(out, m); }, message);
  out.append(bulk);
}

Result<PeerFrame> decode_peer(std::string_view payload) {
  ByteReader in(payload);
  PeerFrame frame;
  decode_record(in, frame.envelope);
  if (!in.ok()) return malformed("no envelope");
  if (!is_node(frame.envelope.from) || !is_node(frame.envelope.to)) {
    return malformed("an end of it is not a node");
  }
  frame.message = decode_body(in, frame.envelope.type, frame.envelope.term);
  if (!in.done()) return malformed("the body of a " + std::string(name_of(frame.envelope.type)));
  if (const auto* append = std::get_if<Append>(&frame.message)) {
    if (!entries_are_well_formed(*append)) return malformed("the entries of an append");
  }
  if (const auto* piece = std::get_if<InstallSnapshot>(&frame.message)) {
    if (!piece_is_well_formed(*piece)) return malformed("the piece of a snapshot");
  }
  if (content_of(frame.message) != frame.envelope.content) {
    return malformed("its envelope names other content");
  }
  return frame;
}

}  // namespace ww::wire
