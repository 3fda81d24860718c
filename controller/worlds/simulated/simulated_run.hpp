// Runs one test in the simulated world.
#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "controller/run/finished_run.hpp"
#include "controller/run/plan_file.hpp"

namespace ww::simulated {

/// Runs and judges: the same plan always yields the same history and trace, byte for byte.
///
/// Shape:  with an empty `options.run_directory` nothing is written, and no trace is rendered.
/// Errors: kIo, kNoSpace for its files. A run of more than kMaxEvents events ends as an error of
/// the
///         harness in its verdict: a livelock must not hang a campaign.
Result<run::FinishedRun> run_simulated(const run::PlanFile& plan, const run::RunOptions& options);

inline constexpr std::uint64_t kMaxEvents = 200'000'000;

}  // namespace ww::simulated
