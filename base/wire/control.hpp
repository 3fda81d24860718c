// What the controller says to a live node over its control connection, and what the node answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/wire/configuration.hpp"
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

/// Controller: say what you measured since I last asked, or since your start.
struct TakeStatistics {
  std::uint64_t request = 0;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("request", s.request);
  }
};
/// Node: the syncs of its data directory, each as long as it took (a floor included), the processor
/// time that the whole process used, and what it takes its place in the cluster to be.
struct Statistics {
  std::uint64_t request = 0;
  std::uint64_t syncs = 0;
  Duration sync_median{};
  Duration sync_mean{};
  Duration sync_p99{};
  Duration sync_max{};
  Duration user_time{};
  Duration system_time{};
  Term term = 0;
  bool leads = false;  // in `term`
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("request", s.request), v("syncs", s.syncs), v("sync_median", s.sync_median);
    v("sync_mean", s.sync_mean), v("sync_p99", s.sync_p99), v("sync_max", s.sync_max);
    v("user_time", s.user_time), v("system_time", s.system_time);
    v("term", s.term), v("leads", s.leads);
  }
};

/// Controller: hand your leadership to `to`, or to whom you think best (kNobody). A node that does
/// not lead does nothing; what comes of it stands in the trace.
struct Transfer {
  std::uint64_t request = 0;
  NodeId to;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("request", s.request), v("to", s.to);
  }
};

/// Controller: make `voters`, sorted, the voters of your cluster. What comes of it stands in the
/// trace.
struct ChangeMembership {
  std::uint64_t request = 0;
  std::vector<NodeId> voters;
  MembershipMode mode = MembershipMode::kJoint;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("request", s.request), v("voters", s.voters), v("mode", s.mode);
  }
};

/// Which operations fail.
enum class DiskFailure : std::uint8_t { kNone, kWrites, kSyncs };
/// Controller: from now on your disk is so. A sync takes at least `sync`; with `hangs` none ends
/// until the next SetDisk; what fails does so with EIO, or where it is `full` with ENOSPC. A start
/// begins with a sound one, and recovery is spared. What comes of it stands in the trace.
struct SetDisk {
  std::uint64_t request = 0;
  Duration sync{};
  bool hangs = false;
  DiskFailure fails = DiskFailure::kNone;
  bool full = false;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("request", s.request), v("sync", s.sync), v("hangs", s.hangs), v("fails", s.fails);
    v("full", s.full);
  }
};

using Message = std::variant<Hello, SetClock, ClockState, Shutdown, TakeStatistics, Statistics,
                             Transfer, ChangeMembership, SetDisk>;

/// A frame's payload: u8 kind, fields.
void encode(std::string& out, const Message& message);
/// Errors: kCorrupt, definite.
Result<Message> decode(std::string_view payload);

}  // namespace ww::wire::control

template <>
struct ww::wire::EnumSize<ww::wire::control::DiskFailure> {
  static constexpr std::uint64_t value = 3;
};
