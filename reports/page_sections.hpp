// The parts of report.html that are plain markup. They need no script: where a viewer blocks
// scripts, as the artifact viewers of some CI servers do, the verdict, the witness and the tables
// are still there.
#pragma once

#include <span>
#include <string>

#include "reports/op_stats.hpp"
#include "reports/run_report.hpp"

namespace ww::reports {

/// The verdict, its cause, the run's key figures and the command that repeats it.
std::string header_section(const RunReport& report, const OpStats& stats);
/// Every violation with its diagram and evidence; or why a verdict is unknown; empty for a valid
/// run.
std::string findings_section(const RunReport& report, std::span<const OpPair> pairs);
std::string faults_section(const RunReport& report);
std::string checks_section(const RunReport& report);
std::string statistics_section(const RunReport& report, const OpStats& stats);
std::string setup_section(const RunReport& report);

}  // namespace ww::reports
