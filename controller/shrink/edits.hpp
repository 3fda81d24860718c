// Edits of plans: what a shrinker may try. Each yields another plan; whether it still fails, only
// a run can say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "controller/run/plan_file.hpp"
#include "controller/shrink/ddmin.hpp"

namespace ww::shrink {

/// How big a plan is, as a reader feels it.
struct Size {
  /// What the harness does to the cluster: a fault is one, a packet fault one for each of its rates
  /// above zero or each of its single messages, an explicit delivery one.
  std::size_t faults = 0;
  std::size_t ops = 0;
  std::uint32_t nodes = 0;
  std::uint32_t clients = 0;
  Duration length{};  // of the torture
  friend bool operator==(const Size&, const Size&) = default;
};
Size size_of(const run::PlanFile& plan);

/// "3 faults, 12 ops, 5 nodes, 2.1 s".
std::string describe(const Size& size);

/// The faults, ops and deliveries of a plan, a line each, in words; the first 60 faults and ops.
std::string describe_steps(const run::PlanFile& plan);

/// Whether a world may run it: every check that a plan read from a file must pass.
bool is_runnable(const run::PlanFile& plan);

run::PlanFile with_faults(const run::PlanFile& plan, const Subset& kept);
/// REQUIRES: the plan has ops.
run::PlanFile with_ops(const run::PlanFile& plan, const Subset& kept);
run::PlanFile with_deliveries(const run::PlanFile& plan, const Subset& kept);

/// Ends the plan's torture at `end`: what begins later goes.
run::PlanFile until(const run::PlanFile& plan, Duration end);
/// Begins the plan's torture at `begin`: earlier ops go, and faults that are over by then; those
/// under way begin at once.
run::PlanFile from(const run::PlanFile& plan, Duration begin);

/// The plan with only this fault and what the clients do around it: little before, some time after.
/// REQUIRES: the plan has ops, and a fault `i`.
run::PlanFile around(const run::PlanFile& plan, std::size_t i);

/// The indices of the ops that `witness` names, whose times count from the torture's begin.
Subset ops_of(const run::PlanFile& plan, const History& witness);
/// The indices of the ops on the witness' key.
Subset ops_on_key_of(const run::PlanFile& plan, const History& witness);

/// When something of the plan begins or ends, each moment once, ascending, the cut among them.
std::vector<Duration> moments(const run::PlanFile& plan);
/// Moves everything from `to` on earlier, so that only `left` remains of the time since `from`.
run::PlanFile closer(const run::PlanFile& plan, Duration from, Duration to, Duration left);
/// Every time and duration of the plan, but the cut, rounded to whole units, at least one long.
run::PlanFile rounded(const run::PlanFile& plan, Duration unit);

/// The plan on a cluster of `nodes` nodes: those that faults name first keep their roles, workers
/// stay beside their nodes. Nothing when a fault would be left without a target.
/// REQUIRES: nodes > 0, no deliveries.
std::optional<run::PlanFile> with_nodes(const run::PlanFile& plan, std::uint32_t nodes);

/// Workers that call nothing go, as far as every other can stay beside its node.
run::PlanFile with_few_clients(const run::PlanFile& plan);

/// Keys from 0 and values from 1, each in order of appearance.
run::PlanFile with_small_values(const run::PlanFile& plan);

/// Simpler forms of one fault: a parameter at zero or at its default, fewer nodes, one message
/// type. Going from form to form comes to an end.
std::vector<faults::FaultSpec> simpler(const faults::FaultSpec& fault);

}  // namespace ww::shrink
