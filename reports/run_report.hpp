// Everything that is told about a finished run, as plain data.
//
// The controller fills it in once, when the checkers are done; the writers of this folder turn it
// into results.json, junit.xml, report.html and the text on stdout, and none of them learns
// anything from elsewhere. It is stored as report.json (the history apart, which is history.jsonl),
// so that `whitewater report RUN` can render the page again.
//
// Units: times are ns since the run began, as in the history.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/op.hpp"
#include "base/verdict.hpp"
#include "base/wire/trace.hpp"

namespace ww::reports {

/// A name and what is to be said about it: an option, a fact about the recovery.
struct Fact {
  std::string name;
  std::string value;
  friend bool operator==(const Fact&, const Fact&) = default;
};

/// One fault of the plan and what became of it.
struct FaultRow {
  std::uint64_t id = 0;
  std::string kind;           // "partition": the row of the timeline, a colour
  std::string description;    // "isolate-leader n3", in the words of the plan
  std::vector<NodeId> nodes;  // whom it hit, as resolved when it was injected
  std::int64_t planned_at = 0;
  std::optional<std::int64_t> injected_at;      // empty: never injected
  std::optional<std::int64_t> healed_at;        // empty: no heal was needed, or the run ended first
  bool effective = false;                       // a decision could differ (docs/faults.md)
  std::string evidence;                         // why it counts as effective, or why it does not
  std::map<std::string, std::uint64_t> counts;  // blocked votes, lost bytes, flipped deadlines, ...
  friend bool operator==(const FaultRow&, const FaultRow&) = default;
};

/// A node held one role in one term; spans of a node do not overlap.
struct RoleSpan {
  NodeId node;
  std::int64_t from = 0;
  std::int64_t to = 0;
  wire::Role role = wire::Role::kFollower;
  Term term = 0;
  friend bool operator==(const RoleSpan&, const RoleSpan&) = default;
};

/// kDoubt: it runs, and neither votes nor serves, for it may have lost what it acknowledged.
enum class Outage : std::uint8_t { kDead, kPaused, kDoubt };

/// A node was not running.
struct OutageSpan {
  NodeId node;
  std::int64_t from = 0;
  std::int64_t to = 0;
  Outage outage = Outage::kDead;
  std::string cause;  // "kill", "power-loss", "exited by itself with status 1", ...
  friend bool operator==(const OutageSpan&, const OutageSpan&) = default;
};

/// `node` won the election of `term`.
struct LeaderChange {
  std::int64_t time = 0;
  NodeId node;
  Term term = 0;
  friend bool operator==(const LeaderChange&, const LeaderChange&) = default;
};

/// A rare path and how often the run went through it; 0 is worth a line too.
struct Count {
  std::string name;
  std::uint64_t count = 0;
  friend bool operator==(const Count&, const Count&) = default;
};

/// The machine itself stood still: what a node did then is not the node's fault.
struct MachineStall {
  std::int64_t time = 0;
  std::int64_t duration = 0;
  std::string what;  // "scheduling", "fsync"
  friend bool operator==(const MachineStall&, const MachineStall&) = default;
};

/// What a node did and what was done to it, by name: "sent", "delivered", "blocked", "restarts",
/// ...
struct NodeCounters {
  NodeId node;
  std::map<std::string, std::uint64_t> counts;
  friend bool operator==(const NodeCounters&, const NodeCounters&) = default;
};

/// When the parts of the run ended; empty for a part that was never reached.
struct Phases {
  std::optional<std::int64_t> torture_end;  // the last fault was due before this
  std::optional<std::int64_t> healed;       // every fault is undone
  std::optional<std::int64_t> recovered;    // a leader, a fresh write, converged
  friend bool operator==(const Phases&, const Phases&) = default;
};

/// Of `runs` runs that were as this one until `time` and then went another way, `failed` broke the
/// same property; their true share lies between `low` and `high` (95 %).
struct DoomPoint {
  std::int64_t time = 0;
  std::uint64_t runs = 0;
  std::uint64_t failed = 0;
  double low = 0;
  double high = 1;
  friend bool operator==(const DoomPoint&, const DoomPoint&) = default;
};

/// From when on the run could hardly end otherwise.
struct Causality {
  std::string signature;          // of the violation
  std::int64_t violation = 0;     // when it came
  std::vector<DoomPoint> points;  // by time
  /// At every point from here on at least nine of ten failed; empty: not even at the last one.
  std::optional<std::int64_t> doomed_from;
  /// The last point before that; empty: the first point was doomed already.
  std::optional<std::int64_t> open_until;
  friend bool operator==(const Causality&, const Causality&) = default;
};

struct RunReport {
  // What ran.
  std::string test;   // "register"
  std::string world;  // "live"
  std::uint64_t seed = 0;
  std::uint32_t nodes = 0;
  std::string started;  // "2026-11-23T00:14:47Z"
  std::int64_t duration = 0;
  std::string command;  // repeats the run
  std::string version;
  std::string commit;
  std::string compiler;
  std::string fingerprint;  // of a deterministic run: "3f2a9c0d11e0b7aa, 81234 events"
  std::vector<Fact> options;  // the resolved ones, defaults included, in the order of the help

  // What came out.
  Verdict verdict = Verdict::kUnknown;
  int exit_code = 2;
  std::string outcome;  // the verdict in a word or two, when `verdict` alone says too little:
                        // "no recovery", "node crashed", "interrupted"; empty: the verdict's name
  std::string cause;    // one sentence, also for a valid run
  std::vector<CheckResult> checks;

  // What happened.
  std::span<const Op> history;           // not owned; the nemesis' ops included
  std::vector<std::string> fault_kinds;  // that were asked for, so that one never dealt is seen
  std::vector<FaultRow> faults;
  std::vector<RoleSpan> roles;
  std::vector<OutageSpan> outages;
  std::vector<LeaderChange> leader_changes;
  std::vector<Count> marks;
  std::vector<Count> bugs;  // switched on, and how often each was reached
  std::vector<MachineStall> stalls;
  std::vector<NodeCounters> counters;
  std::vector<Fact> liveness;  // the recovery: when a leader, when a write, how converged
  Phases phases;
  std::optional<Causality> causality;  // when it was asked for
};

/// A number of a check: 1 when the rule is about something that need not happen in every run.
inline constexpr const char* kRare = "rare";

/// Whether the check weighs in the run's verdict: a rare rule that was never evaluated does not.
bool decides(const CheckResult& check);

/// `outcome`, or the verdict's name.
std::string headline_of(const RunReport& report);

struct FaultKindSummary {
  std::string kind;
  std::uint64_t planned = 0;
  std::uint64_t injected = 0;
  std::uint64_t effective = 0;
  friend bool operator==(const FaultKindSummary&, const FaultKindSummary&) = default;
};

/// One line per kind, `fault_kinds` first and in their order; a kind that was never dealt has
/// zeros.
std::vector<FaultKindSummary> summarise_faults(const RunReport& report);

}  // namespace ww::reports
