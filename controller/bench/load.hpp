// The clients of a benchmark: many connections of one thread, straight to the nodes.
//
// Every client has one session and one operation under way. Closed loop: the next operation begins
// when the last one ended. Open loop: operations arrive as a Poisson process whatever the cluster
// does, and wait for a client that is free; latency counts from the arrival, so that a stall shows
// in all the operations that it held up (Tene's "coordinated omission").
//
// During faults the load goes on after the measured phase until it is told to end, and logs every
// operation: what the phases were is known only afterwards. An attempt without an answer is made
// again, elsewhere, in its session, which executes nothing twice.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/histogram.hpp"
#include "base/net/frame_socket.hpp"
#include "base/real_time.hpp"
#include "base/result.hpp"
#include "controller/bench/phases.hpp"
#include "controller/bench/settings.hpp"

namespace ww::bench {

struct LoadPlan {
  std::vector<net::Address> nodes;  // n1, n2, ...: where each serves clients
  Settings settings;
  std::uint64_t seed = 0;
  Duration warm_up{};
  Duration duration{};                    // of the measured phase
  Duration attempt_timeout = seconds(5);  // without an answer, another node is asked
  bool during_faults = false;             // goes on until end_at(), and logs
  RealClock clock = RealClock();          // of all instants
};

struct LoadResult {
  Histogram latency;             // of operations that ended ok in the measured phase
  std::uint64_t ok = 0;          // the same, their number
  std::uint64_t reads = 0;       // of these
  std::uint64_t retries = 0;     // attempts that were refused or lost, in the measured phase
  std::uint64_t unfinished = 0;  // open loop: arrived in the phase and not ended 2 s after it
  Duration measured{};
  Duration processor{};               // of the clients' thread, in the measured phase
  std::vector<std::uint64_t> slices;  // ended ok, by kSlice since the warm-up began
  static constexpr Duration kSlice = milliseconds(100);
  Instant warm_up_begin;
  Instant measured_begin;
  OperationLog log;  // during faults; nothing is in `latency`, `ok`, `reads`, `retries` then
};

/// Drives a cluster. Its calls belong to one thread, which need not be the main one.
class Load {
 public:
  struct Hooks {
    /// On the driving thread: the measured phase begins, and has ended.
    std::function<void()> on_begin;
    std::function<void()> on_end;
  };
  Load(LoadPlan plan, Hooks hooks);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  /// Opens every client's session, warms up, measures.
  /// Errors: kTimeout when the clients had no sessions after 20 s, or an operation had no answer
  ///         for 30 s (not during faults); kExpired; kStopped after stop(); kEnvironment where
  ///         descriptors run out.
  Result<LoadResult> run();

  /// Ends run() soon. Thread safety: any thread.
  void stop() { stopped_.store(true); }

  /// During faults: the last phase ends at `when`. Thread safety: any thread.
  void end_at(Instant when) { end_ns_.store(to_ns(when)); }

 private:
  struct Impl;
  std::atomic<bool> stopped_{false};
  std::atomic<std::int64_t> end_ns_{to_ns(kNever)};
  std::unique_ptr<Impl> impl_;
};

}  // namespace ww::bench
