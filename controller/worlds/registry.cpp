#include "controller/worlds/registry.hpp"

#include <array>

#include "controller/worlds/discrete/discrete_run.hpp"
#include "controller/worlds/live/live_run.hpp"
#include "controller/worlds/simulated/simulated_node.hpp"
#include "controller/worlds/stepped/stepped_run.hpp"

namespace ww::worlds {

namespace {

Result<run::FinishedRun> execute_simulated(const run::PlanFile& plan,
                                           const run::RunOptions& options) {
  return discrete::execute(plan, options, simulated::make_node);
}

}  // namespace

std::span<const WorldInfo> all_worlds() {
  static constexpr std::array<WorldInfo, 3> kWorlds = {{
      {"live", "real processes, real TCP through proxies, real files, the wall clock", false,
       live::run_live},
      {"simulated", "replicas, network and disks inside the controller, virtual time; exact", true,
       execute_simulated},
      {"stepped",
       "real processes, real files and kill -9, fed event by event in virtual time; exact", true,
       stepped::execute},
  }};
  return kWorlds;
}

const WorldInfo* find_world(std::string_view name) {
  for (const WorldInfo& world : all_worlds()) {
    if (world.name == name) return &world;
  }
  return nullptr;
}

}  // namespace ww::worlds
