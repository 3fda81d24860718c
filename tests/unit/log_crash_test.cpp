// Power losses at every operation of the log, and again within its recovery.
//
// A life is: open the log, write random batches with random syncs, and lose power after the k-th
// operation on the files, for every k. The disk is then any state that the model of faults/disk
// permits; the next life starts from it, and its recovery loses power as well. Whatever happens, a
// start must find a log that is the state after some batch, not older than the last one synced, and
// must never call it damaged.
#include <catch2/catch.hpp>

#include <array>
#include <memory>

#include "faults/disk/disk_model.hpp"
#include "nodes/storage/byte_store.hpp"
#include "nodes/storage/log_store.hpp"
#include "tests/unit/log_machine.hpp"
#include "tests/unit/log_workload.hpp"

using namespace ww;
using namespace ww::storage;
using namespace ww::storage::testing;
using faults::CrashStyle;
using faults::DiskModel;

namespace {

/// The states that a start may find: states[i] after the i-th batch; those before `synced` are
/// over.
struct Expectation {
  std::vector<LogState> states{LogState{}};
  std::size_t synced = 0;

  /// Takes note of what a start found; the rest never happened.
  void require(const LogState& found) {
    for (std::size_t i = states.size(); i-- > synced;) {
      if (!(states[i] == found)) continue;
      states = {found};
      synced = 0;
      return;
    }
    FAIL("the log is none of the " << states.size() - synced << " states from the synced one on");
  }
};

struct Plan {
  std::uint64_t seed = 0;
  std::uint64_t segment_bytes = 0;
  std::uint64_t max_payload = 0;
  std::uint64_t batches = 0;
  LogOptions options() const {
    // Files that grow, files with too little room, and files with more than they need.
    constexpr std::array<std::uint64_t, 3> kRoom = {0, 128, 4000};
    return LogOptions{NodeId{1}, segment_bytes, kRoom[seed % kRoom.size()]};
  }
};

void require_clean(const Error& error) {
  const bool full = error.code == ErrorCode::kNoSpace && error.message == "the disk is full";
  const bool off = error.code == ErrorCode::kIo && error.message == "the power is off";
  REQUIRE((full || off));
}

/// After an error the log says so for good, and leaves the files alone.
void require_broken(const Machine& machine, LogStore& log, const Error& error) {
  require_clean(error);
  CHECK_FALSE(error.definite);
  const std::uint64_t attempts = machine.attempts();
  CHECK(log.write(Batch{HardState{99, NodeId{1}}, {}, 0, 0, {}}) == Result<void>(error));
  CHECK(log.sync() == Result<void>(error));
  CHECK(machine.attempts() == attempts);
}

/// States that a power loss may leave: all of them where they are few, else a random choice.
std::vector<DiskImage> states_after(const DiskModel& model, std::uint64_t key) {
  if (const auto all = model.permitted_states(9); all) return {all->begin(), all->end()};
  std::vector<DiskImage> some;
  for (std::uint64_t draw = 0; draw < 32; ++draw) {
    faults::Loss loss;
    const auto style = static_cast<CrashStyle>(std::min<std::uint64_t>(draw, 3));
    some.push_back(model.crash(key_of(key, "test.state", draw), style, loss));
  }
  return some;
}

/// Opens the log and writes batches until the plan or the power ends. `first`: number of its first
/// batch.
void live(Machine& machine, const Plan& plan, std::uint64_t first, Expectation& expected) {
  Survived survived;
  Result<LogStore> log = LogStore::open(machine.store(), plan.options(), survived);
  if (!log) return require_clean(log.error());
  expected.require(state_of(survived));
  for (std::uint64_t i = first; i < first + plan.batches; ++i) {
    const OwnedBatch batch = random_batch(plan.seed, i, expected.states.back(), plan.max_payload);
    LogState next = expected.states.back();
    apply(next, batch);
    // The batch may be on disk although its write failed.
    expected.states.push_back(std::move(next));
    if (auto r = log->write(batch.view()); !r) return require_broken(machine, *log, r.error());
    if (keyed(plan.seed, "test.sync", i).below(3) != 0) continue;
    if (auto r = log->sync(); !r) return require_broken(machine, *log, r.error());
    expected.synced = expected.states.size() - 1;
  }
}

/// How many operations the plan takes when the power stays on.
std::uint64_t length_of(const Plan& plan, const DiskImage& found, Expectation expected) {
  Machine machine(found);
  live(machine, plan, 0, expected);
  return machine.operations();
}

/// Loses power after every operation of a recovery of `found`; each time the next start must find
/// what is expected. Returns the number of recoveries.
std::uint64_t torture_recovery(const Plan& plan, const DiskImage& found, std::uint64_t key,
                               const Expectation& expected) {
  std::uint64_t recoveries = 0;
  for (std::uint64_t k = 0;; ++k) {
    Machine machine(found);
    machine.fail_after(k);
    Survived survived;
    const bool whole = LogStore::open(machine.store(), plan.options(), survived).ok();
    Expectation now = expected;
    // A start that was completed is a promise: what it found is durable.
    if (whole) now.require(state_of(survived));
    faults::Loss loss;
    const std::uint64_t draw = key_of(key, "test.again", k);
    Machine again(
        machine.model().crash(draw, CrashStyle{static_cast<std::uint8_t>(draw % 4)}, loss));
    Result<LogStore> log = LogStore::open(again.store(), plan.options(), survived);
    INFO("recovery lost power after operation " << k);
    INFO((log ? std::string() : log.error().message));
    REQUIRE(log.ok());
    now.require(state_of(survived));
    ++recoveries;
    if (whole) return recoveries;
  }
}

}  // namespace

TEST_CASE("After a power loss at any operation a start finds the synced state or a later one") {
  const std::uint64_t seed = 7;
  std::uint64_t crashes = 0;
  std::uint64_t torn = 0;
  std::uint64_t effective = 0;
  for (const std::uint64_t segment_bytes : {1U, 150U, 900U, 5000U}) {
    for (const std::uint64_t max_payload : {std::uint64_t{20}, std::uint64_t{1500}}) {
      const Plan plan{key_of(seed, "plan", segment_bytes, max_payload), segment_bytes, max_payload,
                      8};
      const std::uint64_t length = length_of(plan, {}, Expectation{});
      for (std::uint64_t k = 0; k <= length; ++k) {
        Machine machine(DiskImage{});
        machine.fail_after(k);
        Expectation expected;
        live(machine, plan, 0, expected);
        for (std::uint64_t draw = 0; draw < 6; ++draw) {
          const auto style = static_cast<CrashStyle>(std::min<std::uint64_t>(draw, 3));
          const std::uint64_t key = key_of(seed, "crash", k, draw);
          faults::Loss loss;
          const DiskImage disk = machine.model().crash(key, style, loss);
          INFO("seed " << seed << ", segments of " << segment_bytes << ", payloads to "
                       << max_payload << ", power lost after operation " << k << ", "
                       << name_of(style) << ", draw " << draw);
          torture_recovery(plan, disk, key, expected);
          MemoryStore store;
          store.files = disk;
          Survived survived;
          REQUIRE(LogStore::open(store, plan.options(), survived).ok());
          ++crashes;
          torn += survived.torn ? 1 : 0;
          effective += loss.effective() ? 1 : 0;
        }
      }
    }
  }
  // Runs in which nothing was torn or lost would prove nothing.
  INFO(crashes << " crashes, " << effective << " effective, " << torn << " torn tails");
  CHECK(torn > crashes / 20);
  CHECK(effective > crashes / 5);
}

TEST_CASE("A log keeps every promise through many lives that end in power losses and kills") {
  const std::uint64_t seed = 11;
  for (std::uint64_t run = 0; run < 40; ++run) {
    const Plan plan{key_of(seed, "run", run), keyed(seed, "segment", run).below(1200),
                    keyed(seed, "payload", run).below(700), 12};
    Expectation expected;
    auto machine = std::make_unique<Machine>(DiskImage{});
    for (std::uint64_t life = 0; life < 12; ++life) {
      const std::uint64_t key = key_of(seed, "life", run, life);
      machine->fail_after(keyed(key, "moment").below(40));
      INFO("seed " << seed << ", run " << run << ", life " << life);
      live(*machine, plan, 100 * life, expected);
      if (keyed(key, "death").below(2) == 0) {
        machine = std::make_unique<Machine>(machine->files(), machine->model());
        continue;
      }
      faults::Loss loss;
      machine = std::make_unique<Machine>(machine->model().crash(key, CrashStyle::kTorn, loss));
    }
  }
}

TEST_CASE("What a start found after kill -9 survives a power loss right after it") {
  const std::uint64_t seed = 13;
  for (std::uint64_t run = 0; run < 60; ++run) {
    INFO("seed " << seed << ", run " << run);
    const Plan plan{key_of(seed, "run", run), 400, 100, 6};
    Machine machine(DiskImage{});
    Expectation expected;
    live(machine, plan, 0, expected);
    // The page cache, and beneath it a disk that has only what was synced: no new incarnation of
    // the machine, so the model goes on.
    Survived survived;
    REQUIRE(LogStore::open(machine.store(), plan.options(), survived).ok());
    const LogState found = state_of(survived);
    CHECK(found == expected.states.back());
    MemoryStore store;
    store.files = machine.model().durable_image();
    REQUIRE(LogStore::open(store, plan.options(), survived).ok());
    CHECK(state_of(survived) == found);
  }
}

TEST_CASE("A kill at any operation and a power loss at any of the next start lose no promise") {
  const std::uint64_t seed = 17;
  for (const std::uint64_t segment_bytes : {1U, 200U}) {
    const Plan plan{key_of(seed, "plan", segment_bytes), segment_bytes, 40, 4};
    const std::uint64_t length = length_of(plan, {}, Expectation{});
    for (std::uint64_t k = 0; k <= length; ++k) {
      Machine machine(DiskImage{});
      machine.fail_after(k);
      Expectation expected;
      live(machine, plan, 0, expected);
      Survived survived;
      bool whole = false;
      for (std::uint64_t j = 0; !whole; ++j) {
        INFO("seed " << seed << ", segments of " << segment_bytes << ", killed after operation "
                     << k << ", power lost after operation " << j << " of the next start");
        Machine next(machine.files(), machine.model());
        next.fail_after(j);
        whole = LogStore::open(next.store(), plan.options(), survived).ok();
        Expectation now = expected;
        if (whole) now.require(state_of(survived));
        for (const DiskImage& disk : states_after(next.model(), key_of(seed, "state", k, j))) {
          MemoryStore store;
          store.files = disk;
          Survived found;
          const Result<LogStore> log = LogStore::open(store, plan.options(), found);
          INFO((log ? std::string() : log.error().message));
          REQUIRE(log.ok());
          Expectation(now).require(state_of(found));
        }
      }
    }
  }
}

TEST_CASE("A full disk at any operation is a clean error, and a restart loses nothing synced") {
  const std::uint64_t seed = 19;
  for (const std::uint64_t segment_bytes : {1U, 300U, 100'000U}) {
    const Plan plan{key_of(seed, "plan", segment_bytes), segment_bytes, 200, 10};
    const std::uint64_t length = length_of(plan, {}, Expectation{});
    for (std::uint64_t k = 0; k < length; ++k) {
      INFO("seed " << seed << ", segments of " << segment_bytes << ", full at operation " << k);
      Machine machine(DiskImage{});
      machine.fill_disk_after(k);
      Expectation expected;
      live(machine, plan, 0, expected);
      REQUIRE(machine.attempts() == k + 1);
      MemoryStore store;
      store.files = machine.files();
      Survived survived;
      REQUIRE(LogStore::open(store, plan.options(), survived).ok());
      expected.require(state_of(survived));
    }
  }
}
