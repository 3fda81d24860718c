// Campaigns carried out by worker processes in a made-up world.
#include "controller/campaign/runner.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "controller/campaign/pool.hpp"
#include "controller/cli/exit_codes.hpp"
#include "tests/support/program.hpp"
#include "tests/unit/campaign_samples.hpp"

using namespace ww;
using namespace ww::campaign;
namespace fs = std::filesystem;

namespace {

int every_fifth_fails(std::uint64_t seed) {
  return seed % 5 == 0 ? cli::kExitInvalid : cli::kExitValid;
}
int all_valid(std::uint64_t) {
  return cli::kExitValid;
}
int ninth_aborts(std::uint64_t seed) {
  WW_ASSERT(seed != 9, "the ninth seed is a bad one");
  return cli::kExitValid;
}

struct Ran {
  Campaign campaign;
  Finished finished;
  std::vector<Status> statuses;
};

/// Runs what `campaign` lacks of the request.
Ran carry_out(Campaign campaign, const Hooks& hooks, RunnerOptions options) {
  const test::TemporaryFolder folder;
  if (options.directory.empty()) options.directory = folder.path();
  campaign.identity = samples::identity();
  campaign.requests[options.request].insert(options.shard);
  campaign.sessions["s"] = Session{};
  Ran out;
  Callbacks callbacks;
  callbacks.on_progress = [&out](const Status& status) { out.statuses.push_back(status); };
  callbacks.save = [](const Campaign&) { return Result<void>(); };
  auto finished = run_campaign(campaign, "s", hooks, options, callbacks);
  REQUIRE(finished);
  out.finished = *finished;
  campaign.sessions.clear();
  out.campaign = std::move(campaign);
  return out;
}

RunnerOptions options_for(Request request, std::size_t workers) {
  RunnerOptions options;
  options.request = request;
  options.workers = workers;
  return options;
}

}  // namespace

TEST_CASE("the result is the same for any number of workers") {
  const Hooks hooks = samples::made_up_hooks(every_fifth_fails);
  const Ran one = carry_out({}, hooks, options_for({1, 60, 1}, 1));
  const Ran three = carry_out({}, hooks, options_for({1, 60, 1}, 3));
  CHECK(one.campaign == three.campaign);
  CHECK(one.campaign.seeds.size() == 60);
  REQUIRE(one.campaign.signatures.size() == 1);
  const auto& [text, signature] = *one.campaign.signatures.begin();
  CHECK(text == "ES: # and # both led term #");
  CHECK(signature.example.seed == 5);
  CHECK(count_signatures(one.campaign).at(text) == 12);
  // Every failure was run twice, and some others.
  for (const auto& [seed, result] : one.campaign.seeds) {
    if (seed % 5 == 0) CHECK(result.checks == kReplayed);
  }
  CHECK(one.statuses.back().done == 60);
}

TEST_CASE("fail-fast ends at the same seed for any number of workers") {
  const Hooks hooks = samples::made_up_hooks(every_fifth_fails);
  for (const std::size_t workers : {1, 2, 4}) {
    RunnerOptions options = options_for({2, 0, 1}, workers);
    options.fail_fast = true;
    const Ran ran = carry_out({}, hooks, options);
    CHECK(ran.finished.end == End::kFailFast);
    CHECK(ran.campaign.seeds.size() == 4);
    CHECK(ran.campaign.seeds.rbegin()->first == 5);
  }
}

TEST_CASE("a worker that dies costs its seed alone, and its last words are kept") {
  const Ran ran = carry_out({}, samples::made_up_hooks(ninth_aborts), options_for({1, 20, 1}, 2));
  CHECK(ran.finished.end == End::kDone);
  CHECK(ran.campaign.seeds.size() == 20);
  for (const auto& [seed, result] : ran.campaign.seeds) {
    INFO("seed " << seed);
    CHECK((result.verdict == Class::kCrash) == (seed == 9));
  }
  REQUIRE(ran.campaign.signatures.size() == 1);
  const Example& example = ran.campaign.signatures.begin()->second.example;
  CHECK(example.cause.find("killed by signal 6") == 0);
  CHECK(example.cause.find("the ninth seed is a bad one") != std::string::npos);
  CHECK(example.plan.find("\"whitewater.plan\"") != std::string::npos);
  CHECK(exit_code(ran.campaign) == cli::kExitNodeCrashed);
}

TEST_CASE("an exception in a worker is told with its text") {
  Hooks hooks = samples::made_up_hooks(all_valid);
  // The parent asks for the features of the seed too; there it must not throw.
  const pid_t parent = ::getpid();
  hooks.features = [parent](const run::PlanFile& plan) -> std::uint64_t {
    if (plan.test.seed == 3 && ::getpid() != parent) throw std::runtime_error("no such feature");
    return 1;
  };
  const Ran ran = carry_out({}, hooks, options_for({1, 4, 1}, 1));
  CHECK(ran.campaign.seeds.at(3).verdict == Class::kCrash);
  CHECK(ran.campaign.signatures.begin()->first.find("no such feature") != std::string::npos);
}

TEST_CASE("a seed that hangs is killed and told") {
  Hooks hooks = samples::made_up_hooks(all_valid);
  const Execute quick = hooks.world.execute;
  hooks.world.execute = [quick](const run::PlanFile& plan, const run::RunOptions& options) {
    while (plan.test.seed == 2) ::pause();
    return quick(plan, options);
  };
  RunnerOptions options = options_for({1, 5, 1}, 2);
  options.job_limit = milliseconds(300);
  const Ran ran = carry_out({}, hooks, options);
  CHECK(ran.campaign.seeds.size() == 5);
  CHECK(ran.campaign.seeds.at(2).signature.find("crash: hung") == 0);
}

TEST_CASE(
    "what a worker died of once is run again: of itself it differs, of the machine it is told") {
  const test::TemporaryFolder marks;
  Hooks hooks = samples::made_up_hooks(all_valid);
  const Execute steady = hooks.world.execute;
  hooks.world.execute = [steady, path = marks.path()](const run::PlanFile& plan,
                                                      const run::RunOptions& options) {
    const std::uint64_t seed = plan.test.seed;
    const std::string mark = path + "/" + std::to_string(seed);
    if ((seed == 3 || seed == 6) && !fs::exists(mark)) {
      std::ofstream(mark) << "died here";
      if (seed == 3) ::_exit(9);
      ::raise(SIGKILL);
    }
    return steady(plan, options);
  };
  const Ran ran = carry_out({}, hooks, options_for({1, 8, 1}, 2));
  CHECK(ran.campaign.seeds.size() == 8);
  CHECK(totals(ran.campaign).failures == 0);
  REQUIRE(ran.campaign.divergences.size() == 1);
  CHECK(ran.campaign.divergences.at("seed 3").find("a second one did not") != std::string::npos);
  REQUIRE(ran.finished.warnings.size() == 1);
  CHECK(ran.finished.warnings.front().find("seed 6 was run again") == 0);
}

TEST_CASE("a campaign that cannot be stored goes on, and says so at the end") {
  const test::TemporaryFolder folder;
  RunnerOptions options = options_for({1, 30, 1}, 2);
  options.directory = folder.path();
  options.save_every = {};
  Campaign campaign;
  campaign.identity = samples::identity();
  campaign.requests[options.request].insert(1);
  campaign.sessions["s"] = Session{};
  const Hooks hooks = samples::made_up_hooks(every_fifth_fails);
  int saves = 0;
  Callbacks callbacks;
  callbacks.save = [&saves](const Campaign&) -> Result<void> {
    if (++saves == 1) return {};
    return Error{ErrorCode::kNoSpace, true, "no space left"};
  };
  const auto finished = run_campaign(campaign, "s", hooks, options, callbacks);
  REQUIRE(finished);
  CHECK(finished->end == End::kEnvironment);
  CHECK(finished->reason == "no space left");
  CHECK(campaign.seeds.size() == 30);
  CHECK(exit_code(campaign) == cli::kExitInvalid);

  saves = 1;
  Campaign none = campaign;
  CHECK_FALSE(run_campaign(none, "s", hooks, options, callbacks));
}

TEST_CASE("a world that does not repeat itself is caught, seed and event named") {
  Hooks hooks = samples::made_up_hooks(all_valid);
  const Execute steady = hooks.world.execute;
  hooks.world.execute = [steady, runs = 0](const run::PlanFile& plan,
                                           const run::RunOptions& options) mutable {
    auto done = steady(plan, options);
    if (plan.test.seed == 7 && ++runs == 2) ++done->fingerprint.hash;
    return done;
  };
  hooks.divergence = [](const run::PlanFile&, const run::Fingerprint&, const World&,
                        const run::PlanFile&, const run::Fingerprint&,
                        const World&) { return std::string("event 42: this against that"); };
  RunnerOptions options = options_for({1, 12, 1}, 2);
  options.rates.replay_percent = 100;
  const Ran ran = carry_out({}, hooks, options);
  REQUIRE(ran.campaign.divergences.size() == 1);
  CHECK(ran.campaign.divergences.at("seed 7") ==
        "simulated against simulated: event 42: this against that");
  CHECK(exit_code(ran.campaign) == cli::kExitHarness);
  CHECK(totals(ran.campaign).replayed == 12);
}

TEST_CASE("the other world gets the plan as its own, and the sample is keyed by the seed") {
  Hooks hooks = samples::made_up_hooks(all_valid);
  const Execute same = hooks.world.execute;
  const auto world_that_errs_at = [same](std::uint64_t seed) {
    return World{"stepped",
                 [same, seed](const run::PlanFile& plan, const run::RunOptions& options) {
                   auto done = same(plan, options);
                   if (plan.test.world != "stepped" || plan.test.seed == seed) {
                     ++done->fingerprint.events;
                   }
                   return done;
                 }};
  };
  hooks.other = world_that_errs_at(0);
  RunnerOptions options = options_for({1, 200, 1}, 2);
  options.rates.cross_percent = 10;
  const Ran ran = carry_out({}, hooks, options);
  const std::uint64_t crossed = totals(ran.campaign).cross_world;
  CHECK(crossed > 5);
  CHECK(crossed < 50);
  CHECK(ran.campaign.divergences.empty());
  CHECK(carry_out({}, hooks, options).campaign == ran.campaign);
  const auto sampled =
      std::find_if(ran.campaign.seeds.begin(), ran.campaign.seeds.end(),
                   [](const auto& seed) { return (seed.second.checks & kCrossWorld) != 0; });
  REQUIRE(sampled != ran.campaign.seeds.end());
  hooks.other = world_that_errs_at(sampled->first);
  const Ran mismatched = carry_out({}, hooks, options);
  REQUIRE(mismatched.campaign.divergences.size() == 1);
  CHECK(mismatched.campaign.divergences.begin()->first == "seed " + std::to_string(sampled->first));
  // Without fingerprints nothing is compared, and nothing claims to have been.
  hooks.world.execute = [same](const run::PlanFile& plan, const run::RunOptions& o) {
    auto done = same(plan, o);
    done->fingerprint = {};
    return done;
  };
  const Ran blind = carry_out({}, hooks, options);
  CHECK(totals(blind.campaign).cross_world + totals(blind.campaign).replayed == 0);
}

TEST_CASE(
    "a resumed campaign runs only what is missing and ends as one that was never broken off") {
  const Hooks hooks = samples::made_up_hooks(every_fifth_fails);
  const Ran whole = carry_out({}, hooks, options_for({1, 40, 1}, 2));
  Campaign torn = whole.campaign;
  for (const std::uint64_t seed : {4, 5, 21}) torn.seeds.erase(seed);
  const Ran resumed = carry_out(torn, hooks, options_for({1, 40, 1}, 2));
  CHECK(resumed.campaign == whole.campaign);
  CHECK(resumed.statuses.back().ran == 3);
}

TEST_CASE("an interrupt lets the seeds in hand finish, and a second one does not") {
  Hooks hooks = samples::made_up_hooks(all_valid);
  const Execute quick = hooks.world.execute;
  const pid_t parent = ::getpid();
  // The tenth seed interrupts its campaign, once and twice.
  for (const bool twice : {false, true}) {
    hooks.world.execute = [quick, parent, twice](const run::PlanFile& plan,
                                                 const run::RunOptions& options) {
      if (plan.test.seed == 10) ::kill(parent, SIGINT);
      if (plan.test.seed == 10 && twice) {
        ::kill(parent, SIGTERM);
        while (true) ::pause();
      }
      return quick(plan, options);
    };
    const Ran ran = carry_out({}, hooks, options_for({1, 100'000, 1}, 2));
    CHECK(ran.finished.end == (twice ? End::kKilled : End::kInterrupted));
    // Two workers: when the tenth seed was handed out, eight had come back.
    CHECK(ran.campaign.seeds.size() >= (twice ? 8U : 10U));
    CHECK(ran.campaign.seeds.size() < 100'000);
    CHECK((ran.campaign.seeds.count(10) > 0) == !twice);
  }
}

TEST_CASE("failures leave a run directory each, and their plans are shrunk once a signature") {
  const test::TemporaryFolder folder;
  Hooks hooks = samples::made_up_hooks(every_fifth_fails);
  const std::string log = folder.path() + "/shrinks";
  hooks.shrink = [log](const run::PlanFile& plan) -> Result<Shrunk> {
    std::ofstream(log, std::ios::app) << plan.test.seed << "\n";
    return Shrunk{1, run::to_json(plan), {{"faults", "1"}}};
  };
  RunnerOptions options = options_for({1, 30, 1}, 2);
  options.directory = folder.path();
  const Ran ran = carry_out({}, hooks, options);
  const std::string signature = "ES: # and # both led term #";
  CHECK(test::slurp(log) == "5\n");
  REQUIRE(ran.campaign.signatures.at(signature).shrunk);
  CHECK(ran.campaign.signatures.at(signature).shrunk->facts.at(0).value == "1");
  for (const char* name : {"/report.html", "/results.json", "/plan.json", "/test.json"}) {
    CHECK(fs::exists(folder.path() + "/" + folder_of(signature) + name));
  }
  CHECK(ran.finished.warnings.empty());
  // What one worker said is of no use any more.
  CHECK_FALSE(fs::exists(folder.path() + "/worker-1.stderr"));
}

TEST_CASE("a corpus runs first, in the campaign's world, and a lost plan ends the campaign") {
  const test::TemporaryFolder folder;
  const auto plan_file = [&folder](const std::string& name, std::uint64_t seed) {
    run::PlanFile plan = *samples::made_up_hooks(all_valid).draw(seed);
    plan.test.world = "live";
    std::ofstream(folder.path() + "/" + name) << run::to_json(plan);
    return folder.path() + "/" + name;
  };
  RunnerOptions options = options_for({1, 3, 1}, 2);
  options.corpus = {plan_file("a.json", 5), plan_file("b.json", 6)};
  const Ran ran = carry_out({}, samples::made_up_hooks(every_fifth_fails), options);
  CHECK(ran.campaign.corpus.at(options.corpus[0]).result.verdict == Class::kInvalid);
  CHECK(ran.campaign.corpus.at(options.corpus[1]).result.verdict == Class::kValid);
  CHECK(ran.campaign.seeds.size() == 3);
  CHECK(exit_code(ran.campaign) == cli::kExitInvalid);

  options.corpus.push_back(folder.path() + "/lost.json");
  const Ran lost = carry_out({}, samples::made_up_hooks(all_valid), options);
  CHECK(lost.finished.end == End::kEnvironment);
  CHECK(lost.finished.reason.find("lost.json") != std::string::npos);
}

TEST_CASE("the last words of a process are those of its sanitizer or assertion") {
  CHECK(last_words("starting\nnode.cpp:7: assertion failed: x: y\nbye\n") ==
        "node.cpp:7: assertion failed: x: y");
  CHECK(last_words("==7==ERROR: AddressSanitizer: heap-use-after-free\n  #0 0x1\nSUMMARY: "
                   "AddressSanitizer: x\n") == "==7==ERROR: AddressSanitizer: heap-use-after-free");
  CHECK(last_words("one\ntwo\n") == "two");
  CHECK(last_words("").empty());
}
