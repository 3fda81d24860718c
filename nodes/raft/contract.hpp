// What goes into a replica and what comes out of it: its configuration, inputs and effects.
//
// Inputs say what happened; effects say, in order, what is to be done. Durability is an input
// (`Written`), never an assumption. The host of a replica, whatever the world, knows only this.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "base/wire/configuration.hpp"
#include "base/wire/kv.hpp"
#include "base/wire/peer.hpp"
#include "base/wire/trace.hpp"
#include "base/wire/watch.hpp"
#include "nodes/bugs/bugs.hpp"
#include "nodes/kv/limits.hpp"
#include "nodes/raft/snapshot.hpp"

namespace ww::raft {

struct Limits {
  std::uint32_t max_append_bytes = 256U << 10;     // of entries in one append
  std::uint32_t max_append_entries = 65536;        // in one append; 1: each on its own
  std::uint32_t max_in_flight_appends = 8;         // to one peer, of those with entries
  std::uint64_t max_uncommitted_bytes = 4U << 20;  // of a leader's log above its commit index
  std::uint32_t max_pending_requests = 4096;       // writes and reads not answered yet
  std::uint32_t max_watchers = 1024;               // streams of changes
  kv::Limits machine;
  friend bool operator==(const Limits&, const Limits&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("max_append_bytes", s.max_append_bytes);
    v("max_append_entries", s.max_append_entries);
    v("max_in_flight_appends", s.max_in_flight_appends);
    v("max_uncommitted_bytes", s.max_uncommitted_bytes);
    v("max_pending_requests", s.max_pending_requests);
    v("max_watchers", s.max_watchers);
    v("machine", s.machine);
  }
};

/// When a snapshot is taken, and what follows from it.
struct SnapshotOptions {
  std::uint64_t entries = 0;    // applied since the last one; 0: their number does not matter
  std::uint64_t bytes = 0;      // of those entries; 0: their size does not matter
  Duration interval{};          // since the last one or the start; 0: time does not matter
  std::uint64_t trailing = 64;  // entries that the log keeps in front of a snapshot
  std::uint32_t piece_bytes = 64U << 10;  // of a snapshot in one message
  friend bool operator==(const SnapshotOptions&, const SnapshotOptions&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("entries", s.entries), v("bytes", s.bytes), v("interval", s.interval);
    v("trailing", s.trailing), v("piece_bytes", s.piece_bytes);
  }
};

/// A larger Config::lease_drift_percent leaves no lease worth having.
inline constexpr std::uint32_t kMaxLeaseDrift = 900;

struct Config {
  NodeId self;
  /// The first configuration: what holds before the log says anything, at those that are in it. To
  /// another node, one that is to join, nothing holds until a leader says so. Sorted.
  std::vector<NodeId> voters;
  Incarnation incarnation = 1;
  std::uint64_t seed = 0;                         // of the election timeouts
  Duration election_timeout = milliseconds(300);  // T: timeouts are drawn from [T, 2T]
  Duration heartbeat_interval = milliseconds(50);
  SnapshotOptions snapshots;
  /// A leader's requests of one moment share a write and an append: deadline() is at once, and what
  /// came in until that TimerDue goes together.
  bool gather = false;
  /// Index reads are served without a round while the leader has a lease (dissertation, 6.4.1), and
  /// nodes keep the promises that leases rest on. All nodes of a cluster agree on these two.
  bool leases = false;
  /// By so much, in a hundred, no node's clock outruns another's, or leases are void.
  std::uint32_t lease_drift_percent = 10;
  /// A follower answers index reads too, at an index that it asks its leader for.
  bool follower_reads = false;
  Limits limits;
  bugs::Switches bugs;
  /// A leader that heard no quorum for so long steps down (CheckQuorum): the longest time that a
  /// follower waits for its leader, so that a hiccup that deposes nobody else does not depose it.
  [[nodiscard]] Duration quorum_patience() const { return 2 * election_timeout; }
  /// A leader whose disk completed nothing for so long, although something waits, steps down; and
  /// nobody stands with such a disk.
  [[nodiscard]] Duration disk_patience() const { return quorum_patience(); }
  /// How long a leader may rely on a round that a quorum has echoed, from when it was sent: those
  /// who echoed it vote for nobody for an election timeout from when they got it.
  [[nodiscard]] Duration lease_length() const {
    return election_timeout / (100 + lease_drift_percent) * 100;
  }
  /// A watcher that acknowledges nothing for so long is slow, or gone, and a node that hears of no
  /// leader for so long has no news: the stream is ended.
  [[nodiscard]] Duration watch_patience() const { return 20 * election_timeout; }
  /// Off: a write and an append for each command.
  void set_batching(bool on) {
    gather = on;
    limits.max_append_entries = on ? Limits{}.max_append_entries : 1;
  }
  /// Off: a peer acknowledges the entries of one append before it is sent more.
  void set_pipelining(bool on) {
    limits.max_in_flight_appends = on ? Limits{}.max_in_flight_appends : 1;
  }
  friend bool operator==(const Config&, const Config&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("self", s.self), v("voters", s.voters), v("incarnation", s.incarnation), v("seed", s.seed);
    v("election_timeout", s.election_timeout), v("heartbeat_interval", s.heartbeat_interval);
    v("snapshots", s.snapshots), v("gather", s.gather), v("leases", s.leases);
    v("lease_drift_percent", s.lease_drift_percent), v("follower_reads", s.follower_reads);
    v("limits", s.limits), v("bugs", s.bugs);
  }
};

/// What a start finds on disk; all of it durable.
struct Durable {
  Term current_term = 0;
  NodeId voted_for = kNobody;
  LogPosition base;  // of the log
  std::uint64_t count = 0;
  std::string entries;  // encoded by wire::append_entry
  Snapshot snapshot;    // not before the base, nor behind the last entry
  /// It may have lost what it acknowledged, for this reason: it votes and counts only when a leader
  /// has covered it (nodes/raft/doubt.cpp).
  bool in_doubt = false;
  wire::trace::DoubtCause doubt = wire::trace::DoubtCause::kTail;
  bool damage_cut = false;  // bytes that were durable are bad, and were taken for a torn tail
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("current_term", s.current_term), v("voted_for", s.voted_for), v("base", s.base);
    v("count", s.count), v("entries", s.entries), v("snapshot", s.snapshot);
    v("in_doubt", s.in_doubt), v("doubt", s.doubt), v("damage_cut", s.damage_cut);
  }
};

/// Names a client's request at this node: the connection it came on, and its number there.
struct RequestId {
  ClientId connection;
  std::uint64_t request = 0;
  friend auto operator<=>(const RequestId&, const RequestId&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("connection", s.connection), v("request", s.request);
  }
};

// Inputs: what happened.
struct TimerDue {};  // now.mono >= deadline()
struct Received {  // maybe stale, twice, late; the message may borrow from its frame for this step
  NodeId from;
  wire::PeerMessage message;
};
struct Written {  // durable, or failed for good; writes complete in issue order
  WriteId id;
  Result<void> outcome;
};
struct Request {
  RequestId id;
  wire::ReadMode read_mode = wire::ReadMode::kIndex;
  wire::Command command;
};
struct Saved {  // the snapshot is durable and has taken its place, or failed for good
  SaveId id;
  Result<void> outcome;
};
/// Leadership is to go to `to`, or to whom the leader thinks best (kNobody). Ignored by a node that
/// does not lead, or is handing it over already; what comes of it is traced.
struct TransferLeadership {
  NodeId to;
};
/// Make `voters`, sorted, the voters; what becomes of it is traced (wire::trace::Membership).
struct ChangeMembership {
  std::vector<NodeId> voters;
  wire::MembershipMode mode = wire::MembershipMode::kJoint;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("voters", s.voters), v("mode", s.mode);
  }
};
/// A client opens a watch, acknowledges its frames, or closes it.
struct Watch {
  ClientId connection;
  wire::WatchRequest request;
};
using Input = std::variant<TimerDue, Received, Written, Request, Saved, TransferLeadership,
                           ChangeMembership, Watch>;

// Effects. `entries` name ranges of this replica's log: the host encodes them before the next step.
struct Write {
  WriteId id;
  std::optional<Term> term;  // with `voted_for`: the hard state to write
  NodeId voted_for = kNobody;
  std::optional<LogPosition> reset_to;  // the log is empty, and goes on behind this
  std::optional<Index> truncate_from;
  wire::EntryRange entries;
  bool sync = true;            // false: completes when written, and a later write's sync covers it
  bool settles_doubt = false;  // a leader has covered this node: the next start is not in doubt
};
struct Send {
  NodeId to;
  MessageId id;
  wire::PeerMessage message;  // its bulk is Replica::encoded of an append's range, or chunk()
};
struct Answer {
  RequestId id;
  wire::ClientReply reply;  // its `request` is id.request
};
struct Trace {
  wire::trace::Event event;
};
/// Save Replica::being_saved() beside the log, durably; then drop what it replaces. Writes go on
/// meanwhile and do not wait for it.
struct Save {
  SaveId id;
  LogPosition at;
};
/// A frame of the watch that `id` opened.
struct Notice {
  RequestId id;
  wire::WatchFrame frame;  // its `request` is id.request
};
using Effect = std::variant<Write, Send, Answer, Trace, Save, Notice>;
using Effects = std::vector<Effect>;

}  // namespace ww::raft
