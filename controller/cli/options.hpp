// The command line: what was asked for, as data.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "controller/bench/bench_run.hpp"
#include "controller/run/test_spec.hpp"

namespace ww::cli {

enum class Format { kHuman, kJson };
enum class Keep { kAll, kFailures, kNone };

struct Common {
  Format format = Format::kHuman;
  bool quiet = false;
  bool colour = false;
  std::string config;  // already read
};

struct RunCommand {
  run::TestSpec spec;
  bool seed_given = false;
  std::string plan_file;  // run this plan instead of making one from the seed
  std::string store = "store";
  std::string junit_file;
  bool dry_run = false;
  bool shrink = true;  // a failure of a deterministic world; with a plan only when asked for
  Keep keep = Keep::kAll;
  std::uint64_t store_limit = std::uint64_t{5} << 30;  // bytes
};
struct CheckCommand {
  std::string history;
};
struct ReportCommand {
  std::string run;
};
struct ListCommand {
  std::string what;  // "faults", ...; empty: everything
};
struct DoctorCommand {};

struct CampaignCommand {
  run::TestSpec spec;             // what plans are drawn for; its seed is 0
  std::vector<std::string> pins;  // flags of the test that were given: "nodes"
  std::uint64_t first_seed = 1;
  std::uint64_t seeds = 1000;    // 0: no end but that of time or the first failure
  std::optional<Duration> time;  // of the clock
  bool until_fail = false;
  bool fail_fast = false;
  std::uint32_t jobs = 0;  // 0: one a core
  std::uint32_t shard = 1;
  std::uint32_t shards = 1;
  std::string resume;  // a directory; then most of the others are from there
  std::string corpus;  // empty: tests/corpus if it is there
  std::string known;
  std::uint32_t replay_percent = 5;
  std::uint32_t cross_percent = 1;
  bool no_shrink = false;
  std::string store = "store";
  std::string junit_file;
};
struct MergeCommand {
  std::vector<std::string> parts;
  std::string output = "merged";
  std::string known;
  std::string junit_file;
};

struct ReplayCommand {
  std::string run;              // a run directory; empty: the test that `spec` describes
  run::TestSpec spec;           // without `run`
  std::string world;            // with `run`: another world than its own
  std::string store = "store";  // for failures of live repetitions
  std::uint32_t times = 10;     // live repetitions
  bool times_given = false;
  bool until_fail = false;
  std::uint32_t slow = 1;

  std::string node;  // "n2": replay its journal instead
  std::string at;    // "3.1042" or "1042"
  bool step = false;
  std::uint64_t count = 0;  // steps to show without asking; 0: all
  bool print = false;
  std::string find;
};

struct ShrinkCommand {
  std::string run;  // a run directory, or a plan.json
  Duration budget = seconds(60);
  std::uint64_t executions = 20'000;
  bool causality = false;
  std::string store = "store";
};

struct BenchCommand {
  bench::BenchPlan plan;  // `data` empty: below the results; no node executable yet
  std::vector<bench::Condition> conditions;
  std::string baseline;
  std::string store = "store";
};
struct CompareCommand {
  std::string before;
  std::string after;
};

using Command = std::variant<RunCommand, CheckCommand, ReportCommand, ListCommand, DoctorCommand,
                             CampaignCommand, MergeCommand, ReplayCommand, ShrinkCommand,
                             BenchCommand, CompareCommand>;

struct Parsed {
  Common common;
  Command command;
};

/// What to print and exit with instead of running a command: help, version, or a usage error.
struct Message {
  std::string text;
  int exit_code = 0;
};

/// Names that a flag may take, for checks and suggestions.
struct Names {
  std::vector<std::string> worlds;
  std::vector<std::string> workloads;
  std::vector<std::string> faults;
  std::vector<std::string> bugs;
};

/// Whether every name in `spec` is known. Errors: kUsage, with a suggestion where one is near.
Result<void> check_names(const run::TestSpec& spec, const Names& names);

/// Reads the arguments. Flag > WHITEWATER_* environment > --config file > defaults.
/// Shape: never throws, never prints; a mistake becomes a Message with exit code 64 that names the
///        argument and, where one is near, suggests a name.
std::variant<Parsed, Message> parse(int argc, const char* const* argv, const Names& names);

}  // namespace ww::cli
