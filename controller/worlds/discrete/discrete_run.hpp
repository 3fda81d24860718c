// Runs one plan in a deterministic world: the same plan always yields the same bytes.
#pragma once

#include <string>

#include "base/result.hpp"
#include "controller/run/finished_run.hpp"
#include "controller/run/plan_file.hpp"
#include "controller/worlds/discrete/node_port.hpp"

namespace ww::discrete {

/// Runs and judges a plan over the nodes that `make` makes.
///
/// `logs`: the directory with the nodes' stderr.log, in n1/ and so on; empty where nodes have none.
///
/// Shape:  with an empty `options.run_directory` nothing is written, and no trace is rendered.
/// Errors: kIo, kNoSpace for its files; those of `make`. A run of more than TestSpec::max_events
///         events ends with a verdict that says so: a livelock must not hang a campaign.
Result<run::FinishedRun> execute(const run::PlanFile& plan, const run::RunOptions& options,
                                 const MakeNode& make, const std::string& logs = "");

}  // namespace ww::discrete
