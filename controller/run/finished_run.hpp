// What every world needs to run a plan, and what it hands back.
#pragma once

#include <functional>
#include <string>

#include "base/op.hpp"
#include "faults/plan.hpp"
#include "reports/progress.hpp"
#include "reports/run_report.hpp"

namespace ww::run {

struct RunOptions {
  std::string node_executable;  // worlds with processes
  std::string run_directory;    // where history.jsonl, trace.jsonl and nodes/ go
  std::string started;          // UTC text
  /// Called a few times a second.
  std::function<void(const reports::Progress&)> on_progress;
};

/// Moves; a copy's report would look into the original's history.
struct FinishedRun {
  reports::RunReport report;
  History history;  // what the report points at
  faults::Plan executed;
  bool killed = false;  // by a second interrupt

  FinishedRun() = default;
  FinishedRun(FinishedRun&&) noexcept = default;
  FinishedRun& operator=(FinishedRun&&) noexcept = default;
};

}  // namespace ww::run
