#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

#include "controller/campaign/campaign.hpp"
#include "controller/cli/flags.hpp"

namespace ww::cli {

namespace {

constexpr const char* kCampaignFooter = R"(Examples:
  ./whitewater campaign --seeds 10000              seeds 1 to 10 000, on every core
  ./whitewater campaign --for 1h --first-seed 1000000
  ./whitewater campaign --until-fail --bug no-dedupe
  ./whitewater campaign --seeds 300000 --shard 2/3 the second of three machines; then merge
  ./whitewater campaign --resume store/campaign/20261126T020000Z-s1

Flags of a test (--nodes, --faults, --bug, ...) pin what the mix would draw.)";

constexpr const char* kMergeFooter = R"(Examples:
  ./whitewater merge a/campaign.json b/campaign.json c/campaign.json -o merged
  ./whitewater merge store/campaign/*              directories of campaigns do as well)";

/// "2/3".
void parse_shard(const std::string& text, CampaignCommand& command) {
  const char* const end = text.data() + text.size();
  std::uint32_t shard = 0;
  std::uint32_t shards = 0;
  const auto [slash, first] = std::from_chars(text.data(), end, shard);
  bool good = first == std::errc{} && slash != end && *slash == '/';
  if (good) {
    const auto [last, second] = std::from_chars(slash + 1, end, shards);
    good = second == std::errc{} && last == end && shard >= 1 && shard <= shards &&
           shards <= campaign::kMaxShards;
  }
  if (!good) throw UsageError{"--shard: '" + text + "' is not a shard; write 2/3, from 1/3 to 3/3"};
  command.shard = shard;
  command.shards = shards;
}

/// The flags of the test that were given, by their long names.
std::vector<std::string> pins_of(const CLI::App& app, const run::TestSpec& spec) {
  std::vector<std::string> out;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty() || option->count() == 0) continue;
    const std::string& name = option->get_lnames().front();
    if (name == "nemesis-interval") {
      out.insert(out.end(), {"nemesis-interval-min", "nemesis-interval-max"});
    } else if (name != "world" && !run::flags_of(spec, {name}).empty()) {
      out.push_back(name);
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace

CLI::App& add_campaign(CLI::App& top, CampaignFlags& flags) {
  CLI::App& app = *top.add_subcommand("campaign", "many seeds, each a plan drawn by the swarm mix");
  app.footer(kCampaignFooter);
  CampaignCommand& command = flags.command;
  app.add_option("--seeds", command.seeds, "how many [1000]");
  app.add_option("--first-seed", command.first_seed, "the first of them [1]");
  app.add_option_function<std::string>(
         "--for",
         [&command](const std::string& text) {
           auto parsed = run::parse_duration(text);
           if (!parsed) throw CLI::ValidationError("--for", parsed.error().message);
           command.time = *parsed;
         },
         "as many seeds as there is time for, instead of --seeds")
      ->type_name("TIME")
      ->excludes("--seeds");
  app.add_flag("--until-fail", command.until_fail, "as many seeds as it takes to find a failure");
  app.add_flag("--fail-fast", command.fail_fast, "end at the first failure");
  app.add_option("-j,--jobs", command.jobs, "worker processes [one a core]")
      ->check(CLI::Range(1, 1024));
  app.add_option("--shard", flags.shard, "every n-th seed, from the i-th")->type_name("I/N");
  app.add_option("--resume", command.resume, "run what a campaign's directory lacks")
      ->check(CLI::ExistingDirectory);
  app.add_option("--corpus", command.corpus, "plans of past failures, to run first [tests/corpus]");
  app.add_option("--known", command.known, "signatures already known, one a line");
  app.add_option("--replay-percent", command.replay_percent, "of the seeds are run twice [5]")
      ->check(CLI::Range(0, 100));
  app.add_option("--cross-percent", command.cross_percent,
                 "of the seeds are run in the other deterministic world too; 0: none [1]")
      ->check(CLI::Range(0, 100));
  app.add_flag("--no-shrink", command.no_shrink, "leave failures as they are");
  app.add_option("-o,--store", command.store, "folder for the results [store]");
  app.add_option("--junit", command.junit_file, "write a copy of junit.xml there");
  flags.test.spec.world = "simulated";
  add_test_flags(app, flags.test);
  return app;
}

CampaignCommand finish_campaign(CampaignFlags& flags, const CLI::App& app, const Names& names) {
  CampaignCommand command = flags.command;
  if (!command.resume.empty()) {
    refuse_others(app,
                  {"help", "resume", "for", "until-fail", "fail-fast", "jobs", "corpus", "known",
                   "replay-percent", "cross-percent", "no-shrink", "junit", "color", "format",
                   "quiet", "config"},
                  "cannot stand beside --resume; the campaign is what it was begun as");
    return command;
  }
  command.spec = finish_test(flags.test, names);
  command.spec.seed = 0;
  if (flags.test.workers_per_node && app.count("--nodes") == 0) {
    throw UsageError{"--concurrency by the node needs --nodes: the mix draws how many there are"};
  }
  if (!flags.shard.empty()) parse_shard(flags.shard, command);
  if (command.time || (command.until_fail && app.count("--seeds") == 0)) {
    command.seeds = 0;
  } else if (command.seeds == 0 || command.seeds > campaign::kMaxSeeds) {
    throw UsageError{"--seeds must be from 1 to " + std::to_string(campaign::kMaxSeeds)};
  }
  if (command.first_seed > UINT64_MAX - 2 * campaign::kMaxSeeds) {
    throw UsageError{"--first-seed is too high"};
  }
  command.pins = pins_of(app, command.spec);
  return command;
}

CLI::App& add_merge(CLI::App& top, MergeCommand& command) {
  CLI::App& app = *top.add_subcommand("merge", "parts of a campaign, put together");
  app.footer(kMergeFooter);
  app.add_option("PART", command.parts, "campaign.json files, or directories that have one")
      ->required();
  app.add_option("-o,--output", command.output, "directory for the result [merged]");
  app.add_option("--known", command.known, "signatures already known, one a line");
  app.add_option("--junit", command.junit_file, "write a copy of junit.xml there");
  return app;
}

}  // namespace ww::cli
