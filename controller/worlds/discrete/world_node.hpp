// Between the files of the deterministic world: what it knows of a node, and how long things take.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "controller/worlds/discrete/discrete_world.hpp"
#include "controller/worlds/discrete/tap.hpp"

namespace ww::discrete {

// A loopback cluster: a frame takes some hundred microseconds, a sync about a millisecond.
inline constexpr Duration kMinLatency = microseconds(60);
inline constexpr Duration kMaxLatency = microseconds(400);
inline constexpr Duration kMinSync = microseconds(200);
inline constexpr Duration kMaxSync = microseconds(1500);
inline constexpr Duration kMinBoot = milliseconds(8);
inline constexpr Duration kMaxBoot = milliseconds(30);
/// Input::source of what a snapshot's file is waited for.
inline constexpr std::uint64_t kSnapshotFile = ~std::uint64_t{0};
inline constexpr Duration kReap = milliseconds(1);
inline constexpr Duration kControl = microseconds(300);

struct DiscreteWorld::Node {
  NodeId id;
  std::unique_ptr<NodePort> port;
  Phase phase = Phase::kDown;
  bool paused = false;
  bool start_wanted = false;
  Incarnation incarnation = 0;
  Death expected = Death::kByItself;
  std::string last_words;
  std::optional<PowerLossOrder> power_loss;
  wire::Role role = wire::Role::kFollower;
  Term term = 0;

  faults::DiskModel disk;
  faults::DiskTrouble trouble;
  host::SkewedClock clock;
  wire::stepped::Output output;
  std::uint64_t trace_sequence = 0;
  Instant armed = kNever;        // when a timer event is due, at the latest
  std::vector<WriteId> waiting;  // written, for the next sync
  WriteId syncing;               // the sync under way completes up to here; 0: none is
  WriteId syncing_from;          // the first write of it
  bool write_failed = false;     // by the world's will: to end is no crash then
  std::vector<Input> held;       // while paused

  // While its output is carried out.
  bool performing = false;
  std::uint32_t let_out = 0;          // actions that still leave before a death
  std::optional<Death> death_wanted;  // once they have
  bool cut_short = false;             // the rest of an output was discarded: so are its writes

  void reset_process() {
    waiting.clear();
    syncing = WriteId{};
    write_failed = false;
    held.clear();
    armed = kNever;
    trace_sequence = 0;
    clock = host::SkewedClock{};
    role = wire::Role::kFollower;
    paused = false;
    let_out = 0;
    death_wanted.reset();
    cut_short = false;
  }
};

template <class... Parts>
Duration DiscreteWorld::draw(Duration low, Duration high, Domain domain,
                             const Parts&... parts) const {
  if (network_.flat) return low + (high - low) / 2;
  return keyed(seed(), domain, parts...).between(low, high);
}

}  // namespace ww::discrete
