// The durable log: append-only checksummed records in segment files, and the snapshot that stands
// for what came before them. Format: docs/log-format.md.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/wire/peer.hpp"
#include "nodes/storage/byte_store.hpp"

namespace ww::storage {

/// No record's body is larger.
inline constexpr std::size_t kMaxRecordBody = std::size_t{8} << 20;

struct HardState {
  Term term = 0;
  NodeId vote = kNobody;
  friend bool operator==(const HardState&, const HardState&) = default;
};

/// What one Write effect asks for, in this order: empty the log, to go on behind `reset_to`; cut it
/// back to before `truncate_from`; append the entries; set term and vote. All of it in one
/// checksummed batch.
struct Batch {
  std::optional<HardState> state;
  std::optional<Index> truncate_from;
  Index first = 0;  // index of the first entry; ignored when there are none
  std::uint32_t count = 0;
  std::string_view entries;  // encoded by wire::append_entry
  std::optional<LogPosition> reset_to{};
  bool settles_doubt = false;  // a next start is not in doubt for what earlier ones found
};

/// A position in the chain of segments; places order as the log does.
struct Place {
  std::uint64_t segment = 0;  // 1 is the first
  std::uint64_t offset = 0;   // in the segment's file
  friend constexpr auto operator<=>(const Place&, const Place&) = default;
};

/// What held where a segment begins, as the segments before it say.
struct LogStart {
  std::uint64_t segment = 1;
  HardState state;
  LogPosition last;  // of the log; term 0 where it is not known any more
};

/// Which terms a log's entries have, from some index on: as many runs as leaders. A regular value.
class TermRuns {
 public:
  [[nodiscard]] Index last_index() const { return last_; }
  /// Term 0 where nothing is known.
  [[nodiscard]] LogPosition last() const {
    return {last_, runs_.empty() ? 0 : runs_.back().second};
  }
  void reset(LogPosition base);
  void truncate(Index from);
  /// Appends encoded entries; false when they are not exactly `count`.
  bool append(std::uint32_t count, std::string_view entries);
  /// Forgets what is needed for no position from `index` on.
  void forget_before(Index index);

 private:
  Index last_ = 0;
  std::vector<std::pair<Index, Term>> runs_;  // first index and term; ascending
};

/// Why what is found may lack what was durable.
enum class Doubt : std::uint8_t {
  kNone,
  kTail,      // the log ends in a bad record, which no torn write explains and nothing vouches for
  kMissing,   // there is nothing, and this is not the first start
  kStanding,  // an earlier start was in doubt, and that was not settled
};

/// What a start finds: everything valid on disk, all of it durable by then.
struct Survived {
  HardState state;
  LogPosition snapshot;        // {0, 0}: there is none
  std::string snapshot_bytes;  // as they were given to begin_snapshot
  LogPosition base;            // the position before the first entry: that of the snapshot
  std::uint64_t count = 0;
  std::string entries;  // encoded, one after the other
  bool torn = false;    // a torn tail was cut off
  std::uint64_t cut_bytes = 0;
  Doubt doubt = Doubt::kNone;
  bool damage_cut = false;  // LogOptions::trusts_damage: durable bytes were bad, and were cut off
};

struct LogOptions {
  NodeId node;
  std::uint64_t segment_bytes = std::uint64_t{1} << 20;  // a new segment is begun above this
  // A segment's file grows by so much at a time, so that few syncs record a new size; what is not
  // written yet are zeros. 0: it grows with what it holds.
  std::uint64_t preallocate = 0;
  bool first_start = true;     // that nothing is there is as it should be
  bool trusts_damage = false;  // corrupt-as-torn-tail: damage in the log is taken for a torn tail
};

class LogStore {
 public:
  /// Recovers what is there, or begins an empty log. Cuts a torn tail, and syncs what it found, so
  /// that `survived` is durable when this returns. A doubt is remembered until it is settled,
  /// durably before anything is cut.
  /// Errors: kCorrupt naming file, offset and reason when bytes below a known watermark or the
  /// snapshot are bad, there is a gap from it to the log, or a file is another node's (the node
  /// must not serve or vote); those of the store.
  /// REQUIRES: `store` outlives the log.
  static Result<LogStore> open(ByteStore& store, const LogOptions& options, Survived& survived);

  /// Writes one batch; not durable before the next sync(). An empty batch writes nothing.
  /// REQUIRES: the entries are well formed and continue the log (after the batch's own truncation).
  /// Errors: kTooLarge above kMaxRecordBody; those of the store. After the first error the log is
  ///         broken: nothing is written any more, and every call returns that error.
  Result<void> write(const Batch& batch);
  /// Makes everything written so far durable, then notes it in a watermark record.
  /// Errors: as write(). When the note could not be written the batches are durable all the same.
  Result<void> sync() { return sync_to(batches_end_); }
  /// The same for what was written before `upto`; what came later may stay as it is. For a world
  /// that decides by itself which writes are durable, and when.
  Result<void> sync_to(Place upto);

  /// Begins to write a snapshot of everything up to `at` beside the log, under a temporary name.
  /// REQUIRES: none is begun; `at` is behind the last one; it is of the log as written so far, or
  /// is another node's. Errors: kTooLarge; as write().
  Result<void> begin_snapshot(LogPosition at, std::string_view bytes);
  /// Writes up to `most` bytes more of it, and returns whether that was all. What is not the last
  /// of it is synced at once, so that no sync of a large one takes long. Errors: as write().
  Result<bool> write_snapshot(std::uint64_t most);
  /// Makes it durable, gives it its name, and only then removes the snapshot before it and the
  /// segments of which nothing is needed any more. REQUIRES: it is written. Errors: as write().
  Result<void> finish_snapshot();

  /// Where the last batch ends.
  [[nodiscard]] Place batches_end() const { return batches_end_; }

 private:
  LogStore(ByteStore& store, const LogOptions& options) : store_(&store), options_(options) {}
  Result<void> begin_segment(std::uint64_t segment, Place previous_end);
  Result<void> rotate();
  Result<void> append(std::string_view bytes);
  Result<void> fail(Error error);

  ByteStore* store_;
  LogOptions options_;
  std::string file_;             // of the segment that takes the next record
  Place end_;                    // where that record goes
  std::uint64_t room_ = 0;       // the size of its file, where it was given one
  Place synced_;                 // everything before is durable
  HardState state_;              // as written
  TermRuns log_;                 // as written
  std::deque<LogStart> starts_;  // of the segments that there are
  Place batches_end_;            // of the last batch
  bool has_batch_ = false;       // the segment holds one, so that rotating it makes sense
  std::string buffer_;           // of the record being written
  /// A snapshot being written.
  struct Snapshot {
    Index index = 0;
    std::uint64_t first_segment = 0;  // with which the log begins beside it
    std::string file;                 // its bytes
    std::uint64_t written = 0;
  };
  std::optional<Snapshot> snapshot_;
  Index snapshot_index_ = 0;  // of the one in place
  std::optional<Error> broken_;
};

}  // namespace ww::storage
