// What a start does with the segments that it finds: rebuild, judge, cut, and make durable.
#pragma once

#include "nodes/storage/byte_store.hpp"
#include "nodes/storage/log_store.hpp"

namespace ww::storage {

/// Rebuilds the log from the segments in `store`, cuts a torn tail, and syncs what is kept.
/// Returns where it ends; segment 0 when there is none yet.
///
/// Shape:    O(bytes); one segment in memory at a time besides the log itself.
/// Errors:   as LogStore::open. Nothing was changed when the code is kCorrupt.
/// Requires: nothing of the state it is in: a crash of an earlier recovery at any point included.
Result<Place> recover(ByteStore& store, NodeId node, Survived& survived);

}  // namespace ww::storage
