// The thread that writes, so that an fdatasync never holds up a heartbeat.
//
// Group commit: whatever was queued while the last sync ran is written together and synced once.
// Completions come in issue order. A write that asks for no sync completes once it is written, but
// not before the writes issued ahead of it.
//
// A snapshot is written in slices between the groups, each synced at once, so that no write waits
// for more than a slice of it.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "nodes/storage/log_store.hpp"

namespace ww::host {

/// One write of the replica, its bytes owned.
struct DiskJob {
  WriteId id;
  std::optional<storage::HardState> state;
  std::optional<LogPosition> reset_to;
  std::optional<Index> truncate_from;
  wire::EntryRange range;
  std::string entries;
  bool sync = true;
  bool settles_doubt = false;
};

struct DiskCompletion {
  WriteId id;
  Result<void> outcome;
};

/// A snapshot of the replica's, its bytes owned.
struct SaveJob {
  SaveId id;
  LogPosition at;
  std::string snapshot;
};

struct SaveCompletion {
  SaveId id;
  Result<void> outcome;
};

class DiskThread {
 public:
  static constexpr std::uint64_t kSaveSlice = std::uint64_t{256} << 10;

  /// Called on the disk's thread; takes some completions, in issue order.
  using Deliver = std::function<void(std::vector<DiskCompletion>)>;

  /// The same, of a save.
  using DeliverSave = std::function<void(SaveCompletion)>;

  /// Without `group_commit` each write is followed by a sync of its own.
  DiskThread(storage::LogStore log, bool group_commit, Deliver deliver, DeliverSave deliver_save);
  /// As stop().
  ~DiskThread();
  DiskThread(const DiskThread&) = delete;
  DiskThread& operator=(const DiskThread&) = delete;

  /// Queues a write. The replica bounds what is in flight (raft::Limits), and so this queue.
  /// Thread safety: any one thread at a time.
  void submit(DiskJob job);
  /// Queues a snapshot behind the writes queued so far. REQUIRES: the last one is delivered.
  void submit(SaveJob job);

  /// Finishes the queued writes, delivers their completions, and ends the thread. A snapshot that
  /// is not whole is left as it is.
  void stop();

 private:
  void run();
  void commit(std::span<const DiskJob> group);
  void begin_save(SaveJob job);
  void go_on_saving();

  storage::LogStore log_;  // the thread's alone
  const bool group_commit_;
  const Deliver deliver_;
  const DeliverSave deliver_save_;
  std::optional<SaveId> saving_;  // the thread's alone
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<DiskJob> queue_;
  std::optional<SaveJob> next_save_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ww::host
