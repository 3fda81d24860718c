// The checkers by name: what `whitewater list` prints and `whitewater check` runs.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/verdict.hpp"
#include "checkers/linearizable.hpp"

namespace ww::checkers {

/// What a checker must be given.
enum class Needs { kHistory, kRunFacts, kRecovery };
[[nodiscard]] std::string_view name_of(Needs needs);

struct CheckerRow {
  std::string_view name;   // as in results: "linearizable"
  std::string_view title;  // what it decides, in one line
  Needs needs;
};

/// Every checker except the on-line invariants, which have a table of their own.
[[nodiscard]] std::span<const CheckerRow> checkers();

struct HistoryOptions {
  LinOptions linearizable{};
};

/// Runs every checker that needs nothing but a history, in the order of the table; that of watches
/// where there are any.
[[nodiscard]] std::vector<CheckResult> check_history(const History& history,
                                                     const HistoryOptions& options = {});

}  // namespace ww::checkers
