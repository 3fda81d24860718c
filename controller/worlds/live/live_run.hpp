// Runs one test in the live world, from the first process to the last line of the trace.
#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"
#include "controller/run/outcome.hpp"
#include "controller/run/plan_file.hpp"
#include "reports/progress.hpp"
#include "reports/run_report.hpp"

namespace ww::live {

struct LiveRunOptions {
  std::string node_executable;
  std::string run_directory;
  std::string started;  // UTC text
  /// Called a few times a second.
  std::function<void(const reports::Progress&)> on_progress;
};

struct LiveRun {
  reports::RunReport report;
  History history;  // what the report points at
  faults::Plan executed;
  bool killed = false;  // by a second interrupt
};

/// Runs and judges. history.jsonl and trace.jsonl are written as the run goes, so that a run that is
/// cut off leaves a readable directory.
///
/// Errors: what kept the run from starting: kEnvironment, kIo, kNoSpace. Once it runs, errors become
///         part of the verdict.
/// REQUIRES: called on the main thread.
Result<LiveRun> run_live(const run::PlanFile& plan, const LiveRunOptions& options);

}  // namespace ww::live
