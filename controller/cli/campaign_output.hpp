// What `campaign` and `merge` leave behind alike: the files of a campaign's directory, and the last
// lines.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "controller/campaign/campaign.hpp"
#include "controller/cli/options.hpp"

namespace ww::cli {

struct CampaignOutput {
  std::string directory;
  std::string junit_file;  // a copy; empty: none
  std::set<std::string> known;
  std::vector<std::string> warnings;
};

/// The signatures of a --known file. Errors: kIo naming it.
Result<std::set<std::string>> read_known(const std::string& file);

/// Reads a campaign.json, or the one in a directory. Errors: kIo, kCorrupt, kUsage naming it.
Result<campaign::Campaign> read_campaign(const std::string& path);

/// Writes campaign.json. Errors: kIo, kNoSpace.
Result<void> store_campaign(const std::string& directory, const campaign::Campaign& campaign);

/// Writes the plans of the signatures, junit.xml and index.html, and prints the summary. Returns
/// the exit status.
int finish_campaign_output(const Common& common, const CampaignOutput& output,
                           const campaign::Campaign& campaign);

}  // namespace ww::cli
