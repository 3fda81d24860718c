// Time since a run began, virtual or real: nothing here can ask a clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace ww {

/// The clock of a run. It has no now(): instants come from the world the code runs in.
struct RunClock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<RunClock>;
  static constexpr bool is_steady = true;
};

using Duration = RunClock::duration;
using Instant = RunClock::time_point;

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

inline constexpr Instant kNever = Instant::max();

constexpr std::int64_t to_ns(Instant t) {
  return t.time_since_epoch().count();
}
constexpr std::int64_t to_ns(Duration d) {
  return d.count();
}
constexpr Instant instant_at(std::int64_t ns) {
  return Instant{Duration{ns}};
}

/// What a node's clocks show. Drift moves both; a bump or strobe moves only `wall`; `mono` never
/// goes back. Correct Raft decides by `mono` alone.
struct Now {
  Instant mono{};
  Instant wall{};
  friend constexpr bool operator==(const Now&, const Now&) = default;
};

}  // namespace ww
