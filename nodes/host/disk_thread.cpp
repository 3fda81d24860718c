#include "nodes/host/disk_thread.hpp"

#include <utility>

namespace ww::host {

namespace {

storage::Batch batch_of(const DiskJob& job) {
  return {.state = job.state,
          .truncate_from = job.truncate_from,
          .first = job.range.first,
          .count = job.range.count,
          .entries = job.entries,
          .reset_to = job.reset_to,
          .settles_doubt = job.settles_doubt};
}

}  // namespace

DiskThread::DiskThread(storage::LogStore log, bool group_commit, Deliver deliver,
                       DeliverSave deliver_save)
    : log_(std::move(log)),
      group_commit_(group_commit),
      deliver_(std::move(deliver)),
      deliver_save_(std::move(deliver_save)),
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

void DiskThread::submit(SaveJob job) {
  {
    const std::lock_guard lock(mutex_);
    next_save_ = std::move(job);
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
  std::optional<SaveJob> save;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || saving_ || next_save_ || !queue_.empty(); });
      if (stopping_ && queue_.empty()) return;
      group.swap(queue_);
      save.swap(next_save_);
    }
    if (group_commit_) {
      if (!group.empty()) commit(group);
    } else {
      for (const DiskJob& job : group) commit(std::span(&job, 1));
    }
    group.clear();
    if (save) begin_save(*std::exchange(save, std::nullopt));
    if (saving_) go_on_saving();
  }
}

void DiskThread::begin_save(SaveJob job) {
  const Result<void> begun = log_.begin_snapshot(job.at, job.snapshot);
  if (!begun) return deliver_save_({job.id, begun});
  saving_ = job.id;
}

/// Writes a slice of it.
void DiskThread::go_on_saving() {
  const Result<bool> whole = log_.write_snapshot(kSaveSlice);
  if (whole && !*whole) return;
  const SaveId id = *std::exchange(saving_, std::nullopt);
  deliver_save_({id, whole ? log_.finish_snapshot() : Result<void>(whole.error())});
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
