#include "nodes/storage/log_store.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "nodes/storage/format.hpp"
#include "nodes/storage/recovery.hpp"
#include "nodes/storage/snapshot_file.hpp"

namespace ww::storage {

void TermRuns::reset(LogPosition base) {
  last_ = base.index;
  runs_.clear();
  if (base.index != 0) runs_.emplace_back(base.index, base.term);
}

void TermRuns::truncate(Index from) {
  last_ = std::min(last_, from - 1);
  while (!runs_.empty() && runs_.back().first > last_) runs_.pop_back();
}

bool TermRuns::append(std::uint32_t count, std::string_view entries) {
  ByteReader in(entries);
  for (std::uint32_t i = 0; i < count; ++i) {
    const Term term = wire::read_entry(in).term;
    if (!in.ok()) return false;
    ++last_;
    if (runs_.empty() || runs_.back().second != term) runs_.emplace_back(last_, term);
  }
  return in.done();
}

void TermRuns::forget_before(Index index) {
  std::size_t needed = runs_.size();
  while (needed > 1 && runs_[needed - 1].first > index) --needed;
  if (needed > 1)
    runs_.erase(runs_.begin(), runs_.begin() + static_cast<std::ptrdiff_t>(needed - 1));
}

Result<LogStore> LogStore::open(ByteStore& store, const LogOptions& options, Survived& survived) {
  const Result<Recovered> found = recover(store, options, survived);
  if (!found) return found.error();
  LogStore log(store, options);
  log.state_ = survived.state;
  log.log_.reset(found->log_replaced ? found->last : survived.base);
  log.log_.append(static_cast<std::uint32_t>(survived.count), survived.entries);
  log.starts_.assign(found->starts.begin(), found->starts.end());
  log.snapshot_index_ = survived.snapshot.index;
  if (auto r = log.begin_segment(found->end.segment + 1, found->end); !r) return r.error();
  if (found->log_replaced) {
    Batch reset;
    reset.reset_to = survived.base;
    if (auto r = log.write(reset); !r) return r.error();
    if (auto r = log.sync(); !r) return r.error();
  }
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
  room_ = options_.preallocate;
  if (room_ > 0) {
    if (auto r = store_->truncate(file_, room_); !r) return r;
  }
  if (auto r = store_->write(file_, 0, buffer_); !r) return r;
  if (auto r = store_->sync_file(file_); !r) return r;
  if (auto r = store_->sync_dir(); !r) return r;
  end_ = Place{segment, buffer_.size()};
  synced_ = end_;
  has_batch_ = false;
  starts_.push_back({segment, state_, log_.last()});
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
  if (batch.settles_doubt) {
    // Durably, once in a long while: were it back after a power loss, a node would be missing that
    // others may need by then.
    if (auto r = store_->unlink(std::string(kDoubtFile)); !r) return fail(r.error());
    if (auto r = store_->sync_dir(); !r) return fail(r.error());
  }
  if (!batch.state && !batch.reset_to && !batch.truncate_from && batch.count == 0) return {};
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
  if (batch.reset_to) log_.reset(*batch.reset_to);
  if (batch.truncate_from) {
    WW_ASSERT(*batch.truncate_from > 0, "logs are cut from an index on, and 1 is the first");
    log_.truncate(*batch.truncate_from);
  }
  if (batch.count > 0) {
    WW_ASSERT(batch.first == log_.last_index() + 1, "a batch must continue the log");
    const bool well_formed = log_.append(batch.count, batch.entries);
    WW_ASSERT(well_formed, "a batch must hold the entries that it announces");
  }
  if (batch.state) state_ = *batch.state;
  if (auto r = append(buffer_); !r) return r;
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

/// The log begins with the last segment at whose beginning it did not reach behind `at`: whatever
/// of it is behind `at` was written since.
Result<void> LogStore::begin_snapshot(LogPosition at, std::string_view bytes) {
  if (broken_) return *broken_;
  WW_ASSERT(!snapshot_, "one snapshot is written at a time");
  WW_ASSERT(at.index > snapshot_index_, "a snapshot is behind the one before it");
  if (bytes.size() > wire::kMaxSnapshotBytes) {
    broken_ = Error{ErrorCode::kTooLarge, true,
                    "a snapshot of " + std::to_string(bytes.size()) +
                        " bytes is over the limit of " + std::to_string(wire::kMaxSnapshotBytes)};
    return *broken_;
  }
  LogStart first = starts_.front();
  for (const LogStart& start : starts_) {
    if (start.last.index <= at.index) first = start;
  }
  snapshot_ = Snapshot{at.index, first.segment, {}, 0};
  append_snapshot_file(snapshot_->file, SnapshotFile{options_.node, at, first, bytes});
  if (auto r = store_->create(snapshot_temporary_name(at.index)); !r) return fail(r.error());
  return {};
}

Result<bool> LogStore::write_snapshot(std::uint64_t most) {
  if (broken_) return *broken_;
  Snapshot& s = *snapshot_;
  const std::string name = snapshot_temporary_name(s.index);
  const std::string_view piece = std::string_view(s.file).substr(
      static_cast<std::size_t>(s.written), static_cast<std::size_t>(most));
  if (auto r = store_->write(name, s.written, piece); !r) return fail(r.error()).error();
  s.written += piece.size();
  if (s.written == s.file.size()) return true;
  if (auto r = store_->sync_file(name); !r) return fail(r.error()).error();
  return false;
}

Result<void> LogStore::finish_snapshot() {
  if (broken_) return *broken_;
  const Snapshot s = std::move(*snapshot_);
  snapshot_.reset();
  WW_ASSERT(s.written == s.file.size(), "a snapshot is written before it is finished");
  const std::string temporary = snapshot_temporary_name(s.index);
  if (auto r = store_->sync_file(temporary); !r) return fail(r.error());
  if (auto r = store_->rename(temporary, snapshot_name(s.index)); !r) return fail(r.error());
  if (auto r = store_->sync_dir(); !r) return fail(r.error());
  // From here on a start begins with it, whatever of the following is done.
  if (snapshot_index_ != 0) {
    if (auto r = store_->unlink(snapshot_name(snapshot_index_)); !r) return fail(r.error());
  }
  snapshot_index_ = s.index;
  while (starts_.front().segment < s.first_segment) {
    if (auto r = store_->unlink(segment_name(starts_.front().segment)); !r) return fail(r.error());
    starts_.pop_front();
  }
  log_.forget_before(s.index);
  return {};
}

Result<void> LogStore::append(std::string_view bytes) {
  if (options_.preallocate > 0 && end_.offset + bytes.size() > room_) {
    room_ = end_.offset + bytes.size() + options_.preallocate;
    if (auto r = store_->truncate(file_, room_); !r) return fail(r.error());
  }
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
