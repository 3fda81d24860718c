// What kind of failure a run ended with, so that the same failure of two seeds is one.
#pragma once

#include <string>

#include "reports/run_report.hpp"

namespace ww::run {

/// Of a run that broke a rule, the property (LIN only when no other was broken) and the shape of
/// what broke it: no times, terms, indices, ids, values. Of any other run that is not valid, its
/// outcome and the shape of the cause. Empty for a valid run.
/// "CommitDurable: # and # committed different entries", "no recovery: no leader lasted".
std::string signature_of(const reports::RunReport& report);

/// `text` without what differs from run to run: every word with a digit in it becomes '#'.
/// "n4 voted in term 12" -> "# voted in term #"; a list of such words becomes one.
std::string shape_of(const std::string& text);

/// The check that names a safety violation: the one that was broken first; nullptr when none was.
/// What the clients saw is named only when no rule of the nodes was broken: a broken rule is nearer
/// to the cause, and the name must not depend on whether the run went on until a client saw its
/// consequence.
const CheckResult* broken_check(const reports::RunReport& report);

/// The first violation of that check; nullptr for a run that did not end with kExitInvalid.
const Violation* violation_of(const reports::RunReport& report);

/// Whether a run of this status failed: broke a rule, did not recover, lost a node.
bool is_failure(int exit_code);

/// Nothing is undecided but whether enough happened.
bool is_only_vacuous(const reports::RunReport& report);

}  // namespace ww::run
