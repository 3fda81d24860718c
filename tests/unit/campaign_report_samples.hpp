// A campaign's report as it might be.
#pragma once

#include "reports/campaign_report.hpp"

namespace ww::reports::samples {

/// 10 000 seeds with a bug: three kinds of failure, one of them known, one seed undecided, and a
/// shard that is missing.
CampaignReport campaign();

}  // namespace ww::reports::samples
