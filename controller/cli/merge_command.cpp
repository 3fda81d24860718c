#include <filesystem>

#include "controller/cli/campaign_output.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/exit_codes.hpp"

namespace ww::cli {

int do_merge(const Common& common, const MergeCommand& command) {
  CampaignOutput output;
  output.directory = command.output;
  output.junit_file = command.junit_file;
  auto known = read_known(command.known);
  if (!known) return complain(known.error());
  output.known = std::move(*known);
  auto merged = read_campaign(command.parts.front());
  if (!merged) return complain(merged.error());
  for (std::size_t i = 1; i < command.parts.size(); ++i) {
    const auto part = read_campaign(command.parts[i]);
    if (!part) return complain(part.error());
    if (auto joined = campaign::merge(*merged, *part); !joined) {
      return complain(
          {joined.error().code, true, command.parts[i] + ": " + joined.error().message});
    }
  }
  std::error_code ec;
  std::filesystem::create_directories(output.directory, ec);
  if (auto stored = store_campaign(output.directory, *merged); !stored) {
    return complain(stored.error());
  }
  return finish_campaign_output(common, output, *merged);
}

}  // namespace ww::cli
