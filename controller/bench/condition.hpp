// --fail-if 'ratio<10': a bound that a benchmark must keep.
#pragma once

#include <string>

#include "base/result.hpp"
#include "reports/bench_report.hpp"

namespace ww::bench {

/// What a condition may speak of.
enum class Metric : std::uint8_t {
  kRatio,       // of each variant but the last to the last: the estimate
  kThroughput,  // of each variant
  kP50,
  kP90,
  kP99,
  kP999,
  kMax,
  kTarget,  // throughput divided by its target, ratio by its own
  // During faults, of each variant: the mean of its rounds, beyond every bound when one round never
  // got there.
  kUnavailable,
  kRecovery,               // from the heal
  kRecoveryFromInjection,  // from the injection
  kFaultyThroughput,
  kRecoveryThroughput,
  kUnanswered,  // operations of all phases and rounds
};
/// Whether only a benchmark during faults has it.
bool needs_faults(Metric metric);

struct Condition {
  std::string text;  // as it was written
  Metric metric = Metric::kRatio;
  bool below = true;      // "<", else ">"
  bool or_equal = false;  // "<=", ">="
  double bound = 0;       // ns for times
};

/// Parses "ratio<10", "p99>5ms", "throughput<20000", "target<1", "recovery>2s". Errors: kUsage.
Result<Condition> parse_condition(const std::string& text);

/// Whether it holds for any of what it speaks of. Nothing to speak of counts as holding: a bound
/// that is never compared with anything would be kept by accident.
reports::BenchCondition judge(const Condition& condition, const reports::BenchReport& report);

}  // namespace ww::bench
