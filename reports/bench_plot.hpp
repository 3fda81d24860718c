// The plots of a benchmark.
#pragma once

#include <string>

#include "reports/bench_report.hpp"

namespace ww::reports {

/// The colour of a variant, by its place: 0, 1, ...
std::string variant_class(std::size_t variant);

/// A row for each variant: its rounds as dots, its mean with the interval, its target as a mark.
std::string throughput_svg(const BenchReport& report);

/// Latency over the share of operations that were slower, both logarithmic: a line a variant.
std::string latency_svg(const BenchReport& report);

/// Operations per second over time, one line a round, one panel a variant.
std::string time_svg(const BenchReport& report);

}  // namespace ww::reports
