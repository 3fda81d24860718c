#include "checkers/registry.hpp"

#include <array>

#include "checkers/statistics.hpp"
#include "checkers/watch.hpp"

namespace ww::checkers {

std::string_view name_of(Needs needs) {
  switch (needs) {
    case Needs::kHistory:
      return "history";
    case Needs::kRunFacts:
      return "history, faults and nodes of a run";
    case Needs::kRecovery:
      return "a run's recovery after its last heal";
  }
  return "?";
}

std::span<const CheckerRow> checkers() {
  static constexpr std::array<CheckerRow, 5> kRows = {{
      {"linearizable", "each key behaves like one copy of a register", Needs::kHistory},
      {"watch", "those who watch are told of every change, once, in one order", Needs::kHistory},
      {"statistics", "each kind of op succeeded at least once; counts, rates, latencies",
       Needs::kHistory},
      {"vacuity", "enough happened for a verdict to mean something", Needs::kRunFacts},
      {"liveness", "after the last heal the cluster recovers: leader, writes, reads, agreement",
       Needs::kRecovery},
  }};
  return kRows;
}

std::vector<CheckResult> check_history(const History& history, const HistoryOptions& options) {
  std::vector<CheckResult> results;
  results.push_back(check_linearizable(history, options.linearizable));
  if (has_watches(history)) results.push_back(check_watch(history));
  results.push_back(check_statistics(history));
  return results;
}

}  // namespace ww::checkers
