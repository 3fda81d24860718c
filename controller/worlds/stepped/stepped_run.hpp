// Runs a plan in the stepped world: real processes, real files, virtual time.
#pragma once

#include "base/result.hpp"
#include "controller/run/finished_run.hpp"
#include "controller/run/plan_file.hpp"

namespace ww::stepped {

/// Runs and judges one plan over processes of `options.node_executable`.
///
/// Their directories are in the run's, or else in a temporary one that is gone afterwards: in
/// TMPDIR, or in memory when it is not set and there is room. Those that killed controllers left
/// there are removed first. The calling thread and the processes
/// share one core while it runs, the one that it is on; a thread that is bound to a core stays.
///
/// Errors:        those of discrete::execute; kEnvironment when processes cannot be started.
/// Thread safety: any thread that outlives the call.
Result<run::FinishedRun> execute(const run::PlanFile& plan, const run::RunOptions& options);

}  // namespace ww::stepped
