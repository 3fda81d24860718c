// The one place where the history's lines are numbered, timed and counted.
#pragma once

#include <array>
#include <cstdint>

#include "workloads/actions.hpp"
#include "workloads/generator.hpp"

namespace ww::workloads {

/// What the clients have done so far.
struct Counters {
  static constexpr std::size_t kFuncs = 7;
  static constexpr std::size_t kTypes = 4;
  /// Lines of the history by function and type; the nemesis' among them.
  std::array<std::array<std::uint64_t, kTypes>, kFuncs> ops{};
  std::uint64_t in_flight = 0;
  std::uint64_t cas_matched = 0;
  std::uint64_t requests = 0;          // sent, sessions' openings included
  std::uint64_t retries = 0;           // second and later attempts at one op
  std::uint64_t redirects = 0;         // hints to a leader that were followed
  std::uint64_t refused = 0;           // definite refusals by a node
  std::uint64_t timeouts = 0;          // ops that ended at their deadline
  std::uint64_t lost_connections = 0;  // open connections that died
  std::uint64_t late_replies = 0;      // replies to attempts that were given up
  std::uint64_t sessions = 0;          // opened
  std::uint64_t frames = 0;            // of watches, taken or copies
  std::uint64_t compacted = 0;         // watches that asked for what is not kept any more

  [[nodiscard]] std::uint64_t of(Func f, OpType type) const {
    return ops[static_cast<std::size_t>(f)][static_cast<std::size_t>(type)];
  }
  /// All functions of clients together.
  [[nodiscard]] std::uint64_t of(OpType type) const;
};

class Ledger {
 public:
  /// `generator` hears of completions.
  explicit Ledger(Generator& generator) : generator_(generator) {}

  /// Sets the op's index and time and appends it. REQUIRES: `now` does not fall.
  void record(Op op, Instant arrived, Instant now, Actions& actions);

  Counters counters;
  /// The last revision at which a mutation is known to have taken effect; 0: none is.
  [[nodiscard]] Index last_write() const { return last_write_; }

 private:
  Generator& generator_;
  std::uint64_t next_index_ = 0;
  Instant last_{};
  Index last_write_ = 0;
};

}  // namespace ww::workloads
