// What a start does with the files that it finds: rebuild, judge, cut, and make durable.
#pragma once

#include <string_view>
#include <vector>

#include "nodes/storage/byte_store.hpp"
#include "nodes/storage/log_store.hpp"

namespace ww::storage {

struct Recovered {
  Place end;                     // of the log; segment 0 when there is none yet
  std::vector<LogStart> starts;  // of the segments kept
  LogPosition last;              // of the log that the segments alone hold
  bool log_replaced = false;     // that one does not go on from the snapshot
};

/// An empty file of this name says that the node is in doubt.
inline constexpr std::string_view kDoubtFile = "doubt";

/// Rebuilds snapshot and log from `store`, cuts a torn tail, syncs what is kept, and removes what
/// the snapshot replaced.
///
/// Shape:    O(bytes); one segment in memory at a time besides the log itself.
/// Errors:   as LogStore::open. Nothing was changed when the code is kCorrupt.
/// Requires: nothing of the state it is in: a crash of an earlier recovery at any point included.
Result<Recovered> recover(ByteStore& store, const LogOptions& options, Survived& survived);

}  // namespace ww::storage
