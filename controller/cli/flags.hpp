// Between the files that read the command line: what several subcommands describe alike.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/cli/options.hpp"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace ww::cli {

/// A mistake in the arguments; it leaves parse() as a Message.
struct UsageError {
  std::string text;
};

/// Binds an option to a duration; its value now is the default that the help shows.
CLI::Option* add_duration(CLI::App& app, const std::string& flags, Duration& target,
                          const std::string& help);

/// The flags that describe a test, but for its seed.
struct TestFlags {
  run::TestSpec spec;
  bool workers_per_node = false;
  std::uint32_t workers = 0;
};
void add_test_flags(CLI::App& app, TestFlags& flags);
/// The spec that was asked for. Throws UsageError.
run::TestSpec finish_test(const TestFlags& flags, const Names& names);

/// Throws UsageError when an option was given that is not among `harmless`: "--name" and `reason`.
void refuse_others(const CLI::App& app, const std::vector<std::string>& harmless,
                   const std::string& reason);

struct CampaignFlags {
  TestFlags test;
  CampaignCommand command;
  std::string shard;
};
CLI::App& add_campaign(CLI::App& top, CampaignFlags& flags);
CampaignCommand finish_campaign(CampaignFlags& flags, const CLI::App& app, const Names& names);

CLI::App& add_shrink(CLI::App& top, ShrinkCommand& command);

CLI::App& add_merge(CLI::App& top, MergeCommand& command);

struct ReplayFlags {
  TestFlags test;
  ReplayCommand command;
};
CLI::App& add_replay(CLI::App& top, ReplayFlags& flags);
ReplayCommand finish_replay(const ReplayFlags& flags, const CLI::App& app, const Names& names);

struct BenchFlags {
  bench::Settings settings;
  std::vector<std::string> vary;
  std::vector<std::string> fail_if;
  std::string during_faults;  // empty: none
  bench::FaultPlan fault;
  BenchCommand command;
};
CLI::App& add_bench(CLI::App& top, BenchFlags& flags);
/// Throws UsageError.
BenchCommand finish_bench(const BenchFlags& flags, const CLI::App& app);

CLI::App& add_compare(CLI::App& top, CompareCommand& command);

}  // namespace ww::cli
