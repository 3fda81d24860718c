// What `shrink`, and `run` after a failure, do alike: shrink a plan and keep the result as a run of
// its own.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "controller/cli/options.hpp"
#include "controller/run/finished_run.hpp"
#include "controller/run/store.hpp"
#include "controller/shrink/shrinker.hpp"

namespace ww::cli {

struct ShrunkRun {
  shrink::Shrunk shrunk;
  run::RunDirectory directory;
  run::FinishedRun run;  // of the shrunk plan
};

/// How the world of `plan` executes plans. Errors: kUsage when it does not repeat a run exactly.
Result<shrink::Execute> execute_in_world_of(const run::PlanFile& plan,
                                            const std::string& node_executable);

/// Ends after `budget` of the clock, or when the process is asked to end by SIGINT: all budgets of
/// this process end then, and a second SIGINT ends the process.
shrink::Budget budget_of(Duration budget, std::uint64_t executions);

/// Shrinks `plan` with progress on stderr, into a new directory of `store`: plan.json is the best
/// so far while it lasts; then what is left is run there, with its reports and shrunk.txt. Errors:
/// those of shrink::shrink, and then there is no directory; those of the files.
Result<ShrunkRun> shrink_and_keep(const Common& common, const run::PlanFile& plan,
                                  const shrink::Execute& execute, const shrink::Budget& budget,
                                  const std::string& store);

/// What is left, in words: sizes before and after, the steps, the command.
std::string describe(const ShrunkRun& shrunk);

}  // namespace ww::cli
