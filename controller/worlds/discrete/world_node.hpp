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
inline constexpr Duration kMaxTurn = milliseconds(1);
inline constexpr Duration kMinBoot = milliseconds(8);
inline constexpr Duration kMaxBoot = milliseconds(30);
/// Input::source of the end of a snapshot's sync: nobody knows which of two syncs a poll finds
/// first.
inline constexpr std::uint64_t kSnapshotFile = ~std::uint64_t{0};
inline constexpr Duration kReap = milliseconds(1);
inline constexpr Duration kControl = microseconds(300);
/// Whose socket the controller's own messages wait in.
inline constexpr std::uint64_t kControlSource = ~std::uint64_t{0};

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
  std::optional<DamageOrder> damage;
  bool damaged = false;     // its files, by our will, since it served last without refusing
  bool refused = false;     // this process refuses to start on damaged files
  bool has_served = false;  // ever: from then on an empty disk is a loss
  wire::Role role = wire::Role::kFollower;
  Term term = 0;
  LogPosition last;  // of its log in memory
  faults::KnownMembers members;

  faults::DiskModel disk;
  faults::DiskTrouble trouble;
  host::SkewedClock clock;
  wire::stepped::Output output;
  std::uint64_t trace_sequence = 0;
  Instant armed = kNever;                     // when a timer event is due, at the latest
  bool turn = false;                          // that timer is for what is due at once
  WriteId last_write;                         // of this incarnation
  std::vector<wire::stepped::Write> waiting;  // written, not done: for the next sync
  WriteId syncing;                            // the sync under way ends here; 0: none is
  WriteId syncing_from;                       // the first write of it
  Duration sync_late{};                       // it takes so much longer than of itself
  std::optional<Instant> hung_since;          // it would have ended then, but hangs
  SaveId last_save;                           // of this incarnation
  SaveId saving;                              // the one under way; 0: none is
  std::optional<Instant> save_hung_since;     // it would have ended then, but hangs
  Duration save_late{};                       // it took so much longer than of itself until then
  bool hears_of_failure = false;  // a write failed, by the world's will, and it is told now
  std::vector<Input> held;        // while paused

  // While its output is carried out.
  bool performing = false;
  std::uint32_t let_out = 0;          // actions that still leave before a death
  std::optional<Death> death_wanted;  // once they have
  std::size_t performed = 0;          // items of it
  /// What the files of a dead process may hold beyond what was carried out.
  enum class Leftover : std::uint8_t {
    kNone,
    kDiscarded,  // what the rest of its output told
    kUnknown,    // what it did in a step of which there is no output
  };
  Leftover leftover = Leftover::kNone;
  bool crashed = false;  // it ended by itself, and was not made to
  bool lost = false;     // its files could not be read or restored: it never starts again

  void reset_process() {
    waiting.clear();
    last_write = WriteId{};
    syncing = WriteId{};
    hung_since.reset();
    save_hung_since.reset();
    last_save = SaveId{};
    saving = SaveId{};
    held.clear();
    armed = kNever;
    turn = false;
    trace_sequence = 0;
    clock = host::SkewedClock{};
    role = wire::Role::kFollower;
    paused = false;
    let_out = 0;
    death_wanted.reset();
    leftover = Leftover::kNone;
    crashed = false;
    refused = false;
  }
};

template <class... Parts>
Duration DiscreteWorld::draw(Duration low, Duration high, Domain domain,
                             const Parts&... parts) const {
  if (network_.flat) return low + (high - low) / 2;
  return keyed(seed(), domain, parts...).between(low, high);
}

}  // namespace ww::discrete
