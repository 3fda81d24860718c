#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "nodes/host/disk_thread.hpp"
#include "nodes/storage/log_store.hpp"
#include "tests/support/passing_store.hpp"

namespace ww::host {

namespace {

using storage::ByteStore;

/// A store whose syncs wait at a gate and may be told to fail.
class GatedStore final : public test::PassingStore {
 public:
  Result<void> sync_file(const std::string& file) override {
    std::unique_lock lock(mutex_);
    ++syncs_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    if (failing_) return Error{ErrorCode::kNoSpace, false, "fdatasync of " + file + ": full"};
    return PassingStore::sync_file(file);
  }

  void shut() {
    const std::lock_guard lock(mutex_);
    open_ = false;
    syncs_ = 0;
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void fail() {
    const std::lock_guard lock(mutex_);
    failing_ = true;
  }
  void wait_for_sync() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return syncs_ > 0; });
  }
  int syncs() {
    const std::lock_guard lock(mutex_);
    return syncs_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;
  bool failing_ = false;
  int syncs_ = 0;
};

/// Collects completions on the disk's thread.
class Inbox {
 public:
  DiskThread::Deliver deliver() {
    return [this](std::vector<DiskCompletion> done) {
      const std::lock_guard lock(mutex_);
      for (DiskCompletion& one : done) all_.push_back(std::move(one));
      changed_.notify_all();
    };
  }
  DiskThread::DeliverSave deliver_save() {
    return [this](SaveCompletion done) {
      const std::lock_guard lock(mutex_);
      saved_ = std::move(done);
      changed_.notify_all();
    };
  }
  SaveCompletion wait_for_save() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return saved_.has_value(); });
    return *std::exchange(saved_, std::nullopt);
  }
  bool saved() {
    const std::lock_guard lock(mutex_);
    return saved_.has_value();
  }
  std::vector<DiskCompletion> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return all_.size() >= count; });
    return all_;
  }
  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return all_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<DiskCompletion> all_;
  std::optional<SaveCompletion> saved_;
};

storage::LogStore open_log(ByteStore& store, storage::Survived& survived) {
  auto log = storage::LogStore::open(store, {.node = NodeId{1}}, survived);
  REQUIRE(log.ok());
  return std::move(*log);
}

DiskJob job(std::uint64_t id, bool sync = true) {
  std::string entry;
  wire::append_entry(entry, {1, wire::EntryKind::kCommand, "payload"});
  return {.id = WriteId{id},
          .state = std::nullopt,
          .reset_to = std::nullopt,
          .truncate_from = std::nullopt,
          .range = {id, 1},
          .entries = entry,
          .sync = sync};
}

void check_ids(const std::vector<DiskCompletion>& done, std::size_t count) {
  REQUIRE(done.size() == count);
  for (std::size_t i = 0; i < count; ++i) CHECK(done[i].id == WriteId{i + 1});
}

}  // namespace

TEST_CASE("writes queued while a sync runs share the next one and complete in order") {
  GatedStore store;
  Inbox inbox;
  storage::Survived survived;
  DiskThread disk(open_log(store, survived), true, inbox.deliver(), inbox.deliver_save());
  store.shut();
  disk.submit(job(1));
  store.wait_for_sync();
  for (std::uint64_t id = 2; id <= 20; ++id) disk.submit(job(id));
  CHECK(inbox.size() == 0);
  store.open();
  const auto done = inbox.wait_for(20);
  check_ids(done, 20);
  for (const DiskCompletion& one : done) CHECK(one.outcome.ok());
  CHECK(store.syncs() == 2);

  disk.stop();
  storage::Survived after;
  open_log(store, after);
  CHECK(after.count == 20);
}

TEST_CASE("without group commit each write has a sync of its own") {
  GatedStore store;
  Inbox inbox;
  storage::Survived survived;
  DiskThread disk(open_log(store, survived), false, inbox.deliver(), inbox.deliver_save());
  store.shut();
  disk.submit(job(1));
  store.wait_for_sync();
  for (std::uint64_t id = 2; id <= 20; ++id) disk.submit(job(id));
  store.open();
  check_ids(inbox.wait_for(20), 20);
  CHECK(store.syncs() == 20);
}

TEST_CASE("a write that asks for no sync completes while a sync would still block") {
  GatedStore store;
  Inbox inbox;
  storage::Survived survived;
  DiskThread disk(open_log(store, survived), true, inbox.deliver(), inbox.deliver_save());
  store.shut();
  disk.submit(job(1, false));
  check_ids(inbox.wait_for(1), 1);
  CHECK(store.syncs() == 0);
  disk.submit(job(2, true));
  store.wait_for_sync();
  disk.submit(job(3, false));
  CHECK(inbox.size() == 1);
  store.open();
  check_ids(inbox.wait_for(3), 3);
}

TEST_CASE("after a failed sync that write and every later one fail") {
  GatedStore store;
  Inbox inbox;
  storage::Survived survived;
  DiskThread disk(open_log(store, survived), true, inbox.deliver(), inbox.deliver_save());
  store.fail();
  disk.submit(job(1));
  const auto first = inbox.wait_for(1);
  REQUIRE_FALSE(first[0].outcome.ok());
  CHECK(first[0].outcome.error().code == ErrorCode::kNoSpace);
  disk.submit(job(2, false));
  const auto second = inbox.wait_for(2);
  CHECK_FALSE(second[1].outcome.ok());
}

TEST_CASE("writes complete while a large snapshot is being saved, and a start finds both") {
  GatedStore store;
  Inbox inbox;
  storage::Survived survived;
  DiskThread disk(open_log(store, survived), true, inbox.deliver(), inbox.deliver_save());
  disk.submit(job(1));
  inbox.wait_for(1);
  const std::string snapshot(3 * DiskThread::kSaveSlice, 's');
  store.shut();
  disk.submit(SaveJob{SaveId{1}, {1, 1}, snapshot});
  // The sync of its first slice stands still; the write is queued behind that slice alone.
  store.wait_for_sync();
  disk.submit(job(2));
  CHECK_FALSE(inbox.saved());
  store.open();
  check_ids(inbox.wait_for(2), 2);
  const SaveCompletion done = inbox.wait_for_save();
  CHECK(done.id == SaveId{1});
  CHECK(done.outcome.ok());
  disk.stop();
  storage::Survived after;
  open_log(store, after);
  CHECK(after.snapshot == LogPosition{1, 1});
  CHECK(after.snapshot_bytes == snapshot);
  CHECK(after.count == 1);
}

TEST_CASE("a snapshot that fails says so") {
  GatedStore store;
  Inbox inbox;
  storage::Survived survived;
  DiskThread disk(open_log(store, survived), true, inbox.deliver(), inbox.deliver_save());
  store.fail();
  disk.submit(SaveJob{SaveId{1}, {1, 1}, "state"});
  CHECK_FALSE(inbox.wait_for_save().outcome.ok());
}

TEST_CASE("stopping finishes what is queued") {
  GatedStore store;
  Inbox inbox;
  storage::Survived survived;
  DiskThread disk(open_log(store, survived), true, inbox.deliver(), inbox.deliver_save());
  for (std::uint64_t id = 1; id <= 50; ++id) disk.submit(job(id));
  disk.stop();
  check_ids(inbox.wait_for(50), 50);
}

}  // namespace ww::host
