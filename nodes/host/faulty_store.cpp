#include "nodes/host/faulty_store.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace ww::host {

using wire::control::DiskFailure;
using wire::control::SetDisk;

void FaultyStore::set(const SetDisk& trouble) {
  {
    const std::lock_guard lock(mutex_);
    trouble_ = trouble;
  }
  changed_.notify_all();
}

Error FaultyStore::refusal(const SetDisk& trouble, std::string what) {
  return {trouble.full ? ErrorCode::kNoSpace : ErrorCode::kIo, false,
          std::move(what) + (trouble.full ? ": No space left on device" : ": Input/output error")};
}

SetDisk FaultyStore::trouble() {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

Result<void> FaultyStore::create(const std::string& file) {
  sizes_[file] = 0;
  return inner_.create(file);
}

Result<void> FaultyStore::rename(const std::string& from, const std::string& to) {
  sizes_.erase(to);
  if (auto node = sizes_.extract(from)) {
    node.key() = to;
    sizes_.insert(std::move(node));
  }
  return inner_.rename(from, to);
}

Result<void> FaultyStore::unlink(const std::string& file) {
  sizes_.erase(file);
  return inner_.unlink(file);
}

Result<void> FaultyStore::truncate(const std::string& file, std::uint64_t size) {
  const SetDisk trouble = this->trouble();
  const auto known = sizes_.find(file);
  if (known != sizes_.end()) {
    const bool grows = size > known->second;
    if (grows && trouble.fails == DiskFailure::kWrites && trouble.full) {
      tell_({.write = true, .ok = false, .late = {}});
      return refusal(trouble, "growth of " + file);
    }
    known->second = size;
  }
  return inner_.truncate(file, size);
}

Result<void> FaultyStore::write(const std::string& file, std::uint64_t offset,
                                std::string_view data) {
  const SetDisk trouble = this->trouble();
  if (trouble.fails != DiskFailure::kWrites) {
    const auto known = sizes_.find(file);
    if (known != sizes_.end()) known->second = std::max(known->second, offset + data.size());
    return inner_.write(file, offset, data);
  }
  if (auto part = inner_.write(file, offset, data.substr(0, data.size() / 2)); !part) return part;
  tell_({.write = true, .ok = false, .late = {}});
  return refusal(trouble, "write of " + file);
}

Result<void> FaultyStore::sync_file(const std::string& file) {
  return synced(file, [&] { return inner_.sync_file(file); });
}

Result<void> FaultyStore::sync_dir() {
  return synced("the directory", [&] { return inner_.sync_dir(); });
}

/// Syncs, and returns when the trouble lets it.
template <class Sync>
Result<void> FaultyStore::synced(const std::string& file, Sync sync) {
  const Instant begin = clock_.now();
  std::unique_lock lock(mutex_);
  if (trouble_.fails == DiskFailure::kSyncs) {
    const SetDisk trouble = trouble_;
    lock.unlock();
    tell_({.write = false, .ok = false, .late = {}});
    return refusal(trouble, "sync of " + file);
  }
  lock.unlock();
  const Result<void> done = sync();
  const Instant end = clock_.now();
  lock.lock();
  bool waited = false;
  for (Instant now = end; trouble_.hangs || now - begin < trouble_.sync; now = clock_.now()) {
    waited = true;
    if (trouble_.hangs) {
      changed_.wait(lock);
    } else {
      changed_.wait_for(lock, trouble_.sync - (now - begin));
    }
  }
  lock.unlock();
  if (waited) tell_({.write = false, .ok = true, .late = clock_.now() - end});
  return done;
}

}  // namespace ww::host
