// The client side of a run, whole and pure: all workers, their calls, their time-outs, the history.
//
// The engine has no clock, socket or thread. A world tells it what happened and when, carries out
// the actions it answers with, and calls on_timer at deadline(). The live, stepped and simulated
// worlds drive the same object.
//
// Open loop: each worker has its own Poisson arrivals, drawn by (seed, worker, ordinal); an arrival
// that finds its worker busy waits, and says since when (Record::arrived), so that a stall is not
// hidden by the ops that were not made meanwhile (coordinated omission). Arrivals belong to workers
// so that leaving out one op moves no other op to another worker. Closed loop: the next op begins
// when the previous one ends, after a pause when that was refused.
//
// Scripted: the calls are data, made exactly as they are written, each when it arrives or when its
// worker is free again. What an engine handed out is such a script (script()), so a run can be made
// again without some of its calls while the others stay as they were.
//
// Workers that watch keys have no pace: their next op begins when the last one ends.
//
// Phases: running; recovering (no new ops; those in hand end by themselves); closing (each node
// that is to recover is asked for a fresh write and a read, and the keys called last are read, each
// repeated until it succeeds, so that acknowledged writes which were lost are missed; then those
// who watch go on until they have come to the last acknowledged write); stopped.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "base/wire/kv.hpp"
#include "workloads/actions.hpp"
#include "workloads/generator.hpp"
#include "workloads/ledger.hpp"
#include "workloads/script.hpp"
#include "workloads/worker.hpp"

namespace ww::workloads {

struct EngineOptions {
  std::uint64_t seed = 1;
  WorkerOptions worker;             // nodes, concurrency and time-outs
  std::uint32_t rate = 1000;        // ops/s of all workers together; 0: closed loop
  std::uint32_t follow_one_in = 4;  // every so-manieth worker follows redirects; 0: none, 1: all
  /// The calls of the running phase, instead of the generator's; `rate` then says nothing.
  std::optional<Script> script;
};

/// The closing phase reads at most so many keys.
inline constexpr std::size_t kClosingKeys = 64;

/// REQUIRES: instants do not fall from call to call. Clients are numbered 1 to concurrency. A
/// script satisfies check_script().
class Engine {
 public:
  Engine(const EngineOptions& options, std::unique_ptr<Generator> generator);

  /// Connects the workers and begins the first phase.
  void start(Instant now, Actions& actions);
  void on_timer(Instant now, Actions& actions);
  void on_reply(ClientId client, const wire::ClientReply& reply, Instant now, Actions& actions);
  void on_watch_frame(ClientId client, const wire::WatchFrame& frame, Instant now,
                      Actions& actions);
  void on_connected(ClientId client, NodeId node, Instant now, Actions& actions);
  /// The connection to `node` died, or did not come about (`refused`).
  void on_connection_lost(ClientId client, NodeId node, Instant now, bool refused,
                          Actions& actions);
  /// Puts a mark of the nemesis into the history.
  void record_nemesis(Instant now, std::string text, Actions& actions);

  void begin_recovery(Instant now);
  /// The closing phase; from now on only `nodes` are asked. REQUIRES: sorted, not empty, idle().
  void begin_final(Instant now, const std::vector<NodeId>& nodes, Actions& actions);
  /// Closes every op that is still open, as `info` or `fail`, and every connection.
  void stop(Instant now, Actions& actions);

  /// No op is in hand.
  [[nodiscard]] bool idle() const;
  /// The closing phase has done all that it wanted.
  [[nodiscard]] bool finished() const;
  /// What of the closing phase is still to do: "read of key 12".
  [[nodiscard]] std::vector<std::string> unfinished() const;
  /// When to call on_timer if nothing else happens.
  [[nodiscard]] Instant deadline() const { return due_; }
  [[nodiscard]] const Counters& counters() const { return ledger_.counters; }
  /// The calls that were handed out while it was running: with them as its script, an engine that
  /// meets the same events does the same.
  [[nodiscard]] Script script() const;

 private:
  enum class Phase : std::uint8_t { kBefore, kRunning, kRecovering, kClosing, kStopped };
  /// A piece of the closing phase.
  struct Task {
    bool write = false;
    std::uint64_t key = 0;
    wire::ReadMode read_mode = wire::ReadMode::kIndex;
    NodeId node;                           // to ask first, or kNobody
    std::optional<std::uint32_t> watcher;  // it is a watch, of this worker
  };
  struct Seat {
    Worker worker;
    std::uint64_t ordinal = 0;  // of its next call
    Instant next_arrival{};     // no call begins before
    bool assigned = false;      // holds `task`
    Task task;
    std::deque<ScriptedCall> script;  // what is still to be called
  };

  [[nodiscard]] Worker::Step step(Instant now, Actions& actions);
  [[nodiscard]] Instant next_due() const;
  Seat& seat_of(ClientId client);
  void settle(Seat& seat, bool was_idle, Instant now, Actions& actions);
  void assign(Seat& seat, Instant now, Actions& actions);
  void assign_call(Seat& seat, Instant now, Actions& actions);
  void assign_task(Seat& seat, Instant now, Actions& actions);
  [[nodiscard]] ScriptedCall next_call(Seat& seat, Instant now);
  [[nodiscard]] Call closing_write(Seat& seat, std::uint64_t key);
  [[nodiscard]] std::vector<std::uint64_t> closing_keys() const;
  /// Whether the seat's calls come at times of their own, not when the one before has ended.
  [[nodiscard]] bool paced(const Seat& seat) const;
  [[nodiscard]] bool is_for(const Task& task, const Seat& seat) const;
  void begin_last_watches();
  [[nodiscard]] static std::uint32_t number_of(const Seat& seat) {
    return seat.worker.client().value - 1;
  }
  [[nodiscard]] Instant arrival_after(Instant previous, std::uint32_t worker,
                                      std::uint64_t ordinal) const;

  EngineOptions options_;
  std::unique_ptr<Generator> generator_;
  Ledger ledger_;
  Phase phase_ = Phase::kBefore;
  Instant began_{};
  std::vector<Seat> seats_;
  Script called_;  // in the order of handing out
  std::deque<Task> tasks_;
  bool closing_began_ = false;
  bool last_watches_began_ = false;
  /// next_due() after the last event: worlds ask far more often than something happens here.
  Instant due_ = kNever;
};

}  // namespace ww::workloads
