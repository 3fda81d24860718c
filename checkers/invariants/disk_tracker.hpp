// What is durable at a node, from the operations of its byte store.
//
// The store's log stands outside the replica: an operation is reported before it is performed, and
// a sync after it returned. A batch is durable once its file was synced behind it, the file's
// directory entry was synced, and every batch before it is durable. A snapshot is durable once its
// file was synced, renamed, and the directory synced; it then stands for the log up to it.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/evidence.hpp"
#include "base/wire/trace.hpp"
#include "checkers/invariants/disk_decoder.hpp"
#include "checkers/invariants/findings.hpp"

namespace ww::checkers::invariants {

/// What an operation showed to be wrong.
struct DiskNews {
  /// The bytes cannot be what the format permits: overwritten, or not a record.
  std::optional<std::string> malformed;
  /// Recovery removed records that were valid.
  std::optional<std::string> removed;
  /// A batch lowered the term, or changed the vote within one.
  std::optional<std::pair<VoteState, VoteState>> regressed;
  std::vector<DiskConfiguration> configurations;  // among the entries that were written
};

/// How the state that a crash left compares with what was written and synced.
struct DiskAudit {
  std::optional<std::string> lost;     // synced state is gone or altered, or never was written
  std::optional<std::string> differs;  // the files before the crash are not what the store reported
  VoteState found;
  LogPosition last;
};

class DiskTracker {
 public:
  DiskNews apply(const wire::trace::Store& op, const Stamp& at, const SnapshotPoints& points = {});

  /// Compares the directory with what was reported, and goes on from `after`.
  /// `power`: unsynced bytes were taken away, and all of `after` is durable. Else nothing more
  /// became durable than was.
  DiskAudit restart(const DiskImage& before, const DiskImage& after, bool power,
                    const SnapshotPoints& points = {});

  /// Durable in every state that a crash may leave: term, vote, and the log up to here.
  [[nodiscard]] const VoteState& durable() const { return durable_; }
  [[nodiscard]] Index durable_last() const { return durable_last_; }
  /// What was written, durable or not: what a start would find. The log up to durable_last() is the
  /// durable one.
  [[nodiscard]] const LogChain& log() const { return replaced_ ? *replaced_ : raw_.log; }
  [[nodiscard]] const VoteState& state() const { return raw_.state; }
  /// The snapshot in place, and the durable one; index 0 when there is none.
  [[nodiscard]] const DiskSnapshot& snapshot() const { return placed_; }
  [[nodiscard]] const DiskSnapshot& durable_snapshot() const { return durable_snapshot_; }
  /// The last sync of a file that returned.
  [[nodiscard]] const Stamp& last_sync() const { return last_sync_; }
  /// What this follows can no longer be known: the store's operations stopped making sense.
  [[nodiscard]] bool lost_track() const { return lost_track_; }
  void prune(Index below) { raw_.log.prune(below); }

 private:
  struct Segment {
    std::string file;
    std::uint64_t size = 0;
    std::uint64_t parsed = 0;   // where the next record begins
    std::uint64_t batches = 0;  // where the last valid record ends
    std::uint64_t synced = 0;
    bool entry_durable = false;
    std::string tail;  // bytes of an unfinished record
    SegmentStart start;
  };
  /// A snapshot under its temporary name.
  struct Unfinished {
    std::string bytes;
    bool synced = false;
  };
  /// A batch that is not known durable, with the whole state after it.
  struct Pending {
    DiskPosition end;
    Index last_after = 0;
    std::uint64_t chain_after = 0;
    VoteState state_after;
    Index lowest_cut = ~Index{0};
    bool ends_segment = false;  // stands for all batches of a segment that was read from a file
  };

  void on_snapshot_file(const wire::trace::Store& op, const Stamp& at, DiskNews& news);
  void place(const wire::trace::Store& op, DiskNews& news);
  void sync_dir();
  void write(std::uint64_t number, Segment& segment, const wire::trace::Store& op, DiskNews& news);
  bool parse_one(std::uint64_t number, Segment& segment, std::string_view& rest, DiskNews& news);
  void take_batch(DiskPosition end, const DiskRecord& record, DiskNews& news);
  void combine();
  void cut(Segment& segment, std::uint64_t size, DiskNews& news);
  void fold();
  void adopt(const DiskContents& contents, bool power);
  [[nodiscard]] bool is_durable(const Pending& pending) const;
  [[nodiscard]] bool knows_every_batch() const;
  [[nodiscard]] bool is_reached(const DiskState& state) const;
  [[nodiscard]] bool is_latest(const DiskState& state) const;
  [[nodiscard]] static Pending state_of(const VoteState& state, const LogChain& log);
  [[nodiscard]] static bool same(const Pending& a, const Pending& b);
  /// Whether `found` is the snapshot in place, or the durable one, with the term and vote of
  /// `state` and no log behind it.
  [[nodiscard]] bool is_bare_snapshot(const Pending& found, const Pending& state) const;

  const SnapshotPoints* points_ = nullptr;  // of the call in hand
  std::map<std::uint64_t, Segment> segments_;
  std::map<std::string, Unfinished> unfinished_;
  DiskSnapshot placed_;
  bool placed_synced_ = false;  // its bytes
  DiskSnapshot durable_snapshot_;
  DiskState raw_;                     // what the segments alone say
  std::optional<LogChain> replaced_;  // the log, when raw_'s does not go on from the snapshot
  Pending folded_;                    // the last batch known durable
  std::deque<Pending> pending_;
  std::size_t open_batches_ = 0;  // of the last operation, a write: it may not be performed yet
  VoteState durable_;
  Index durable_last_ = 0;
  Stamp last_sync_;
  bool lost_track_ = false;
};

}  // namespace ww::checkers::invariants
