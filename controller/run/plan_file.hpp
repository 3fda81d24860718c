// plan.json: the test, its fault schedule, and where they are written down its operations and its
// network; runnable again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "controller/run/network.hpp"
#include "controller/run/test_spec.hpp"
#include "faults/plan.hpp"
#include "workloads/script.hpp"

namespace ww::run {

struct PlanFile {
  TestSpec test;
  faults::Plan faults;
  /// The clients' calls; nothing: the workload chooses them.
  std::optional<workloads::Script> ops;
  Network network;  // of the deterministic worlds
  friend bool operator==(const PlanFile&, const PlanFile&) = default;
};

/// How the schedule that `spec` asks for is dealt. Errors: those of faults::parse_kinds.
Result<faults::PlanOptions> plan_options(const TestSpec& spec);
/// The plan that `spec` asks for: its kinds, dealt from its seed.
/// Errors: those of faults::parse_kinds and faults::make_plan.
Result<faults::Plan> plan_for(const TestSpec& spec);

/// Up to such a drift, either way, no node's clock outruns another's by more than spec.lease_drift.
std::int64_t lease_drift_ppm(const TestSpec& spec);
/// How long an election timeout is, at the least, in true time on a clock that keeps within the
/// bound.
Duration lease_promise(const TestSpec& spec);
/// Whether there are leases, and no fault of the plan asks for more drift than they are safe
/// within; several faults together are then held to it too.
bool keeps_lease_bound(const PlanFile& plan);

/// An op, a fault, a delivery a line.
std::string to_json(const PlanFile& plan);
/// Errors: kUsage or kCorrupt naming the path ("plan.json, ops[3]: worker: ..."); a schedule for
/// another number of nodes.
Result<PlanFile> parse_plan_file(std::string_view text, const std::string& name);

/// What plan.json keeps of a run. In a deterministic world the plan that was asked for gives the
/// same bytes again, skipped faults and all. Elsewhere nothing does, and what happened is worth
/// more: the faults at the times and on the nodes that they hit; the calls are the seed's.
PlanFile stored_form(PlanFile executed, const PlanFile& asked, bool deterministic);

/// The schedule for people, a fault a line.
std::string describe(const PlanFile& plan);

}  // namespace ww::run
