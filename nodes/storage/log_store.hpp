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

struct HardState {
  Term term = 0;
  NodeId vote = kNobody;
  friend bool operator==(const HardState&, const HardState&) = default;
};

/// What one Write effect asks for, in this order: cut the log back to before `truncate_from`, append
/// the entries, set term and vote. All of it in one checksummed batch.
struct Batch {
  std::optional<HardState> state;
  std::optional<Index> truncate_from;
  Index first = 0;           // index of the first entry; ignored when there are none
  std::uint32_t count = 0;
  std::string_view entries;  // encoded by wire::append_entry
};

/// What a start finds: everything valid on disk, all of it durable by then.
struct Survived {
  HardState state;
  Index first = 1;         // index of the first entry
  std::uint64_t count = 0;
  std::string entries;     // encoded, one after the other
  bool torn = false;       // a torn tail was cut off
  std::uint64_t cut_bytes = 0;
};

struct LogOptions {
  NodeId node;
  std::uint64_t segment_bytes = std::uint64_t{1} << 20;  // a new segment is begun above this
};

class LogStore {
 public:
  /// Recovers what is there, or begins an empty log. Cuts a torn tail, and syncs what it found, so that
  /// `survived` is durable when this returns.
  /// Errors: kCorrupt naming file, offset and reason when a record below a known watermark is bad
  ///         (damage: the node must not serve or vote); kIo, kNoSpace of the store.
  /// REQUIRES: `store` outlives the log.
  static Result<LogStore> open(ByteStore& store, const LogOptions& options, Survived& survived);

  /// Writes one batch; not durable before the next sync(). After an error the log refuses everything.
  Result<void> write(const Batch& batch);
  /// Makes everything written so far durable, then notes it in a watermark record.
  Result<void> sync();

 private:
  explicit LogStore(ByteStore& store) : store_(&store) {}
  ByteStore* store_;
  // The rest is the implementation's.
};

}  // namespace ww::storage
