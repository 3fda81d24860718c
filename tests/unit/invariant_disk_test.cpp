// The harness' own reading of the durable log against the node's writing of it.
#include <catch2/catch.hpp>

#include "base/rng.hpp"
#include "checkers/invariants/disk_tracker.hpp"
#include "nodes/storage/byte_store.hpp"
#include "nodes/storage/log_store.hpp"
#include "tests/unit/invariant_stories.hpp"

namespace ww::test {
namespace {

using checkers::invariants::DiskContents;
using checkers::invariants::DiskTracker;
using checkers::invariants::read_disk;
using checkers::invariants::Stamp;

/// A node's log store whose operations a tracker follows.
struct Watched {
  storage::MemoryStore files;
  DiskTracker tracker;
  std::uint64_t order = 0;
  std::vector<std::string> complaints;

  storage::LoggedStore logged{files, [this](const wire::trace::Store& op) {
                                Stamp at;
                                at.order = ++order;
                                const auto news = tracker.apply(op, at);
                                if (news.malformed) complaints.push_back(*news.malformed);
                                if (news.removed) complaints.push_back(*news.removed);
                                if (news.regressed) complaints.push_back("regressed");
                              }};
};

std::string entries_of(Rng& rng, Index, std::uint32_t count, Term term) {
  std::string out;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string payload(static_cast<std::size_t>(rng.below(40)), 'x');
    wire::append_entry(out, {term, wire::EntryKind::kCommand, payload});
  }
  return out;
}

/// Random batches, as a replica would write them; some syncs.
void write_some(storage::LogStore& log, Rng& rng, Term& term, Index& last, int batches) {
  for (int i = 0; i < batches; ++i) {
    storage::Batch batch;
    std::string entries;
    if (rng.chance_ppm(300'000)) {
      batch.state = storage::HardState{++term, NodeId{static_cast<std::uint32_t>(rng.below(4))}};
    }
    if (last > 0 && rng.chance_ppm(200'000)) {
      batch.truncate_from = 1 + rng.below(last);
      last = *batch.truncate_from - 1;
    }
    batch.count = static_cast<std::uint32_t>(rng.below(4));
    batch.first = last + 1;
    entries = entries_of(rng, batch.first, batch.count, term);
    batch.entries = entries;
    last += batch.count;
    REQUIRE(log.write(batch));
    if (rng.chance_ppm(400'000)) REQUIRE(log.sync());
  }
}

TEST_CASE("what the tracker follows is what the log store wrote, and what it finds again") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    Rng rng = keyed(seed, "invariant-disk");
    Watched node;
    Term term = 1;
    Index last = 0;
    for (int life = 0; life < 4; ++life) {
      storage::Survived survived;
      auto log =
          storage::LogStore::open(node.logged, {.node = NodeId{1}, .segment_bytes = 512}, survived);
      REQUIRE(log);
      const DiskTracker& seen = node.tracker;
      CHECK(seen.log().last() == survived.count);
      CHECK(node.tracker.durable_last() == survived.count);
      CHECK(seen.state().term == survived.state.term);
      CHECK(node.tracker.durable() == seen.state());
      write_some(*log, rng, term, last, 20);
      const bool torn = rng.chance_ppm(500'000) && !node.files.files.empty();
      DiskImage image = node.files.files;
      const auto audit = node.tracker.restart(image, image, false);
      INFO((audit.lost ? *audit.lost : "") << (audit.differs ? *audit.differs : ""));
      CHECK_FALSE(audit.lost);
      CHECK_FALSE(audit.differs);
      CHECK(audit.last.index == last);
      if (torn) node.files.files.rbegin()->second += "torn";
    }
    INFO((node.complaints.empty() ? "" : node.complaints.front()));
    // A torn tail that the tracker was not told of is cut by recovery; nothing valid goes.
    CHECK(node.complaints.empty());
  }
}

DiskImage some_disk(std::uint64_t seed) {
  Rng rng = keyed(seed, "invariant-disk-image");
  Watched node;
  storage::Survived survived;
  auto log =
      storage::LogStore::open(node.logged, {.node = NodeId{1}, .segment_bytes = 256}, survived);
  REQUIRE(log);
  Term term = 1;
  Index last = 0;
  write_some(*log, rng, term, last, 30);
  REQUIRE(log->sync());
  return node.files.files;
}

TEST_CASE("a power loss that takes synced bytes is seen, one that takes unsynced ones is not") {
  Watched node;
  storage::Survived survived;
  auto log = storage::LogStore::open(node.logged, {.node = NodeId{1}}, survived);
  REQUIRE(log);
  std::string entry;
  wire::append_entry(entry, {1, wire::EntryKind::kCommand, "payload"});
  REQUIRE(log->write({.state = storage::HardState{1, NodeId{2}},
                      .truncate_from = {},
                      .first = 1,
                      .count = 1,
                      .entries = entry}));
  REQUIRE(log->sync());
  const DiskImage synced = node.files.files;
  REQUIRE(log->write({.state = {}, .truncate_from = {}, .first = 2, .count = 1, .entries = entry}));
  CHECK(node.tracker.durable_last() == 1);
  const DiskImage all = node.files.files;
  for (std::size_t size = 24; size <= all.begin()->second.size(); ++size) {
    INFO("cut to " << size);
    DiskTracker tracker = node.tracker;
    DiskImage after = all;
    after.begin()->second.resize(size);
    const auto audit = tracker.restart(all, after, true);
    // The watermark that follows the sync is not synced itself.
    const bool keeps = read_disk(after).found.log.last() >= 1;
    CHECK(audit.lost.has_value() == !keeps);
    CHECK_FALSE(audit.differs);
  }
}

TEST_CASE("every prefix of a log reads as a torn tail or not at all, never as other entries") {
  const DiskImage whole = some_disk(7);
  const DiskContents all = read_disk(whole);
  REQUIRE_FALSE(all.damage);
  const auto tail = whole.rbegin()->first;
  for (std::size_t size = 0; size < whole.at(tail).size(); ++size) {
    DiskImage image = whole;
    image[tail].resize(size);
    const DiskContents read = read_disk(image);
    INFO("cut to " << size << (read.damage ? *read.damage : ""));
    CHECK_FALSE(read.damage);
  }
}

TEST_CASE("a missing segment below a watermark is damage") {
  DiskImage image = some_disk(11);
  REQUIRE(image.size() > 3);
  image.erase(std::next(image.begin()));
  const DiskContents read = read_disk(image);
  REQUIRE(read.damage);
  CHECK(read.damage->find("segment 2") != std::string::npos);
}

TEST_CASE("random and mutated bytes are read without harm") {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    INFO("seed " << seed);
    Rng rng = keyed(seed, "invariant-disk-fuzz");
    DiskImage image = some_disk(seed % 3);
    auto file = std::next(image.begin(), static_cast<std::ptrdiff_t>(rng.below(image.size())));
    for (std::uint64_t k = 1 + rng.below(6); k > 0; --k) {
      std::string& bytes = file->second;
      if (bytes.empty()) break;
      switch (rng.below(4)) {
        case 0:
          bytes[rng.below(bytes.size())] = static_cast<char>(rng.next());
          break;
        case 1:
          bytes.resize(rng.below(bytes.size()));
          break;
        case 2:
          bytes.insert(rng.below(bytes.size()), "\xA7\x57\x01\xff\xff");
          break;
        default:
          bytes.erase(rng.below(bytes.size()), 1 + rng.below(9));
      }
    }
    const DiskContents read = read_disk(image);
    CHECK(read.segments.size() == image.size());
    for (const auto& segment : read.segments) CHECK(segment.valid_end <= segment.size);
    DiskTracker tracker;
    tracker.restart(image, image, rng.chance_ppm(500'000));
    CHECK(tracker.durable_last() <= tracker.log().last());
    wire::trace::Store op;
    op.file = file->first;
    op.offset = file->second.size();
    for (std::uint64_t k = rng.below(64); k > 0; --k) op.data += static_cast<char>(rng.next());
    tracker.apply(op, Stamp{});
  }
}

}  // namespace
}  // namespace ww::test
