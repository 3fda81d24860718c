// From a failing run to the smallest plan that still fails in the same way.
//
// A plan that was run is data in every detail: faults with their nodes and times, calls with
// theirs, the seed of the network. The shrinker leaves out and simplifies, runs what is left, and
// keeps it when the same violation shows (run::signature_of: property and shape; a plan that breaks
// the same property in another way is another failure, and would be filed as one by a campaign).
//
// A smaller plan is another run: an election less, and every later message meets other draws. So a
// candidate that fails to fail is tried again under a few other seeds of the network, and what is
// cheap and cuts deep comes first, since executions get cheaper as the plan shrinks:
//
//   expand     what really ran, up to the violation: named nodes, times, calls
//   leap       only the last moments before the violation, half a second, then one, two, ...
//   faults     ddmin
//   ops        ddmin over workers, then over calls
//   time       gaps closed, durations with them
//   cluster    fewer nodes, fewer clients
//   forms      parameters of faults; packet rules become deliveries of the messages they changed
//   values     keys from 0, values from 1, round times
//   network    flat, with the deliveries that decide made explicit, and these reduced by ddmin
//
// and again until a round changes nothing, or the budget ends.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.hpp"
#include "controller/run/plan_file.hpp"
#include "controller/shrink/edits.hpp"
#include "controller/shrink/lab.hpp"

namespace ww::shrink {

struct Progress {
  const run::PlanFile& best;
  std::string_view pass;  // "faults", ...
  std::uint64_t executions = 0;
};

struct ShrinkOptions {
  Budget budget;
  /// Called with each new best.
  std::function<void(const Progress&)> on_better = [](const Progress&) {};
  /// Called with each best that was run wholly judged: what an end now would leave.
  std::function<void(const run::PlanFile&)> on_confirmed = [](const run::PlanFile&) {};
};

struct Shrunk {
  run::PlanFile plan;  // confirmed: it shows the signature when run by itself
  std::string signature;
  Size before;
  Size after;
  std::uint64_t executions = 0;
  bool finished = false;  // a fixed point that stands, not the end of the budget
};

/// Shrinks `plan`, which fails when executed.
///
/// Shape:    the same plan and the same execute yield the same result, unless the budget ends
///           first.
/// Requires: `execute` is deterministic.
/// Errors:   kUsage: the plan does not fail, or fails with its planted bug switched off too; those
///           of `execute`.
Result<Shrunk> shrink(const run::PlanFile& plan, const Execute& execute,
                      const ShrinkOptions& options = {});

}  // namespace ww::shrink
