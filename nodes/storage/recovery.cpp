// Recovery tells two things apart that look alike, a tail that a crash tore and bytes that the disk
// damaged (Alagappan et al., "Protocol-Aware Recovery for Consensus-Based Storage", FAST 2018,
// calls the confusion of the two the root of silent data loss). The difference is whether the bytes
// were ever durable, and the log says so itself: batches and watermarks carry how far it was synced
// when they were written. So a bad place is damage if any valid record, wherever it is, vouches for
// bytes beyond it; otherwise nothing after it was ever acknowledged, and it may go.
//
// A bad place for which nothing vouches is judged by itself. A torn write leaves of each sector the
// old or the new, so that a part of the record is zeros, or the file ends within it. What is all
// there and still bad was flipped, and whether it had been durable nobody can tell: then the node
// is in doubt, and says so in a file of its own before it cuts.
//
// The order of the cut makes it repeatable from any crash within it:
//   1. Unlink the later segments, then sync the directory. Until then the torn place still stands,
//      and a second recovery comes to the same judgement.
//   2. Truncate the torn segment, then sync it. Were this first, a surviving later segment would
//      continue a log that lacks what was cut.
//   3. Sync every kept segment that no watermark vouches for: after a kill -9 it may be only in the
//      page cache. A new segment, begun afterwards, opens with a watermark that says so; it must
//      not come before 1-3, because from then on a bad byte in what was kept is damage.
//   4. Remove what the snapshot replaced: older snapshots, unfinished ones, the segments before the
//      one that it names. A crash may have left any of them.
//
// The snapshot got its name when it was durable, and the directory was synced before anything that
// it replaced was removed. So the one of the highest index counts, and if that is bad, it is
// damage. It says with which segment the log begins, and what held there, the hard state among it.
#include "nodes/storage/recovery.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "nodes/storage/format.hpp"
#include "nodes/storage/snapshot_file.hpp"

namespace ww::storage {

namespace {

std::string describe(Place place) {
  return segment_name(place.segment) + ", offset " + std::to_string(place.offset);
}

Error corrupt(std::string message) {
  return Error{ErrorCode::kCorrupt, true, "log damaged: " + std::move(message)};
}

/// Without the zeros at the end.
std::uint64_t written_size(std::string_view file) {
  return file.find_last_not_of('\0') + 1;
}

std::string show(LogPosition at) {
  return "entry " + std::to_string(at.index) + " of term " + std::to_string(at.term);
}

/// The log as the batches read so far leave it. Entries are kept encoded, with the offset of each.
class Rebuilt {
 public:
  explicit Rebuilt(Survived& survived) : survived_(survived) {}

  /// Begins with what held before the first segment that is read.
  void begin(const LogStart& start) {
    base_ = start.last;
    survived_.state = start.state;
  }
  [[nodiscard]] LogPosition base() const { return base_; }
  [[nodiscard]] LogPosition last() const {
    return starts_.empty() ? base_ : LogPosition{last_index(), entry(starts_.size() - 1).term};
  }
  /// Whether it has an entry of exactly this position, or it is the base.
  [[nodiscard]] bool has(LogPosition at) const {
    if (at.index <= base_.index) return at == base_;
    return at.index <= last_index() &&
           entry(static_cast<std::size_t>(at.index - base_.index - 1)).term == at.term;
  }

  /// False, and nothing changed, when the batch does not continue the log.
  bool apply(const Batch& batch) {
    const Index before = batch.reset_to ? batch.reset_to->index : last_index();
    Index last = before;
    if (batch.truncate_from) {
      if (*batch.truncate_from == 0) return false;
      last = std::min(last, *batch.truncate_from - 1);
    }
    if (batch.count > 0 && batch.first != last + 1) return false;
    if (batch.reset_to) reset(*batch.reset_to);
    if (last < before) cut_to(last);
    ByteReader in(batch.entries);
    const std::size_t end = survived_.entries.size();
    for (std::uint32_t i = 0; i < batch.count; ++i) {
      starts_.push_back(end + in.position());
      wire::read_entry(in);
    }
    survived_.entries.append(batch.entries);
    if (batch.state) survived_.state = *batch.state;
    return true;
  }

  /// Drops the entries up to `at`, or all of them where it does not have that one. Returns whether
  /// it goes on from there.
  bool go_on_from(LogPosition at) {
    const bool kept = has(at);
    if (kept) {
      const auto dropped = static_cast<std::size_t>(at.index - base_.index);
      const std::size_t bytes =
          dropped < starts_.size() ? starts_[dropped] : survived_.entries.size();
      survived_.entries.erase(0, bytes);
      survived_.count = starts_.size() - dropped;
    } else {
      survived_.entries.clear();
      survived_.count = 0;
    }
    survived_.base = at;
    return kept;
  }

 private:
  [[nodiscard]] Index last_index() const { return base_.index + starts_.size(); }
  [[nodiscard]] wire::EntryView entry(std::size_t place) const {
    ByteReader in(std::string_view(survived_.entries).substr(starts_[place]));
    return wire::read_entry(in);
  }
  void reset(LogPosition base) {
    base_ = base;
    starts_.clear();
    survived_.entries.clear();
  }
  void cut_to(Index last) {
    // Of what is before the first segment that is left, only the end is known.
    if (last < base_.index) return reset({last, 0});
    const auto keep = static_cast<std::size_t>(last - base_.index);
    if (keep == starts_.size()) return;
    survived_.entries.resize(starts_[keep]);
    starts_.resize(keep);
  }

  Survived& survived_;
  LogPosition base_;
  std::vector<std::size_t> starts_;
};

class Recovery {
 public:
  Recovery(ByteStore& store, const LogOptions& options, Survived& survived)
      : store_(store),
        options_(options),
        node_(options.node),
        survived_(survived),
        log_(survived) {}

  Result<Recovered> run();

 private:
  struct Segment {
    std::uint64_t number = 0;
    std::string name;
    std::uint64_t size = 0;  // known once it was read; without the room at its end
    LogStart start;          // as reading came to it
  };
  struct BadPlace {
    Place at;
    std::string_view problem;
  };
  /// A record at `said_at` says that everything before `synced` was durable; segment 0 is the
  /// snapshot.
  struct Watermark {
    Place synced;
    Place said_at;
  };

  Result<void> list_files();
  Result<void> read_snapshot();
  Result<void> read_segments();
  Result<std::string> read_bytes(Segment& segment);
  std::uint64_t read_records(std::string_view file, std::uint64_t segment);
  void search_records(std::string_view file, Place from);
  void note(const Record& record, Place at);
  [[nodiscard]] const Segment& segment(std::uint64_t number) const {
    return segments_[static_cast<std::size_t>(number - first_.segment)];
  }
  [[nodiscard]] std::string describe_sayer(Place said_at) const;
  Result<void> judge();
  Result<void> judge_gap() const;
  Result<void> remember_doubt();
  Result<void> cut();
  Result<void> sync_kept();
  Result<void> remove_replaced();

  ByteStore& store_;
  const LogOptions& options_;
  NodeId node_;
  Survived& survived_;
  Rebuilt log_;
  std::vector<std::string> replaced_;  // files of no use any more
  std::vector<Index> snapshots_;       // ascending
  LogStart first_;                     // with which the log begins
  std::vector<Segment> segments_;      // from first_ on, by number
  std::optional<BadPlace> bad_;        // the first; reading stopped there
  bool bad_is_torn_ = true;            // a torn write explains it
  bool in_doubt_before_ = false;
  Watermark highest_;
  std::optional<Watermark> beyond_end_;  // vouches for bytes beyond the end of a segment read well
};

Result<Recovered> Recovery::run() {
  if (auto r = list_files(); !r) return r.error();
  if (auto r = read_snapshot(); !r) return r.error();
  if (auto r = read_segments(); !r) return r.error();
  if (auto r = judge(); !r) return r.error();
  if (auto r = judge_gap(); !r) return r.error();
  if (auto r = remember_doubt(); !r) return r.error();
  if (bad_) {
    if (auto r = cut(); !r) return r.error();
  }
  if (!segments_.empty() || !replaced_.empty()) {
    if (auto r = sync_kept(); !r) return r.error();
  }
  if (auto r = remove_replaced(); !r) return r.error();
  Recovered out;
  for (const Segment& segment : segments_) out.starts.push_back(segment.start);
  if (!segments_.empty()) out.end = Place{segments_.back().number, segments_.back().size};
  out.last = log_.last();
  out.log_replaced = !log_.go_on_from(survived_.snapshot);
  return out;
}

Result<void> Recovery::list_files() {
  auto names = store_.list();
  if (!names) return names.error();
  for (std::string& name : *names) {
    if (const auto number = segment_number(name)) {
      segments_.push_back(Segment{*number, std::move(name), 0, {}});
    } else if (const auto index = snapshot_index(name)) {
      snapshots_.push_back(*index);
    } else if (is_snapshot_temporary(name)) {
      replaced_.push_back(std::move(name));
    } else if (name == kDoubtFile) {
      in_doubt_before_ = true;
    }
  }
  std::sort(snapshots_.begin(), snapshots_.end());
  std::sort(segments_.begin(), segments_.end(),
            [](const Segment& a, const Segment& b) { return a.number < b.number; });
  return {};
}

/// Errors: kCorrupt when the snapshot is bad, or another node's.
Result<void> Recovery::read_snapshot() {
  if (snapshots_.empty()) return {};
  const Index index = snapshots_.back();
  snapshots_.pop_back();
  for (const Index older : snapshots_) replaced_.push_back(snapshot_name(older));
  const std::string name = snapshot_name(index);
  auto file = store_.read(name);
  if (!file) return file.error();
  const auto snapshot = read_snapshot_file(*file);
  if (!snapshot) return corrupt(name + ": the snapshot is bad");
  if (snapshot->node != node_) {
    return corrupt(name + ": it is a snapshot of node " + name_of(snapshot->node) +
                   ", and this is " + name_of(node_));
  }
  if (snapshot->at.index != index) return corrupt(name + ": it is another snapshot's copy");
  survived_.snapshot = snapshot->at;
  survived_.snapshot_bytes = snapshot->bytes;
  first_ = snapshot->log;
  log_.begin(first_);
  // Its segment was there before it.
  highest_ = Watermark{Place{first_.segment, kSegmentHeaderBytes}, Place{}};
  const auto needed = std::find_if(segments_.begin(), segments_.end(),
                                   [&](const Segment& s) { return s.number >= first_.segment; });
  for (auto it = segments_.begin(); it != needed; ++it) replaced_.push_back(std::move(it->name));
  segments_.erase(segments_.begin(), needed);
  if (segments_.empty()) bad_ = BadPlace{Place{first_.segment, 0}, "the segment is missing"};
  return {};
}

Result<void> Recovery::read_segments() {
  std::uint64_t expected = first_.segment;
  for (Segment& segment : segments_) {
    if (!bad_ && segment.number != expected) {
      bad_ = BadPlace{Place{expected, 0}, "the segment is missing"};
    }
    segment.start = {segment.number, survived_.state, log_.last()};
    auto file = read_bytes(segment);
    if (!file) return file.error();
    if (bad_) {
      search_records(*file, Place{segment.number, 0});
    } else {
      const std::uint64_t end = read_records(*file, segment.number);
      if (!bad_) segment.size = end;
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
  segment.size = written_size(*file);
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

/// Returns where its records end.
std::uint64_t Recovery::read_records(std::string_view file, std::uint64_t segment) {
  if (!read_segment_header(file)) {
    bad_ = BadPlace{Place{segment, 0}, "the segment's header is incomplete or bad"};
    bad_is_torn_ = is_torn_header(file);
    return 0;
  }
  Place at{segment, kSegmentHeaderBytes};
  while (at.offset < file.size()) {
    const ReadRecord read = read_record(file, at);
    if (!read.record) {
      // Room for records to come, or of records whose bytes never reached the disk.
      if (written_size(file) <= at.offset) break;
      bad_ = BadPlace{at, read.problem};
      bad_is_torn_ = is_torn_record(file, at);
      break;
    }
    note(*read.record, at);
    if (read.record->batch && !log_.apply(*read.record->batch)) {
      bad_ = BadPlace{at, "the batch does not continue the log"};
      bad_is_torn_ = false;
      break;
    }
    at.offset += read.record->size;
  }
  return at.offset;
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
  if (beyond_end_ || record.synced.segment < first_.segment || record.synced.segment >= limit) {
    return;
  }
  if (record.synced.offset > segment(record.synced.segment).size)
    beyond_end_ = Watermark{record.synced, at};
}

Result<void> Recovery::judge() {
  if (beyond_end_) {
    const Place synced = beyond_end_->synced;
    const std::uint64_t size = segment(synced.segment).size;
    return corrupt(describe(Place{synced.segment, size}) + ": the file ends here, but " +
                   describe(beyond_end_->said_at) + " says that it was synced up to offset " +
                   std::to_string(synced.offset));
  }
  if (bad_ && highest_.synced > bad_->at) {
    if (options_.trusts_damage) {
      survived_.damage_cut = true;
      bad_is_torn_ = true;
      return {};
    }
    return corrupt(describe(bad_->at) + ": " + std::string(bad_->problem) + ", but " +
                   describe_sayer(highest_.said_at) + " says that the log was synced up to " +
                   describe(highest_.synced));
  }
  return {};
}

std::string Recovery::describe_sayer(Place said_at) const {
  return said_at.segment == 0 ? snapshot_name(survived_.snapshot.index) : describe(said_at);
}

/// A log that begins behind the snapshot lacks what is between.
Result<void> Recovery::judge_gap() const {
  if (log_.base().index <= survived_.snapshot.index) return {};
  return corrupt("the log begins behind " + show(log_.base()) +
                 (survived_.snapshot.index == 0
                      ? ", and there is no snapshot"
                      : ", and the snapshot ends with " + show(survived_.snapshot)));
}

/// The doubt is durable before anything is cut: a crash in between must not make it look whole.
Result<void> Recovery::remember_doubt() {
  const bool nothing = segments_.empty() && survived_.snapshot.index == 0;
  if (bad_ && !bad_is_torn_) {
    survived_.doubt = Doubt::kTail;
  } else if (in_doubt_before_) {
    survived_.doubt = Doubt::kStanding;
  } else if (nothing && !options_.first_start) {
    survived_.doubt = Doubt::kMissing;
  }
  if (survived_.doubt == Doubt::kNone || in_doubt_before_) return {};
  if (auto r = store_.create(std::string(kDoubtFile)); !r) return r;
  return store_.sync_dir();
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

Result<void> Recovery::remove_replaced() {
  for (const std::string& name : replaced_) {
    if (auto r = store_.unlink(name); !r) return r;
  }
  return {};
}

}  // namespace

Result<Recovered> recover(ByteStore& store, const LogOptions& options, Survived& survived) {
  survived = Survived{};
  return Recovery(store, options, survived).run();
}

}  // namespace ww::storage
