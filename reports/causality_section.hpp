// The part of report.html that says where the run became doomed: plain markup and one SVG.
#pragma once

#include <string>

#include "reports/run_report.hpp"

namespace ww::reports {

/// The share of redrawn futures that failed, over the moment from which they were redrawn, above
/// the faults of that time, and in words where it climbs. Empty when it was not computed.
std::string causality_section(const RunReport& report);

}  // namespace ww::reports
