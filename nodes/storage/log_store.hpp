// The durable log: append-only checksummed records in segment files. Format: docs/log-format.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

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

/// What one Write effect asks for, in this order: cut the log back to before `truncate_from`,
/// append the entries, set term and vote. All of it in one checksummed batch.
struct Batch {
  std::optional<HardState> state;
  std::optional<Index> truncate_from;
  Index first = 0;  // index of the first entry; ignored when there are none
  std::uint32_t count = 0;
  std::string_view entries;  // encoded by wire::append_entry
};

/// A position in the chain of segments; places order as the log does.
struct Place {
  std::uint64_t segment = 0;  // 1 is the first
  std::uint64_t offset = 0;   // in the segment's file
  friend constexpr auto operator<=>(const Place&, const Place&) = default;
};

/// What a start finds: everything valid on disk, all of it durable by then.
struct Survived {
  HardState state;
  Index first = 1;  // index of the first entry
  std::uint64_t count = 0;
  std::string entries;  // encoded, one after the other
  bool torn = false;    // a torn tail was cut off
  std::uint64_t cut_bytes = 0;
};

struct LogOptions {
  NodeId node;
  std::uint64_t segment_bytes = std::uint64_t{1} << 20;  // a new segment is begun above this
};

class LogStore {
 public:
  /// Recovers what is there, or begins an empty log. Cuts a torn tail, and syncs what it found, so
  /// that `survived` is durable when this returns.
  /// Errors: kCorrupt naming file, offset and reason when bytes below a known watermark are bad, or
  ///         a segment is another node's (the node must not serve or vote); those of the store.
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
  std::string file_;        // of the segment that takes the next record
  Place end_;               // where that record goes
  Place synced_;            // everything before is durable
  Index next_index_ = 1;    // index of the next entry
  Place batches_end_;       // of the last batch
  bool has_batch_ = false;  // the segment holds one, so that rotating it makes sense
  std::string buffer_;      // of the record being written
  std::optional<Error> broken_;
};

}  // namespace ww::storage
