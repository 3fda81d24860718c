// What the bundled node is asked to reach, given how fast its disk syncs (docs/bench.md).
#pragma once

#include <optional>

#include "base/time.hpp"
#include "controller/bench/settings.hpp"
#include "reports/bench_report.hpp"

namespace ww::bench {

/// The median fdatasync of a run's bare loops, t in the formulas.
struct SyncMedians {
  Duration together{};  // as many loops at once as the cluster has nodes
  Duration alone{};     // one loop
};

/// The least throughput, or nothing where no target speaks of such a cluster: they are for three
/// nodes, 100-byte values, a closed loop, and only writes or only reads.
/// A floor of the settings is applied to both times here; where one t is left, so is one target.
std::optional<reports::BenchTarget> target_of(const Settings& settings, const SyncMedians& sync,
                                              bool in_memory);

/// The least ratio of batching on to off: asked for with 64 clients and a floor of 1 ms.
std::optional<reports::BenchTarget> ratio_target_of(const Settings& above, const Settings& below);

}  // namespace ww::bench
