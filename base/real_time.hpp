// The one place that asks the machine's clock. Only the live world and the node's host include it.
#pragma once

#include <time.h>

#include "base/time.hpp"

namespace ww {

/// CLOCK_MONOTONIC in ns; comparable between processes of one machine.
inline std::int64_t monotonic_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

/// CLOCK_REALTIME in ns since 1970; for names and reports, never for decisions.
inline std::int64_t realtime_ns() {
  timespec t{};
  clock_gettime(CLOCK_REALTIME, &t);
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

/// Time since a fixed origin, as the instants of a run.
class RealClock {
 public:
  /// `origin_ns` is the monotonic_ns() that counts as instant zero.
  explicit RealClock(std::int64_t origin_ns = monotonic_ns()) : origin_ns_(origin_ns) {}
  [[nodiscard]] Instant now() const { return instant_at(monotonic_ns() - origin_ns_); }
  [[nodiscard]] std::int64_t origin_ns() const { return origin_ns_; }

 private:
  std::int64_t origin_ns_;
};

}  // namespace ww
