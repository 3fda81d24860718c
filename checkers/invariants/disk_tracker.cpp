#include "checkers/invariants/disk_tracker.hpp"

#include <algorithm>

namespace ww::checkers::invariants {

using wire::trace::Store;
using wire::trace::StoreOp;

namespace {

std::string show_state(const VoteState& state, Index last) {
  return "term " + std::to_string(state.term) + ", vote " + name_of(state.vote) + ", log up to " +
         std::to_string(last);
}

}  // namespace

DiskNews DiskTracker::apply(const Store& op, const Stamp& at, const SnapshotPoints& points) {
  DiskNews news;
  points_ = &points;
  if (op.op == StoreOp::kSyncDir) {
    if (op.ok) sync_dir();
    return news;
  }
  const auto number = segment_of(op.file);
  if (!number) {
    on_snapshot_file(op, at, news);
    return news;
  }
  open_batches_ = 0;
  if (op.op == StoreOp::kCreate) {
    segments_[*number] = Segment{};
    segments_[*number].file = op.file;
    SegmentStart& start = segments_[*number].start;
    const LogChain& chain = raw_.log;
    start = {raw_.state, {chain.last(), chain.last_term()}, {}};
    if (chain.has(chain.last())) start.chain = chain.chain(chain.last());
    return news;
  }
  const auto found = segments_.find(*number);
  if (found == segments_.end()) return news;
  Segment& segment = found->second;
  switch (op.op) {
    case StoreOp::kWrite:
      write(*number, segment, op, news);
      break;
    case StoreOp::kSyncFile:
      if (!op.ok) break;
      segment.synced = op.offset == 0 ? segment.size
                                      : std::max(segment.synced, std::min(op.offset, segment.size));
      last_sync_ = at;
      fold();
      break;
    case StoreOp::kTruncate:
      cut(segment, op.offset, news);
      break;
    case StoreOp::kUnlink:
    case StoreOp::kRename:
      // The durable snapshot stands for what is before the segment that it names.
      if (op.op == StoreOp::kRename || *number >= durable_snapshot_.first_segment) {
        cut(segment, 0, news);
      }
      segments_.erase(found);
      break;
    case StoreOp::kCreate:
    case StoreOp::kSyncDir:
      break;
  }
  return news;
}

void DiskTracker::sync_dir() {
  for (auto& [number, segment] : segments_) segment.entry_durable = true;
  if (placed_synced_ && placed_.at.index > durable_snapshot_.at.index) {
    durable_snapshot_ = placed_;
    durable_last_ = std::max(durable_last_, placed_.at.index);
  }
  fold();
}

void DiskTracker::on_snapshot_file(const Store& op, const Stamp& at, DiskNews& news) {
  if (!std::string_view(op.file).starts_with("snap-")) return;
  if (op.op == StoreOp::kRename) return place(op, news);
  if (op.op == StoreOp::kUnlink) {
    const auto index = snapshot_of_file(op.file);
    if (index && *index == durable_snapshot_.at.index) {
      news.removed = "removes its snapshot " + op.file;
      lost_track_ = true;
    }
    unfinished_.erase(op.file);
    return;
  }
  Unfinished& file = unfinished_[op.file];
  if (op.op == StoreOp::kCreate) {
    file = Unfinished{};
  } else if (op.op == StoreOp::kWrite) {
    if (op.offset != file.bytes.size()) {
      news.malformed = "writes at offset " + std::to_string(op.offset) + " of " + op.file +
                       ", which ends at " + std::to_string(file.bytes.size());
      lost_track_ = true;
    }
    file.bytes += op.data;
    file.synced = false;
  } else if (op.op == StoreOp::kSyncFile && op.ok) {
    file.synced = true;
    last_sync_ = at;
  }
}

/// A snapshot gets its name.
void DiskTracker::place(const Store& op, DiskNews& news) {
  const auto index = snapshot_of_file(op.other);
  const auto file = unfinished_.find(op.file);
  if (!index || file == unfinished_.end()) return;
  const auto snapshot = read_snapshot(file->second.bytes);
  if (!snapshot || snapshot->at.index != *index) {
    news.malformed = "gives the name " + op.other + " to a file that is no such snapshot";
    lost_track_ = true;
    return;
  }
  const auto first = segments_.find(snapshot->first_segment);
  const SegmentStart& says = snapshot->start;
  if (first == segments_.end() || !(first->second.start.state == says.state) ||
      first->second.start.last.index != says.last.index || says.last.index > snapshot->at.index) {
    news.malformed = "has a snapshot " + op.other + " that says of segment " +
                     std::to_string(snapshot->first_segment) + " that the log before it ended at " +
                     std::to_string(says.last.index) + " with " +
                     show_state(says.state, says.last.index) + ", which is not so";
    lost_track_ = true;
    return;
  }
  placed_ = *snapshot;
  placed_synced_ = file->second.synced;
  unfinished_.erase(file);
  combine();
}

/// What a start makes of log and snapshot.
void DiskTracker::combine() {
  replaced_.reset();
  if (placed_.at.index == 0) return;
  const std::optional<std::uint64_t> chain = points_->chain(placed_.at);
  if (!raw_.log.holds(placed_.at)) {
    replaced_.emplace().anchor(placed_.at, chain);
  } else if (!raw_.log.whole()) {
    raw_.log.rebase(placed_.at, chain);
  }
}

void DiskTracker::write(std::uint64_t number, Segment& segment, const Store& op, DiskNews& news) {
  if (op.offset != segment.size || op.offset != segment.parsed + segment.tail.size()) {
    news.malformed = "writes at offset " + std::to_string(op.offset) + " of " + op.file +
                     ", which ends at " + std::to_string(segment.size);
    lost_track_ = true;
    return;
  }
  segment.size += op.data.size();
  // Mostly a write is whole records, read where they are.
  const bool alone = segment.tail.empty();
  if (!alone) segment.tail += op.data;
  std::string_view rest = alone ? op.data : segment.tail;
  while (parse_one(number, segment, rest, news)) {
  }
  segment.tail = std::string(rest);
}

/// Takes a record off the front of `rest`.
bool DiskTracker::parse_one(std::uint64_t number, Segment& segment, std::string_view& rest,
                            DiskNews& news) {
  if (rest.empty()) return false;
  DiskRecord record;
  const DiskPosition at{number, segment.parsed};
  DiskRead read = DiskRead::kRecord;
  if (segment.parsed == 0) {
    read = read_segment_header(rest, number);
    record.size = kSegmentHeader;
  } else {
    read = read_disk_record(rest, at, record);
  }
  if (read == DiskRead::kMore) return false;
  if (read == DiskRead::kBad) {
    news.malformed = "writes bytes at offset " + std::to_string(at.offset) + " of " + segment.file +
                     " that are no record of the log";
    lost_track_ = true;
    return false;
  }
  rest.remove_prefix(record.size);
  segment.parsed += record.size;
  segment.batches = segment.parsed;
  if (at.offset != 0) take_batch({number, segment.parsed}, record, news);
  return !lost_track_;
}

void DiskTracker::take_batch(DiskPosition end, const DiskRecord& record, DiskNews& news) {
  const VoteState before = raw_.state;
  if (!raw_.apply(record, *points_, &news.configurations)) {
    news.malformed = "writes entries from " + std::to_string(record.first) +
                     " on that do not continue its log on disk, which ends at " +
                     std::to_string(raw_.log.last());
    lost_track_ = true;
    return;
  }
  if (!record.state && !record.reset_to && !record.cut_from && record.count == 0) return;
  if (replaced_) combine();
  if (record.state) {
    const VoteState& now = *record.state;
    const bool other_vote =
        now.term == before.term && before.vote != kNobody && now.vote != before.vote;
    if (now.term < before.term || other_vote) news.regressed = std::pair{before, now};
  }
  Pending pending = state_of(raw_.state, raw_.log);
  pending.end = end;
  if (record.reset_to) {
    pending.lowest_cut = 1;
    durable_last_ = 0;
  }
  if (record.cut_from) {
    pending.lowest_cut = std::min(pending.lowest_cut, *record.cut_from);
    durable_last_ = std::min(durable_last_, *record.cut_from - 1);
  }
  durable_last_ = std::max(durable_last_, durable_snapshot_.at.index);
  pending_.push_back(pending);
  ++open_batches_;
}

void DiskTracker::cut(Segment& segment, std::uint64_t size, DiskNews& news) {
  if (size > segment.size) return;  // room for what is to be written
  if (size < segment.batches && segment.batches > kSegmentHeader) {
    news.removed = "cuts " + segment.file + " to " + std::to_string(size) +
                   " bytes, below its valid records, which end at " +
                   std::to_string(segment.batches);
    lost_track_ = true;
  }
  if (size >= segment.parsed) segment.tail.resize(static_cast<std::size_t>(size - segment.parsed));
  if (size < segment.parsed) {
    segment.parsed = size;
    segment.batches = size;
    segment.tail.clear();
  }
  segment.size = size;
  segment.synced = std::min(segment.synced, size);
}

bool DiskTracker::is_durable(const Pending& pending) const {
  for (const auto& [number, segment] : segments_) {
    if (number > pending.end.segment) break;
    const std::uint64_t needed =
        number == pending.end.segment ? pending.end.offset : segment.batches;
    if (!segment.entry_durable || segment.synced < needed) return false;
  }
  return true;
}

void DiskTracker::fold() {
  bool any = false;
  while (!pending_.empty() && is_durable(pending_.front())) {
    folded_ = pending_.front();
    pending_.pop_front();
    any = true;
  }
  if (!any) return;
  durable_ = folded_.state_after;
  Index last = folded_.last_after;
  for (const Pending& later : pending_) {
    if (later.lowest_cut <= last) last = later.lowest_cut - 1;
  }
  // A log that does not go on from the snapshot counts for nothing.
  if (replaced_) last = std::min(last, placed_.at.index);
  durable_last_ = std::max(durable_last_, last);
}

DiskTracker::Pending DiskTracker::state_of(const VoteState& state, const LogChain& log) {
  Pending out;
  out.last_after = log.last();
  out.chain_after = log.has(out.last_after) ? log.chain(out.last_after) : 0;
  out.state_after = state;
  return out;
}

bool DiskTracker::same(const Pending& a, const Pending& b) {
  // Where a chain is not known, 0 stands for it.
  const bool chains = a.chain_after == b.chain_after || a.chain_after == 0 || b.chain_after == 0;
  return a.last_after == b.last_after && chains && a.state_after == b.state_after;
}

bool DiskTracker::is_bare_snapshot(const Pending& found, const Pending& state) const {
  const bool at_one =
      found.last_after == placed_.at.index || found.last_after == durable_snapshot_.at.index;
  return found.last_after != 0 && at_one && found.state_after == state.state_after;
}

bool DiskTracker::is_reached(const DiskState& state) const {
  const Pending it = state_of(state.state, state.log);
  const auto reached = [&](const Pending& p) { return same(p, it) || is_bare_snapshot(it, p); };
  return reached(folded_) || std::any_of(pending_.begin(), pending_.end(), reached);
}

bool DiskTracker::knows_every_batch() const {
  return pending_.empty() || !pending_.front().ends_segment;
}

bool DiskTracker::is_latest(const DiskState& state) const {
  const Pending it = state_of(state.state, state.log);
  // The last write may have been reported and not performed, or only in part.
  for (std::size_t undone = 0; undone <= open_batches_ && undone <= pending_.size(); ++undone) {
    const Pending& p = undone == pending_.size() ? folded_ : pending_[pending_.size() - 1 - undone];
    if (same(p, it) || is_bare_snapshot(it, p)) return true;
  }
  return false;
}

DiskAudit DiskTracker::restart(const DiskImage& before, const DiskImage& after, bool power,
                               const SnapshotPoints& points) {
  DiskAudit audit;
  points_ = &points;
  std::map<std::uint64_t, SegmentStart> starts;
  for (const auto& [number, segment] : segments_) starts.emplace(number, segment.start);
  const DiskContents contents = read_disk(after, points, starts);
  const DiskState& found = contents.found;
  audit.found = found.state;
  audit.last = {found.log.last(), found.log.last_term()};
  if (contents.damage) audit.lost = "durable bytes are damaged: " + *contents.damage;
  if (!lost_track_) {
    if (knows_every_batch() &&
        !is_latest(power ? read_disk(before, points, starts).found : found)) {
      audit.differs = "its files are not what its store's operations made them";
    }
    const std::string state = show_state(found.state, found.log.last());
    const std::string needed = show_state(durable_, durable_last_);
    const bool vote_lost = found.state.term < durable_.term ||
                           (found.state.term == durable_.term && durable_.vote != kNobody &&
                            found.state.vote != durable_.vote);
    const bool log_lost = found.log.last() < durable_last_ ||
                          (log().has(durable_last_) && found.log.has(durable_last_) &&
                           found.log.chain(durable_last_) != log().chain(durable_last_));
    const Index snapshot = contents.snapshot ? contents.snapshot->at.index : 0;
    if (vote_lost || log_lost) {
      audit.lost = "synced were " + needed + ", found were " + state;
    } else if (snapshot < durable_snapshot_.at.index) {
      audit.lost = "synced was a snapshot up to " + std::to_string(durable_snapshot_.at.index) +
                   ", found was " +
                   (snapshot == 0 ? "none" : "one up to " + std::to_string(snapshot));
    } else if (knows_every_batch() && !audit.lost && !is_reached(found)) {
      audit.lost = "found were " + state + ", which no sequence of its writes had made";
    }
  }
  adopt(contents, power);
  return audit;
}

void DiskTracker::adopt(const DiskContents& contents, bool power) {
  std::map<std::uint64_t, Segment> before;
  before.swap(segments_);
  pending_.clear();
  unfinished_.clear();
  open_batches_ = 0;
  const bool keep = !power && !lost_track_;
  durable_last_ = keep ? std::min(durable_last_, contents.found.log.last()) : 0;
  if (!keep) durable_ = VoteState{};
  raw_ = contents.raw;
  const bool same_snapshot = contents.snapshot && contents.snapshot->at == placed_.at;
  placed_synced_ = power || (same_snapshot && placed_synced_);
  placed_ = contents.snapshot.value_or(DiskSnapshot{});
  if (power || !keep) durable_snapshot_ = power ? placed_ : DiskSnapshot{};
  durable_last_ = std::max(durable_last_, durable_snapshot_.at.index);
  combine();
  lost_track_ = contents.damage.has_value();
  for (const DiskContents::Segment& there : contents.segments) {
    Segment segment;
    segment.file = there.file;
    segment.size = there.size;
    segment.start = there.start;
    segment.parsed = there.valid_end;
    segment.batches = there.valid_end;
    // What follows the valid records is kept as a tail of unknown bytes, until recovery cuts it.
    segment.tail.assign(static_cast<std::size_t>(there.size - there.valid_end), '\0');
    const auto old = before.find(there.number);
    segment.entry_durable = power || (old != before.end() && old->second.entry_durable);
    segment.synced =
        power ? there.size : (old == before.end() ? 0 : std::min(old->second.synced, there.size));
    segments_.emplace(there.number, std::move(segment));
    if (there.valid_end <= kSegmentHeader) continue;
    Pending pending;
    pending.end = {there.number, there.valid_end};
    pending.last_after = there.last_after;
    pending.state_after = there.state_after;
    pending.lowest_cut = there.lowest_cut;
    pending.ends_segment = true;
    pending_.push_back(pending);
  }
  // The ends of segments stand for all their batches; the last one is the state found.
  const Pending now = state_of(contents.found.state, contents.found.log);
  if (!pending_.empty()) pending_.back().chain_after = now.chain_after;
  if (pending_.empty()) folded_ = now;
  fold();
}

}  // namespace ww::checkers::invariants
