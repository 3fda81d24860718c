// What Raft nodes say to each other (Raft paper, figure 2; PreVote, transfers and
// read indices from the dissertation, 9.6, 3.10 and 6.4).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "base/wire/envelope.hpp"

namespace ww::wire {

/// Entries of one log, by index: [first, first + count).
struct EntryRange {
  Index first = 0;
  std::uint32_t count = 0;
  [[nodiscard]] Index end() const { return first + count; }
  friend bool operator==(const EntryRange&, const EntryRange&) = default;
};

enum class EntryKind : std::uint8_t { kNoop, kCommand, kConfiguration };
template <>
struct EnumSize<EntryKind> {
  static constexpr std::uint64_t value = 3;
};
std::string_view name_of(EntryKind kind);

/// One log entry, its payload lent. On the wire and on disk: varint length of the rest, varint
/// term, u8 kind, payload.
struct EntryView {
  Term term = 0;
  EntryKind kind = EntryKind::kNoop;
  std::string_view payload;
  friend bool operator==(const EntryView&, const EntryView&) = default;
};
inline constexpr std::size_t kMaxEntryPayload = std::size_t{1} << 20;

void append_entry(std::string& out, const EntryView& entry);
/// Reads the next entry; `in.ok()` is false when it is malformed or over kMaxEntryPayload.
EntryView read_entry(ByteReader& in);
/// h(i) of docs/invariants.md: index, term, kind and payload.
std::uint64_t entry_hash(Index index, const EntryView& entry);

/// "Could I win in `term`?" Carries the term it would stand in; changes nobody's term.
struct PreVote {
  Term term = 0;
  LogPosition last;
  friend bool operator==(const PreVote&, const PreVote&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("last", s.last);
  }
};
/// `term` is the term asked about when granted, else the replier's own.
struct PreVoteReply {
  Term term = 0;
  bool granted = false;
  friend bool operator==(const PreVoteReply&, const PreVoteReply&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("ok", s.granted);
  }
};
/// `transfer`: the leader itself asked the candidate to stand (dissertation, 3.10), so that having
/// heard from that leader is no reason to refuse.
struct Vote {
  Term term = 0;
  LogPosition last;
  bool transfer = false;
  friend bool operator==(const Vote&, const Vote&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("last", s.last), v("transfer", s.transfer);
  }
};
struct VoteReply {
  Term term = 0;
  bool granted = false;
  friend bool operator==(const VoteReply&, const VoteReply&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("ok", s.granted);
  }
};
/// A heartbeat is an append of no entries. `round` counts the leader's broadcasts in its term; the
/// reply echoes it, which is what confirms a ReadIndex.
struct Append {
  Term term = 0;
  LogPosition prev;
  Index commit = 0;
  std::uint64_t round = 0;
  std::uint32_t count = 0;
  /// Received: the encoded entries, lent by the frame. To be sent: empty; the sender's host fills
  /// in the entries (prev.index, prev.index + count] of the replica's log when it encodes the
  /// message.
  std::string_view entries;
  /// The receiver's incarnation in which it may vote and count again, having been in doubt; else 0.
  Incarnation covers = 0;
  friend bool operator==(const Append&, const Append&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("prev", s.prev);
    v("commit", s.commit);
    v("round", s.round);
    v("count", s.count);
    v("covers", s.covers);
  }
};
/// On success `match` is prev.index + count of the append answered, all of it durable at the
/// replier. On failure `conflict` tells where to go back to: {first index of the conflicting term,
/// that term}, or {last index + 1, 0} when the log is too short; `match` is then the refused
/// prev.index. A replier that may have lost what it acknowledged before names its incarnation in
/// `doubt` (else 0): what it says is true and counts for nothing.
struct AppendReply {
  Term term = 0;
  bool success = false;
  Index match = 0;
  LogPosition conflict;
  std::uint64_t round = 0;
  Incarnation doubt = 0;
  friend bool operator==(const AppendReply&, const AppendReply&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("ok", s.success);
    v("match", s.match);
    v("conflict", s.conflict);
    v("round", s.round);
    v("doubt", s.doubt);
  }
};

/// No snapshot is larger.
inline constexpr std::uint64_t kMaxSnapshotBytes = std::uint64_t{1} << 30;
/// A piece of a snapshot of everything up to `at`: bytes [offset, offset + size) of `total` (paper,
/// figure 13). One of no bytes is a heartbeat, which asks how much is there. `round` as in appends.
struct InstallSnapshot {
  Term term = 0;
  LogPosition at;
  std::uint64_t total = 0;
  std::uint64_t offset = 0;
  std::uint64_t round = 0;
  std::uint32_t size = 0;
  /// Received: the bytes, lent by the frame. To be sent: empty; the sender's host fills them in
  /// from the snapshot that the replica holds (Replica::chunk).
  std::string_view data;
  friend bool operator==(const InstallSnapshot&, const InstallSnapshot&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("at", s.at);
    v("total", s.total);
    v("offset", s.offset);
    v("round", s.round);
    v("size", s.size);
  }
};
/// Success: everything up to `at` is durable at the replier, which acknowledges the log so far.
/// Else `received` bytes of that snapshot are there, and the next piece begins behind them.
struct InstallSnapshotReply {
  Term term = 0;
  bool success = false;
  LogPosition at;
  std::uint64_t received = 0;
  std::uint64_t round = 0;
  Incarnation doubt = 0;  // as in AppendReply
  friend bool operator==(const InstallSnapshotReply&, const InstallSnapshotReply&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("ok", s.success);
    v("at", s.at);
    v("received", s.received);
    v("round", s.round);
    v("doubt", s.doubt);
  }
};
/// A leader's word that its receiver shall stand for election at once (dissertation, 3.10).
struct TimeoutNow {
  Term term = 0;
  friend bool operator==(const TimeoutNow&, const TimeoutNow&) = default;
  template <class Self, class V>
  static void fields(Self&, V&) {}
};
/// A follower asks its leader for a read index (dissertation, 6.4). `context` is its own, and the
/// answer names it again.
struct ReadIndex {
  Term term = 0;
  std::uint64_t context = 0;
  friend bool operator==(const ReadIndex&, const ReadIndex&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("context", s.context);
  }
};
/// Success: whoever has applied the log up to `index` may serve what was asked before `context`.
struct ReadIndexReply {
  Term term = 0;
  bool success = false;
  std::uint64_t context = 0;
  Index index = 0;
  friend bool operator==(const ReadIndexReply&, const ReadIndexReply&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("ok", s.success), v("context", s.context), v("index", s.index);
  }
};

using PeerMessage =
    std::variant<PreVote, PreVoteReply, Vote, VoteReply, Append, AppendReply, InstallSnapshot,
                 InstallSnapshotReply, TimeoutNow, ReadIndex, ReadIndexReply>;

MessageType type_of(const PeerMessage& message);
Term term_of(const PeerMessage& message);
/// The `content` of its envelope: an append's first index; of a snapshot's piece its index, with
/// the offset in the upper half; the context of a read index; else 0.
std::uint64_t content_of(const PeerMessage& message);

/// What a received message lends from its frame: an append's entries, a snapshot's piece.
std::string_view borrowed_by(const PeerMessage& message);

/// Appends the payload of a frame: envelope, fields, and `bulk`: an append's encoded entries, or
/// the bytes of a snapshot's piece.
void encode_peer(std::string& out, NodeId from, NodeId to, MessageId id, const PeerMessage& message,
                 std::string_view bulk);

struct PeerFrame {
  Envelope envelope;
  PeerMessage message;  // its entries or bytes point into the payload it was decoded from
};
/// Errors: kCorrupt, definite, when it is not exactly one well-formed message between nodes,
/// entries
///         included.
Result<PeerFrame> decode_peer(std::string_view payload);

}  // namespace ww::wire
