// Measures how well the machine itself keeps time, so that its stalls are not blamed on the nodes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/real_time.hpp"
#include "base/time.hpp"

namespace ww::live {

struct Stall {
  Instant at{};       // when it ended
  Duration length{};  // beyond what was asked for
  bool disk = false;  // a sync, not the scheduler
};

struct SentinelReport {
  std::vector<Stall> stalls;  // at least `threshold` long; the longest kMaxStalls
  Duration worst_scheduling{};
  Duration worst_sync{};
  Duration median_sync{};
  std::uint64_t sleeps = 0;
  std::uint64_t syncs = 0;
};

/// Two threads of its own: one sleeps for 5 ms again and again and notes by how much it overslept,
/// the other appends a sector to a file and syncs it four times a second.
///
/// Thread safety: all members may be called from one thread while the two run.
class Sentinel {
 public:
  static constexpr std::size_t kMaxStalls = 1000;

  /// `file` is created, and its name removed at once; a file that cannot be made leaves syncs at 0.
  Sentinel(RealClock clock, std::string file, Duration threshold);
  ~Sentinel();
  Sentinel(const Sentinel&) = delete;
  Sentinel& operator=(const Sentinel&) = delete;

  [[nodiscard]] SentinelReport report() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ww::live
