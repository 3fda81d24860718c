#include "nodes/storage/snapshot_file.hpp"

#include "base/bytes.hpp"
#include "base/crc32c.hpp"

namespace ww::storage {

namespace {

constexpr std::string_view kSnapMagic = "WWSNAP01";
constexpr std::string_view kSnapPrefix = "snap-";
constexpr std::string_view kSnapSuffix = ".snap";
constexpr std::string_view kTemporarySuffix = ".tmp";
constexpr std::size_t kSnapDigits = 10;
constexpr std::size_t kMostSnapDigits = 19;  // every such number fits 64 bits

std::string stem(Index index) {
  std::string digits = std::to_string(index);
  if (digits.size() < kSnapDigits) digits.insert(0, kSnapDigits - digits.size(), '0');
  return std::string(kSnapPrefix) + digits;
}

NodeId get_node(ByteReader& in) {
  const std::uint64_t number = in.varint();
  if (number > UINT32_MAX) in.fail();
  return NodeId{static_cast<std::uint32_t>(number)};
}

}  // namespace

std::string snapshot_name(Index index) {
  return stem(index) + std::string(kSnapSuffix);
}

std::string snapshot_temporary_name(Index index) {
  return stem(index) + std::string(kTemporarySuffix);
}

std::optional<Index> snapshot_index(std::string_view name) {
  if (name.size() < kSnapPrefix.size() + kSnapDigits + kSnapSuffix.size()) return std::nullopt;
  const std::string_view digits =
      name.substr(kSnapPrefix.size(), name.size() - kSnapPrefix.size() - kSnapSuffix.size());
  if (digits.size() > kMostSnapDigits) return std::nullopt;
  Index index = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    index = index * 10 + static_cast<Index>(c - '0');
  }
  if (index == 0 || snapshot_name(index) != name) return std::nullopt;
  return index;
}

bool is_snapshot_temporary(std::string_view name) {
  return name.starts_with(kSnapPrefix) && name.ends_with(kTemporarySuffix);
}

void append_snapshot_file(std::string& out, const SnapshotFile& file) {
  std::string body;
  ByteWriter b(body);
  b.varint(file.at.index);
  b.varint(file.at.term);
  b.varint(file.log.segment);
  b.varint(file.log.state.term);
  b.varint(file.log.state.vote.value);
  b.varint(file.log.last.index);
  b.varint(file.log.last.term);
  b.raw(file.bytes);
  const std::size_t start = out.size();
  ByteWriter w(out);
  w.raw(kSnapMagic);
  w.u32(file.node.value);
  w.u32(static_cast<std::uint32_t>(body.size()));
  w.u32(crc32c(body));
  w.u32(crc32c(std::string_view(out).substr(start)));
  w.raw(body);
}

std::optional<SnapshotFile> read_snapshot_file(std::string_view file) {
  if (file.size() < kSnapshotHeaderBytes || !file.starts_with(kSnapMagic)) return std::nullopt;
  ByteReader head(file.substr(kSnapMagic.size()));
  SnapshotFile out;
  out.node = NodeId{head.u32()};
  const std::uint32_t size = head.u32();
  const std::uint32_t sum = head.u32();
  if (head.u32() != crc32c(file.substr(0, kSnapshotHeaderBytes - 4))) return std::nullopt;
  const std::string_view body = file.substr(kSnapshotHeaderBytes);
  if (body.size() != size || crc32c(body) != sum) return std::nullopt;
  ByteReader in(body);
  out.at.index = in.varint();
  out.at.term = in.varint();
  out.log.segment = in.varint();
  out.log.state.term = in.varint();
  out.log.state.vote = get_node(in);
  out.log.last.index = in.varint();
  out.log.last.term = in.varint();
  out.bytes = in.rest();
  if (!in.ok() || out.at.index == 0 || out.log.segment == 0) return std::nullopt;
  return out;
}

}  // namespace ww::storage
