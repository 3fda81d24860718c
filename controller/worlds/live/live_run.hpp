// Runs one test in the live world, from the first process to the last line of the trace.
#pragma once

#include "base/result.hpp"
#include "controller/run/finished_run.hpp"
#include "controller/run/plan_file.hpp"

namespace ww::live {

/// Runs and judges. history.jsonl and trace.jsonl are written as the run goes, so that a run that
/// is cut off leaves a readable directory.
///
/// Errors: what kept the run from starting: kEnvironment, kIo, kNoSpace. Once it runs, errors
/// become
///         part of the verdict.
/// REQUIRES: called on the main thread.
Result<run::FinishedRun> run_live(const run::PlanFile& plan, const run::RunOptions& options);

}  // namespace ww::live
