#include "nodes/storage/log_store.hpp"

#include <catch2/catch.hpp>

#include "base/evidence.hpp"
#include "nodes/storage/format.hpp"
#include "tests/unit/log_workload.hpp"

using namespace ww;
using namespace ww::storage;
using namespace ww::storage::testing;

namespace {

LogOptions options(std::uint64_t segment_bytes = 1 << 20) {
  return LogOptions{NodeId{1}, segment_bytes};
}

LogStore open_well(ByteStore& store, const LogOptions& with, Survived& survived) {
  Result<LogStore> log = LogStore::open(store, with, survived);
  INFO((log ? std::string() : log.error().message));
  REQUIRE(log.ok());
  return std::move(log).value();
}

/// Writes `batches` random batches, the last one synced, into an empty store.
LogState fill(ByteStore& store, const LogOptions& with, std::uint64_t seed, std::uint64_t batches) {
  Survived survived;
  LogStore log = open_well(store, with, survived);
  LogState state;
  for (std::uint64_t i = 0; i < batches; ++i) {
    const OwnedBatch batch = random_batch(seed, i, state, 60);
    apply(state, batch);
    REQUIRE(log.write(batch.view()).ok());
    if (i % 3 == 2 || i + 1 == batches) REQUIRE(log.sync().ok());
  }
  return state;
}

struct RecordAt {
  Place start;
  std::uint64_t size = 0;
  Place synced;
};

/// All records of a whole log; headers count as records at offset 0 that vouch for nothing.
std::vector<RecordAt> records_of(const DiskImage& files) {
  std::vector<RecordAt> out;
  for (const auto& [name, bytes] : files) {
    const std::uint64_t segment = segment_number(name).value();
    out.push_back({Place{segment, 0}, kSegmentHeaderBytes, Place{}});
    for (std::uint64_t at = kSegmentHeaderBytes; at < bytes.size();) {
      const ReadRecord read = read_record(bytes, Place{segment, at});
      REQUIRE(read.record);
      out.push_back({Place{segment, at}, read.record->size, read.record->synced});
      at += read.record->size;
    }
  }
  return out;
}

/// Whether any record but the `bad` one says that the log was synced beyond its start.
bool is_vouched_for(const std::vector<RecordAt>& records, std::size_t bad) {
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (i != bad && records[i].synced > records[bad].start) return true;
  }
  return false;
}

std::string open_error(const DiskImage& files, const LogOptions& with) {
  MemoryStore store;
  store.files = files;
  Survived survived;
  const Result<LogStore> log = LogStore::open(store, with, survived);
  if (log) return "";
  CHECK(log.error().code == ErrorCode::kCorrupt);
  CHECK(store.files == files);
  return log.error().message;
}

}  // namespace

TEST_CASE("An empty directory is an empty log, and so is one that was opened and left") {
  MemoryStore store;
  for (int i = 0; i < 3; ++i) {
    Survived survived;
    open_well(store, options(), survived);
    CHECK(state_of(survived) == LogState{});
    CHECK_FALSE(survived.torn);
  }
}

TEST_CASE("What was written is read back, over many segments and restarts") {
  const std::uint64_t seed = 3;
  INFO("seed " << seed);
  for (const std::uint64_t segment_bytes : {0U, 64U, 500U, 1U << 20}) {
    MemoryStore store;
    LogState state;
    for (std::uint64_t life = 0; life < 5; ++life) {
      Survived survived;
      LogStore opened = open_well(store, options(segment_bytes), survived);
      CHECK(state_of(survived) == state);
      CHECK_FALSE(survived.torn);
      LogStore log = std::move(opened);
      for (std::uint64_t i = 0; i < 20; ++i) {
        const OwnedBatch batch = random_batch(seed, 100 * life + i, state, 60);
        apply(state, batch);
        REQUIRE(log.write(batch.view()).ok());
      }
      REQUIRE(log.sync().ok());
    }
    // Rotation bounds a segment: the last record in it is the first beyond the limit.
    for (const auto& [name, bytes] : store.files) CHECK(bytes.size() < segment_bytes + 500);
  }
}

TEST_CASE("A truncation cuts entries, and one beyond the end cuts none") {
  MemoryStore store;
  std::string a, b;
  for (int i = 0; i < 3; ++i) wire::append_entry(a, {1, wire::EntryKind::kCommand, "a"});
  wire::append_entry(b, {2, wire::EntryKind::kCommand, "b"});
  Survived survived;
  {
    LogStore log = open_well(store, options(), survived);
    REQUIRE(log.write(Batch{{}, {}, 1, 3, a}).ok());
    REQUIRE(log.write(Batch{{}, 9, 0, 0, {}}).ok());
    REQUIRE(log.write(Batch{HardState{2, NodeId{3}}, 2, 2, 1, b}).ok());
  }
  open_well(store, options(), survived);
  CHECK(survived.state == HardState{2, NodeId{3}});
  CHECK(survived.base == LogPosition{});
  CHECK(survived.count == 2);
  CHECK(survived.entries == a.substr(0, a.size() / 3) + b);
}

TEST_CASE("An empty batch and a sync with nothing new write nothing") {
  MemoryStore store;
  Survived survived;
  LogStore log = open_well(store, options(), survived);
  const DiskImage before = store.files;
  REQUIRE(log.write(Batch{}).ok());
  REQUIRE(log.sync().ok());
  CHECK(store.files == before);
  REQUIRE(log.write(Batch{HardState{1, NodeId{1}}, {}, 0, 0, {}}).ok());
  REQUIRE(log.sync().ok());
  const DiskImage after = store.files;
  REQUIRE(log.sync().ok());
  CHECK(store.files == after);
  CHECK(after != before);
}

TEST_CASE("Files that are no segments are left alone") {
  MemoryStore store;
  store.files = {{"log-0000000001.seg.tmp", "half"}, {"journal", "x"}, {"log-1.seg", "y"}};
  const DiskImage foreign = store.files;
  const LogState state = fill(store, options(100), 5, 10);
  Survived survived;
  open_well(store, options(100), survived);
  CHECK(state_of(survived) == state);
  for (const auto& [name, bytes] : foreign) CHECK(store.files.at(name) == bytes);
}

TEST_CASE("A batch over the limit is refused before anything is written") {
  MemoryStore store;
  Survived survived;
  LogStore log = open_well(store, options(), survived);
  std::string entries;
  const std::string payload(wire::kMaxEntryPayload, 'x');
  for (int i = 0; i < 9; ++i) wire::append_entry(entries, {1, wire::EntryKind::kCommand, payload});
  const DiskImage before = store.files;
  const Result<void> refused = log.write(Batch{{}, {}, 1, 9, entries});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kTooLarge);
  CHECK(refused.error().definite);
  CHECK(log.sync() == refused);
  CHECK(store.files == before);
}

TEST_CASE("A segment of another node, or under another number, is refused by name") {
  MemoryStore store;
  fill(store, options(100), 5, 10);
  CHECK(open_error(store.files, LogOptions{NodeId{2}, 100}) ==
        "log damaged: log-0000000001.seg, offset 0: it is a segment of node n1, and this is n2");
  DiskImage files = store.files;
  files[segment_name(2)] = files[segment_name(1)];
  CHECK(open_error(files, options(100)) ==
        "log damaged: log-0000000002.seg, offset 0: it is a copy of log-0000000001.seg");
}

TEST_CASE(
    "A flipped bit below a watermark is damage, by file and offset; above it is a torn tail") {
  const std::uint64_t seed = 29;
  for (const std::uint64_t segment_bytes : {120U, 1U << 20}) {
    MemoryStore store;
    fill(store, options(segment_bytes), seed, 12);
    const std::vector<RecordAt> records = records_of(store.files);
    std::size_t damages = 0;
    std::size_t tails = 0;
    for (std::size_t r = 0; r < records.size(); ++r) {
      const Place start = records[r].start;
      const std::string name = segment_name(start.segment);
      for (std::uint64_t byte = start.offset; byte < start.offset + records[r].size; ++byte) {
        const std::uint64_t bit = keyed(seed, "bit", start.segment, byte).below(8);
        INFO("seed " << seed << ", " << name << ", byte " << byte << ", bit " << bit);
        DiskImage files = store.files;
        files[name][byte] = static_cast<char>(files[name][byte] ^ (1 << bit));
        if (is_vouched_for(records, r)) {
          const std::string place = name + ", offset " + std::to_string(start.offset) + ": ";
          CHECK(open_error(files, options(segment_bytes)).find(place) != std::string::npos);
          ++damages;
        } else {
          MemoryStore torn;
          torn.files = files;
          Survived survived;
          open_well(torn, options(segment_bytes), survived);
          CHECK(survived.torn);
          CHECK(survived.cut_bytes > 0);
          ++tails;
        }
      }
    }
    CHECK(damages > 200);
    CHECK(tails > 10);
  }
}

TEST_CASE("After a restart every flipped bit in what was found is damage") {
  const std::uint64_t seed = 31;
  INFO("seed " << seed);
  MemoryStore store;
  fill(store, options(), seed, 5);
  const DiskImage before = store.files;
  Survived survived;
  open_well(store, options(), survived);
  for (const auto& [name, bytes] : before) {
    for (std::size_t byte = 0; byte < bytes.size(); ++byte) {
      DiskImage files = store.files;
      files[name][byte] = static_cast<char>(files[name][byte] ^ 0x10);
      INFO(name << ", byte " << byte);
      CHECK(open_error(files, options()).find(name) != std::string::npos);
    }
  }
}

TEST_CASE("A missing segment, or one cut short at whatever byte, is damage when others follow") {
  MemoryStore store;
  fill(store, options(150), 37, 12);
  const std::string last = store.files.rbegin()->first;
  REQUIRE(store.files.size() > 3);
  for (const auto& [name, bytes] : store.files) {
    if (name == last) continue;
    DiskImage files = store.files;
    files.erase(name);
    CHECK(open_error(files, options()).find(name + ", offset 0: the segment is missing") !=
          std::string::npos);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      files[name] = bytes.substr(0, size);
      INFO(name << " cut to " << size << " bytes");
      CHECK(open_error(files, options()).find(name + ", offset ") != std::string::npos);
    }
  }
}

TEST_CASE("A batch torn in the middle goes, and a whole one after it goes too") {
  MemoryStore store;
  std::string entries;
  wire::append_entry(entries, {1, wire::EntryKind::kCommand, std::string(2000, 'x')});
  Survived survived;
  LogStore log = open_well(store, options(), survived);
  REQUIRE(log.write(Batch{{}, {}, 1, 1, entries}).ok());
  REQUIRE(log.sync().ok());
  const std::string name = segment_name(1);
  const std::size_t synced = store.files[name].size();
  REQUIRE(log.write(Batch{{}, {}, 2, 1, entries}).ok());
  const std::size_t torn = store.files[name].size();
  REQUIRE(log.write(Batch{{}, {}, 3, 1, entries}).ok());
  std::string& bytes = store.files[name];
  bytes.replace(synced + 500, 512, std::string(512, '\0'));
  const std::size_t size = bytes.size();
  REQUIRE(torn < size);
  open_well(store, options(), survived);
  CHECK(survived.count == 1);
  CHECK(survived.torn);
  CHECK(survived.cut_bytes == size - synced);
  CHECK(store.files[name].size() == synced);
}

TEST_CASE("Zeros after the last record are room, and an empty last segment is a torn tail") {
  MemoryStore store;
  const LogState state = fill(store, options(), 41, 6);
  for (const std::size_t zeros : {1U, 10U, 24U, 512U, 5000U}) {
    MemoryStore roomy;
    roomy.files = store.files;
    roomy.files[segment_name(1)].append(zeros, '\0');
    Survived survived;
    open_well(roomy, options(), survived);
    CHECK(state_of(survived) == state);
    CHECK_FALSE(survived.torn);
    MemoryStore torn;
    torn.files = store.files;
    torn.files[segment_name(2)].append(zeros % 24, '\0');
    open_well(torn, options(), survived);
    CHECK(state_of(survived) == state);
    CHECK(survived.torn);
  }
}

TEST_CASE("In a segment with room, zeros where synced bytes were are damage") {
  MemoryStore store;
  LogOptions roomy = options();
  roomy.preallocate = 4000;
  const LogState state = fill(store, roomy, 43, 6);
  Survived survived;
  open_well(store, roomy, survived);
  CHECK(state_of(survived) == state);
  const std::string name = segment_name(1);
  REQUIRE(store.files[name].size() == 4000);
  const std::size_t end = store.files[name].find_last_not_of('\0') + 1;
  for (std::size_t kept = 24; kept < end; ++kept) {
    DiskImage files = store.files;
    files[name].replace(kept, end - kept, std::string(end - kept, '\0'));
    if (files == store.files) continue;
    INFO("zeros from offset " << kept);
    CHECK(open_error(files, roomy).find(name) != std::string::npos);
  }
}

TEST_CASE("Recovery survives random and mutated files, and what it keeps it finds again") {
  const std::uint64_t seed = 43;
  MemoryStore whole;
  fill(whole, options(200), seed, 10);
  std::uint64_t opened = 0;
  for (std::uint64_t round = 0; round < 3000; ++round) {
    INFO("seed " << seed << ", round " << round);
    Rng rng = keyed(seed, "fuzz", round);
    MemoryStore store;
    store.files = whole.files;
    if (round % 4 == 0) store.files = {{segment_name(1 + rng.below(2)), ""}};
    for (std::uint64_t edits = 1 + rng.below(4); edits > 0; --edits) {
      auto it = store.files.begin();
      std::advance(it, static_cast<std::ptrdiff_t>(rng.below(store.files.size())));
      std::string& bytes = it->second;
      const std::size_t at = rng.below(bytes.size() + 1);
      std::string noise;
      for (std::uint64_t n = rng.below(40); n > 0; --n) {
        noise.push_back(static_cast<char>(rng.below(rng.below(2) == 0 ? 256 : 3)));
      }
      bytes.replace(at, rng.below(40), noise);
    }
    Survived first;
    if (const auto log = LogStore::open(store, options(), first); !log) {
      CHECK(log.error().code == ErrorCode::kCorrupt);
      continue;
    }
    ++opened;
    Survived second;
    open_well(store, options(), second);
    CHECK(state_of(first) == state_of(second));
    CHECK_FALSE(second.torn);
  }
  CHECK(opened > 50);
}
