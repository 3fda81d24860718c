#include "reports/run_report.hpp"

#include <algorithm>

namespace ww::reports {

bool decides(const CheckResult& check) {
  const auto rare = check.numbers.find(kRare);
  const bool is_rare = rare != check.numbers.end() && rare->second != 0;
  return check.verdict != Verdict::kUnknown || check.evaluated > 0 || !is_rare;
}

std::string headline_of(const RunReport& report) {
  return report.outcome.empty() ? std::string(name_of(report.verdict)) : report.outcome;
}

std::vector<FaultKindSummary> summarise_faults(const RunReport& report) {
  std::vector<FaultKindSummary> out;
  const auto row = [&](const std::string& kind) -> FaultKindSummary& {
    const auto found = std::find_if(out.begin(), out.end(),
                                    [&](const FaultKindSummary& s) { return s.kind == kind; });
    if (found != out.end()) return *found;
    return out.emplace_back(FaultKindSummary{kind, 0, 0, 0});
  };
  for (const std::string& kind : report.fault_kinds) row(kind);
  for (const FaultRow& fault : report.faults) {
    FaultKindSummary& summary = row(fault.kind);
    ++summary.planned;
    summary.injected += fault.injected_at.has_value();
    summary.effective += fault.injected_at.has_value() && fault.effective;
  }
  return out;
}

}  // namespace ww::reports
