#include "controller/cli/campaign_output.hpp"

#include <cstdio>
#include <filesystem>

#include "controller/campaign/runner.hpp"
#include "controller/campaign/summary.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/exit_codes.hpp"
#include "reports/campaign_report.hpp"
#include "reports/files.hpp"

namespace ww::cli {

namespace {

namespace fs = std::filesystem;

/// plan.json is the plan that the seed drew, which gives the very run that the campaign saw.
Result<void> store_plans(const std::string& directory, const campaign::Campaign& campaign) {
  for (const auto& [text, signature] : campaign.signatures) {
    const std::string folder = directory + "/" + campaign::folder_of(text);
    const std::string shrunk = signature.shrunk ? signature.shrunk->plan : "";
    for (const auto& [name, plan] :
         {std::pair("/plan.json", signature.example.plan), std::pair("/shrunk.json", shrunk)}) {
      if (plan.empty()) continue;
      std::error_code ec;
      fs::create_directories(folder, ec);  // a failure shows when the file is written
      auto written = reports::write_file_atomically(folder + name, plan);
      if (!written) return written;
    }
  }
  return {};
}

Result<void> store_reports(const CampaignOutput& output, const campaign::Campaign& campaign,
                           const reports::CampaignReport& report) {
  if (auto written = store_plans(output.directory, campaign); !written) return written;
  const std::string junit = reports::campaign_junit(report);
  std::vector<std::pair<std::string, std::string>> files = {
      {output.directory + "/junit.xml", junit},
      {output.directory + "/index.html", reports::campaign_html(report)}};
  if (!output.junit_file.empty()) files.emplace_back(output.junit_file, junit);
  for (const auto& [path, text] : files) {
    if (auto written = reports::write_file_atomically(path, text); !written) return written;
  }
  return {};
}

}  // namespace

Result<std::set<std::string>> read_known(const std::string& file) {
  if (file.empty()) return std::set<std::string>();
  const auto text = reports::read_file(file);
  if (!text) return text.error();
  return campaign::parse_known(*text);
}

Result<campaign::Campaign> read_campaign(const std::string& path) {
  std::error_code ec;
  const std::string file = fs::is_directory(path, ec) ? path + "/campaign.json" : path;
  const auto text = reports::read_file(file);
  if (!text) return text.error();
  return campaign::parse_campaign(*text, file);
}

Result<void> store_campaign(const std::string& directory, const campaign::Campaign& campaign) {
  return reports::write_file_atomically(directory + "/campaign.json", campaign::to_json(campaign));
}

int finish_campaign_output(const Common& common, const CampaignOutput& output,
                           const campaign::Campaign& campaign) {
  campaign::SummaryContext context;
  context.directory = output.directory;
  context.known = output.known;
  context.warnings = output.warnings;
  context.has_file = [&output](const std::string& name) {
    std::error_code ec;
    return fs::exists(output.directory + "/" + name, ec);
  };
  const reports::CampaignReport report = campaign::summarise(campaign, context);
  const auto stored = store_reports(output, campaign, report);
  if (common.format == Format::kHuman) {
    reports::CampaignTextOptions options;
    options.colour = common.colour;
    options.quiet = common.quiet;
    options.page_path = stored ? output.directory + "/index.html" : "";
    std::fputs(reports::campaign_text(report, options).c_str(), stdout);
  } else {
    std::fputs(reports::campaign_json(report).c_str(), stdout);
  }
  std::fflush(stdout);
  if (stored) return report.exit_code;
  const int codes[] = {report.exit_code, complain(stored.error())};
  return worst_exit(codes);
}

}  // namespace ww::cli
