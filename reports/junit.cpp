// junit.xml: one test case per property.
//
// An invalid property is a <failure>. An undecided one is an <error> and not <skipped>: JUnit's
// error is a test that could not be carried to its end, readers of JUnit turn red on it as the exit
// code 2 does, while a skipped test is shown grey and read as harmless. <skipped> is left to the
// rule that was never evaluated though nothing is wrong with that: what it is about did not happen.

#include <algorithm>

#include "reports/format.hpp"
#include "reports/junit_markup.hpp"
#include "reports/reports.hpp"

namespace ww::reports {

namespace {

using junit::attribute;
using junit::problem;
using junit::test_case;

std::string failure_details(const CheckResult& check, const RunReport& report) {
  std::string out;
  for (const Violation& violation : check.violations) {
    out += "\n" + violation.property + " at " + time_text(violation.time) + ": " +
           violation.summary + "\n";
    for (const Op& op : violation.witness) {
      out += "  " + std::to_string(op.index) + "  " + time_text(op.time) + "  process " +
             std::to_string(op.process) + "  " + std::string(name_of(op.type)) + "  key " +
             key_text(op.key) + "  " + op_text(op) + "\n";
    }
    for (const std::string& line : violation.evidence) out += "  " + line + "\n";
  }
  if (check.violation_count > check.violations.size()) {
    out += "\nand " + group_digits(check.violation_count - check.violations.size()) + " more\n";
  }
  return out + "\nrepeat with: " + report.command + "\n";
}

std::string case_body(const CheckResult& check, const RunReport& report) {
  if (check.verdict == Verdict::kInvalid) {
    const std::string message = !check.reason.empty()      ? check.reason
                                : check.violations.empty() ? "violated"
                                                           : check.violations.front().summary;
    return problem("failure", message, "invalid", failure_details(check, report));
  }
  if (check.verdict == Verdict::kUnknown && decides(check)) {
    const std::string reason = check.reason.empty() ? "could not be decided" : check.reason;
    return problem("error", reason, "unknown", "\nrepeat with: " + report.command + "\n");
  }
  if (check.evaluated == 0) {
    return "      <skipped" + attribute("message", "never evaluated in this run") + "/>\n";
  }
  return "";
}

/// The run as such: what no checker says, such as a node that crashed by itself.
std::string run_body(const RunReport& report) {
  Verdict of_checks = Verdict::kValid;
  for (const CheckResult& check : report.checks) {
    if (decides(check)) of_checks = compose(of_checks, check.verdict);
  }
  const bool explained = of_checks == report.verdict && report.outcome.empty();
  if (explained || report.exit_code == 0) return "";
  const std::string details = "\nrepeat with: " + report.command + "\n";
  return report.verdict == Verdict::kInvalid
             ? problem("failure", report.cause, headline_of(report), details)
             : problem("error", report.cause, headline_of(report), details);
}

}  // namespace

std::string junit_xml(const RunReport& report) {
  const std::string suite = "whitewater." + report.test;
  const double run_seconds = static_cast<double>(report.duration) / 1e9;
  std::string cases = test_case(suite, "run", run_seconds, run_body(report));
  for (const CheckResult& check : report.checks) {
    cases += test_case(suite, check.checker, check.seconds, case_body(check, report));
  }
  return junit::document(suite, run_seconds, report.started,
                         {{"verdict", headline_of(report)},
                          {"seed", std::to_string(report.seed)},
                          {"world", report.world},
                          {"command", report.command},
                          {"commit", report.commit},
                          {"compiler", report.compiler}},
                         cases);
}

}  // namespace ww::reports
