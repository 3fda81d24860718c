// From a campaign to what is told about it.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "controller/campaign/campaign.hpp"
#include "controller/campaign/runner.hpp"
#include "reports/campaign_report.hpp"

namespace ww::campaign {

struct SummaryContext {
  std::string directory;        // of the campaign; commands name plans in it
  std::set<std::string> known;  // signatures
  std::vector<std::string> warnings;
  /// Whether a file of the directory is there: "<folder>/report.html".
  std::function<bool(const std::string&)> has_file;
};

/// Requires: the plans of the signatures are, or will be, in their folders as plan.json and
///           shrunk.json.
reports::CampaignReport summarise(const Campaign& campaign, const SummaryContext& context);

/// "./whitewater campaign --first-seed 1 --seeds 10000 --nodes 3": the flags that were pinned.
std::string campaign_command(const Identity& identity, const Request& request);

/// Signatures, one a line; empty lines and lines that begin with '#' are passed over.
std::set<std::string> parse_known(std::string_view text);

/// The line that moves while a campaign goes on.
std::string progress_line(const Status& status);

}  // namespace ww::campaign
