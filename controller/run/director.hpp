// One run, whatever world it is in: the phases, and who hears what.
//
// The director sits between a world and the engines: it hands events to the workload, the nemesis
// and the checkers, carries the workload's wishes back to the world, and moves the run through its
// phases. It has no clock: the world calls advance() at deadline() and after events.
//
//   starting     all nodes serve and one leads
//   torture      the workload and the nemesis are on, for the time limit, or until the cut: then
//                the run stops as it is, and only its safety is judged
//   healing      every fault is healed and every node is back; where members changed, the first
//                voters become the members again; ops in hand end
//   closing      fresh writes and final reads
//   converging   all nodes reach the same log, applied to the end
//
// With TestSpec::heal "quorum" the phases after the torture ask this of a quorum only, and the
// other nodes stay broken.
//
//   stopping     the nodes finish
//   done
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/history.hpp"
#include "base/time.hpp"
#include "checkers/invariants/invariant_checker.hpp"
#include "checkers/liveness.hpp"
#include "checkers/vacuity.hpp"
#include "controller/run/plan_file.hpp"
#include "controller/run/quorum.hpp"
#include "controller/run/restoration.hpp"
#include "controller/run/test_spec.hpp"
#include "controller/run/timeline.hpp"
#include "controller/worlds/observer.hpp"
#include "controller/worlds/world.hpp"
#include "faults/links.hpp"
#include "faults/nemesis.hpp"
#include "faults/plan.hpp"
#include "reports/progress.hpp"
#include "workloads/engine.hpp"

namespace ww::run {

enum class RunPhase : std::uint8_t {
  kStarting,
  kTorture,
  kHealing,
  kClosing,
  kConverging,
  kStopping,
  kDone
};
std::string_view name_of(RunPhase phase);

/// Takes the trace lines as they come.
class TraceSink {
 public:
  virtual ~TraceSink() = default;
  virtual void write(std::string_view json_line) = 0;
};

struct Crash {
  NodeId node;
  Instant time{};
  std::string what;
};

/// What the times in traces are: the moment of the step, or that of its telling. A process may be
/// stopped in between.
enum class TraceTimes : std::uint8_t { kOfStep, kOfTelling };

class Director final : public worlds::Observer {
 public:
  /// The plan counts its times from the begin of the torture.
  /// `history` and `trace` may be null: then nothing is written.
  /// REQUIRES: `plan`, `links`, `history` and `trace` outlive the director.
  Director(const PlanFile& plan, faults::LinkTable& links, HistoryWriter* history, TraceSink* trace,
           TraceTimes times);
  ~Director() override;

  /// Starts the nodes. REQUIRES: `world` outlives the director; called once.
  void begin(worlds::World& world, Instant now);
  /// Does what is due.
  void advance(Instant now);
  [[nodiscard]] Instant deadline() const;
  /// Ends the torture now: heal, close, judge.
  void interrupt(Instant now);
  /// Ends the run at this moment of the torture, without recovery: stop, judge its safety.
  void cut(Instant now);
  /// Ends the run now, without even stopping its nodes: what was seen so far is judged.
  void abandon(Instant now);
  /// It did so many events and came to no end.
  void on_livelock(std::uint64_t events) { livelock_ = events; }
  /// Checks no invariant. Called before begin().
  void leave_unchecked() { unchecked_ = true; }
  /// Whether an invariant is broken so far.
  [[nodiscard]] bool violated() const { return invariants_.violated(); }
  [[nodiscard]] RunPhase phase() const { return phase_; }
  [[nodiscard]] bool done() const { return phase_ == RunPhase::kDone; }

  // Evidence and events from the world.
  void on_start(NodeId node, Incarnation incarnation, Instant time) override;
  void on_trace(NodeId node, Incarnation incarnation, const wire::trace::Record& record) override;
  void on_death(NodeId node, Incarnation incarnation, Instant time, Death how, bool torn) override;
  void on_disk(NodeId node, Instant time, const DiskImage& before, const DiskImage& after) override;
  void on_frame(Instant time, const wire::Envelope& envelope, std::string_view payload) override;
  void on_op(const Op& op) override;
  void on_connected(ClientId client, NodeId node, Instant now) override;
  void on_connection_lost(ClientId client, NodeId node, Instant now, bool refused) override;
  void on_reply(ClientId client, const wire::ClientReply& reply, Instant now) override;
  void on_watch_frame(ClientId client, const wire::WatchFrame& frame, Instant now) override;
  void on_serving(NodeId node, Instant now) override;
  void on_crash(NodeId node, Instant now, const std::string& what) override;
  void on_clock_set(NodeId node, const faults::ClockSkew& skew, Instant true_time,
                    const Now& shown) override;
  void on_power_loss(NodeId node, const faults::PowerLoss& loss, Instant now) override;
  void on_sync(NodeId node, bool ok, Duration late, Instant now) override;
  void on_damage(NodeId node, const faults::DamageDone& damage, Instant now) override;
  void on_refused(NodeId node, Instant now) override;
  void on_paused(NodeId node, bool paused, Instant now) override;
  void on_disk_disagreement(NodeId node, Instant now, const Error& error) override;
  void on_world_error(const Error& error) override;

  // What is known, while it runs and afterwards.
  [[nodiscard]] const History& history() const { return history_; }
  /// The history itself, once it is judged.
  [[nodiscard]] History take_history() { return std::move(history_); }
  [[nodiscard]] const Timeline& timeline() const { return timeline_; }
  [[nodiscard]] const faults::Nemesis* nemesis() const { return nemesis_.get(); }
  [[nodiscard]] const std::vector<Crash>& crashes() const { return crashes_; }
  [[nodiscard]] const std::vector<Error>& errors() const { return errors_; }
  [[nodiscard]] const std::vector<Violation>& disk_violations() const { return disk_violations_; }
  [[nodiscard]] std::uint64_t disk_audits() const { return disk_audits_; }
  /// The events after which the run was given up as one without an end; 0: it was not.
  [[nodiscard]] std::uint64_t livelock() const { return livelock_; }
  [[nodiscard]] bool interrupted() const { return interrupted_; }
  /// It ended without a recovery: it is judged by its safety alone.
  [[nodiscard]] bool abandoned() const { return abandoned_; }
  [[nodiscard]] bool unchecked() const { return unchecked_; }
  [[nodiscard]] bool tortured() const { return torture_begin_.has_value(); }
  [[nodiscard]] Instant torture_begin() const { return torture_begin_.value_or(Instant{}); }
  [[nodiscard]] std::optional<Instant> torture_end() const { return torture_end_; }
  [[nodiscard]] std::optional<Instant> healed() const { return healed_; }
  /// The last moment of the run.
  [[nodiscard]] Instant ended() const { return now_; }
  [[nodiscard]] std::optional<Instant> recovered() const { return recovered_; }
  /// Who is to recover, and how the others are left.
  [[nodiscard]] const Recovery& recovery() const { return recovery_; }
  [[nodiscard]] reports::Progress progress(Instant now) const;
  /// What really ran, calls included; runnable.
  [[nodiscard]] PlanFile executed() const;
  /// Ends the on-line evidence. Called once, when done.
  [[nodiscard]] std::vector<CheckResult> finish_invariants() { return invariants_.finish(); }
  [[nodiscard]] checkers::LivenessFacts liveness_facts() const;

 private:
  void enter(RunPhase phase, Instant now);
  /// Whether the plan does.
  [[nodiscard]] bool changes_members() const;
  void begin_torture(Instant now);
  void begin_healing(Instant now);
  [[nodiscard]] bool members_serve() const;
  void advance_healing(Instant now);
  void note_rest(Instant now);
  void note_recovery_end(Instant now);
  void advance_phase(Instant now);
  void give_up(Instant now);
  void perform();
  void keep(Op line);
  void mark(const faults::Mark& mark);

  const PlanFile& plan_;
  const TestSpec& spec_;
  const Recovery recovery_;
  faults::LinkTable& links_;
  HistoryWriter* history_writer_;
  TraceSink* trace_;
  worlds::World* world_ = nullptr;
  std::unique_ptr<workloads::Engine> engine_;
  std::unique_ptr<faults::Nemesis> nemesis_;
  checkers::InvariantChecker invariants_;
  Timeline timeline_;
  History history_;
  workloads::Actions actions_;
  workloads::Actions in_hand_;  // being performed; kept for its memory
  bool performing_ = false;
  bool unchecked_ = false;
  std::string trace_line_;

  RunPhase phase_ = RunPhase::kStarting;
  std::optional<Restoration> restoration_;
  Instant phase_since_{};
  Instant now_{};
  bool interrupted_ = false;
  bool abandoned_ = false;
  bool stop_limit_passed_ = false;
  std::uint64_t livelock_ = 0;
  std::optional<Instant> torture_begin_;
  std::optional<Instant> torture_end_;
  std::optional<Instant> healed_;
  std::optional<Instant> recovered_;
  std::optional<Instant> leader_after_heal_;
  std::optional<Instant> recovery_judged_;
  std::vector<checkers::VoterState> voters_;
  std::vector<std::string> unfinished_;
  std::uint64_t pending_at_end_ = 0;
  std::vector<Crash> crashes_;
  std::vector<Error> errors_;
  std::vector<Violation> disk_violations_;
  std::uint64_t disk_audits_ = 0;
};

}  // namespace ww::run
