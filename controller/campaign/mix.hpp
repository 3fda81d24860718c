// The swarm mix: what each seed of a campaign runs (Groce et al. 2012, "Swarm testing").
//
// A test that does everything at once hides what needs the absence of something: a cluster that is
// killed all the time never gets far enough to go wrong in other ways. So each seed draws its own
// subset of the faults, its own rates, cluster, clients and triggers. A tenth of the seeds stays
// uniform: five nodes, all faults, the defaults. One mix serves clean campaigns and bug searches.
//
// Everything is keyed by the seed and the name of what is drawn: pinning one thing, or adding
// another, moves nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "controller/run/plan_file.hpp"

namespace ww::campaign {

/// The plan of one seed: `base`, with everything drawn that is not pinned.
///
/// Shape:  `pins` are flags of the test by their long names, without dashes: "nodes",
///         "nemesis-interval-min". World, bugs and limits are always those of `base`; the time
///         limit is ten seconds unless it is pinned.
/// Errors: those of faults::parse_kinds and faults::make_plan, for what was pinned.
Result<run::PlanFile> draw(std::uint64_t seed, const run::TestSpec& base,
                           const std::vector<std::string>& pins = {});

/// Whether the seed is one of the uniform ones.
bool is_uniform(std::uint64_t seed);

/// All parameters of the mix, those of the fault kinds among them, as text.
std::string mix_text();
/// 16 hexadecimal digits that name mix_text().
std::string mix_hash();

}  // namespace ww::campaign
