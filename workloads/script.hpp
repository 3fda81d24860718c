// The calls of a run as data: what every worker does and when, instead of what a generator would
// choose. A call that is left out moves no other.
#pragma once

#include <cstdint>
#include <vector>

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

/// By time, then worker, then ordinal.
using Script = std::vector<ScriptedCall>;

}  // namespace ww::workloads
