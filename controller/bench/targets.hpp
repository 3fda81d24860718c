// What the bundled node is asked to reach, given how fast its disk syncs (docs/bench.md).
#pragma once

#include <optional>

#include "base/time.hpp"
#include "controller/bench/settings.hpp"
#include "reports/bench_report.hpp"

namespace ww::bench {

/// The least throughput, or nothing where no target speaks of such a cluster: they are for three
/// nodes, 100-byte values, a closed loop, and only writes or only reads.
/// `sync` is the median fdatasync of the run, t in the formulas; a floor of the settings is added
/// here.
std::optional<reports::BenchTarget> target_of(const Settings& settings, Duration sync,
                                              bool in_memory);

/// The least ratio of batching on to off: asked for with 64 clients and a floor of 1 ms.
std::optional<reports::BenchTarget> ratio_target_of(const Settings& above, const Settings& below);

}  // namespace ww::bench
