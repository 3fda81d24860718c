// The files of a finished run, beside the history and the trace that its world wrote.
#pragma once

#include <string>

#include "base/result.hpp"
#include "controller/run/finished_run.hpp"

namespace ww::run {

/// Stamps the report with this build and writes test.json, plan.json (as it ran), the reports and,
/// when there is a fingerprint, fingerprint.json into the directory. All are tried even when one
/// fails.
/// Errors: the first one, kNoSpace or kIo naming the file.
Result<void> write_results(const std::string& directory, FinishedRun& done);

}  // namespace ww::run
