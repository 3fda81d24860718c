// The calls of a run as data: what every worker does and when, instead of what a generator would
// choose. A call that is left out moves no other.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "workloads/generator.hpp"

namespace ww::workloads {

struct ScriptedCall {
  Duration at{};              // since the workload began; it waits while its worker is busy
  std::uint32_t worker = 0;   // from 0
  std::uint64_t ordinal = 0;  // of the worker's calls, in the run that the script was taken from
  Call call;
  friend bool operator==(const ScriptedCall&, const ScriptedCall&) = default;
};

/// By time, then worker, then ordinal; each worker's ordinals grow with its times.
using Script = std::vector<ScriptedCall>;

inline constexpr std::size_t kMaxScript = 10'000'000;
/// The ordinals of a generator end here.
inline constexpr std::uint64_t kMaxOrdinal = (std::uint64_t{1} << 32) - 1;

/// The order of a script.
bool earlier(const ScriptedCall& a, const ScriptedCall& b);

/// Whether `workers` workers can make these calls.
///
/// Errors: kUsage naming the call and what is wrong with it: a time before 0 or before that of the
///         call above it, a worker or function that does not exist, an ordinal that does not grow,
///         a value that is no number where one is written.
Result<void> check_script(const Script& script, std::uint32_t workers);

}  // namespace ww::workloads
