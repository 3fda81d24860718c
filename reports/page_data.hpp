// What the page's script draws from: the run as one JSON value with the ops in packed columns.
//
// Each column of the ops is a string of LEB128 numbers in base64: 100 000 ops take some four
// megabytes so, where an object per op would take thirty. `reports/html/data.js` is the other side.
#pragma once

#include <span>
#include <string>

#include "reports/op_stats.hpp"
#include "reports/run_report.hpp"

namespace ww::reports {

/// JSON that may stand inside a script element: it holds no '<'.
std::string page_data(const RunReport& report, std::span<const OpPair> pairs);

/// RFC 4648, padded.
std::string base64(std::string_view bytes);

}  // namespace ww::reports
