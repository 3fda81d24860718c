// Where two runs that should be the same part.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "controller/run/finished_run.hpp"

namespace ww::run {

/// The first event that differs, as each side has it; "(no more events)" where one ended.
struct Divergence {
  std::uint64_t event = 0;  // counted from 0
  std::string first;
  std::string second;
};

/// Runs one side once more with these options.
using Repeat = std::function<Result<FinishedRun>(const RunOptions&)>;

/// Compares two runs by their fingerprints and, when these differ, repeats both with a window at
/// the first checkpoint that does.
///
/// Shape:  nothing when the fingerprints are equal; else two runs more.
/// Errors: those of the repeats; kInternal when a side does not even repeat itself.
Result<std::optional<Divergence>> find_divergence(const Fingerprint& a, const Fingerprint& b,
                                                  const Repeat& first, const Repeat& second);

/// "event 8123 differs: ..." with both sides, over several lines.
std::string describe(const Divergence& divergence);

}  // namespace ww::run
