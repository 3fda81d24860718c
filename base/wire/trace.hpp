// The trace of a node: what it did, in order, written before the effect leaves the process.
//
// Records travel binary over a one-way pipe, one frame a record: varint sequence number in the
// incarnation (dense from 1), varint true monotonic time in ns since the run began (not the node's
// skewed clock), u8 kind, fields. Two writers share the pipe: the replica, and the byte store's log
// ("store" events), which stands outside the code that uses the store.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/wire/configuration.hpp"
#include "base/wire/envelope.hpp"
#include "base/wire/kv.hpp"
#include "base/wire/peer.hpp"

namespace ww::wire {

enum class Role : std::uint8_t { kFollower, kPreCandidate, kCandidate, kLeader, kHalted };
template <>
struct EnumSize<Role> {
  static constexpr std::uint64_t value = 5;
};
std::string_view name_of(Role role);

namespace trace {

/// What survived: term and vote, the log [first, last.index], and where the snapshot stands that
/// the state machine begins with; {0, 0} when there is none.
struct Boot {
  Term term = 0;
  NodeId vote;
  Index first = 1;
  LogPosition last;
  LogPosition snapshot;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("term", s.term), v("vote", s.vote), v("first", s.first), v("last", s.last);
    v("snap", s.snapshot);
  }
};
/// The role taken. `granters` are the nodes whose votes made a leader (or a candidate of a
/// pre-candidate); else empty.
struct RoleChange {
  Role role = Role::kFollower;
  Term term = 0;
  std::vector<NodeId> granters;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("role", s.role), v("term", s.term), v("granters", s.granters);
  }
};
/// A decision on a request for a vote, its own included; at the moment of decision.
struct VoteCast {
  Term term = 0;
  NodeId candidate;
  bool granted = false;
  bool pre = false;
  LogPosition candidate_last;
  LogPosition own_last;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("term", s.term), v("cand", s.candidate), v("granted", s.granted), v("pre", s.pre);
    v("cand_last", s.candidate_last), v("own_last", s.own_last);
  }
};
/// Entries added to the log in memory (their write is issued, not done): term and hash of each.
struct EntryMark {
  Term term = 0;
  std::uint64_t hash = 0;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("t", s.term), v("h", s.hash);
  }
};
struct Appended {
  Index first = 0;
  std::vector<EntryMark> entries;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("first", s.first), v("entries", s.entries);
  }
};
/// Entries from `from` on were removed from the log in memory.
struct Truncated {
  Index from = 0;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("from", s.from);
  }
};
/// The replica learnt that a write is durable (or failed): the log up to `upto`, `term` and `vote`.
struct Synced {
  WriteId write;
  LogPosition upto;
  Term term = 0;
  NodeId vote;
  bool ok = true;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("write", s.write), v("upto", s.upto), v("term", s.term), v("vote", s.vote), v("ok", s.ok);
  }
};
/// The commit index rose to `to`.
struct Committed {
  LogPosition to;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("to", s.to);
  }
};
/// What the state machine did with a session's command.
enum class Execution : std::uint8_t { kNoop, kExecuted, kRepeated, kRefused };
/// One entry was applied: its hash, the digest of the whole machine after it (sessions included),
/// and for commands the session, its sequence number, and a hash of the answer.
struct Applied {
  LogPosition at;
  std::uint64_t hash = 0;
  std::uint64_t digest = 0;
  SessionId session;
  std::uint64_t seq = 0;
  Execution execution = Execution::kNoop;
  std::uint64_t answer = 0;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("at", s.at), v("h", s.hash), v("d", s.digest), v("session", s.session), v("seq", s.seq);
    v("execution", s.execution), v("answer", s.answer);
  }
};
/// What a message between nodes says, apart from its entries' bytes; a proxy's view of the same
/// message must be equal.
struct Summary {
  MessageType type = MessageType::kAppend;
  Term term = 0;
  bool ok = false;       // replies: granted, success
  LogPosition position;  // votes: last; appends: prev; append replies: conflict; snapshots: at
  /// Of appends: entries; pieces of a snapshot: bytes; votes: 1 when a leader asked for the
  /// election; replies to appends and pieces: 1 when the replier is in doubt.
  std::uint32_t count = 0;
  /// Of appends: commit; replies: match; pieces: offset; their replies: received; read indices:
  /// that.
  Index index = 0;
  std::uint64_t round = 0;  // of appends and pieces; the context of read indices
  /// Of the encoded entries or of the piece, hash_bytes; 0 when there are none.
  std::uint64_t entries_hash = 0;
  friend bool operator==(const Summary&, const Summary&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("type", s.type), v("term", s.term), v("ok", s.ok), v("pos", s.position);
    v("count", s.count), v("index", s.index), v("round", s.round), v("eh", s.entries_hash);
  }
};
struct Sent {
  NodeId to;
  MessageId id;
  Summary message;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("to", s.to), v("id", s.id), v("message", s.message);
  }
};
struct Received {
  NodeId from;
  MessageId id;
  Summary message;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("from", s.from), v("id", s.id), v("message", s.message);
  }
};
enum class ReadPhase : std::uint8_t { kRequested, kConfirmed, kServed };
/// What makes a read that is not logged linearizable (dissertation, 6.4 and 6.4.1).
enum class ReadBasis : std::uint8_t { kIndex, kLease };
/// A read that is not logged. By read index: `context` is the round that must be confirmed, or of a
/// follower the number of its question; `index` is the read index. By a lease: served at once,
/// `context` is the round that the lease comes from, and `checked` is the true time of the moment
/// by which it was judged, which only the border of a node knows.
struct Read {
  std::uint64_t context = 0;
  ReadPhase phase = ReadPhase::kRequested;
  Index index = 0;
  Index applied = 0;
  ReadBasis basis = ReadBasis::kIndex;
  Instant checked{};
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("ctx", s.context), v("phase", s.phase), v("k", s.index), v("applied", s.applied);
    v("mode", s.basis), v("checked", s.checked);
  }
};
enum class TransferPhase : std::uint8_t {
  kBegan,       // proposals are refused while `to` catches up
  kTimeoutNow,  // `to` has the whole log, and is told to stand
  kGivenUp,     // it took too long: proposals are taken again
};
/// A leader hands its leadership to `to`.
struct Transfer {
  TransferPhase phase = TransferPhase::kBegan;
  NodeId to;
  Term term = 0;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("phase", s.phase), v("to", s.to), v("term", s.term);
  }
};
/// A client's request was taken (`answered` false) or answered.
struct Client {
  ClientId connection;
  std::uint64_t request = 0;
  SessionId session;
  std::uint64_t seq = 0;
  bool answered = false;
  Outcome outcome = Outcome::kUnknown;
  LogPosition at;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("conn", s.connection), v("request", s.request), v("session", s.session), v("seq", s.seq);
    v("answered", s.answered), v("outcome", s.outcome), v("at", s.at);
  }
};
/// A rare path was taken for the `count`-th time in this incarnation.
struct Mark {
  std::string name;
  std::uint64_t count = 0;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("name", s.name), v("count", s.count);
  }
};
/// A deadline was judged otherwise than true time would have: early (fast clock) or late (slow).
struct ClockFlip {
  Duration skewed{};  // how long the node thought it waited
  Duration actual{};  // how long it did
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("skewed", s.skewed), v("actual", s.actual);
  }
};
/// The pipe was full for this long, and the node stood still.
struct Stall {
  Duration blocked{};
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("blocked", s.blocked);
  }
};
/// The node stops serving, and why.
struct Halt {
  std::string reason;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("reason", s.reason);
  }
};

enum class SnapshotAct : std::uint8_t {
  kTaken,      // the state after `at` was handed out to be saved
  kDurable,    // it is on disk, and the log begins with `first` now
  kInstalled,  // another node's is durable, and the state machine goes on from it
  kLoaded,     // a start began with it
};
/// A snapshot: the state machine after `at` with its digest, and the configuration then. `kept`: of
/// an installed one, the log behind `at` was kept, for it has that very entry.
struct Snapshot {
  SnapshotAct act = SnapshotAct::kTaken;
  LogPosition at;
  std::uint64_t digest = 0;
  Configuration configuration;
  std::uint64_t bytes = 0;
  Index first = 1;
  bool kept = true;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("act", s.act), v("at", s.at), v("d", s.digest), v("cfg", s.configuration);
    v("bytes", s.bytes);
    v("first", s.first), v("kept", s.kept);
  }
};

enum class ConfigurationAct : std::uint8_t {
  kAppended,   // by its entry; it is in force from here on
  kCommitted,  // its entry is committed
  kReverted,   // a later one was removed from the log: it is in force again
  kLoaded,     // a start or an installed snapshot begins with it
};
/// The configuration of the entry `at`; of a start or a snapshot, of some entry up to there.
struct Configured {
  ConfigurationAct act = ConfigurationAct::kAppended;
  LogPosition at;
  Configuration configuration;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("act", s.act), v("at", s.at), v("cfg", s.configuration);
  }
};
enum class MembershipPhase : std::uint8_t {
  kBegan,    // it is under way here; its configurations follow
  kRefused,  // not a leader, or a change of the leader's is not committed, or it is not sound
  kDone,     // committed under this leader, or there was nothing to do
  kGivenUp,  // new nodes did not catch up in time
};
/// What became of a request to make `voters` the voters. A change that its leader does not see to
/// the end says no more; the next leader finishes it, or it is rolled back.
struct Membership {
  MembershipPhase phase = MembershipPhase::kBegan;
  MembershipMode mode = MembershipMode::kJoint;
  Term term = 0;
  std::vector<NodeId> voters;
  std::string reason;  // of a refusal
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("phase", s.phase), v("mode", s.mode), v("term", s.term), v("voters", s.voters);
    v("reason", s.reason);
  }
};

enum class StoreOp : std::uint8_t {
  kCreate,    // file: made empty; its directory entry is not durable yet
  kRename,    // file to `other`
  kUnlink,    // file
  kTruncate,  // file to `offset` bytes (longer: zeros)
  kWrite,     // `data` at `offset` of file
  kSyncFile,  // returned: the file's bytes and size so far are durable, or with `offset` above 0
              // those of the writes that end there or before
  kSyncDir,   // returned: the directory's entries so far are durable
};
/// Why a node may have lost what it acknowledged.
enum class DoubtCause : std::uint8_t {
  kTail,      // its log ends in a record that is damaged, and may have been synced
  kMissing,   // it has run before, and found no files
  kStanding,  // an earlier start found so, and no leader has covered it since
};
/// A start found that the node may have lost what it acknowledged: it neither votes nor counts. Or,
/// with `over`, a leader has covered it.
struct Doubt {
  bool over = false;
  DoubtCause cause = DoubtCause::kTail;
  LogPosition last;  // of its log
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("over", s.over), v("cause", s.cause), v("last", s.last);
  }
};
/// The trouble that the controller made showed: a sync ended, well or not, so much later than of
/// itself; or (`write`) a write failed.
struct Disk {
  bool write = false;
  bool ok = true;
  Duration late{};
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("write", s.write), v("ok", s.ok), v("late", s.late);
  }
};

/// An operation on the data directory: intents are emitted before the system call, the two syncs
/// after it returned well. `file` is a plain name in the one flat directory. `ok` false: a sync
/// failed.
struct Store {
  StoreOp op = StoreOp::kWrite;
  std::string file;
  std::string other;
  std::uint64_t offset = 0;
  std::string data;
  bool ok = true;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("op", s.op), v("file", s.file), v("other", s.other), v("offset", s.offset);
    v("data", s.data), v("ok", s.ok);
  }
};

std::string_view name_of(Execution execution);
std::string_view name_of(ReadPhase phase);
std::string_view name_of(SnapshotAct act);
std::string_view name_of(ReadBasis basis);
std::string_view name_of(TransferPhase phase);
std::string_view name_of(ConfigurationAct act);
std::string_view name_of(MembershipPhase phase);
std::string_view name_of(StoreOp op);
std::string_view name_of(DoubtCause cause);

using Event = std::variant<Boot, RoleChange, VoteCast, Appended, Truncated, Synced, Committed,
                           Applied, Sent, Received, Read, Client, Mark, ClockFlip, Stall, Halt,
                           Store, Snapshot, Transfer, Configured, Membership, Doubt, Disk>;

/// "boot", "role", "vote", "append", ...: the `ev` of trace.jsonl.
std::string_view name_of(const Event& event);

struct Record {
  std::uint64_t sequence = 0;
  Instant time{};
  Event event;
};

void encode(std::string& out, std::uint64_t sequence, Instant time, const Event& event);
/// Errors: kCorrupt, definite.
Result<Record> decode(std::string_view payload);

/// Appends one line of trace.jsonl, newline included. Written bytes are printed as their length and
/// hash, not as themselves.
void append_json(std::string& out, NodeId node, Incarnation incarnation, const Record& record);

/// What a message says. `bulk`: an append's encoded entries, or the bytes of a snapshot's piece.
Summary summarize(const PeerMessage& message, std::string_view bulk);

}  // namespace trace

template <>
struct EnumSize<trace::Execution> {
  static constexpr std::uint64_t value = 4;
};
template <>
struct EnumSize<trace::ReadPhase> {
  static constexpr std::uint64_t value = 3;
};
template <>
struct EnumSize<trace::SnapshotAct> {
  static constexpr std::uint64_t value = 4;
};
template <>
struct EnumSize<trace::ReadBasis> {
  static constexpr std::uint64_t value = 2;
};
template <>
struct EnumSize<trace::TransferPhase> {
  static constexpr std::uint64_t value = 3;
};
template <>
struct EnumSize<trace::ConfigurationAct> {
  static constexpr std::uint64_t value = 4;
};
template <>
struct EnumSize<trace::MembershipPhase> {
  static constexpr std::uint64_t value = 4;
};
template <>
struct EnumSize<trace::DoubtCause> {
  static constexpr std::uint64_t value = 3;
};
template <>
struct EnumSize<trace::StoreOp> {
  static constexpr std::uint64_t value = 7;
};

}  // namespace ww::wire
