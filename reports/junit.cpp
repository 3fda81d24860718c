// junit.xml: one test case per property.
//
// An invalid property is a <failure>. An undecided one is an <error> and not <skipped>: JUnit's
// error is a test that could not be carried to its end, readers of JUnit turn red on it as the exit
// code 2 does, while a skipped test is shown grey and read as harmless. <skipped> is left to the
// rule that was never evaluated though nothing is wrong with that: what it is about did not happen.

#include <algorithm>

#include "reports/format.hpp"
#include "reports/reports.hpp"

namespace ww::reports {

namespace {

/// Seconds with a point, whatever the locale.
std::string seconds_text(double s) {
  const auto micros = static_cast<std::uint64_t>(s > 0 ? s * 1e6 + 0.5 : 0);
  std::string fraction = std::to_string(micros % 1'000'000);
  fraction.insert(0, 6 - fraction.size(), '0');
  return std::to_string(micros / 1'000'000) + "." + fraction;
}

/// Attribute values are normalised by XML readers: a newline would become a space, so it is spelt.
std::string attribute(const std::string& name, const std::string& value) {
  return " " + name + "=\"" + escape_markup(printable(value)) + "\"";
}

std::string problem(const char* element, const std::string& message, const std::string& type,
                    const std::string& details) {
  return std::string("      <") + element + attribute("message", message) +
         attribute("type", type) + ">" + escape_markup(details) + "</" + element + ">\n";
}

std::string failure_details(const CheckResult& check, const RunReport& report) {
  std::string out;
  for (const Violation& violation : check.violations) {
    out += "\n" + violation.property + " at " + time_text(violation.time) + ": " +
           violation.summary + "\n";
    for (const Op& op : violation.witness) {
      out += "  " + std::to_string(op.index) + "  " + time_text(op.time) + "  process " +
             std::to_string(op.process) + "  " + std::string(name_of(op.type)) + "  key " +
             std::to_string(op.key) + "  " + op_text(op) + "\n";
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

std::string test_case(const std::string& suite, const std::string& name, double seconds,
                      const std::string& body) {
  return "    <testcase" + attribute("classname", suite) + attribute("name", name) +
         attribute("time", seconds_text(seconds)) +
         (body.empty() ? "/>\n" : ">\n" + body + "    </testcase>\n");
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

std::size_t occurrences(const std::string& text, std::string_view what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

}  // namespace

std::string junit_xml(const RunReport& report) {
  const std::string suite = "whitewater." + report.test;
  const double run_seconds = static_cast<double>(report.duration) / 1e9;
  std::string cases = test_case(suite, "run", run_seconds, run_body(report));
  for (const CheckResult& check : report.checks) {
    cases += test_case(suite, check.checker, check.seconds, case_body(check, report));
  }
  // Text is escaped, so that these are the elements and nothing else.
  const std::string counts =
      attribute("tests", std::to_string(report.checks.size() + 1)) +
      attribute("failures", std::to_string(occurrences(cases, "<failure "))) +
      attribute("errors", std::to_string(occurrences(cases, "<error "))) +
      attribute("skipped", std::to_string(occurrences(cases, "<skipped ")));
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + counts + ">\n";
  out += "  <testsuite" + attribute("name", suite) + counts;
  // JUnit's timestamp has no zone.
  std::string started = report.started;
  started.erase(std::remove(started.begin(), started.end(), 'Z'), started.end());
  out += attribute("time", seconds_text(run_seconds)) + attribute("timestamp", started) + ">\n";
  out += "    <properties>\n";
  const auto property = [&](const std::string& name, const std::string& value) {
    out += "      <property" + attribute("name", name) + attribute("value", value) + "/>\n";
  };
  property("verdict", headline_of(report));
  property("seed", std::to_string(report.seed));
  property("world", report.world);
  property("command", report.command);
  property("commit", report.commit);
  property("compiler", report.compiler);
  out += "    </properties>\n" + cases + "  </testsuite>\n</testsuites>\n";
  return out;
}

}  // namespace ww::reports
