// How long the syncs of a node's data directory took: the disk's thread records, the replica's
// thread tells whoever asks.
#pragma once

#include <mutex>
#include <utility>

#include "base/histogram.hpp"

namespace ww::host {

/// Thread safety: any thread.
class SyncTimes {
 public:
  void record(Duration took) {
    const std::lock_guard lock(mutex_);
    times_.record(took);
  }
  /// What was recorded since the last call.
  Histogram take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(times_, Histogram{});
  }

 private:
  std::mutex mutex_;
  Histogram times_;
};

}  // namespace ww::host
