// Three recorded nodes whose network, disks and deaths are drawn from a seed: where the tests of
// the flight recorder get their journals from.
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "nodes/host/recorder.hpp"
#include "nodes/storage/byte_store.hpp"
#include "nodes/storage/log_store.hpp"

namespace ww::host::testing {

struct RecordedNode {
  NodeId id;
  storage::MemoryStore data;
  storage::MemoryStore journal;
  std::optional<storage::LogStore> log;
  std::optional<RecordedDriver> driver;
  std::deque<WriteId> writes;  // not completed yet
  Incarnation incarnation = 0;
  std::uint64_t steps = 0;  // of this incarnation, the boot apart
};

class RecordedCluster {
 public:
  RecordedCluster(std::uint64_t seed, JournalOptions options);
  /// Takes so many steps: timers, messages, requests, completed writes, now and then a death.
  void run(int steps);
  /// The journals are ended as by processes that end well.
  void finish();
  [[nodiscard]] RecordedNode& node(std::size_t i) { return nodes_[i]; }
  [[nodiscard]] const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  [[nodiscard]] Moment now() const { return {{now_, now_ + milliseconds(3)}, now_}; }
  void start(RecordedNode& node);
  void act();
  void fire_timer();
  void deliver();
  void request(RecordedNode& node);
  void perform(RecordedNode& node);

  Rng rng_;
  JournalOptions options_;
  std::array<RecordedNode, 3> nodes_;
  std::vector<std::string> packets_;
  std::vector<std::string> complaints_;
  Instant now_{};
  std::uint64_t requests_ = 0;
  Output output_;
};

}  // namespace ww::host::testing
