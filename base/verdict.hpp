// What checkers say.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/op.hpp"

namespace ww {

/// When composed, invalid beats unknown beats valid.
enum class Verdict : std::uint8_t { kValid, kUnknown, kInvalid };

std::string_view name_of(Verdict verdict);

constexpr Verdict compose(Verdict a, Verdict b) {
  return a > b ? a : b;
}

/// One broken rule, with what a Raft engineer needs to see it.
struct Violation {
  std::string property;   // "LIN", "ES", "Vote1", ...: an id of docs/invariants.md
  std::string summary;    // one sentence, with the nodes, terms and indices in it
  std::string kind;       // what stays of the sentence for all failures alike; empty: its shape
  std::int64_t time = 0;  // ns since the run began, of the event that showed it
  History witness;        // the smallest set of ops that it can name; empty for node invariants
  std::vector<std::string> evidence;  // the trace events and frames that prove it, in causal order
  std::vector<std::string> nodes;     // the nodes concerned: "n1"
};

/// The outcome of one checker.
struct CheckResult {
  std::string checker;  // "linearizable", "ES", "vacuity", ...
  std::string title;    // one line that says what was checked
  Verdict verdict = Verdict::kUnknown;
  std::uint64_t evaluated = 0;  // how often the rule was applied; 0 is reported, never "valid"
  std::string reason;           // why, when not valid
  std::vector<Violation> violations;      // bounded by kMaxViolations; the first ones
  std::uint64_t violation_count = 0;      // all of them
  std::map<std::string, double> numbers;  // statistics by name
  double seconds = 0;                     // how long the check took
};

inline constexpr std::size_t kMaxViolations = 16;

/// The verdict of several checkers together; kUnknown for none.
Verdict compose(const std::vector<CheckResult>& results);

}  // namespace ww
