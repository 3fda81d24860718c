#include "nodes/storage/format.hpp"

#include <catch2/catch.hpp>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "base/rng.hpp"

using namespace ww;
using namespace ww::storage;

namespace {

std::string entries_of(std::initializer_list<wire::EntryView> list) {
  std::string out;
  for (const wire::EntryView& entry : list) wire::append_entry(out, entry);
  return out;
}

}  // namespace

TEST_CASE("Segment names are canonical, and only they have numbers") {
  CHECK(segment_name(1) == "log-0000000001.seg");
  CHECK(segment_name(12345678901) == "log-12345678901.seg");
  for (const std::uint64_t n :
       {std::uint64_t{1}, std::uint64_t{9999999999}, std::uint64_t{10000000000}}) {
    CHECK(segment_number(segment_name(n)) == n);
  }
  for (const char* name :
       {"", "log-.seg", "log-1.seg", "log-0000000000.seg", "log-00000000001.seg",
        "log-000000000a.seg", "log-0000000001.seg.tmp", "log-0000000001.tmp", "xlog-0000000001.seg",
        "log-99999999999999999999.seg", "snapshot-0000000001"}) {
    INFO(name);
    CHECK_FALSE(segment_number(name).has_value());
  }
}

TEST_CASE("A segment header is the 24 bytes of the format's description") {
  std::string header;
  append_segment_header(header, SegmentHeader{NodeId{3}, 258});
  std::string expected = "WWLOG002";
  ByteWriter w(expected);
  w.u32(3);
  w.u64(258);
  w.u32(crc32c(expected));
  CHECK(header == expected);
  CHECK(header.size() == kSegmentHeaderBytes);
  const auto read = read_segment_header(header + "more");
  REQUIRE(read);
  CHECK(read->node == NodeId{3});
  CHECK(read->segment == 258);
  for (std::size_t i = 0; i < header.size(); ++i) {
    CHECK_FALSE(read_segment_header(header.substr(0, i)).has_value());
    std::string flipped = header;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    CHECK_FALSE(read_segment_header(flipped).has_value());
  }
}

TEST_CASE("A batch is the bytes of the format's description") {
  const std::string entries = entries_of({{5, wire::EntryKind::kCommand, "set"}});
  Batch batch{HardState{5, NodeId{2}}, 7, 7, 1, entries};
  const Place at{2, 40};
  std::string record;
  REQUIRE(append_batch(record, at, Place{2, 24}, batch));

  std::string body;
  ByteWriter b(body);
  b.varint(2), b.varint(24), b.u8(7), b.varint(5), b.varint(2), b.varint(7), b.varint(7),
      b.varint(1);
  b.varint(5), b.varint(5), b.u8(1), b.raw("set");
  std::string bound;
  ByteWriter c(bound);
  c.u64(2), c.u64(40), c.u8(1), c.u32(static_cast<std::uint32_t>(body.size())), c.raw(body);
  std::string expected = "\xa7\x57\x01";
  ByteWriter e(expected);
  e.u32(static_cast<std::uint32_t>(body.size())), e.u32(crc32c(bound)), e.raw(body);
  e.u8(0x5a);
  CHECK(record == expected);

  const std::string file = std::string(40, 'x') + record;
  const ReadRecord read = read_record(file, at);
  REQUIRE(read.record);
  CHECK(read.record->size == record.size());
  CHECK(read.record->synced == Place{2, 24});
  REQUIRE(read.record->batch);
  CHECK(read.record->batch->state == batch.state);
  CHECK(read.record->batch->truncate_from == batch.truncate_from);
  CHECK(read.record->batch->first == 7);
  CHECK(read.record->batch->count == 1);
  CHECK(read.record->batch->entries == entries);
}

TEST_CASE("A record is valid in its place only") {
  std::string record;
  append_watermark(record, Place{2, 40}, Place{2, 30});
  CHECK(read_record(std::string(40, 'x') + record, Place{2, 40}).record.has_value());
  CHECK_FALSE(read_record(std::string(40, 'x') + record, Place{3, 40}).record.has_value());
  CHECK_FALSE(read_record(std::string(41, 'x') + record, Place{2, 41}).record.has_value());
}

TEST_CASE("A record may not vouch for what follows it") {
  std::string record;
  append_watermark(record, Place{1, 0}, Place{1, 1});
  CHECK(read_record(record, Place{1, 0}).problem == "it says that what follows it was synced");
}

TEST_CASE("A batch over the limit is refused, and one at the limit is not") {
  std::string entries;
  while (entries.size() + wire::kMaxEntryPayload + 10 < kMaxRecordBody) {
    entries +=
        entries_of({{1, wire::EntryKind::kCommand, std::string(wire::kMaxEntryPayload, 'a')}});
  }
  std::uint32_t count = static_cast<std::uint32_t>(entries.size() / wire::kMaxEntryPayload);
  // Synced place, flags, first and count take five bytes; length, term and kind of the entry five.
  const std::size_t rest = kMaxRecordBody - entries.size() - 5 - 5;
  const std::string fits =
      entries + entries_of({{1, wire::EntryKind::kCommand, std::string(rest, 'b')}});
  const std::string over =
      entries + entries_of({{1, wire::EntryKind::kCommand, std::string(rest + 1, 'b')}});
  std::string record;
  REQUIRE(append_batch(record, Place{1, 0}, Place{}, Batch{{}, {}, 1, ++count, fits}));
  CHECK(record.size() == kRecordHeaderBytes + kMaxRecordBody + kRecordTrailerBytes);
  CHECK(read_record(record, Place{1, 0}).record.has_value());
  std::string untouched = "x";
  CHECK_FALSE(append_batch(untouched, Place{1, 1}, Place{}, Batch{{}, {}, 1, count, over}));
  CHECK(untouched == "x");
}

TEST_CASE("Every flipped bit and every cut makes a record unreadable") {
  const std::string entries =
      entries_of({{5, wire::EntryKind::kNoop, ""}, {6, wire::EntryKind::kCommand, "value"}});
  std::string record;
  REQUIRE(append_batch(record, Place{4, 0}, Place{3, 99},
                       Batch{HardState{6, NodeId{1}}, {}, 3, 2, entries}));
  for (std::size_t i = 0; i < record.size() * 8; ++i) {
    std::string flipped = record;
    flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ (1 << (i % 8)));
    INFO("bit " << i);
    CHECK_FALSE(read_record(flipped, Place{4, 0}).record.has_value());
  }
  for (std::size_t n = 0; n < record.size(); ++n) {
    CHECK_FALSE(read_record(record.substr(0, n), Place{4, 0}).record.has_value());
  }
}

TEST_CASE("The decoder survives bodies of random bytes whose checksum is right") {
  const std::uint64_t seed = 20261123;
  INFO("seed " << seed);
  std::uint64_t readable = 0;
  for (std::uint64_t round = 0; round < 20'000; ++round) {
    Rng rng = keyed(seed, "body", round);
    std::string body;
    for (std::uint64_t n = rng.below(40); n > 0; --n) {
      // Small bytes are lengths, counts and flags that make sense more often.
      const std::uint64_t limit = rng.below(3) == 0 ? 256 : 4;
      body.push_back(static_cast<char>(rng.below(limit)));
    }
    const auto kind = static_cast<std::uint8_t>(1 + rng.below(2));
    std::string bound;
    ByteWriter c(bound);
    c.u64(5), c.u64(0), c.u8(kind), c.u32(static_cast<std::uint32_t>(body.size())), c.raw(body);
    std::string record = "\xa7\x57";
    ByteWriter e(record);
    e.u8(kind), e.u32(static_cast<std::uint32_t>(body.size())), e.u32(crc32c(bound)), e.raw(body);
    e.u8(0x5a);
    const ReadRecord read = read_record(record, Place{5, 0});
    if (!read.record) {
      CHECK_FALSE(read.problem.empty());
      continue;
    }
    ++readable;
    CHECK(read.record->size == record.size());
    if (read.record->batch) CHECK(entries_are_well_formed(*read.record->batch));
  }
  CHECK(readable > 0);
}
