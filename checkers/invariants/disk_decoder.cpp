#include "checkers/invariants/disk_decoder.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "base/wire/peer.hpp"

namespace ww::checkers::invariants {

namespace {

constexpr std::string_view kMagic = "WWLOG002";
constexpr char kMarkerLow = '\xA7';  // u16 0x57A7, little-endian
constexpr char kMarkerHigh = '\x57';
constexpr std::uint8_t kBatch = 1;
constexpr std::uint8_t kWatermark = 2;
constexpr std::uint8_t kZeroSector = 0x80;  // may be added to the kind
constexpr char kTrailer = '\x5A';
constexpr std::uint8_t kHasState = 1;
constexpr std::uint8_t kHasCut = 2;
constexpr std::uint8_t kHasEntries = 4;
constexpr std::uint8_t kHasReset = 8;
constexpr std::string_view kSnapshotMagic = "WWSNAP01";
constexpr std::size_t kSnapshotHeader = 24;

std::uint32_t checksum_of(DiskPosition at, std::uint8_t kind, std::string_view body) {
  std::array<char, 21> head{};  // an array: this is done for every record of every log
  std::size_t size = 0;
  const auto put = [&](std::uint64_t number, int bytes) {
    for (int i = 0; i < bytes; ++i) head[size++] = static_cast<char>(number >> (8 * i));
  };
  put(at.segment, 8);
  put(at.offset, 8);
  put(kind, 1);
  put(body.size(), 4);
  return crc32c(body, crc32c({head.data(), head.size()}));
}

bool read_body(std::uint8_t kind, std::string_view body, DiskRecord& out) {
  ByteReader in(body);
  out = DiskRecord{};
  out.synced.segment = in.varint();
  out.synced.offset = in.varint();
  if (kind == kWatermark) return in.done();
  const std::uint8_t flags = in.u8();
  if ((flags & ~(kHasState | kHasCut | kHasEntries | kHasReset)) != 0) return false;
  if ((flags & kHasState) != 0) {
    VoteState state;
    state.term = in.varint();
    const std::uint64_t vote = in.varint();
    if (vote > 0xffffffffU) return false;
    state.vote = NodeId{static_cast<std::uint32_t>(vote)};
    out.state = state;
  }
  if ((flags & kHasReset) != 0) {
    LogPosition base;
    base.index = in.varint();
    base.term = in.varint();
    out.reset_to = base;
  }
  if ((flags & kHasCut) != 0) out.cut_from = in.varint();
  if ((flags & kHasEntries) == 0) return in.done();
  out.first = in.varint();
  const std::uint64_t count = in.varint();
  if (count > in.remaining()) return false;
  out.count = static_cast<std::uint32_t>(count);
  out.entries = in.rest();
  ByteReader entries(out.entries);
  for (std::uint32_t i = 0; i < out.count; ++i) wire::read_entry(entries);
  return in.done() && entries.done();
}

/// Reads one directory; the two steps of docs/log-format.md, "Reading".
class ImageReader {
 public:
  ImageReader(const DiskImage& image, const SnapshotPoints& points,
              const std::map<std::uint64_t, SegmentStart>& starts)
      : points_(points) {
    read_latest_snapshot(image, starts);
    for (const auto& [file, bytes] : image) {
      const auto number = segment_of(file);
      if (!number || *number < first_) continue;
      files_.push_back({*number, file, bytes});
    }
    std::sort(files_.begin(), files_.end(),
              [](const File& a, const File& b) { return a.number < b.number; });
  }

  DiskContents read() {
    for (const File& file : files_) {
      DiskContents::Segment segment;
      segment.number = file.number;
      segment.file = file.name;
      segment.size = file.bytes.size();
      out_.segments.push_back(std::move(segment));
    }
    std::size_t at = 0;
    for (; at < files_.size() && !bad_; ++at) {
      if (files_[at].number != first_ + at) {
        stop({first_ + at, 0}, "the segment is missing");
        break;
      }
      read_segment(at);
    }
    if (files_.empty() && out_.snapshot) stop({first_, 0}, "the segment is missing");
    if (bad_) search_rest();
    judge();
    combine();
    return std::move(out_);
  }

 private:
  struct File {
    std::uint64_t number = 0;
    std::string_view name;
    std::string_view bytes;
  };

  /// The one of the highest index; the log beside it begins with the segment that it names.
  void read_latest_snapshot(const DiskImage& image,
                            const std::map<std::uint64_t, SegmentStart>& starts) {
    const DiskImage::value_type* latest = nullptr;
    Index index = 0;
    for (const auto& file : image) {
      const auto its = snapshot_of_file(file.first);
      if (!its || *its <= index) continue;
      index = *its;
      latest = &file;
    }
    if (latest == nullptr) return;
    out_.snapshot = read_snapshot(latest->second);
    if (!out_.snapshot || out_.snapshot->at.index != index) {
      out_.snapshot.reset();
      out_.damage = latest->first + ": the snapshot is bad";
      return;
    }
    const DiskSnapshot& snapshot = *out_.snapshot;
    first_ = snapshot.first_segment;
    known_ = {first_, kSegmentHeader};
    std::optional<std::uint64_t> chain;
    if (const auto known = starts.find(first_); known != starts.end()) {
      if (known->second.last == snapshot.start.last) chain = known->second.chain;
    }
    if (snapshot.start.last.index == 0) chain = 0;
    out_.raw.state = snapshot.start.state;
    out_.raw.log.anchor(snapshot.start.last, chain);
  }

  /// The log goes on from the snapshot where it has that very entry; else it is another history.
  void combine() {
    out_.found = out_.raw;
    const LogPosition at = out_.snapshot ? out_.snapshot->at : LogPosition{};
    LogChain& log = out_.found.log;
    if (log.base() > at.index && !out_.damage) {
      out_.damage = "the log begins behind index " + std::to_string(log.base()) +
                    ", and the snapshot ends with index " + std::to_string(at.index);
    }
    if (!out_.snapshot) return;
    if (log.holds(at)) {
      if (!log.whole()) log.rebase(at, points_.chain(at));
      return;
    }
    log.anchor(at, points_.chain(at));
    for (DiskContents::Segment& segment : out_.segments) {
      segment.last_after = at.index;
      segment.lowest_cut = ~Index{0};
    }
  }

  void stop(DiskPosition at, const char* why) {
    bad_ = at;
    why_ = why;
  }

  void read_segment(std::size_t which) {
    const File& file = files_[which];
    DiskContents::Segment& segment = out_.segments[which];
    const LogChain& log = out_.raw.log;
    segment.start = {out_.raw.state, {log.last(), log.last_term()}, {}};
    if (log.has(log.last())) segment.start.chain = log.chain(log.last());
    if (read_segment_header(file.bytes, file.number) != DiskRead::kRecord) {
      return stop({file.number, 0}, "its header is bad");
    }
    std::uint64_t offset = kSegmentHeader;
    while (true) {
      segment.valid_end = offset;
      segment.last_after = log.last();
      segment.state_after = out_.raw.state;
      if (offset == file.bytes.size()) return;
      const DiskPosition at{file.number, offset};
      DiskRecord record;
      const std::string_view rest = file.bytes.substr(static_cast<std::size_t>(offset));
      if (read_disk_record(rest, at, record) != DiskRead::kRecord) {
        if (rest.find_first_not_of('\0') != std::string_view::npos) {
          return stop(at, "the record is bad");
        }
        segment.size = offset;  // what follows is room for more
        return;
      }
      if (!out_.raw.apply(record, points_)) return stop(at, "the record does not continue the log");
      if (record.reset_to) segment.lowest_cut = 1;
      if (record.cut_from) segment.lowest_cut = std::min(segment.lowest_cut, *record.cut_from);
      known_ = std::max(known_, record.synced);
      offset += record.size;
    }
  }

  /// The marker and the position-bound checksum make records recognisable anywhere.
  void search_rest() {
    for (const File& file : files_) {
      if (file.number < bad_->segment) continue;
      std::size_t at = file.number == bad_->segment ? static_cast<std::size_t>(bad_->offset) : 0;
      for (; at + kRecordHeader <= file.bytes.size(); ++at) {
        if (file.bytes[at] != kMarkerLow || file.bytes[at + 1] != kMarkerHigh) continue;
        DiskRecord record;
        if (read_disk_record(file.bytes.substr(at), {file.number, at}, record) ==
            DiskRead::kRecord) {
          known_ = std::max(known_, record.synced);
        }
      }
    }
  }

  void judge() {
    if (bad_) {
      if (known_ > *bad_) damaged(*bad_, why_);
      return;
    }
    // Every record is good, but bytes that were durable may be missing at the end of a segment.
    if (known_.segment < first_) return;
    const std::uint64_t place = known_.segment - first_;
    if (place >= out_.segments.size() ||
        out_.segments[static_cast<std::size_t>(place)].size < known_.offset) {
      damaged(known_, "synced bytes before it are missing");
    }
  }

  void damaged(DiskPosition at, std::string_view why) {
    out_.damage = "segment " + std::to_string(at.segment) + ", offset " +
                  std::to_string(at.offset) + ": " + std::string(why) +
                  ", although the log is known to be synced up to segment " +
                  std::to_string(known_.segment) + ", offset " + std::to_string(known_.offset);
  }

  const SnapshotPoints& points_;
  std::uint64_t first_ = 1;  // the first segment that counts
  std::vector<File> files_;
  DiskContents out_;
  std::optional<DiskPosition> bad_;
  std::string_view why_;
  DiskPosition known_;
};

}  // namespace

std::optional<std::uint64_t> segment_of(std::string_view file) {
  constexpr std::string_view kPrefix = "log-";
  constexpr std::string_view kSuffix = ".seg";
  constexpr std::size_t kDigits = 10;
  if (!file.starts_with(kPrefix) || !file.ends_with(kSuffix)) return std::nullopt;
  if (file.size() < kPrefix.size() + kDigits + kSuffix.size()) return std::nullopt;
  const std::string_view digits =
      file.substr(kPrefix.size(), file.size() - kPrefix.size() - kSuffix.size());
  // Ten digits, and more only when the number needs them; 19 always fit.
  if (digits.size() > 19 || (digits.size() > kDigits && digits[0] == '0')) return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (number == 0) return std::nullopt;
  return number;
}

DiskRead read_segment_header(std::string_view bytes, std::uint64_t segment) {
  if (bytes.size() < kSegmentHeader) return DiskRead::kMore;
  ByteReader in(bytes.substr(0, kSegmentHeader));
  const bool magic = in.raw(kMagic.size()) == kMagic;
  in.u32();  // the node
  const bool number = in.u64() == segment;
  const bool checksum = in.u32() == crc32c(bytes.substr(0, kSegmentHeader - 4));
  return magic && number && checksum ? DiskRead::kRecord : DiskRead::kBad;
}

DiskRead read_disk_record(std::string_view bytes, DiskPosition at, DiskRecord& out) {
  if (bytes.size() < kRecordHeader) return DiskRead::kMore;
  ByteReader in(bytes);
  const std::string_view marker = in.raw(2);
  const std::uint8_t kind = in.u8();
  const std::uint32_t length = in.u32();
  const std::uint32_t checksum = in.u32();
  if (marker[0] != kMarkerLow || marker[1] != kMarkerHigh) return DiskRead::kBad;
  const auto plain = static_cast<std::uint8_t>(kind & ~kZeroSector);
  if ((plain != kBatch && plain != kWatermark) || length > kMaxRecordBody) return DiskRead::kBad;
  if (length >= in.remaining()) return DiskRead::kMore;
  const std::string_view body = in.raw(length);
  if (in.raw(1)[0] != kTrailer) return DiskRead::kBad;
  if (checksum != checksum_of(at, kind, body)) return DiskRead::kBad;
  if (!read_body(plain, body, out)) return DiskRead::kBad;
  out.size = kRecordHeader + length + 1;
  return DiskRead::kRecord;
}

bool DiskState::apply(const DiskRecord& record, const SnapshotPoints& points,
                      std::vector<DiskConfiguration>* configurations) {
  Index last = record.reset_to ? record.reset_to->index : log.last();
  if (record.cut_from) {
    if (*record.cut_from == 0) return false;
    last = std::min(last, *record.cut_from - 1);
  }
  if (record.count > 0 && record.first != last + 1) return false;
  if (record.reset_to) log.anchor(*record.reset_to, points.chain(*record.reset_to));
  if (record.cut_from) log.truncate(*record.cut_from);
  ByteReader entries(record.entries);
  for (std::uint32_t i = 0; i < record.count; ++i) {
    const wire::EntryView entry = wire::read_entry(entries);
    log.append(entry.term, wire::entry_hash(record.first + i, entry));
    if (configurations == nullptr || entry.kind != wire::EntryKind::kConfiguration) continue;
    auto decoded = wire::decode_configuration(entry.payload);
    if (!decoded.ok()) continue;
    configurations->push_back({{record.first + i, entry.term}, std::move(*decoded)});
  }
  if (record.state) state = *record.state;
  return true;
}

std::optional<Index> snapshot_of_file(std::string_view file) {
  constexpr std::string_view kPrefix = "snap-";
  constexpr std::string_view kSuffix = ".snap";
  if (!file.starts_with(kPrefix) || !file.ends_with(kSuffix)) return std::nullopt;
  if (file.size() <= kPrefix.size() + kSuffix.size()) return std::nullopt;
  const std::string_view digits =
      file.substr(kPrefix.size(), file.size() - kPrefix.size() - kSuffix.size());
  // Ten digits, and more only when the number needs them.
  if (digits.size() < 10 || digits.size() > 19) return std::nullopt;
  if (digits.size() > 10 && digits[0] == '0') return std::nullopt;
  Index index = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    index = index * 10 + static_cast<Index>(c - '0');
  }
  return index == 0 ? std::nullopt : std::optional(index);
}

std::optional<DiskSnapshot> read_snapshot(std::string_view bytes) {
  if (bytes.size() < kSnapshotHeader) return std::nullopt;
  ByteReader head(bytes.substr(0, kSnapshotHeader));
  if (head.raw(kSnapshotMagic.size()) != kSnapshotMagic) return std::nullopt;
  head.u32();  // the node
  const std::uint32_t size = head.u32();
  const std::uint32_t checksum = head.u32();
  if (head.u32() != crc32c(bytes.substr(0, kSnapshotHeader - 4))) return std::nullopt;
  const std::string_view body = bytes.substr(kSnapshotHeader);
  if (body.size() != size || crc32c(body) != checksum) return std::nullopt;
  ByteReader in(body);
  DiskSnapshot out;
  out.at.index = in.varint();
  out.at.term = in.varint();
  out.first_segment = in.varint();
  out.start.state.term = in.varint();
  out.start.state.vote = NodeId{static_cast<std::uint32_t>(in.varint())};
  out.start.last.index = in.varint();
  out.start.last.term = in.varint();
  out.configuration = wire::read_configuration(in);
  out.digest = in.u64();
  if (!in.ok() || out.at.index == 0 || out.first_segment == 0) return std::nullopt;
  return out;
}

DiskContents read_disk(const DiskImage& image, const SnapshotPoints& points,
                       const std::map<std::uint64_t, SegmentStart>& starts) {
  return ImageReader(image, points, starts).read();
}

}  // namespace ww::checkers::invariants
