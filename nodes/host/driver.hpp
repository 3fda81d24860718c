// Runs a replica and turns what it wants into bytes: the part of a node that every world shares.
//
// The replica names log ranges and messages; the driver encodes them before its next step, numbers
// nothing and waits for nothing. It adds the trace events that only the border can know: `tx`
// before each message, `rx` before the step that a message causes, `clock` when skew changed a
// deadline, and of a read by a lease the true time at which it was judged. Still pure: no clock,
// socket, file or thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "base/wire/peer.hpp"
#include "base/wire/trace.hpp"
#include "nodes/host/clock.hpp"
#include "nodes/raft/replica.hpp"
#include "nodes/storage/log_store.hpp"

namespace ww::host {

/// The moment of a step: what the node's clocks show, and the truth, which only the trace may see.
struct Moment {
  Now now;
  Instant true_time{};
};

/// Bytes of Output::bytes.
struct Span {
  std::size_t begin = 0;
  std::size_t size = 0;
};

/// Hand `batch` to LogStore::write; with `sync` the completion waits for LogStore::sync.
struct DiskWrite {
  WriteId id;
  std::optional<storage::HardState> state;
  std::optional<LogPosition> reset_to;
  std::optional<Index> truncate_from;
  wire::EntryRange range;
  Span entries;
  bool sync = true;
  bool settles_doubt = false;
};
/// Save the snapshot beside the log: LogStore::begin_snapshot and what follows.
struct DiskSave {
  SaveId id;
  LogPosition at;
  Span snapshot;
};
/// Put the frame (header included) on the connection to `to`.
struct Outgoing {
  NodeId to;
  MessageId id;
  Span frame;
};
/// Answer on that connection; its other end's address is the network's knowledge.
struct Reply {
  raft::RequestId id;
  wire::ClientReply reply;
};
/// Tell the client on that connection.
struct Notice {
  raft::RequestId id;
  wire::WatchFrame frame;
};

/// One thing to do, not before the first `events_before` trace events are written.
struct Action {
  std::size_t events_before = 0;
  std::variant<DiskWrite, Outgoing, Reply, DiskSave, Notice> what;
};

/// What one step wants, in order. Memory is reused from step to step.
struct Output {
  std::vector<wire::trace::Event> events;
  std::vector<Action> actions;
  std::string bytes;

  void clear();
  [[nodiscard]] std::string_view view(Span span) const {
    return std::string_view(bytes).substr(span.begin, span.size);
  }
  /// What LogStore::write takes; it borrows from `bytes`.
  [[nodiscard]] storage::Batch batch(const DiskWrite& write) const;
};

/// `options` with what the configuration says of the log.
storage::LogOptions log_options(const raft::Config& config, storage::LogOptions options);
/// What a recovered log gives to the replica.
raft::Durable durable_of(storage::Survived survived);

class Driver {
 public:
  /// Starts the replica with what survived; `out` gets what it wants at once (its boot event).
  Driver(raft::Config config, raft::Durable survived, const Moment& moment, Output& out);

  /// Feeds a due timer, a completed write or save, a request, a watch or a wish for another leader.
  /// `out` is cleared, then filled. REQUIRES: a timer is due (moment.now.mono >= deadline());
  /// messages go to receive().
  void step(const Moment& moment, const raft::Input& input, Output& out);

  /// Feeds a message from another node. REQUIRES: the frame is addressed to this node.
  void receive(const Moment& moment, const wire::PeerFrame& frame, Output& out);

  /// When on the skewed mono clock to feed TimerDue; kNever when not at all.
  [[nodiscard]] Instant deadline() const;
  [[nodiscard]] const raft::Replica& replica() const { return replica_; }
  /// See Replica::reseed.
  void reseed(std::uint64_t seed) { replica_.reseed(seed); }

  /// Appends its whole state (nodes/raft/checkpoint.hpp).
  void append_checkpoint(std::string& out) const;
  /// Equal to the driver that was encoded, and going on as it would have.
  /// Errors: kCorrupt, definite.
  static Result<Driver> restore(std::string_view checkpoint);
  friend bool operator==(const Driver& a, const Driver& b) {
    return a.replica_ == b.replica_ && a.watch_ == b.watch_;
  }

 private:
  Driver(raft::Replica replica, const DeadlineWatch& watch)
      : self_(replica.self()), replica_(std::move(replica)), watch_(watch) {}
  void run(const Moment& moment, const raft::Input& input, Output& out);
  void turn_effects(const Moment& moment, Output& out);
  void turn(const raft::Write& write, Output& out);
  void turn(const raft::Send& send, Output& out);
  void turn(const raft::Save& save, Output& out);

  NodeId self_;
  raft::Effects effects_;
  raft::Replica replica_;
  DeadlineWatch watch_;
};

}  // namespace ww::host
