// The summary of a run for a terminal or a log.
#pragma once

#include <string>

#include "reports/run_report.hpp"

namespace ww::reports {

struct TextOptions {
  bool colour = false;
  bool quiet = false;       // the last lines only
  std::string report_path;  // of report.html; empty: the line is left out
};

/// The verdict and its cause, the violations, the tables, and as the last lines always: the
/// verdict, the one-sentence cause, the report's path, the command that repeats the run. Ends with
/// a newline.
///
/// Control characters in what the nodes said are shown escaped: a terminal never obeys them.
std::string text_summary(const RunReport& report, const TextOptions& options);

}  // namespace ww::reports
