// Recovery tells two things apart that look alike, a tail that a crash tore and bytes that the disk
// damaged (Alagappan et al., "Protocol-Aware Recovery for Consensus-Based Storage", FAST 2018,
// calls the confusion of the two the root of silent data loss). The difference is whether the bytes
// were ever durable, and the log says so itself: batches and watermarks carry how far it was synced
// when they were written. So a bad place is damage if any valid record, wherever it is, vouches for
// bytes beyond it; otherwise nothing after it was ever acknowledged, and it may go.
//
// The order of the cut makes it repeatable from any crash within it:
//   1. Unlink the later segments, then sync the directory. Until then the torn place still stands,
//      and a second recovery comes to the same judgement.
//   2. Truncate the torn segment, then sync it. Were this first, a surviving later segment would
//      continue a log that lacks what was cut.
//   3. Sync every kept segment that no watermark vouches for: after a kill -9 it may be only in the
//      page cache. A new segment, begun afterwards, opens with a watermark that says so; it must
//      not come before 1-3, because from then on a bad byte in what was kept is damage.
#include "nodes/storage/recovery.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "nodes/storage/format.hpp"

namespace ww::storage {

namespace {

std::string describe(Place place) {
  return segment_name(place.segment) + ", offset " + std::to_string(place.offset);
}

Error corrupt(std::string message) {
  return Error{ErrorCode::kCorrupt, true, "log damaged: " + std::move(message)};
}

/// The log as the batches read so far leave it. Entries are kept encoded, with the offset of each.
class Rebuilt {
 public:
  explicit Rebuilt(Survived& survived) : survived_(survived) {}

  /// False, and nothing changed, when the batch does not continue the log.
  bool apply(const Batch& batch) {
    std::uint64_t keep = starts_.size();
    if (batch.truncate_from) {
      if (*batch.truncate_from == 0) return false;
      keep = std::min<std::uint64_t>(keep, *batch.truncate_from - 1);
    }
    if (batch.count > 0 && batch.first != keep + 1) return false;
    if (keep < starts_.size()) {
      survived_.entries.resize(starts_[static_cast<std::size_t>(keep)]);
      starts_.resize(static_cast<std::size_t>(keep));
    }
    ByteReader in(batch.entries);
    const std::size_t base = survived_.entries.size();
    for (std::uint32_t i = 0; i < batch.count; ++i) {
      starts_.push_back(base + in.position());
      wire::read_entry(in);
    }
    survived_.entries.append(batch.entries);
    survived_.count = starts_.size();
    if (batch.state) survived_.state = *batch.state;
    return true;
  }

 private:
  Survived& survived_;
  std::vector<std::size_t> starts_;
};

class Recovery {
 public:
  Recovery(ByteStore& store, NodeId node, Survived& survived)
      : store_(store), node_(node), survived_(survived), log_(survived) {}

  Result<Place> run();

 private:
  struct Segment {
    std::uint64_t number = 0;
    std::string name;
    std::uint64_t size = 0;  // known once it was read
  };
  struct BadPlace {
    Place at;
    std::string_view problem;
  };
  /// A record at `said_at` says that everything before `synced` was durable.
  struct Watermark {
    Place synced;
    Place said_at;
  };

  Result<void> list_segments();
  Result<void> read_segments();
  Result<std::string> read_bytes(Segment& segment);
  void read_records(std::string_view file, std::uint64_t segment);
  void search_records(std::string_view file, Place from);
  void note(const Record& record, Place at);
  Result<void> judge() const;
  Result<void> cut();
  Result<void> sync_kept();

  ByteStore& store_;
  NodeId node_;
  Survived& survived_;
  Rebuilt log_;
  std::vector<Segment> segments_;  // by number
  std::optional<BadPlace> bad_;    // the first; reading stopped there
  Watermark highest_;
  std::optional<Watermark> beyond_end_;  // vouches for bytes beyond the end of a segment read well
};

Result<Place> Recovery::run() {
  if (auto r = list_segments(); !r) return r.error();
  if (auto r = read_segments(); !r) return r.error();
  if (auto r = judge(); !r) return r.error();
  if (segments_.empty()) return Place{};
  if (bad_) {
    if (auto r = cut(); !r) return r.error();
  }
  if (auto r = sync_kept(); !r) return r.error();
  if (segments_.empty()) return Place{};
  return Place{segments_.back().number, segments_.back().size};
}

Result<void> Recovery::list_segments() {
  auto names = store_.list();
  if (!names) return names.error();
  for (std::string& name : *names) {
    const auto number = segment_number(name);
    if (number) segments_.push_back(Segment{*number, std::move(name), 0});
  }
  std::sort(segments_.begin(), segments_.end(),
            [](const Segment& a, const Segment& b) { return a.number < b.number; });
  return {};
}

Result<void> Recovery::read_segments() {
  std::uint64_t expected = 1;
  for (Segment& segment : segments_) {
    if (!bad_ && segment.number != expected) {
      bad_ = BadPlace{Place{expected, 0}, "the segment is missing"};
    }
    auto file = read_bytes(segment);
    if (!file) return file.error();
    if (bad_) {
      search_records(*file, Place{segment.number, 0});
    } else {
      read_records(*file, segment.number);
      if (bad_) search_records(*file, Place{segment.number, bad_->at.offset + 1});
    }
    ++expected;
  }
  return {};
}

/// Errors: kCorrupt when the header is whole but of another log: no crash writes that.
Result<std::string> Recovery::read_bytes(Segment& segment) {
  auto file = store_.read(segment.name);
  if (!file) return file;
  segment.size = file->size();
  const auto header = read_segment_header(*file);
  if (header && header->node != node_) {
    return corrupt(segment.name + ", offset 0: it is a segment of node " + name_of(header->node) +
                   ", and this is " + name_of(node_));
  }
  if (header && header->segment != segment.number) {
    return corrupt(segment.name + ", offset 0: it is a copy of " + segment_name(header->segment));
  }
  return file;
}

void Recovery::read_records(std::string_view file, std::uint64_t segment) {
  if (!read_segment_header(file)) {
    bad_ = BadPlace{Place{segment, 0}, "the segment's header is incomplete or bad"};
    return;
  }
  Place at{segment, kSegmentHeaderBytes};
  while (at.offset < file.size()) {
    const ReadRecord read = read_record(file, at);
    if (!read.record) {
      bad_ = BadPlace{at, read.problem};
      return;
    }
    note(*read.record, at);
    if (read.record->batch && !log_.apply(*read.record->batch)) {
      bad_ = BadPlace{at, "the batch does not continue the log"};
      return;
    }
    at.offset += read.record->size;
  }
}

/// Looks for valid records only for what they say about syncs.
void Recovery::search_records(std::string_view file, Place from) {
  std::size_t offset = find_marker(file, static_cast<std::size_t>(from.offset));
  while (offset != std::string_view::npos) {
    const Place at{from.segment, offset};
    const ReadRecord read = read_record(file, at);
    if (read.record) note(*read.record, at);
    const std::uint64_t step = read.record ? read.record->size : 1;
    offset = find_marker(file, offset + static_cast<std::size_t>(step));
  }
}

void Recovery::note(const Record& record, Place at) {
  if (record.synced > highest_.synced) highest_ = Watermark{record.synced, at};
  const std::uint64_t limit = bad_ ? bad_->at.segment : at.segment;
  if (beyond_end_ || record.synced.segment == 0 || record.synced.segment >= limit) return;
  const Segment& whole = segments_[static_cast<std::size_t>(record.synced.segment - 1)];
  if (record.synced.offset > whole.size) beyond_end_ = Watermark{record.synced, at};
}

Result<void> Recovery::judge() const {
  if (beyond_end_) {
    const Place synced = beyond_end_->synced;
    const std::uint64_t size = segments_[static_cast<std::size_t>(synced.segment - 1)].size;
    return corrupt(describe(Place{synced.segment, size}) + ": the file ends here, but " +
                   describe(beyond_end_->said_at) + " says that it was synced up to offset " +
                   std::to_string(synced.offset));
  }
  if (bad_ && highest_.synced > bad_->at) {
    return corrupt(describe(bad_->at) + ": " + std::string(bad_->problem) + ", but " +
                   describe(highest_.said_at) + " says that the log was synced up to " +
                   describe(highest_.synced));
  }
  return {};
}

Result<void> Recovery::cut() {
  survived_.torn = true;
  const auto is_kept = [&](const Segment& s) {
    return s.number < bad_->at.segment || (s.number == bad_->at.segment && bad_->at.offset > 0);
  };
  while (!segments_.empty() && !is_kept(segments_.back())) {
    if (auto r = store_.unlink(segments_.back().name); !r) return r;
    survived_.cut_bytes += segments_.back().size;
    segments_.pop_back();
  }
  if (auto r = store_.sync_dir(); !r) return r;
  if (bad_->at.offset == 0) return {};
  Segment& torn = segments_.back();
  if (auto r = store_.truncate(torn.name, bad_->at.offset); !r) return r;
  survived_.cut_bytes += torn.size - bad_->at.offset;
  torn.size = bad_->at.offset;
  return store_.sync_file(torn.name);
}

Result<void> Recovery::sync_kept() {
  for (const Segment& segment : segments_) {
    if (Place{segment.number, segment.size} <= highest_.synced) continue;
    if (auto r = store_.sync_file(segment.name); !r) return r;
  }
  return store_.sync_dir();
}

}  // namespace

Result<Place> recover(ByteStore& store, NodeId node, Survived& survived) {
  survived = Survived{};
  return Recovery(store, node, survived).run();
}

}  // namespace ww::storage
