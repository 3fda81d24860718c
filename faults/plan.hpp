// The fault schedule as data: made from a seed, printed, written to a file, read back and run
// again.
//
// A plan says what is to happen, not to whom: "kill the leaders at 12 s" is resolved when its time
// has come. All random choices are keyed by the plan's seed and the fault's id, so a fault that is
// removed or changed leaves every other as it was.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "base/wire/envelope.hpp"
#include "base/wire/trace.hpp"

namespace ww::faults {

/// Whom a fault hits. kByShape: the shape says (partitions). kNamed: `FaultSpec::nodes`.
/// kTrigger: the node whose event set the fault off; for a partition the first of its order.
enum class Target : std::uint8_t {
  kByShape,
  kNamed,
  kOne,
  kMinority,
  kMajority,
  kPrimaries,
  kAll,
  kTrigger
};
std::string_view name_of(Target target);

/// What a node does that can set off a fault.
enum class TriggerEvent : std::uint8_t {
  kNone,
  kVoteGranted,  // a real vote, its own included
  kAppend,       // entries were added to a log
  kTruncate,     // entries were removed from one
  kSynced,       // a write of it is durable
  kElectionWon,
  kCommit,    // its commit index rose
  kSnapshot,  // it took one, has one durable, or installed one
};
std::string_view name_of(TriggerEvent event);

/// Sets a fault off at the `nth` such event since FaultSpec::at; one that finds nobody to hit then
/// waits for the next such event. In the deterministic worlds the fault strikes within the step
/// that the event belongs to, before anything of the step has left the node; a death comes after
/// its first `actions` writes, messages and answers have.
struct Trigger {
  TriggerEvent event = TriggerEvent::kNone;  // kNone: the fault begins at its time
  NodeId node = kNobody;                     // kNobody: any node
  std::uint32_t nth = 1;                     // of all the events that match
  std::uint32_t actions = 0;                 // only of faults that kill
  friend bool operator==(const Trigger&, const Trigger&) = default;
};

/// Parameters by name; the registry says which ones a shape takes, in which unit and bounds.
using Params = std::map<std::string, std::int64_t, std::less<>>;

struct FaultSpec {
  std::string id;     // "f7"; dealt again: "f7b", "f7c"
  std::string kind;   // a row of the registry: "partition"
  std::string shape;  // one of the kind's shapes: "bridge"; empty for kinds without
  Instant at{};
  Trigger trigger;
  Duration duration{};  // until the heal
  Target target = Target::kByShape;
  /// The named targets. A partition reads them in order: the isolated, deaf, mute or bridging node
  /// first; for halves and majority the first side; for a link its two ends; for a ring its order.
  std::vector<NodeId> nodes;
  Params params;
  std::vector<wire::MessageType> types;  // packet: only these; empty: all
  friend bool operator==(const FaultSpec&, const FaultSpec&) = default;
};

struct Plan {
  std::uint64_t seed = 0;
  std::uint32_t nodes = 0;
  Duration time_limit{};  // every fault is healed by then
  /// Whether a fault that turned out to be ineffective is dealt again. Off in executed plans.
  bool redeal = true;
  std::vector<FaultSpec> faults;  // by time
  friend bool operator==(const Plan&, const Plan&) = default;
};

inline constexpr int kPlanSchema = 1;
inline constexpr std::uint32_t kMaxPlanNodes = 99;
inline constexpr std::size_t kMaxPlanFaults = 10'000;
inline constexpr std::uint32_t kMaxTriggerCount = 1'000'000;
inline constexpr std::uint32_t kMaxTriggerActions = 1'000;

struct PlanOptions {
  std::uint32_t nodes = 5;         // spares included
  std::uint32_t spares = 0;        // the last so many nodes are no members at first
  bool foreign = false;            // nodes that we know nothing of, their files least of all
  std::vector<std::string> kinds;  // names of the registry; see parse_kinds
  Duration time_limit = seconds(40);
  Duration interval_min = seconds(2);
  Duration interval_max = seconds(5);
  /// No fault lasts longer, whatever its kind's own range.
  Duration longest = seconds(3600);
  /// How many faults in a million wait for an event instead of a moment.
  std::uint32_t trigger_ppm = 0;
  /// No clock is dealt a larger drift; 0: as large as the registry's draws.
  std::int64_t most_drift_ppm = 0;
};

/// What triggers may wait for, kNone apart.
std::vector<std::string_view> trigger_event_names();
/// The event of that name, or kNone.
TriggerEvent trigger_event_of(std::string_view name);
/// Whether any trigger waits for events like `what`: most of a trace is not.
bool can_trigger(const wire::trace::Event& what);
/// Whether `event` is one that a trigger waits for at its node.
bool matches(TriggerEvent event, const wire::trace::Event& what);

/// The kinds that `--faults` names: "all", "none", or names with commas between them.
///
/// Errors: kUsage naming the unknown kind, with a suggestion.
Result<std::vector<std::string>> parse_kinds(std::string_view text);

/// Deals a schedule.
///
/// Shape:  kinds come from seeded shuffles without replacement, shapes and targets of each kind
/// too;
///         so every kind occurs, and every shape does when the run is long enough. When the time
///         limit is too short for every kind at the given interval, the interval shrinks.
/// Errors: kUsage: no nodes, too many nodes, an unknown kind, an empty interval, a time limit under
/// 1 s.
Result<Plan> make_plan(std::uint64_t seed, const PlanOptions& options);

/// Checks a plan against the registry: kinds, shapes, targets, nodes, parameters, triggers, ids,
/// times.
///
/// Errors: kUsage naming the fault and the field, with a suggestion for a misspelt name.
Result<void> validate(const Plan& plan);

/// The plan as JSON, a fault a line.
std::string to_json(const Plan& plan);

/// Reads and validates a plan. `name` is used in errors.
///
/// Errors: kUsage naming the field, and those of validate.
Result<Plan> parse_plan(std::string_view text, std::string_view name);

/// The parameter's value, or the registry's default for that shape.
std::int64_t param(const FaultSpec& spec, std::string_view name);

/// "leader-deaf for 3.2 s", "kill a majority for 800 ms": one line for people.
std::string describe(const FaultSpec& spec);

/// Milliseconds with as many decimals as it takes, down to the nanosecond: "250", "0.000001".
std::string ms_text(Duration duration);

/// "2.35 s" or "800 ms".
std::string human(Duration duration);

/// "n1,n3".
std::string name_of(const std::vector<NodeId>& nodes);

}  // namespace ww::faults
