// What the controller says to a live node over its control connection, and what the node answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "base/wire/fields.hpp"

namespace ww::wire::control {

/// Node: the first thing it says, once it serves.
struct Hello {
  NodeId node;
  Incarnation incarnation = 0;
  std::int64_t pid = 0;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("node", s.node), v("incarnation", s.incarnation), v("pid", s.pid);
  }
};
/// Controller: from now on mono runs at (1 + rate_ppm/10^6) of true time and wall shows
/// mono + wall_offset. Mono is continuous and never goes back.
struct SetClock {
  std::uint64_t request = 0;
  Duration wall_offset{};
  std::int64_t rate_ppm = 0;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("request", s.request), v("wall_offset", s.wall_offset), v("rate_ppm", s.rate_ppm);
  }
};
/// Node: the clock is set. What its clocks show, and true time since the run began, at one moment.
struct ClockState {
  std::uint64_t request = 0;
  Instant true_time{};
  Instant mono{};
  Instant wall{};
  std::int64_t rate_ppm = 0;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("request", s.request), v("true_time", s.true_time), v("mono", s.mono), v("wall", s.wall);
    v("rate_ppm", s.rate_ppm);
  }
};
/// Controller: finish the writes in hand, then exit with status 0.
struct Shutdown {
  std::uint64_t request = 0;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("request", s.request);
  }
};

using Message = std::variant<Hello, SetClock, ClockState, Shutdown>;

/// A frame's payload: u8 kind, fields.
void encode(std::string& out, const Message& message);
/// Errors: kCorrupt, definite.
Result<Message> decode(std::string_view payload);

}  // namespace ww::wire::control
