// Power losses at every operation of a log with snapshots, and again within its recovery.
//
// A life takes snapshots of what it wrote, and is given snapshots of other histories, while it goes
// on writing. After a crash a start must find the snapshot in place, or the one whose turn it was,
// and the log that goes on from it: a state after some batch not older than the last one synced.
// No crash may look like damage or leave a gap.
#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "nodes/storage/log_store.hpp"
#include "tests/unit/log_machine.hpp"

using namespace ww;
using namespace ww::storage;
using namespace ww::storage::testing;
using faults::CrashStyle;

namespace {

/// A log as its records alone say it.
struct Raw {
  HardState state;
  LogPosition base;
  std::vector<std::pair<Term, std::string>> entries;  // encoded

  [[nodiscard]] Index last() const { return base.index + entries.size(); }
  [[nodiscard]] Term term_at(Index index) const {
    return index == base.index ? base.term : entries[index - base.index - 1].first;
  }
  [[nodiscard]] bool has(LogPosition at) const {
    return at.index >= base.index && at.index <= last() && term_at(at.index) == at.term;
  }
};

std::string bytes_of(LogPosition at) {
  return "the state after " + std::to_string(at.index) + " of term " + std::to_string(at.term) +
         std::string(at.index % 7 * 100, 'x');
}

/// What a start must make of a log and a snapshot.
struct Found {
  HardState state;
  LogPosition snapshot;
  std::string entries;
  friend bool operator==(const Found&, const Found&) = default;
};

Found combine(const Raw& raw, LogPosition at) {
  Found out{raw.state, at, {}};
  if (!raw.has(at)) return out;
  for (Index i = at.index + 1; i <= raw.last(); ++i) {
    out.entries += raw.entries[i - raw.base.index - 1].second;
  }
  return out;
}

/// The states that a start may find.
struct Promise {
  std::vector<Raw> logs{Raw{}};  // after each batch; those before `synced` are over
  std::size_t synced = 0;
  LogPosition snapshot;             // in place for good
  std::optional<LogPosition> next;  // may be in place
  bool replaced = false;            // another history's took the log's place
  bool another = false;             // the last one that was begun is another history's

  /// Takes note of what a start found; the rest never happened.
  void require(const Survived& survived) {
    const Found found{survived.state, survived.snapshot, survived.entries};
    REQUIRE(survived.base == survived.snapshot);
    if (survived.snapshot.index != 0) {
      REQUIRE(survived.snapshot_bytes == bytes_of(survived.snapshot));
    }
    for (std::size_t i = logs.size(); i-- > synced;) {
      for (const LogPosition at : {next.value_or(snapshot), snapshot}) {
        if (!(combine(logs[i], at) == found)) continue;
        Raw now{logs[i].state, at, {}};
        if (logs[i].has(at)) {
          now.entries.assign(
              logs[i].entries.begin() + static_cast<std::ptrdiff_t>(at.index - logs[i].base.index),
              logs[i].entries.end());
        }
        logs = {now};
        synced = 0;
        snapshot = at;
        next.reset();
        return;
      }
    }
    FAIL("found a snapshot up to " << survived.snapshot.index << " and " << survived.count
                                   << " entries behind it, which no order of events left");
  }
};

struct LivesPlan {
  std::uint64_t seed = 0;
  std::uint64_t segment_bytes = 0;
  std::uint64_t steps = 0;
};

/// One life of a log; everything in it is drawn by the plan's seed and `first`.
class Life {
 public:
  Life(Machine& machine, const LivesPlan& plan, std::uint64_t first, Promise& promise)
      : machine_(machine), plan_(plan), first_(first), promise_(promise) {}

  /// Until the plan or the power ends.
  void run() {
    Survived survived;
    auto log = LogStore::open(machine_.store(), {NodeId{1}, plan_.segment_bytes}, survived);
    if (!log) return;
    promise_.require(survived);
    places_ = {log->batches_end()};
    committed_ = promise_.snapshot.index;
    for (std::uint64_t i = first_; i < first_ + plan_.steps; ++i) {
      if (!step(*log, i)) return;
    }
  }

 private:
  bool step(LogStore& log, std::uint64_t i) {
    Rng rng = keyed(plan_.seed, "test.step", i);
    switch (rng.below(9)) {
      case 0:
      case 1:
        return begin(log, rng, i);
      case 2:
      case 3:
      case 4:
        return finish(log);
      case 5:
        return sync(log, rng);
      default:
        return write(log, rng, i);
    }
  }

  bool write(LogStore& log, Rng& rng, std::uint64_t i) {
    Raw next = promise_.logs.back();
    Batch batch;
    std::string entries;
    if (reset_) {
      batch.reset_to = next.base = *std::exchange(reset_, std::nullopt);
      next.entries.clear();
    } else if (next.last() > committed_ && rng.below(4) == 0) {
      batch.truncate_from = committed_ + 1 + rng.below(next.last() - committed_);
      next.entries.resize(*batch.truncate_from - next.base.index - 1);
    }
    batch.first = next.last() + 1;
    batch.count = static_cast<std::uint32_t>(rng.below(4));
    for (std::uint32_t n = 0; n < batch.count; ++n) {
      std::string entry;
      wire::append_entry(entry,
                         {i + 1, wire::EntryKind::kCommand, std::string(rng.below(90), 'e')});
      entries += entry;
      next.entries.emplace_back(i + 1, entry);
    }
    if (rng.below(3) == 0)
      batch.state = next.state = HardState{i + 1, NodeId{i % 3 == 0 ? 1U : 2U}};
    batch.entries = entries;
    promise_.logs.push_back(next);  // It may be on the disk although its write failed.
    if (!log.write(batch)) return false;
    places_.push_back(log.batches_end());
    return true;
  }

  /// Of everything, or as a deterministic world does it: up to some batch.
  bool sync(LogStore& log, Rng& rng) {
    const std::size_t all = promise_.logs.size() - 1;
    const std::size_t upto =
        rng.below(2) == 0 ? all : promise_.synced + rng.below(all - promise_.synced + 1);
    if (!log.sync_to(places_[upto])) return false;
    promise_.synced = upto;
    return true;
  }

  /// Of the log up to some entry, which counts as committed from then on; or of another history.
  bool begin(LogStore& log, Rng& rng, std::uint64_t i) {
    const Raw& raw = promise_.logs.back();
    if (saving_ || reset_) return true;
    LogPosition at;
    const bool other = rng.below(3) == 0;
    if (other) {
      at = {committed_ + 1 + rng.below(8), i + 1};
    } else if (raw.last() > committed_) {
      at.index = committed_ + 1 + rng.below(raw.last() - committed_);
      at.term = raw.term_at(at.index);
      committed_ = at.index;
    } else {
      return true;
    }
    saving_ = at;
    promise_.another = other;
    return log.begin_snapshot(at, bytes_of(at)).ok();
  }

  bool finish(LogStore& log) {
    if (!saving_) return true;
    const auto some = log.write_snapshot(200);
    if (!some) return false;
    if (!*some) return true;  // Written in part; other batches come between.
    promise_.next = *saving_;
    if (!log.finish_snapshot()) return false;
    promise_.snapshot = *std::exchange(saving_, std::nullopt);
    promise_.next.reset();
    committed_ = std::max(committed_, promise_.snapshot.index);
    if (!promise_.logs.back().has(promise_.snapshot)) {
      reset_ = promise_.snapshot;
      promise_.replaced = true;
    }
    return true;
  }

  Machine& machine_;
  const LivesPlan& plan_;
  std::uint64_t first_;
  Promise& promise_;
  Index committed_ = 0;
  std::vector<Place> places_;  // where the batch ends that led to each of the promise's logs
  std::optional<LogPosition> saving_;
  std::optional<LogPosition> reset_;
};

/// Loses power after every operation of a recovery of `found`; the next start must find what is
/// promised.
void torture_restart(const LivesPlan& plan, const DiskImage& found, std::uint64_t key,
                     const Promise& promise) {
  for (std::uint64_t k = 0;; ++k) {
    INFO("recovery lost power after operation " << k);
    Machine machine(found);
    machine.fail_after(k);
    Survived survived;
    const bool whole =
        LogStore::open(machine.store(), {NodeId{1}, plan.segment_bytes}, survived).ok();
    Promise now = promise;
    if (whole) now.require(survived);
    faults::Loss loss;
    const std::uint64_t draw = key_of(key, "test.again", k);
    Machine again(
        machine.model().crash(draw, CrashStyle{static_cast<std::uint8_t>(draw % 4)}, loss));
    const auto log = LogStore::open(again.store(), {NodeId{1}, plan.segment_bytes}, survived);
    INFO((log ? std::string() : log.error().message));
    REQUIRE(log.ok());
    now.require(survived);
    if (whole) return;
  }
}

}  // namespace

TEST_CASE("After a power loss at any operation snapshot and log agree, and lose no promise") {
  const std::uint64_t seed = 23;
  std::uint64_t crashes = 0;
  std::uint64_t with_snapshot = 0;
  std::uint64_t replaced = 0;
  std::array<std::map<std::string, std::uint64_t>, 2> moments;  // of deaths, by whose snapshot
  for (std::uint64_t run = 0; run < 30; ++run) {
    const LivesPlan plan{key_of(seed, "plan", run), run % 3 == 0 ? 1U : 200U * (run % 3), 40};
    Machine whole((DiskImage()));
    Promise unused;
    Life(whole, plan, 0, unused).run();
    for (std::uint64_t k = 0; k <= whole.operations(); ++k) {
      Machine machine((DiskImage()));
      machine.fail_after(k);
      Promise promise;
      Life(machine, plan, 0, promise).run();
      ++moments[promise.another][machine.last_operation()];
      for (std::uint64_t draw = 0; draw < 3; ++draw) {
        const std::uint64_t key = key_of(seed, "crash", run, k, draw);
        faults::Loss loss;
        const DiskImage disk =
            machine.model().crash(key, CrashStyle{static_cast<std::uint8_t>(1 + draw)}, loss);
        INFO("seed " << seed << ", run " << run << ", power lost after operation " << k << ", draw "
                     << draw);
        torture_restart(plan, disk, key, promise);
        ++crashes;
        with_snapshot += promise.snapshot.index != 0 ? 1 : 0;
        replaced += promise.replaced ? 1 : 0;
      }
    }
  }
  INFO(crashes << " crashes, " << with_snapshot << " with a snapshot, " << replaced
               << " after another history's");
  CHECK(with_snapshot > crashes / 3);
  CHECK(replaced > crashes / 20);
  // Every step of a snapshot, of the log's own and of one that replaces the whole log.
  for (auto& of : moments) {
    for (const char* moment : {"create .tmp", "write .tmp", "sync_file .tmp", "rename .tmp",
                               "sync_dir after rename .tmp", "unlink .snap", "unlink .seg"}) {
      INFO(moment);
      CHECK(of[moment] >= 10);
    }
  }
}

TEST_CASE("Snapshots and logs agree through many lives that end in power losses and kills") {
  const std::uint64_t seed = 29;
  for (std::uint64_t run = 0; run < 60; ++run) {
    const LivesPlan plan{key_of(seed, "run", run), keyed(seed, "segment", run).below(900), 40};
    Promise promise;
    auto machine = std::make_unique<Machine>(DiskImage{});
    for (std::uint64_t life = 0; life < 10; ++life) {
      const std::uint64_t key = key_of(seed, "life", run, life);
      INFO("seed " << seed << ", run " << run << ", life " << life);
      machine->fail_after(keyed(key, "moment").below(120));
      Life(*machine, plan, 100 * life, promise).run();
      if (keyed(key, "death").below(2) == 0) {
        machine = std::make_unique<Machine>(machine->files(), machine->model());
        continue;
      }
      faults::Loss loss;
      machine = std::make_unique<Machine>(machine->model().crash(key, CrashStyle::kTorn, loss));
    }
  }
}

TEST_CASE("What the snapshot replaced is removed, and a damaged or missing one is refused") {
  MemoryStore store;
  Survived survived;
  {
    auto log = LogStore::open(store, {NodeId{1}, 1}, survived);
    REQUIRE(log);
    for (Index i = 1; i <= 8; ++i) {
      std::string entry;
      wire::append_entry(entry, {2, wire::EntryKind::kNoop, {}});
      Batch batch{HardState{2, NodeId{3}}, {}, i, 1, entry};
      if (i > 1) batch.state.reset();
      REQUIRE(log->write(batch));
    }
    REQUIRE(log->sync());
    REQUIRE(log->begin_snapshot({6, 2}, bytes_of({6, 2})));
    REQUIRE(*log->write_snapshot(~std::uint64_t{0}));
    REQUIRE(log->finish_snapshot());
  }
  // Of eight segments, a batch each, the first six hold nothing that is needed any more.
  CHECK(store.files.count("log-0000000006.seg") == 0);
  CHECK(store.files.count("log-0000000007.seg") == 1);
  CHECK(store.files.count("snap-0000000006.snap") == 1);
  const DiskImage good = store.files;
  {
    REQUIRE(LogStore::open(store, {NodeId{1}, 1}, survived));
    CHECK(survived.state == HardState{2, NodeId{3}});  // though its segment is gone
    CHECK(survived.snapshot == LogPosition{6, 2});
    CHECK(survived.count == 2);
  }
  const auto refuses = [&](const DiskImage& image, const std::string& why) {
    MemoryStore damaged;
    damaged.files = image;
    const auto log = LogStore::open(damaged, {NodeId{1}, 1}, survived);
    REQUIRE_FALSE(log.ok());
    INFO(log.error().message);
    CHECK(log.error().code == ErrorCode::kCorrupt);
    CHECK(log.error().message.find(why) != std::string::npos);
    CHECK(damaged.files == image);
  };
  DiskImage gone = good;
  gone.erase("snap-0000000006.snap");
  refuses(gone, "log-0000000001.seg");
  DiskImage no_log = good;
  no_log.erase("log-0000000007.seg");
  refuses(no_log, "log-0000000007.seg");
  const std::string& file = good.at("snap-0000000006.snap");
  for (std::size_t at = 0; at < file.size(); ++at) {
    DiskImage flipped = good;
    flipped["snap-0000000006.snap"][at] = static_cast<char>(file[at] ^ 0x10);
    refuses(flipped, "snap-0000000006.snap");
  }
  MemoryStore other;
  other.files = good;
  CHECK_FALSE(LogStore::open(other, {NodeId{2}, 1}, survived).ok());
}
