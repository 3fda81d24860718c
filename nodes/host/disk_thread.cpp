#include "nodes/host/disk_thread.hpp"

#include <utility>

namespace ww::host {

namespace {

storage::Batch batch_of(const DiskJob& job) {
  return {.state = job.state,
          .truncate_from = job.truncate_from,
          .first = job.range.first,
          .count = job.range.count,
          .entries = job.entries};
}

}  // namespace

DiskThread::DiskThread(storage::LogStore log, bool group_commit, Deliver deliver)
    : log_(std::move(log)),
      group_commit_(group_commit),
      deliver_(std::move(deliver)),
      thread_([this] { run(); }) {}

DiskThread::~DiskThread() {
  stop();
}

void DiskThread::submit(DiskJob job) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void DiskThread::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void DiskThread::run() {
  std::vector<DiskJob> group;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      group.swap(queue_);
    }
    if (group_commit_) {
      commit(group);
    } else {
      for (const DiskJob& job : group) commit(std::span(&job, 1));
    }
    group.clear();
  }
}

void DiskThread::commit(std::span<const DiskJob> group) {
  // Unsynced writes at the head of the group are done before the sync; those behind a synced one
  // wait for it, since completions keep the order of issue.
  std::vector<DiskCompletion> written;
  std::vector<DiskCompletion> waiting;
  bool sync = false;
  Result<void> synced;
  for (const DiskJob& job : group) {
    DiskCompletion done{job.id, log_.write(batch_of(job))};
    sync = sync || job.sync;
    (sync ? waiting : written).push_back(std::move(done));
  }
  if (!written.empty()) deliver_(std::move(written));
  if (waiting.empty()) return;
  synced = log_.sync();
  if (!synced) {
    for (DiskCompletion& done : waiting) {
      if (done.outcome.ok()) done.outcome = synced;
    }
  }
  deliver_(std::move(waiting));
}

}  // namespace ww::host
