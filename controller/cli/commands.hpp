// What the subcommands do.
#pragma once

#include "controller/cli/options.hpp"

namespace ww::cli {

/// The names that flags may take, from the registries.
Names known_names();

/// Each returns the exit status; results go to stdout, progress and complaints to stderr.
int do_run(const Common& common, const RunCommand& command, const std::string& node_executable);
int do_campaign(const Common& common, const CampaignCommand& command,
                const std::string& node_executable);
int do_merge(const Common& common, const MergeCommand& command);
int do_replay(const Common& common, const ReplayCommand& command,
              const std::string& node_executable);
/// The part of do_replay with --node.
int do_replay_journal(const Common& common, const ReplayCommand& command);
int do_shrink(const Common& common, const ShrinkCommand& command,
              const std::string& node_executable);
int do_bench(const Common& common, const BenchCommand& command, const std::string& node_executable);
int do_compare(const Common& common, const CompareCommand& command);
int do_check(const Common& common, const CheckCommand& command);
int do_report(const Common& common, const ReportCommand& command);
int do_list(const Common& common, const ListCommand& command);
int do_doctor(const Common& common, const std::string& node_executable);

/// Prints "whitewater: message" to stderr and returns the status that its code means.
int complain(const Error& error);

}  // namespace ww::cli
