#include "nodes/storage/log_store.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "nodes/storage/format.hpp"
#include "nodes/storage/recovery.hpp"

namespace ww::storage {

Result<LogStore> LogStore::open(ByteStore& store, const LogOptions& options, Survived& survived) {
  const Result<Place> end = recover(store, options.node, survived);
  if (!end) return end.error();
  LogStore log(store, options);
  log.next_index_ = survived.first + survived.count;
  if (auto r = log.begin_segment(end->segment + 1, *end); !r) return r.error();
  return log;
}

/// The opening watermark names the end of the segment before: were that file ever shorter, nothing
/// else in it would show it. REQUIRES: everything before `previous_end` is durable.
Result<void> LogStore::begin_segment(std::uint64_t segment, Place previous_end) {
  file_ = segment_name(segment);
  buffer_.clear();
  append_segment_header(buffer_, SegmentHeader{options_.node, segment});
  if (previous_end.segment > 0) {
    append_watermark(buffer_, Place{segment, buffer_.size()}, previous_end);
  }
  if (auto r = store_->create(file_); !r) return r;
  if (auto r = store_->write(file_, 0, buffer_); !r) return r;
  if (auto r = store_->sync_file(file_); !r) return r;
  if (auto r = store_->sync_dir(); !r) return r;
  end_ = Place{segment, buffer_.size()};
  synced_ = end_;
  has_batch_ = false;
  return {};
}

/// The old segment is durable before the new one takes a record, so that a torn segment is the
/// last.
Result<void> LogStore::rotate() {
  if (auto r = store_->sync_file(file_); !r) return r;
  return begin_segment(end_.segment + 1, end_);
}

Result<void> LogStore::write(const Batch& batch) {
  if (broken_) return *broken_;
  if (!batch.state && !batch.truncate_from && batch.count == 0) return {};
  Index next = next_index_;
  if (batch.truncate_from) {
    WW_ASSERT(*batch.truncate_from > 0, "logs are cut from an index on, and 1 is the first");
    next = std::min(next, *batch.truncate_from);
  }
  if (batch.count > 0) {
    WW_ASSERT(batch.first == next, "a batch must continue the log");
    WW_ASSERT(entries_are_well_formed(batch), "a batch must hold the entries that it announces");
  }
  if (end_.offset > options_.segment_bytes && has_batch_) {
    if (auto r = rotate(); !r) return fail(r.error());
  }
  buffer_.clear();
  if (!append_batch(buffer_, end_, synced_, batch)) {
    broken_ = Error{ErrorCode::kTooLarge, true,
                    "a batch of " + std::to_string(batch.entries.size()) +
                        " bytes of entries is over the log's limit of " +
                        std::to_string(kMaxRecordBody) + " a record"};
    return *broken_;
  }
  if (auto r = append(buffer_); !r) return r;
  next_index_ = next + batch.count;
  has_batch_ = true;
  batches_end_ = end_;
  return {};
}

Result<void> LogStore::sync_to(Place upto) {
  if (broken_) return *broken_;
  // A new segment begins with everything before it durable.
  if (upto <= synced_) return {};
  const bool everything = upto == batches_end_;
  if (auto r = everything ? store_->sync_file(file_) : store_->sync_prefix(file_, upto.offset);
      !r) {
    return fail(r.error());
  }
  synced_ = everything ? end_ : upto;
  buffer_.clear();
  append_watermark(buffer_, end_, synced_);
  return append(buffer_);
}

Result<void> LogStore::append(std::string_view bytes) {
  if (auto r = store_->write(file_, end_.offset, bytes); !r) return fail(r.error());
  end_.offset += bytes.size();
  return {};
}

/// What failed may be on disk all the same, wholly or in part: no error of the store is definite.
Result<void> LogStore::fail(Error error) {
  error.definite = false;
  broken_ = std::move(error);
  return *broken_;
}

}  // namespace ww::storage
