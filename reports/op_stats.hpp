// Ops as pairs of lines, and what can be counted about them.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/op.hpp"

namespace ww::reports {

inline constexpr std::size_t kOpen = std::numeric_limits<std::size_t>::max();

/// Positions in the history of an op's two lines; `complete` is kOpen when it never ended.
struct OpPair {
  std::size_t invoke = 0;
  std::size_t complete = kOpen;
  friend bool operator==(const OpPair&, const OpPair&) = default;
};

/// The clients' ops in the order of their invocations; the nemesis is left out, and so is a
/// completion that nothing opened.
std::vector<OpPair> pair_ops(std::span<const Op> history);

/// Order statistics by the nearest-rank method, in ns; zeros when there is nothing.
struct Percentiles {
  std::size_t count = 0;
  std::int64_t p50 = 0;
  std::int64_t p90 = 0;
  std::int64_t p99 = 0;
  std::int64_t p999 = 0;
  std::int64_t max = 0;
};
Percentiles percentiles(std::vector<std::int64_t> samples);

struct FuncStats {
  std::uint64_t ok = 0;
  std::uint64_t fail = 0;
  std::uint64_t info = 0;  // those that never completed included: both are unknown
  Percentiles latency;     // of the ok ones, invocation to completion
};

struct OpStats {
  std::map<Func, FuncStats> by_func;
  FuncStats all;
  std::map<std::string, std::uint64_t> errors;  // "info: timeout" and how often
};
OpStats op_stats(std::span<const Op> history, std::span<const OpPair> pairs);

}  // namespace ww::reports
