// What a benchmark during faults says beside its healthy figures, as text and as a section.
#pragma once

#include <string>

#include "reports/bench_report.hpp"

namespace ww::reports {

/// "kill of the leader for 2 s".
std::string fault_title(const BenchFaultPlan& plan);

/// The tables on stdout; "" without faults.
std::string faults_text(const BenchReport& report);

/// The large numbers under the page's headline; "" without faults.
std::string fault_figures(const BenchReport& report);

/// The page's section; "" without faults. `swatch` marks the i-th variant.
std::string faults_section(const BenchReport& report,
                           std::string (*swatch)(std::size_t i, bool again));

}  // namespace ww::reports
