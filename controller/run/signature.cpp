#include "controller/run/signature.hpp"

#include <algorithm>
#include <cctype>
#include <limits>
#include <tuple>

#include "controller/cli/exit_codes.hpp"

namespace ww::run {

namespace {

/// Whether it judges safety: the others say whether the run recovered, and who survived it.
bool is_safety(const CheckResult& check) {
  return check.checker != "liveness" && check.checker != "crash";
}

std::int64_t time_of(const CheckResult& check) {
  return check.violations.empty() ? std::numeric_limits<std::int64_t>::max()
                                  : check.violations.front().time;
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

/// The point of "1.218838".
bool is_point(const std::string& text, std::size_t at) {
  return text[at] == '.' && at > 0 && is_digit(text[at - 1]) && at + 1 < text.size() &&
         is_digit(text[at + 1]);
}

}  // namespace

std::string shape_of(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (!is_word(text[i])) {
      out += text[i++];
      continue;
    }
    std::size_t end = i;
    bool digit = false;
    while (end < text.size() && (is_word(text[end]) || is_point(text, end))) {
      digit = digit || is_digit(text[end]);
      ++end;
    }
    if (digit) {
      // "#, #, #" is a list of any length.
      if (out.size() < 3 || out.compare(out.size() - 3, 3, "#, ") != 0) {
        out += '#';
      } else {
        out.erase(out.size() - 2);
      }
    } else {
      out.append(text, i, end - i);
    }
    i = end;
  }
  return out;
}

const CheckResult* broken_check(const reports::RunReport& report) {
  const auto rank = [](const CheckResult& check) {
    const bool by_history = check.checker == "linearizable" || check.checker == "watch";
    return std::tuple(by_history, time_of(check));
  };
  const CheckResult* first = nullptr;
  for (const CheckResult& check : report.checks) {
    if (check.verdict != Verdict::kInvalid || !is_safety(check)) continue;
    if (first == nullptr || rank(check) < rank(*first)) first = &check;
  }
  return first;
}

bool is_failure(int exit_code) {
  return exit_code == cli::kExitInvalid || exit_code == cli::kExitNoRecovery ||
         exit_code == cli::kExitNodeCrashed;
}

bool is_only_vacuous(const reports::RunReport& report) {
  bool vacuous = false;
  for (const CheckResult& check : report.checks) {
    if (!reports::decides(check) || check.verdict == Verdict::kValid) continue;
    // Statistics are undecided where no call of a kind ever succeeded, and so are watches where
    // nobody was told of anything.
    if (check.verdict == Verdict::kInvalid ||
        (check.checker != "vacuity" && check.checker != "statistics" && check.checker != "watch")) {
      return false;
    }
    vacuous = true;
  }
  return vacuous;
}

const Violation* violation_of(const reports::RunReport& report) {
  if (report.exit_code != cli::kExitInvalid) return nullptr;
  const CheckResult* check = broken_check(report);
  return check == nullptr || check->violations.empty() ? nullptr : &check->violations.front();
}

std::string signature_of(const reports::RunReport& report) {
  if (report.exit_code == cli::kExitValid) return {};
  if (report.exit_code != cli::kExitInvalid) {
    return reports::headline_of(report) + ": " + shape_of(report.cause);
  }
  const Violation* violation = violation_of(report);
  if (violation == nullptr) return "invalid: " + shape_of(report.cause);
  // What the clients saw is told in one of many sentences; a bug is not as many.
  if (!violation->kind.empty()) return violation->property + ": " + violation->kind;
  return violation->property + ": " + shape_of(violation->summary);
}

}  // namespace ww::run
