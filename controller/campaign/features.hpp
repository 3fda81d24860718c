// What a plan has, as bits: so that a campaign can say what was drawn how often, and with what the
// failures went.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/run/plan_file.hpp"

namespace ww::campaign {

/// The names of the bits, from bit 0: sizes of the cluster, kinds of faults, options.
std::vector<std::string> feature_names();
std::uint64_t features_of(const run::PlanFile& plan);

}  // namespace ww::campaign
