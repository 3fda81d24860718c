// What a start makes of a tail that is bad: torn by a crash, or flipped, which is a doubt.
#include <catch2/catch.hpp>

#include "base/evidence.hpp"
#include "faults/disk/disk_model.hpp"
#include "nodes/storage/format.hpp"
#include "nodes/storage/recovery.hpp"
#include "tests/unit/log_workload.hpp"

using namespace ww;
using namespace ww::storage;
using namespace ww::storage::testing;

namespace {

LogOptions start_options(bool first_start = true) {
  return {.node = NodeId{1}, .segment_bytes = 4096, .first_start = first_start};
}

/// A log whose last record is a batch with nothing behind it, as a power loss leaves one that was
/// synced; and where that record begins.
struct Log {
  DiskImage files;
  std::string file;
  Place last;
};

Log log_of(std::uint64_t seed, std::uint64_t batches) {
  MemoryStore store;
  Survived survived;
  LogStore log = LogStore::open(store, start_options(), survived).value();
  LogState state;
  for (std::uint64_t i = 0; i < batches; ++i) {
    const OwnedBatch batch = random_batch(seed, i, state, 700);
    apply(state, batch);
    REQUIRE(log.write(batch.view()).ok());
    if (i + 1 < batches) REQUIRE(log.sync().ok());
  }
  Log out;
  out.files = store.files;
  out.file = out.files.rbegin()->first;
  out.last = {segment_number(out.file).value(), kSegmentHeaderBytes};
  const std::string& bytes = out.files.rbegin()->second;
  for (Place at = out.last; at.offset < bytes.size();) {
    out.last = at;
    at.offset += read_record(bytes, at).record.value().size;
  }
  return out;
}

/// What a start says of `files`.
Survived started(const DiskImage& files, bool first_start = true) {
  MemoryStore store;
  store.files = files;
  Survived survived;
  const auto opened = LogStore::open(store, start_options(first_start), survived);
  INFO((opened ? std::string() : opened.error().message));
  REQUIRE(opened.ok());
  return survived;
}

}  // namespace

TEST_CASE("Every flip of a bit in the last record leaves the node in doubt") {
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
    const Log log = log_of(seed, 5 + seed);
    const std::size_t size = log.files.at(log.file).size();
    for (std::size_t at = static_cast<std::size_t>(log.last.offset); at < size; ++at) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        DiskImage files = log.files;
        char& byte = files[log.file][at];
        byte = static_cast<char>(static_cast<unsigned char>(byte) ^ (1U << bit));
        INFO("seed " << seed << ", byte " << at << " of " << size << ", bit " << bit);
        REQUIRE(started(files).doubt == Doubt::kTail);
      }
    }
  }
}

TEST_CASE("A length that a flip makes shorter is no torn write, wherever it ends then") {
  // One entry, with zeros around every sector's begin but for the last, so that a record that were
  // shorter would end in a part of a sector of which there is nothing.
  const auto record_of = [](std::string payload) {
    MemoryStore store;
    Survived survived;
    LogStore log = LogStore::open(store, start_options(), survived).value();
    std::string entries;
    wire::append_entry(entries, {1, wire::EntryKind::kCommand, payload});
    Batch batch;
    batch.state = HardState{1, NodeId{1}};
    batch.first = 1;
    batch.count = 1;
    batch.entries = entries;
    REQUIRE(log.write(batch).ok());
    return store.files;
  };
  constexpr std::size_t kSector = 512;
  std::size_t flips = 0;
  for (std::size_t size = 1600; size < 1600 + kSector; ++size) {
    std::string payload(size, 'x');
    DiskImage plain = record_of(payload);
    const std::string& file = plain.rbegin()->first;
    const std::string& bytes = plain.rbegin()->second;
    const std::size_t begin = bytes.find("xxxx");
    if (bytes.size() % kSector == 0 || bytes.size() % kSector > 8) continue;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t place = (begin + i) % kSector;
      const bool last = begin + i + kSector > bytes.size();
      if (!last && (place < 20 || place > kSector - 20)) payload[i] = '\0';
    }
    const DiskImage files = record_of(payload);
    REQUIRE(files.at(file).size() == bytes.size());
    for (std::size_t byte = 3; byte < 7; ++byte) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        DiskImage flipped = files;
        char& hit = flipped[file][kSegmentHeaderBytes + byte];
        hit = static_cast<char>(static_cast<unsigned char>(hit) ^ (1U << bit));
        INFO("a payload of " << size << ", byte " << byte << ", bit " << bit);
        CHECK(started(flipped).doubt == Doubt::kTail);
        ++flips;
      }
    }
  }
  CHECK(flips > 0);
}

TEST_CASE("A record that a crash tore is cut off, and leaves no doubt") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    const Log log = log_of(seed, 2 + seed % 4);
    DiskImage before = log.files;
    before[log.file].resize(static_cast<std::size_t>(log.last.offset));
    faults::DiskModel disk;
    disk.reset(before);
    disk.apply({wire::trace::StoreOp::kWrite, log.file, "", log.last.offset,
                log.files.at(log.file).substr(static_cast<std::size_t>(log.last.offset)), true});
    faults::Loss loss;
    const DiskImage torn = disk.crash(seed, faults::CrashStyle::kTorn, loss);
    CHECK(started(torn).doubt == Doubt::kNone);
    CHECK(started(disk.torn(seed, loss)).doubt == Doubt::kNone);
  }
}

TEST_CASE("A doubt outlives restarts until it is settled, and comes before the cut") {
  Log log = log_of(9, 6);
  log.files[log.file].back() = '\x11';
  MemoryStore store;
  store.files = log.files;
  std::vector<wire::trace::StoreOp> ops;
  LoggedStore logged(store, [&](const wire::trace::Store& op) {
    ops.push_back(op.op);
    if (ops.size() == 1) CHECK(op.file == kDoubtFile);
  });
  Survived survived;
  REQUIRE(LogStore::open(logged, start_options(), survived).ok());
  CHECK(survived.doubt == Doubt::kTail);
  using Op = wire::trace::StoreOp;
  REQUIRE(ops.size() > 2);
  CHECK(ops[0] == Op::kCreate);
  CHECK(ops[1] == Op::kSyncDir);
  Result<LogStore> again = LogStore::open(store, start_options(), survived);
  REQUIRE(again.ok());
  CHECK(survived.doubt == Doubt::kStanding);
  CHECK_FALSE(survived.torn);
  Batch settled;
  settled.state = HardState{900, NodeId{2}};
  settled.settles_doubt = true;
  REQUIRE(again->write(settled).ok());
  REQUIRE(again->sync().ok());
  CHECK(started(store.files).doubt == Doubt::kNone);
}

TEST_CASE("Nothing is a loss to a node that has run before, and to no other") {
  CHECK(started({}, true).doubt == Doubt::kNone);
  CHECK(started({}, false).doubt == Doubt::kMissing);
  const Log log = log_of(1, 3);
  CHECK(started(log.files, false).doubt == Doubt::kNone);
}

TEST_CASE("The mistake cuts durable records off, and says so") {
  Log log = log_of(5, 8);
  log.files[log.file][kSegmentHeaderBytes + 5] ^= 1;
  MemoryStore store;
  store.files = log.files;
  Survived survived;
  const auto refused = LogStore::open(store, start_options(), survived);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == ErrorCode::kCorrupt);
  LogOptions trusting = start_options();
  trusting.trusts_damage = true;
  REQUIRE(LogStore::open(store, trusting, survived).ok());
  CHECK(survived.damage_cut);
  CHECK(survived.doubt == Doubt::kNone);
}
