#include "checkers/invariants/disk_decoder.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "base/wire/peer.hpp"

namespace ww::checkers::invariants {

namespace {

constexpr std::string_view kMagic = "WWLOG001";
constexpr char kMarkerLow = '\xA7';  // u16 0x57A7, little-endian
constexpr char kMarkerHigh = '\x57';
constexpr std::uint8_t kBatch = 1;
constexpr std::uint8_t kWatermark = 2;
constexpr std::uint8_t kHasState = 1;
constexpr std::uint8_t kHasCut = 2;
constexpr std::uint8_t kHasEntries = 4;

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
  if ((flags & ~(kHasState | kHasCut | kHasEntries)) != 0) return false;
  if ((flags & kHasState) != 0) {
    VoteState state;
    state.term = in.varint();
    const std::uint64_t vote = in.varint();
    if (vote > 0xffffffffU) return false;
    state.vote = NodeId{static_cast<std::uint32_t>(vote)};
    out.state = state;
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
  explicit ImageReader(const DiskImage& image) {
    for (const auto& [file, bytes] : image) {
      const auto number = segment_of(file);
      if (!number) continue;
      files_.push_back({*number, file, bytes});
    }
    std::sort(files_.begin(), files_.end(),
              [](const File& a, const File& b) { return a.number < b.number; });
  }

  DiskContents read() {
    for (const File& file : files_) {
      out_.segments.push_back({file.number, std::string(file.name), file.bytes.size(), 0, 0, {}});
    }
    std::size_t at = 0;
    for (; at < files_.size() && !bad_; ++at) {
      if (files_[at].number != at + 1) {
        bad_ = DiskPosition{at + 1, 0};
        why_ = "the segment is missing";
        break;
      }
      read_segment(at);
    }
    if (bad_) search_rest();
    judge();
    return std::move(out_);
  }

 private:
  struct File {
    std::uint64_t number = 0;
    std::string_view name;
    std::string_view bytes;
  };

  void stop(DiskPosition at, const char* why) {
    bad_ = at;
    why_ = why;
  }

  void read_segment(std::size_t which) {
    const File& file = files_[which];
    DiskContents::Segment& segment = out_.segments[which];
    if (read_segment_header(file.bytes, file.number) != DiskRead::kRecord) {
      return stop({file.number, 0}, "its header is bad");
    }
    std::uint64_t offset = kSegmentHeader;
    while (true) {
      segment.valid_end = offset;
      segment.last_after = out_.found.log.last();
      segment.state_after = out_.found.state;
      if (offset == file.bytes.size()) return;
      const DiskPosition at{file.number, offset};
      DiskRecord record;
      if (read_disk_record(file.bytes.substr(static_cast<std::size_t>(offset)), at, record) !=
          DiskRead::kRecord) {
        return stop(at, "the record is bad");
      }
      if (!out_.found.apply(record)) return stop(at, "the record does not continue the log");
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
    if (known_.segment == 0) return;
    const bool there = known_.segment <= out_.segments.size();
    if (!there ||
        out_.segments[static_cast<std::size_t>(known_.segment - 1)].size < known_.offset) {
      damaged(known_, "synced bytes before it are missing");
    }
  }

  void damaged(DiskPosition at, std::string_view why) {
    out_.damage = "segment " + std::to_string(at.segment) + ", offset " +
                  std::to_string(at.offset) + ": " + std::string(why) +
                  ", although the log is known to be synced up to segment " +
                  std::to_string(known_.segment) + ", offset " + std::to_string(known_.offset);
  }

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
  if ((kind != kBatch && kind != kWatermark) || length > kMaxRecordBody) return DiskRead::kBad;
  if (length > in.remaining()) return DiskRead::kMore;
  const std::string_view body = in.raw(length);
  if (checksum != checksum_of(at, kind, body)) return DiskRead::kBad;
  if (!read_body(kind, body, out)) return DiskRead::kBad;
  out.size = kRecordHeader + length;
  return DiskRead::kRecord;
}

bool DiskState::apply(const DiskRecord& record) {
  Index last = log.last();
  if (record.cut_from) {
    if (*record.cut_from == 0) return false;
    last = std::min(last, *record.cut_from - 1);
  }
  if (record.count > 0 && record.first != last + 1) return false;
  if (record.cut_from) log.truncate(*record.cut_from);
  ByteReader entries(record.entries);
  for (std::uint32_t i = 0; i < record.count; ++i) {
    const wire::EntryView entry = wire::read_entry(entries);
    log.append(entry.term, wire::entry_hash(record.first + i, entry));
  }
  if (record.state) state = *record.state;
  return true;
}

DiskContents read_disk(const DiskImage& image) {
  return ImageReader(image).read();
}

}  // namespace ww::checkers::invariants
