#include "controller/cli/options.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/nearest.hpp"
#include "controller/cli/exit_codes.hpp"
#include "controller/cli/flags.hpp"

namespace ww::cli {

namespace {

constexpr const char* kVersionText = "whitewater " WW_VERSION;

constexpr const char* kTopFooter = R"(Examples:
  ./whitewater run                               torture five nodes for 40 s, then judge and report
  ./whitewater run --faults partition,kill -s 7  only these faults, from seed 7
  ./whitewater run --dry-run                     print the schedule and do nothing
  ./whitewater run --bug local-read              plant a known bug and see it found
  ./whitewater campaign --seeds 10000            many seeds in virtual time
  ./whitewater replay store/latest-failure       the same run again
  ./whitewater shrink store/latest-failure       the smallest plan that still fails
  ./whitewater check store/latest/history.jsonl  judge a recorded history again
  ./whitewater bench --vary batching=on,off      throughput of two variants, and their ratio
  ./whitewater report store/latest               render a run's report again
  ./whitewater test                              every test of this project

Every flag can also come from the environment (--time-limit: WHITEWATER_TIME_LIMIT) or from an INI
file (--config). Exit status: 0 valid, 1 invalid, 2 unknown or vacuous, 3 no recovery, 4 a node
crashed by itself, 5 slower than asked for, 64 usage, 69 the machine lacks something, 70 a bug of
the harness, 75 a campaign to be resumed, 130 interrupted.)";

constexpr const char* kRunFooter = R"(Examples:
  ./whitewater run -s 42                         the plan of seed 42
  ./whitewater run -n 3 --faults none -r 5000    three nodes, no faults, 5000 ops/s
  ./whitewater run --faults power-loss --nemesis-interval 1s-2s --time-limit 2m
  ./whitewater run --plan store/latest/plan.json the schedule of another run, edited or not)";

std::string environment_name(std::string_view flag) {
  std::string out = "WHITEWATER_";
  for (const char c : flag.substr(2)) {
    out += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return out;
}

void parse_interval(const std::string& text, run::TestSpec& spec) {
  const std::size_t dash = text.find('-');
  std::string low = text.substr(0, dash);
  const std::string high = dash == std::string::npos ? low : text.substr(dash + 1);
  // "2-5s" means 2s-5s.
  if (!low.empty() && low.back() >= '0' && low.back() <= '9') {
    low += high.substr(std::min(high.size(), high.find_first_not_of("0123456789.")));
  }
  const auto a = run::parse_duration(low);
  const auto b = run::parse_duration(high);
  if (!a || !b) {
    throw CLI::ValidationError("--nemesis-interval",
                               "'" + text + "' is not an interval; write 2s-5s");
  }
  spec.interval_low = *a;
  spec.interval_high = *b;
}

void parse_concurrency(const std::string& text, run::TestSpec& spec, bool& per_node,
                       std::uint32_t& count) {
  const bool n = !text.empty() && text.back() == 'n';
  const char* const end = text.data() + text.size() - (n ? 1 : 0);
  const auto [at, ec] = std::from_chars(text.data(), end, count);
  if (ec != std::errc{} || at != end || count == 0 || count > 1000) {
    throw CLI::ValidationError("--concurrency", "'" + text +
                                                    "' is not a number of workers; write 10, or "
                                                    "2n for two a node");
  }
  per_node = n;
  spec.concurrency = count;
}

std::uint64_t parse_bytes(const std::string& text) {
  std::uint64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [at, ec] = std::from_chars(text.data(), end, count);
  const std::string_view suffix(at, static_cast<std::size_t>(end - at));
  for (const auto& [unit, shift] :
       {std::pair{"GB", 30}, {"MB", 20}, {"KB", 10}, {"B", 0}, {"", 0}}) {
    if (ec == std::errc{} && suffix == unit && count < (std::uint64_t{1} << 30))
      return count << shift;
  }
  throw CLI::ValidationError("--store-limit", "'" + text + "' is not a size; write 5GB or 500MB");
}

Result<void> check_name(const std::string& what, const std::string& name,
                        const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), name) != known.end()) return {};
  std::string text = "unknown " + what + " '" + name + "'";
  if (const auto near = nearest(name, known)) {
    text += "; did you mean '" + *near + "'?";
  } else {
    text += "; known:";
    for (const std::string& k : known) text += " " + k;
  }
  return Error{ErrorCode::kUsage, true, text};
}

const CLI::App* chosen_command(const CLI::App& app, const std::vector<std::string>& args) {
  for (const std::string& arg : args) {
    for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
      if (sub->get_name() == arg) return sub;
    }
  }
  return nullptr;
}

bool is_given(const CLI::Option& option, const std::vector<std::string>& args) {
  const std::string flag = "--" + option.get_lnames().front();
  return std::any_of(args.begin(), args.end(), [&](const std::string& arg) {
    if (arg == flag || arg.rfind(flag + "=", 0) == 0) return true;
    const auto& shorts = option.get_snames();
    return std::any_of(shorts.begin(), shorts.end(),
                       [&](const std::string& s) { return arg.rfind("-" + s, 0) == 0; });
  });
}

/// The value of --config among the arguments, or nothing.
std::optional<std::string> config_file(const std::vector<std::string>& args) {
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "--config" && i + 1 < args.size()) return args[i + 1];
    if (args[i].rfind("--config=", 0) == 0) return args[i].substr(9);
  }
  return std::nullopt;
}

/// Adds what the environment and then the config file say, for flags that were not given: so a flag
/// beats the environment, which beats the file.
std::vector<std::string> with_defaults(const CLI::App& app, std::vector<std::string> args) {
  const CLI::App* sub = chosen_command(app, args);
  if (sub == nullptr) return args;
  const auto named = [](const CLI::Option* o) { return !o->get_lnames().empty(); };
  for (const CLI::Option* option : sub->get_options(named)) {
    const std::string flag = "--" + option->get_lnames().front();
    const char* const value = std::getenv(environment_name(flag).c_str());
    if (value != nullptr && !is_given(*option, args)) args.push_back(flag + "=" + value);
  }
  const auto file = config_file(args);
  if (!file) return args;
  const std::vector<std::string> before = args;
  for (const CLI::ConfigItem& item : CLI::ConfigINI().from_file(*file)) {
    std::string value;
    for (const std::string& input : item.inputs) value += (value.empty() ? "" : ",") + input;
    const CLI::Option* option = sub->get_option_no_throw("--" + item.name);
    if (option != nullptr && is_given(*option, before)) continue;
    args.push_back("--" + item.name + "=" + value);
  }
  return args;
}

struct RunFlags {
  TestFlags test;
  RunCommand command;
  std::string keep = "all";
};

void add_common(CLI::App& app, Common& common, std::string& format, std::string& colour) {
  app.add_option("--format", format, "human or json, on stdout [human]")
      ->check(CLI::IsMember({"human", "json"}));
  app.add_option("--color", colour, "auto, always or never [auto]")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  app.add_flag("-q,--quiet", common.quiet, "only the last lines");
  app.add_option("--config", common.config, "read flags from an INI file: time-limit=1m");
}

void add_run_flags(CLI::App& app, RunFlags& flags) {
  app.add_option("-s,--seed", flags.test.spec.seed,
                 "of the plan and the workload [from the clock]");
  add_test_flags(app, flags.test);
  app.add_option("--plan", flags.command.plan_file, "run the schedule of this plan.json");
  app.add_option("-o,--store", flags.command.store, "folder for the results [store]");
  app.add_option("--junit", flags.command.junit_file, "write a copy of junit.xml there");
  app.add_flag("--shrink,!--no-shrink", flags.command.shrink,
               "look for the smallest plan that fails as well, in a deterministic world [yes, but "
               "not of a --plan]");
  app.add_flag("--dry-run", flags.command.dry_run, "print the whole plan and do nothing");
  app.add_option("--keep", flags.keep, "which run directories stay: all, failures, none [all]")
      ->check(CLI::IsMember({"all", "failures", "none"}));
  app.add_option_function<std::string>(
         "--store-limit",
         [&flags](const std::string& text) { flags.command.store_limit = parse_bytes(text); },
         "prune old runs above this, valid ones first [5GB]")
      ->type_name("SIZE");
}

RunCommand finish_run(const RunFlags& flags, const CLI::App& app, const Names& names) {
  RunCommand command = flags.command;
  // A plan says everything about the test; a flag beside it would silently lose.
  if (!command.plan_file.empty()) {
    refuse_others(app,
                  {"help", "plan", "store", "junit", "dry-run", "keep", "color", "format", "quiet",
                   "store-limit", "config", "shrink"},
                  "cannot stand beside --plan; change the plan's \"test\" instead");
  }
  command.spec = finish_test(flags.test, names);
  command.seed_given = app.count("--seed") > 0;
  if (!command.plan_file.empty() && app.count("--shrink") == 0) command.shrink = false;
  command.keep = flags.keep == "all"        ? Keep::kAll
                 : flags.keep == "failures" ? Keep::kFailures
                                            : Keep::kNone;
  return command;
}

bool use_colour(const std::string& choice) {
  if (choice == "always") return true;
  if (choice == "never") return false;
  return ::isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr &&
         std::getenv("CI") == nullptr;
}

/// An unknown word where a subcommand should stand gets a suggestion.
std::optional<std::string> misspelt_command(const CLI::App& app,
                                            const std::vector<std::string>& args) {
  std::vector<std::string> known;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    known.push_back(sub->get_name());
  known.emplace_back("test");
  for (const std::string& arg : args) {
    if (arg.empty() || arg[0] == '-') continue;
    if (std::find(known.begin(), known.end(), arg) != known.end()) return std::nullopt;
    const auto near = nearest(arg, known);
    return "unknown command '" + arg + "'" + (near ? "; did you mean '" + *near + "'?" : "");
  }
  return std::nullopt;
}

std::string suggest_flag(const CLI::App& app, const std::string& text) {
  const std::size_t at = text.find("--");
  if (at == std::string::npos) return text;
  const std::string flag = text.substr(at, text.find_first_of(" =:", at) - at);
  std::vector<std::string> known;
  for (const CLI::App* sub : app.get_subcommands()) {
    for (const CLI::Option* option : sub->get_options()) {
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    }
  }
  const auto near = nearest(flag, known);
  return near && *near != flag ? text + "; did you mean " + *near + "?" : text;
}

Message message_of(const CLI::ParseError& e, const CLI::App& app,
                   const std::vector<std::string>& args) {
  if (const auto text = misspelt_command(app, args)) {
    return Message{"whitewater: " + *text + "\n", kExitUsage};
  }
  if (args.empty()) return Message{app.help(), kExitUsage};
  return Message{
      "whitewater: " + suggest_flag(app, e.what()) + "\n  see ./whitewater" +
          (app.get_subcommands().empty() ? "" : " " + app.get_subcommands()[0]->get_name()) +
          " --help\n",
      kExitUsage};
}

}  // namespace

CLI::Option* add_duration(CLI::App& app, const std::string& flags, Duration& target,
                          const std::string& help) {
  return app
      .add_option_function<std::string>(
          flags,
          [&target, flags](const std::string& text) {
            auto parsed = run::parse_duration(text);
            if (!parsed) throw CLI::ValidationError(flags, parsed.error().message);
            target = *parsed;
          },
          help + " [" + run::format_duration(target) + "]")
      ->type_name("TIME");
}

void add_test_flags(CLI::App& app, TestFlags& flags) {
  run::TestSpec& spec = flags.spec;
  app.add_option("-n,--nodes", spec.nodes, "nodes of the cluster [5]");
  app.add_option("--spares", spec.spares, "nodes that are no members at first [0]");
  app.add_option("--membership", spec.membership,
                 "how members change: joint consensus, or single: one voter at a time [joint]");
  app.add_option("-w,--workload", spec.workload, "what the clients do [register]");
  app.add_option("--faults", spec.faults, "kinds, comma-separated; all or none [all]")
      ->delimiter(',');
  app.add_option("--world", spec.world, "where the nodes run [" + spec.world + "]");
  app.add_option("--bug", spec.bugs, "plant a known bug (see list bugs); may be repeated")
      ->delimiter(',');
  add_duration(app, "--time-limit", spec.time_limit, "length of the torture");
  add_duration(app, "--recovery-limit", spec.recovery_limit, "from the last heal to convergence");
  app.add_option_function<std::string>(
         "--nemesis-interval", [&spec](const std::string& text) { parse_interval(text, spec); },
         "time between two faults [2s-5s]")
      ->type_name("LOW-HIGH");
  add_duration(app, "--nemesis-interval-min", spec.interval_low, "the same, its lower end");
  add_duration(app, "--nemesis-interval-max", spec.interval_high, "the same, its upper end");
  app.add_option_function<std::string>(
         "--concurrency",
         [&flags](const std::string& text) {
           parse_concurrency(text, flags.spec, flags.workers_per_node, flags.workers);
         },
         "client workers, 3n for three a node [3n]")
      ->type_name("COUNT");
  app.add_option("-r,--rate", spec.rate, "ops/s in all; 0: a closed loop [1000]");
  add_duration(app, "--op-timeout", spec.op_timeout, "of one operation");
  app.add_flag("--small-domain", spec.small_domain,
               "values 0..4, as Jepsen's, instead of unique ones");
  app.add_option("--follow-one-in", spec.follow_one_in,
                 "every so-manieth worker follows redirects and retries; 0: none [3]");
  app.add_option("--log-read-percent", spec.log_read_percent,
                 "of the reads that go through the log [20]");
  add_duration(app, "--election-timeout", spec.election_timeout,
               "T; nodes draw theirs from [T, 2T]");
  add_duration(app, "--heartbeat-interval", spec.heartbeat_interval, "of the leader");
  app.add_option("--reads", spec.reads,
                 "how reads that are not logged are served: index or lease [index]");
  app.add_option("--lease-drift", spec.lease_drift,
                 "no clock outruns another by more, in a hundred: the leases' bound [10]");
  app.add_option(
      "--drift", spec.drift,
      "with leases: bounded keeps the clocks within their bound, any does not [bounded]");
  app.add_flag("--follower-reads", spec.follower_reads, "followers serve such reads too");
  app.add_option("--batching", spec.batching,
                 "off: nodes make a write and an append for each command [on]");
  app.add_option("--pipelining", spec.pipelining,
                 "off: nodes send a peer one append with entries at a time [on]");
  app.add_option("--segment-bytes", spec.segment_bytes, "of the nodes' log files [65536]");
  app.add_option("--session-entries", spec.session_entries,
                 "a client's session expires after so many entries without a command of it; 0: "
                 "never [1000000]");
  app.add_option("--watch-entries", spec.watch_entries,
                 "entries of the log over which a watch of keys can go back [4096]");
  app.add_option("--snapshot-entries", spec.snapshot_entries,
                 "nodes take a snapshot after so many entries; 0: whatever their number [1000]");
  app.add_option(
      "--snapshot-bytes", spec.snapshot_bytes,
      "nodes take a snapshot after so many bytes of entries; 0: whatever their size [0]");
  add_duration(app, "--snapshot-interval", spec.snapshot_interval,
               "nodes take a snapshot so long after the last; 0s: never for that");
  app.add_option("--snapshot-trailing", spec.snapshot_trailing,
                 "entries that nodes keep in front of a snapshot [64]");
  app.add_option("--snapshot-piece", spec.snapshot_piece,
                 "bytes of a snapshot in one message between nodes [65536]");
  app.add_option("--heal", spec.heal, "who recovers at the end: all, or a quorum [all]");
  add_duration(app, "--cut", spec.cut, "end the run here, without recovery; 0s: never");
  app.add_option("--max-events", spec.max_events,
                 "of a deterministic run; more is a livelock [20000000]");
  app.add_flag("--ignore-traces", spec.ignore_traces, "judge by the clients' history alone");
  app.add_option("--address", spec.address, "loopback prefix such as 127.11.7 [a free one]");
}

run::TestSpec finish_test(const TestFlags& flags, const Names& names) {
  run::TestSpec spec = flags.spec;
  if (flags.workers_per_node) spec.concurrency = flags.workers * spec.nodes;
  if (auto known = check_names(spec, names); !known) throw UsageError{known.error().message};
  if (auto valid = run::validate(spec); !valid) throw UsageError{valid.error().message};
  return spec;
}

void refuse_others(const CLI::App& app, const std::vector<std::string>& harmless,
                   const std::string& reason) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty() || option->count() == 0) continue;
    const std::string& name = option->get_lnames().front();
    if (std::find(harmless.begin(), harmless.end(), name) != harmless.end()) continue;
    throw UsageError{"--" + name + " " + reason};
  }
}

Result<void> check_names(const run::TestSpec& spec, const Names& names) {
  if (auto known = check_name("world", spec.world, names.worlds); !known) return known;
  if (auto known = check_name("workload", spec.workload, names.workloads); !known) return known;
  for (const std::string& fault : spec.faults) {
    if (auto known = check_name("fault", fault, names.faults); !known) return known;
  }
  for (const std::string& bug : spec.bugs) {
    if (auto known = check_name("bug", bug, names.bugs); !known) return known;
  }
  return {};
}

std::variant<Parsed, Message> parse(int argc, const char* const* argv, const Names& names) {
  CLI::App app(
      "Whitewater puts a Raft through the rapids: it starts real nodes, injects faults under "
      "client load, and judges what they did.",
      "./whitewater");
  app.footer(kTopFooter);
  app.require_subcommand(1);
  app.set_version_flag("--version", kVersionText);
  Common common;
  std::string format = "human";
  std::string colour = "auto";

  RunFlags run_flags;
  CLI::App& run_app =
      *app.add_subcommand("run", "one test: cluster, workload, faults, checks, report");
  run_app.footer(kRunFooter);
  add_common(run_app, common, format, colour);
  add_run_flags(run_app, run_flags);

  CampaignFlags campaign_flags;
  CLI::App& campaign_app = add_campaign(app, campaign_flags);
  add_common(campaign_app, common, format, colour);

  MergeCommand merge;
  CLI::App& merge_app = add_merge(app, merge);
  add_common(merge_app, common, format, colour);

  ReplayFlags replay_flags;
  CLI::App& replay_app = add_replay(app, replay_flags);
  add_common(replay_app, common, format, colour);
  ShrinkCommand shrink;
  CLI::App& shrink_app = add_shrink(app, shrink);
  add_common(shrink_app, common, format, colour);

  BenchFlags bench;
  CLI::App& bench_app = add_bench(app, bench);
  add_common(bench_app, common, format, colour);
  CompareCommand compare;
  CLI::App& compare_app = add_compare(app, compare);
  add_common(compare_app, common, format, colour);

  CheckCommand check;
  CLI::App& check_app = *app.add_subcommand("check", "the checkers alone, on a recorded history");
  check_app.footer(
      "Examples:\n  ./whitewater check store/latest/history.jsonl\n"
      "  ./whitewater check etcd_002.log      Jepsen's and Porcupine's formats are recognised");
  add_common(check_app, common, format, colour);
  check_app
      .add_option("HISTORY", check.history, "history.jsonl, a Jepsen log or EDN, a Porcupine log")
      ->required();

  ReportCommand report;
  CLI::App& report_app = *app.add_subcommand("report", "render a run's report again");
  report_app.footer("Examples:\n  ./whitewater report store/latest");
  add_common(report_app, common, format, colour);
  report_app.add_option("RUN", report.run, "a run directory")->required();

  ListCommand list;
  CLI::App& list_app = *app.add_subcommand("list", "workloads, faults, checkers, bugs, worlds");
  add_common(list_app, common, format, colour);
  list_app.add_option("WHAT", list.what, "only one of these")
      ->check(CLI::IsMember({"workloads", "faults", "checkers", "bugs", "worlds"}));

  CLI::App& doctor_app =
      *app.add_subcommand("doctor", "what this machine can inject, one fix line each");
  add_common(doctor_app, common, format, colour);

  std::vector<std::string> args(argv + 1, argv + argc);
  try {
    args = with_defaults(app, std::move(args));
    std::vector<std::string> reversed(args.rbegin(), args.rend());
    app.parse(reversed);
    common.format = format == "json" ? Format::kJson : Format::kHuman;
    common.colour = use_colour(colour);
    if (run_app.parsed()) return Parsed{common, finish_run(run_flags, run_app, names)};
    if (campaign_app.parsed()) {
      return Parsed{common, finish_campaign(campaign_flags, campaign_app, names)};
    }
    if (merge_app.parsed()) return Parsed{common, merge};
    if (replay_app.parsed()) return Parsed{common, finish_replay(replay_flags, replay_app, names)};
    if (shrink_app.parsed()) return Parsed{common, shrink};
    if (bench_app.parsed()) return Parsed{common, finish_bench(bench, bench_app)};
    if (compare_app.parsed()) return Parsed{common, compare};
    if (check_app.parsed()) return Parsed{common, check};
    if (report_app.parsed()) return Parsed{common, report};
    if (list_app.parsed()) return Parsed{common, list};
    return Parsed{common, DoctorCommand{}};
  } catch (const CLI::CallForHelp&) {
    const auto subs = app.get_subcommands();
    return Message{subs.empty() ? app.help() : subs.front()->help(), kExitValid};
  } catch (const CLI::CallForVersion&) {
    return Message{std::string(kVersionText) + "\n", kExitValid};
  } catch (const CLI::ParseError& e) {
    return message_of(e, app, args);
  } catch (const UsageError& e) {
    return Message{"whitewater: " + e.text + "\n", kExitUsage};
  }
}

}  // namespace ww::cli
