// The reports of a run, written into its directory and read back.
#pragma once

#include <string>

#include "base/result.hpp"
#include "reports/run_report.hpp"

namespace ww::reports {

/// Writes results.json, junit.xml, report.html and report.json into `dir`, each atomically. All
/// four are tried even when one fails.
///
/// Errors: the first one, kNoSpace or kIo naming the file.
Result<void> write_all(const RunReport& report, const std::string& dir);

/// A report read back; its `report.history` looks into `history`, so it moves but does not copy.
struct LoadedRun {
  RunReport report;
  History history;
  bool torn = false;  // the history's last line was incomplete and was dropped

  LoadedRun() = default;
  LoadedRun(LoadedRun&&) noexcept = default;
  LoadedRun& operator=(LoadedRun&&) noexcept = default;
};

/// Reads report.json and history.jsonl of a run directory.
///
/// Errors: kIo naming the file that is missing, kCorrupt naming the file and the key.
Result<LoadedRun> load(const std::string& dir);

/// The pieces of write_all, for a caller that wants one of them elsewhere (`--junit FILE`).
std::string results_json(const RunReport& report);
std::string junit_xml(const RunReport& report);
std::string report_html(const RunReport& report);
/// report.json: everything but the history.
std::string report_json(const RunReport& report);

}  // namespace ww::reports
