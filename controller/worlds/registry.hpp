// The worlds that exist, as a table.
#pragma once

#include <span>
#include <string_view>

#include "base/result.hpp"
#include "controller/run/finished_run.hpp"
#include "controller/run/plan_file.hpp"

namespace ww::worlds {

struct WorldInfo {
  std::string_view name;         // as in --world
  std::string_view description;  // one line for `whitewater list`
  bool deterministic = false;    // the same plan gives the same bytes
  /// Runs and judges one plan. Errors: what kept it from running at all.
  Result<run::FinishedRun> (*execute)(const run::PlanFile& plan, const run::RunOptions& options);
};

std::span<const WorldInfo> all_worlds();

/// The world of that name, or nullptr.
const WorldInfo* find_world(std::string_view name);

}  // namespace ww::worlds
