// What kind of failure a run ended with, so that the same failure of two seeds is one.
#pragma once

#include <string>

#include "reports/run_report.hpp"

namespace ww::run {

/// The property broken first (LIN only when no other was) and the shape of what broke it: no times,
/// terms, indices, ids, values.
/// "CommitDurable: # and # committed different entries"; empty for a run that did not fail.
std::string signature_of(const reports::RunReport& report);

/// `text` without what differs from run to run: every word with a digit in it becomes '#'.
/// "n4 voted in term 12" -> "# voted in term #"; a list of such words becomes one.
std::string shape_of(const std::string& text);

/// The first violation of a run that broke a property; nullptr for any other run.
const Violation* violation_of(const reports::RunReport& report);

/// The property alone: "CommitDurable", "LIN", "no recovery", "crash".
std::string property_of(const reports::RunReport& report);

}  // namespace ww::run
