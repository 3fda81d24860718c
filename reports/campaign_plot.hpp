// The plot of a campaign: how many abstract states each thousand of its seeds saw first.
#pragma once

#include <span>
#include <string>

#include "reports/campaign_report.hpp"

namespace ww::reports {

/// Two panels over the seeds: new states per thousand seeds on a logarithmic scale, and all states
/// so far. Requires: a block at least, none without seeds.
std::string coverage_svg(std::span<const CoverageBlock> blocks);

/// Of all states, those that the last quarter of the blocks saw first, in per cent.
double late_share(std::span<const CoverageBlock> blocks);

}  // namespace ww::reports
