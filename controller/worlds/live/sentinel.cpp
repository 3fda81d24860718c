#include "controller/worlds/live/sentinel.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace ww::live {

struct Sentinel::Impl {
  Impl(RealClock c, std::string f, Duration t) : clock(c), file(std::move(f)), threshold(t) {}

  /// Waits, but not longer than until the end; true when it is the end.
  bool wait(Duration length) {
    std::unique_lock lock(mutex);
    return stop_wanted.wait_for(lock, length, [this] { return stopping; });
  }

  void note(Stall stall) {
    const std::lock_guard lock(mutex);
    Duration& worst = stall.disk ? report.worst_sync : report.worst_scheduling;
    worst = std::max(worst, stall.length);
    if (stall.disk) {
      ++report.syncs;
      sync_times.push_back(stall.length);
    } else {
      ++report.sleeps;
    }
    if (stall.length < threshold) return;
    if (report.stalls.size() == kMaxStalls) {
      const auto shortest =
          std::min_element(report.stalls.begin(), report.stalls.end(),
                           [](const Stall& a, const Stall& b) { return a.length < b.length; });
      if (shortest->length >= stall.length) return;
      report.stalls.erase(shortest);
    }
    report.stalls.push_back(stall);
  }

  void watch_scheduler() {
    constexpr Duration kNap = milliseconds(5);
    Instant before = clock.now();
    while (!wait(kNap)) {
      const Instant after = clock.now();
      note({after, std::max(Duration{}, after - before - kNap), false});
      before = clock.now();
    }
  }

  void watch_disk() {
    constexpr Duration kNap = milliseconds(250);
    constexpr off_t kWrap = off_t{1} << 20;
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return;
    // Without a name it cannot be left behind, however this process ends.
    ::unlink(file.c_str());
    const std::array<char, 512> sector{};
    off_t offset = 0;
    while (!wait(kNap)) {
      const Instant before = clock.now();
      if (::pwrite(fd, sector.data(), sector.size(), offset) < 0 || ::fdatasync(fd) != 0) break;
      const Instant after = clock.now();
      note({after, after - before, true});
      offset = (offset + static_cast<off_t>(sector.size())) % kWrap;
    }
    ::close(fd);
  }

  RealClock clock;
  std::string file;
  Duration threshold;
  mutable std::mutex mutex;
  std::condition_variable stop_wanted;
  bool stopping = false;
  SentinelReport report;
  std::vector<Duration> sync_times;
  std::thread scheduler;
  std::thread disk;
};

Sentinel::Sentinel(RealClock clock, std::string file, Duration threshold)
    : impl_(std::make_unique<Impl>(clock, std::move(file), threshold)) {
  impl_->scheduler = std::thread([this] { impl_->watch_scheduler(); });
  impl_->disk = std::thread([this] { impl_->watch_disk(); });
}

Sentinel::~Sentinel() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->stop_wanted.notify_all();
  impl_->scheduler.join();
  impl_->disk.join();
}

SentinelReport Sentinel::report() const {
  const std::lock_guard lock(impl_->mutex);
  SentinelReport out = impl_->report;
  std::vector<Duration> times = impl_->sync_times;
  if (!times.empty()) {
    const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    out.median_sync = *middle;
  }
  return out;
}

}  // namespace ww::live
