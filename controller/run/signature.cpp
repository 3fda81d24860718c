#include "controller/run/signature.hpp"

#include <algorithm>
#include <cctype>

#include "controller/cli/exit_codes.hpp"

namespace ww::run {

namespace {

/// The check whose first violation came first; nullptr when none has one. What the clients saw is
/// named only when no rule of the nodes was broken: a broken rule is nearer to the cause, and the
/// name must not depend on whether the run went on until a client saw its consequence.
const CheckResult* first_broken(const reports::RunReport& report) {
  const CheckResult* first = nullptr;
  const auto by_clients = [](const CheckResult& check) { return check.checker == "linearizable"; };
  for (const CheckResult& check : report.checks) {
    if (check.verdict != Verdict::kInvalid || check.violations.empty()) continue;
    const bool nearer = first == nullptr || (by_clients(*first) && !by_clients(check)) ||
                        (by_clients(*first) == by_clients(check) &&
                         check.violations.front().time < first->violations.front().time);
    if (nearer) first = &check;
  }
  return first;
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

const Violation* violation_of(const reports::RunReport& report) {
  if (report.exit_code != cli::kExitInvalid) return nullptr;
  const CheckResult* check = first_broken(report);
  return check == nullptr ? nullptr : &check->violations.front();
}

std::string property_of(const reports::RunReport& report) {
  if (report.exit_code == cli::kExitValid) return {};
  if (report.exit_code == cli::kExitInvalid) {
    const Violation* violation = violation_of(report);
    return violation == nullptr ? "invalid" : violation->property;
  }
  return reports::headline_of(report);
}

std::string signature_of(const reports::RunReport& report) {
  const std::string property = property_of(report);
  if (property.empty() || report.exit_code != cli::kExitInvalid) return property;
  const Violation* violation = violation_of(report);
  return violation == nullptr ? property : property + ": " + shape_of(violation->summary);
}

}  // namespace ww::run
