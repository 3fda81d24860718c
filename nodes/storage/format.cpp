#include "nodes/storage/format.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"

namespace ww::storage {

namespace {

constexpr std::string_view kMagic = "WWLOG002";
constexpr std::string_view kMarker = "\xa7\x57";  // 0x57A7, little-endian
constexpr std::string_view kPrefix = "log-";
constexpr std::string_view kSuffix = ".seg";
constexpr std::size_t kMinDigits = 10;
constexpr std::size_t kMaxDigits = 19;  // every such number fits 64 bits

constexpr std::uint8_t kBatch = 1;
constexpr std::uint8_t kWatermark = 2;
constexpr std::uint8_t kHasZeroSector = 0x80;  // within the record, by what it says
constexpr char kTrailer = '\x5a';  // so that the last sector of a record is never all zeros

constexpr std::uint8_t kHasState = 1;
constexpr std::uint8_t kHasTruncation = 2;
constexpr std::uint8_t kHasEntries = 4;
constexpr std::uint8_t kHasReset = 8;

/// The checksum of a record binds it to its place.
std::uint32_t checksum(Place at, std::uint8_t kind, std::string_view body) {
  std::array<char, 21> head{};
  const auto put = [&](std::size_t offset, std::uint64_t value, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes; ++i) head[offset + i] = static_cast<char>(value >> (8 * i));
  };
  put(0, at.segment, 8);
  put(8, at.offset, 8);
  put(16, kind, 1);
  put(17, body.size(), 4);
  return crc32c(body, crc32c(std::string_view(head.data(), head.size())));
}

/// Reserves a record's header at the end of `out`; finish_record fills it in.
std::size_t begin_record(std::string& out) {
  const std::size_t start = out.size();
  out.append(kRecordHeaderBytes, '\0');
  return start;
}

bool is_zero(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == '\0'; });
}

/// Whether of some sector all that is of `bytes`, which stand at `offset`, is zeros.
bool has_zero_part(std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const auto part = static_cast<std::size_t>(kSectorBytes - offset % kSectorBytes);
    if (is_zero(bytes.substr(0, part))) return true;
    offset += part;
    bytes.remove_prefix(std::min(part, bytes.size()));
  }
  return false;
}

/// The same of whole sectors.
bool has_zero_sector(std::string_view bytes, std::uint64_t offset) {
  auto from = static_cast<std::size_t>((kSectorBytes - offset % kSectorBytes) % kSectorBytes);
  for (; from + kSectorBytes <= bytes.size(); from += kSectorBytes) {
    if (is_zero(bytes.substr(from, kSectorBytes))) return true;
  }
  return false;
}

void finish_record(std::string& out, std::size_t start, Place at, std::uint8_t kind) {
  if (has_zero_sector(std::string_view(out).substr(start + kRecordHeaderBytes),
                      at.offset + kRecordHeaderBytes)) {
    kind |= kHasZeroSector;
  }
  const std::string_view body = std::string_view(out).substr(start + kRecordHeaderBytes);
  std::string header;
  ByteWriter w(header);
  w.raw(kMarker);
  w.u8(kind);
  w.u32(static_cast<std::uint32_t>(body.size()));
  w.u32(checksum(at, kind, body));
  out.replace(start, kRecordHeaderBytes, header);
  out += kTrailer;
}

void put_place(ByteWriter& w, Place place) {
  w.varint(place.segment);
  w.varint(place.offset);
}

Place get_place(ByteReader& in) {
  Place place;
  place.segment = in.varint();
  place.offset = in.varint();
  return place;
}

Batch get_batch(ByteReader& in) {
  Batch batch;
  const std::uint8_t flags = in.u8();
  if (flags == 0 || flags > (kHasState | kHasTruncation | kHasEntries | kHasReset)) in.fail();
  if ((flags & kHasState) != 0) {
    HardState state;
    state.term = in.varint();
    const std::uint64_t vote = in.varint();
    if (vote > UINT32_MAX) in.fail();
    state.vote = NodeId{static_cast<std::uint32_t>(vote)};
    batch.state = state;
  }
  if ((flags & kHasReset) != 0) {
    LogPosition base;
    base.index = in.varint();
    base.term = in.varint();
    batch.reset_to = base;
  }
  if ((flags & kHasTruncation) != 0) batch.truncate_from = in.varint();
  if ((flags & kHasEntries) != 0) {
    batch.first = in.varint();
    const std::uint64_t count = in.varint();
    if (count == 0 || count > UINT32_MAX) in.fail();
    batch.count = static_cast<std::uint32_t>(count);
    batch.entries = in.rest();
    if (in.ok() && !entries_are_well_formed(batch)) in.fail();
  }
  return batch;
}

}  // namespace

std::string segment_name(std::uint64_t segment) {
  std::string digits = std::to_string(segment);
  if (digits.size() < kMinDigits) digits.insert(0, kMinDigits - digits.size(), '0');
  return std::string(kPrefix) + digits + std::string(kSuffix);
}

std::optional<std::uint64_t> segment_number(std::string_view name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  if (name.size() < kPrefix.size() + kMinDigits + kSuffix.size()) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  name.remove_suffix(kSuffix.size());
  if (name.size() > kMaxDigits || (name.size() > kMinDigits && name[0] == '0')) {
    return std::nullopt;
  }
  std::uint64_t number = 0;
  for (const char c : name) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (number == 0) return std::nullopt;
  return number;
}

void append_segment_header(std::string& out, const SegmentHeader& header) {
  const std::size_t start = out.size();
  ByteWriter w(out);
  w.raw(kMagic);
  w.u32(header.node.value);
  w.u64(header.segment);
  w.u32(crc32c(std::string_view(out).substr(start)));
}

std::optional<SegmentHeader> read_segment_header(std::string_view file) {
  if (file.size() < kSegmentHeaderBytes || !file.starts_with(kMagic)) return std::nullopt;
  ByteReader in(file.substr(kMagic.size()));
  SegmentHeader header;
  header.node = NodeId{in.u32()};
  header.segment = in.u64();
  if (in.u32() != crc32c(file.substr(0, kSegmentHeaderBytes - 4))) return std::nullopt;
  return header;
}

bool append_batch(std::string& out, Place at, Place synced, const Batch& batch) {
  const std::size_t start = begin_record(out);
  ByteWriter w(out);
  put_place(w, synced);
  w.u8(static_cast<std::uint8_t>((batch.state ? kHasState : 0) | (batch.reset_to ? kHasReset : 0) |
                                 (batch.truncate_from ? kHasTruncation : 0) |
                                 (batch.count > 0 ? kHasEntries : 0)));
  if (batch.state) {
    w.varint(batch.state->term);
    w.varint(batch.state->vote.value);
  }
  if (batch.reset_to) {
    w.varint(batch.reset_to->index);
    w.varint(batch.reset_to->term);
  }
  if (batch.truncate_from) w.varint(*batch.truncate_from);
  if (batch.count > 0) {
    w.varint(batch.first);
    w.varint(batch.count);
    w.raw(batch.entries);
  }
  if (out.size() - start - kRecordHeaderBytes > kMaxRecordBody) {
    out.resize(start);
    return false;
  }
  finish_record(out, start, at, kBatch);
  return true;
}

void append_watermark(std::string& out, Place at, Place synced) {
  const std::size_t start = begin_record(out);
  ByteWriter w(out);
  put_place(w, synced);
  finish_record(out, start, at, kWatermark);
}

ReadRecord read_record(std::string_view file, Place at) {
  const std::string_view rest = file.substr(static_cast<std::size_t>(at.offset));
  if (!rest.starts_with(kMarker)) return {std::nullopt, "no record begins here"};
  if (rest.size() < kRecordHeaderBytes) return {std::nullopt, "the file ends within a header"};
  ByteReader head(rest.substr(kMarker.size()));
  const std::uint8_t kind = head.u8();
  const std::uint32_t length = head.u32();
  const std::uint32_t sum = head.u32();
  const int plain = kind & ~kHasZeroSector;
  if (plain != kBatch && plain != kWatermark) return {std::nullopt, "unknown kind of record"};
  if (length > kMaxRecordBody) return {std::nullopt, "the length is over the limit"};
  if (length + kRecordTrailerBytes > rest.size() - kRecordHeaderBytes) {
    return {std::nullopt, "the file ends within the record"};
  }
  if (rest[kRecordHeaderBytes + length] != kTrailer) {
    return {std::nullopt, "its end is not there"};
  }
  const std::string_view body = rest.substr(kRecordHeaderBytes, length);
  if (checksum(at, kind, body) != sum) return {std::nullopt, "the checksum does not match"};

  Record record;
  record.size = kRecordHeaderBytes + length + kRecordTrailerBytes;
  ByteReader in(body);
  record.synced = get_place(in);
  if (plain == kBatch) record.batch = get_batch(in);
  if (!in.done()) return {std::nullopt, "the contents are malformed"};
  if (record.synced > at) return {std::nullopt, "it says that what follows it was synced"};
  return {record, {}};
}

bool is_torn_record(std::string_view file, Place at) {
  std::string_view rest = file.substr(static_cast<std::size_t>(at.offset));
  // Its first sector was not written; what follows may be another write's.
  const std::size_t in_sector = kSectorBytes - static_cast<std::size_t>(at.offset % kSectorBytes);
  if (is_zero(rest.substr(0, std::min(kRecordHeaderBytes, in_sector)))) return true;
  // No record ends in a zero; what follows the last byte that is none was not written yet.
  while (rest.ends_with('\0')) rest.remove_suffix(1);
  if (rest.size() < kRecordHeaderBytes) return true;
  if (!rest.starts_with(kMarker)) return false;
  ByteReader head(rest.substr(kMarker.size()));
  const std::uint8_t kind = head.u8();
  const std::uint32_t length = head.u32();
  const std::uint32_t sum = head.u32();
  if (length > kMaxRecordBody) return false;
  // If only the length is wrong, be it too long or too short, the record ends where all does.
  if (rest.size() >= kRecordHeaderBytes + kRecordTrailerBytes && rest.back() == kTrailer) {
    const std::string_view body =
        rest.substr(kRecordHeaderBytes, rest.size() - kRecordHeaderBytes - kRecordTrailerBytes);
    if (checksum(at, kind, body) == sum) return false;
  }
  const std::size_t whole = kRecordHeaderBytes + length + kRecordTrailerBytes;
  if (whole > rest.size()) return true;
  if ((kind & kHasZeroSector) != 0) return false;
  return has_zero_part(rest.substr(0, whole), at.offset);
}

bool is_torn_header(std::string_view file) {
  return file.size() < kSegmentHeaderBytes || is_zero(file.substr(0, kSegmentHeaderBytes));
}

std::size_t find_marker(std::string_view file, std::size_t from) {
  return file.find(kMarker, from);
}

bool entries_are_well_formed(const Batch& batch) {
  ByteReader in(batch.entries);
  for (std::uint32_t i = 0; i < batch.count && in.ok(); ++i) wire::read_entry(in);
  return in.done();
}

}  // namespace ww::storage
