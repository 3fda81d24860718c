// How many ops of each kind ended how, how fast, and at what rate.
#pragma once

#include "base/verdict.hpp"

namespace ww::checkers {

/// Counts a history.
///
/// Shape:  `numbers` has "ops", "ok", "fail", "info", "open" (never completed), "rate" (ok ops a
///         second), and for each function f that was invoked "f.ok", "f.fail", "f.info",
///         "f.latency-p50", "-p90", "-p99", "-p999", "-max"; for cas also "cas.matched".
/// Units:  latencies in seconds, from invocation to `ok`, nearest rank.
/// Errors: none; unknown when there was no op, or when a function never succeeded: what never
/// worked
///         was not tested.
[[nodiscard]] CheckResult check_statistics(const History& history);

}  // namespace ww::checkers
