#include "controller/cli/options.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

#include "controller/cli/exit_codes.hpp"
#include "tests/support/program.hpp"

using namespace ww;
using namespace ww::cli;

namespace {

const Names kNames = {
    {"live", "simulated"}, {"register"}, {"kill", "partition", "all", "none"}, {"local-read"}};

std::variant<Parsed, Message> parse_words(std::vector<const char*> words) {
  words.insert(words.begin(), "whitewater");
  return parse(static_cast<int>(words.size()), words.data(), kNames);
}

RunCommand run_of(const std::vector<const char*>& words) {
  const auto parsed = parse_words(words);
  if (const auto* message = std::get_if<Message>(&parsed)) FAIL(message->text);
  return std::get<RunCommand>(std::get<Parsed>(parsed).command);
}

std::string complaint_of(const std::vector<const char*>& words) {
  const auto parsed = parse_words(words);
  const auto* message = std::get_if<Message>(&parsed);
  REQUIRE(message != nullptr);
  CHECK(message->exit_code == kExitUsage);
  return message->text;
}

}  // namespace

TEST_CASE("a run without flags has the defaults of the documentation") {
  const RunCommand run = run_of({"run"});
  CHECK(run.spec == run::TestSpec{});
  CHECK_FALSE(run.seed_given);
  CHECK(run.store == "store");
}

TEST_CASE("flags are read: lists, intervals, workers by node, sizes") {
  const RunCommand run = run_of({"run", "-s", "9", "-n", "3", "--faults", "kill,partition",
                                 "--nemesis-interval", "1-2s", "--concurrency", "4n",
                                 "--store-limit", "500MB", "--keep", "failures", "-r", "0"});
  CHECK(run.seed_given);
  CHECK(run.spec.seed == 9);
  CHECK(run.spec.faults == std::vector<std::string>{"kill", "partition"});
  CHECK(run.spec.interval_low == seconds(1));
  CHECK(run.spec.interval_high == seconds(2));
  CHECK(run.spec.concurrency == 12);
  CHECK(run.store_limit == std::uint64_t{500} << 20);
  CHECK(run.keep == Keep::kFailures);
  CHECK(run.spec.rate == 0);
}

TEST_CASE("misspelt names and flags get a suggestion and exit 64") {
  CHECK(complaint_of({"rum"}).find("did you mean 'run'") != std::string::npos);
  CHECK(complaint_of({"run", "--faults", "kil"}).find("did you mean 'kill'") != std::string::npos);
  CHECK(complaint_of({"run", "--tme-limit", "4s"}).find("--time-limit") != std::string::npos);
  CHECK(complaint_of({"run", "--time-limit", "x"}).find("'x' is not a duration") !=
        std::string::npos);
}

TEST_CASE("a flag beats the environment, which beats the config file, which beats the default") {
  const test::TemporaryFolder folder;
  const std::string config = folder.path() + "/whitewater.ini";
  { std::ofstream(config) << "nodes=7\nrate=333\n"; }
  ::setenv("WHITEWATER_NODES", "3", 1);
  const RunCommand from_environment = run_of({"run", "--config", config.c_str()});
  CHECK(from_environment.spec.nodes == 3);
  CHECK(from_environment.spec.rate == 333);
  const RunCommand from_flag = run_of({"run", "--nodes", "1"});
  CHECK(from_flag.spec.nodes == 1);
  ::unsetenv("WHITEWATER_NODES");
  CHECK(run_of({"run", "--config", config.c_str()}).spec.nodes == 7);
}

TEST_CASE("an unknown never hides a failure when statuses are summed") {
  const int mixed[] = {kExitUnknown, kExitValid, kExitInvalid};
  CHECK(worst_exit(mixed) == kExitInvalid);
  const int milder[] = {kExitUnknown, kExitEnvironment, kExitNoRecovery};
  CHECK(worst_exit(milder) == kExitNoRecovery);
  const int good[] = {kExitValid, kExitValid};
  CHECK(worst_exit(good) == kExitValid);
}

TEST_CASE("help shows examples first-hand and exits 0") {
  const auto parsed = parse_words({"run", "--help"});
  const auto* message = std::get_if<Message>(&parsed);
  REQUIRE(message != nullptr);
  CHECK(message->exit_code == kExitValid);
  CHECK(message->text.find("Examples:") != std::string::npos);
}

TEST_CASE("replay takes a run directory or a seed, and the flags that belong to each") {
  const auto replay_of = [](const std::vector<const char*>& words) {
    const auto parsed = parse_words(words);
    if (const auto* message = std::get_if<Message>(&parsed)) FAIL(message->text);
    return std::get<ReplayCommand>(std::get<Parsed>(parsed).command);
  };
  const ReplayCommand run = replay_of({"replay", "store/latest", "--until-fail", "--slow", "10"});
  CHECK(run.run == "store/latest");
  CHECK(run.world.empty());
  CHECK(run.until_fail);
  CHECK(run.times == 10);
  CHECK_FALSE(run.times_given);
  CHECK(run.slow == 10);
  CHECK(replay_of({"replay", "r", "--world", "live"}).world == "live");

  const ReplayCommand seed = replay_of({"replay", "--seed", "7", "-n", "3"});
  CHECK(seed.run.empty());
  CHECK(seed.spec.seed == 7);
  CHECK(seed.spec.nodes == 3);
  CHECK(seed.spec.world == "simulated");

  const ReplayCommand node = replay_of({"replay", "r", "--node", "n2", "--at", "3.7", "--step"});
  CHECK(node.node == "n2");
  CHECK(node.at == "3.7");
  CHECK(node.step);

  struct Row {
    std::vector<const char*> words;
    const char* expected;
  };
  const Row rows[] = {{{"replay"}, "needs a run directory, or --seed"},
                      {{"replay", "r", "--seed", "1"}, "--seed cannot stand beside"},
                      {{"replay", "r", "--nodes", "3"}, "--nodes cannot stand beside"},
                      {{"replay", "r", "--at", "1.2"}, "--at needs --node"},
                      {{"replay", "--seed", "1", "--node", "n1"}, "--node needs a run directory"},
                      {{"replay", "r", "--node", "n1", "--count", "2"}, "--count needs --step"},
                      {{"replay", "r", "--slow", "0"}, "--slow"},
                      {{"replay", "r", "--times", "0"}, "--times"},
                      {{"replay", "r", "--world", "lvie"}, "did you mean 'live'"}};
  for (const Row& row : rows) {
    const std::string complaint = complaint_of(row.words);
    INFO(complaint);
    CHECK(complaint.find(row.expected) != std::string::npos);
  }
}

TEST_CASE("a benchmark's flags set every dimension, and --vary makes variants of them") {
  const auto parsed = parse_words({"bench",
                                   "--vary",
                                   "batching=on,off",
                                   "--vary",
                                   "clients=1,8",
                                   "-n",
                                   "5",
                                   "--fsync-floor",
                                   "2ms",
                                   "--read-share",
                                   "10",
                                   "--blocks",
                                   "3",
                                   "--duration",
                                   "2s",
                                   "--seed",
                                   "9",
                                   "--data",
                                   "/d",
                                   "--fail-if",
                                   "ratio<10",
                                   "--fail-if",
                                   "p99>5ms"});
  if (const auto* message = std::get_if<Message>(&parsed)) FAIL(message->text);
  const auto& bench = std::get<BenchCommand>(std::get<Parsed>(parsed).command);
  REQUIRE(bench.plan.variants.size() == 4);
  CHECK(bench.plan.variants[1].label == "batching=on clients=8");
  for (const auto& variant : bench.plan.variants) {
    CHECK(variant.settings.nodes == 5);
    CHECK(variant.settings.fsync_floor == milliseconds(2));
    CHECK(variant.settings.read_share == 10);
  }
  CHECK(bench.plan.blocks == 3);
  CHECK(bench.plan.duration == seconds(2));
  CHECK(bench.plan.warm_up == seconds(1));
  CHECK(bench.plan.seed == 9);
  CHECK(bench.plan.data == "/d");
  CHECK(bench.conditions.size() == 2);
}

TEST_CASE("a benchmark's fault, its times and what it must keep are read") {
  const auto parsed = parse_words({"bench", "--during-faults", "pause", "--fault-duration", "1s",
                                   "--recovery", "4s", "--attempt-timeout", "200ms", "--fail-if",
                                   "recovery>2s", "--fail-if", "unavailable>1s"});
  if (const auto* message = std::get_if<Message>(&parsed)) FAIL(message->text);
  const auto& bench = std::get<BenchCommand>(std::get<Parsed>(parsed).command);
  REQUIRE(bench.plan.fault);
  CHECK(bench.plan.fault->kind == bench::FaultKind::kPause);
  CHECK(bench.plan.fault->length == seconds(1));
  CHECK(bench.plan.fault->recovery == seconds(4));
  CHECK(bench.plan.fault->attempt_timeout == milliseconds(200));
  CHECK(bench.conditions.size() == 2);
  CHECK_FALSE(std::get<BenchCommand>(std::get<Parsed>(parse_words({"bench"})).command).plan.fault);
}

TEST_CASE("a benchmark that cannot be is a usage error that names the flag") {
  CHECK(complaint_of({"bench", "--vary", "batchin=on,off"}).find("batching") != std::string::npos);
  CHECK(complaint_of({"bench", "--clients", "0"}).find("clients") != std::string::npos);
  CHECK(complaint_of({"bench", "--duration", "1ms"}).find("--duration") != std::string::npos);
  CHECK(complaint_of({"bench", "--fail-if", "fast"}).find("ratio<10") != std::string::npos);
  const auto refused = [](std::vector<const char*> more, const char* why) {
    more.insert(more.begin(), "bench");
    INFO(more.back());
    CHECK(complaint_of(more).find(why) != std::string::npos);
  };
  refused({"--during-faults", "partition"}, "bypasses the proxies");
  refused({"--during-faults", "kil"}, "did you mean 'kill'");
  refused({"--during-faults", "kill-follower", "-n", "1"}, "two nodes");
  refused({"--during-faults", "kill", "--recovery", "2m"}, "--recovery: from 1s to 1m");
  refused({"--during-faults", "kill", "--fault-duration", "1ms"}, "--fault-duration: from 100ms");
  refused({"--fault-duration", "1s"}, "needs --during-faults");
  refused({"--fail-if", "recovery>2s"}, "needs --during-faults");
  CHECK(complaint_of({"compare", "one.json"}).find("AFTER") != std::string::npos);
}

TEST_CASE("shrink names a run, a budget, and where the result goes") {
  const auto parsed = parse_words({"shrink", "store/latest-failure", "--budget", "10m",
                                   "--executions", "500", "--causality", "-o", "elsewhere"});
  REQUIRE(std::holds_alternative<Parsed>(parsed));
  const auto& command = std::get<ShrinkCommand>(std::get<Parsed>(parsed).command);
  CHECK(command.run == "store/latest-failure");
  CHECK(command.budget == seconds(600));
  CHECK(command.executions == 500);
  CHECK(command.causality);
  CHECK(command.store == "elsewhere");
  CHECK(complaint_of({"shrink"}).find("RUN") != std::string::npos);
  CHECK(complaint_of({"shrink", "x", "--executions", "0"}).find("--executions") !=
        std::string::npos);
  CHECK(complaint_of({"shrink", "x", "--budget", "soon"}).find("--budget") != std::string::npos);
}

TEST_CASE("runs of a seed are shrunk unless told otherwise, runs of a plan the other way round") {
  CHECK(run_of({"run"}).shrink);
  CHECK_FALSE(run_of({"run", "--no-shrink"}).shrink);
  CHECK_FALSE(run_of({"run", "--plan", "plan.json"}).shrink);
  CHECK(run_of({"run", "--plan", "plan.json", "--shrink"}).shrink);
}
