// Replaying: rates, slow motion, stored fingerprints, and what is said when two runs differ.
#include "controller/run/replay.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>

#include "base/rng.hpp"
#include "controller/cli/exit_codes.hpp"
#include "controller/run/rate.hpp"
#include "controller/run/repetition.hpp"
#include "controller/run/signature.hpp"
#include "controller/run/slow.hpp"
#include "controller/run/version.hpp"
#include "controller/worlds/registry.hpp"
#include "tests/support/program.hpp"

namespace {

using namespace ww;
using namespace ww::run;

// A made-up world: so many events, one of which may be another.
struct MadeUp {
  std::uint64_t events = 6000;
  std::uint64_t odd = UINT64_MAX;  // this event is another one
  std::uint64_t oddness = 0;
  int runs = 0;

  FinishedRun operator()(const RunOptions& options) {
    ++runs;
    Recorder recorder(options.window);
    std::ofstream trace;
    if (!options.run_directory.empty()) trace.open(options.run_directory + "/trace.jsonl");
    for (std::uint64_t i = 0; i < events; ++i) {
      const std::uint64_t digest = mix64(i) + (i == odd ? 1 + oddness : 0);
      recorder.add_digest(NodeId{1}, instant_at(static_cast<std::int64_t>(i)), digest);
      if (trace.is_open()) trace << "event " << i << ": " << digest << "\n";
    }
    FinishedRun out;
    out.stop_at_violation = options.stop_at_violation;
    out.fingerprint = recorder.finish();
    return out;
  }
};

Repeat repeat_of(MadeUp& world) {
  return [&world](const RunOptions& options) -> Result<FinishedRun> { return world(options); };
}

StoredFingerprint stored_of(MadeUp world) {
  RunOptions options;
  options.fingerprint = true;
  return stored_fingerprint(world(options));
}

PlanFile short_plan() {
  PlanFile plan;
  plan.test.world = "simulated";
  plan.test.seed = 11;
  plan.test.nodes = 3;
  plan.test.time_limit = seconds(8);
  plan.test.interval_low = milliseconds(300);
  plan.test.interval_high = milliseconds(700);
  plan.test.rate = 200;
  plan.faults = *plan_for(plan.test);
  return plan;
}

}  // namespace

TEST_CASE("the interval of a rate is Wilson's") {
  struct Row {
    std::uint64_t hits;
    std::uint64_t trials;
    double low;
    double high;
  };
  // Bounds as published for the score interval without continuity correction (Newcombe 1998,
  // table I, method 3, among them).
  const Row rows[] = {{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605},
                      {0, 20, 0.0000, 0.1611},   {1, 29, 0.0061, 0.1718},
                      {7, 10, 0.3968, 0.8922},   {10, 10, 0.7225, 1.0000},
                      {0, 0, 0.0000, 1.0000}};
  for (const Row& row : rows) {
    INFO(row.hits << " of " << row.trials);
    const Interval interval = wilson95(row.hits, row.trials);
    CHECK(std::abs(interval.low - row.low) < 0.00006);
    CHECK(std::abs(interval.high - row.high) < 0.00006);
  }
  CHECK(describe_rate(7, 10) == "7 of 10, 95 % interval 40-89 %");
  CHECK(describe_rate(0, 10) == "0 of 10, 95 % interval 0-28 %");
}

TEST_CASE("in slow motion everything that takes time by design takes longer, and nothing else") {
  PlanFile plan;
  plan.test.cut = seconds(3);
  plan.faults.nodes = plan.test.nodes;
  plan.faults.time_limit = plan.test.time_limit;
  faults::FaultSpec late;
  late.id = "f1";
  late.kind = "packet";
  late.shape = "delay";
  late.target = faults::Target::kAll;
  late.at = Instant{} + milliseconds(1500);
  late.duration = seconds(2);
  late.params["delay_ms"] = 20;
  plan.faults.faults = {late};
  plan.ops = workloads::Script{{milliseconds(7), 0, 1, {}}};
  Delivery held;
  held.delay = milliseconds(4);
  plan.network.deliveries = {held, Delivery{}};
  plan.network.redraw = Redraw{Instant{} + seconds(1), 5};

  const auto slow = slowed(plan, 10);
  REQUIRE(slow);
  CHECK(slow->test.time_limit == seconds(400));
  CHECK(slow->test.recovery_limit == seconds(100));
  CHECK(slow->test.interval_low == seconds(20));
  CHECK(slow->test.interval_high == seconds(50));
  CHECK(slow->test.op_timeout == seconds(10));
  CHECK(slow->test.election_timeout == seconds(3));
  CHECK(slow->test.heartbeat_interval == milliseconds(500));
  CHECK(slow->test.cut == seconds(30));
  CHECK(slow->test.rate == 100);
  CHECK(slow->faults.time_limit == seconds(400));
  const faults::FaultSpec& fault = slow->faults.faults.at(0);
  CHECK(fault.at == Instant{} + seconds(15));
  CHECK(fault.duration == seconds(20));
  CHECK(fault.params.at("delay_ms") == 200);
  // What the plan leaves to the registry is slowed too.
  CHECK(fault.params.at("jitter_ms") == 100);
  CHECK(fault.params.count("clients") == 0);
  CHECK(slow->ops->at(0).at == milliseconds(70));
  CHECK(slow->network.deliveries.at(0).delay == Duration(milliseconds(40)));
  CHECK_FALSE(slow->network.deliveries.at(1).delay);
  CHECK(slow->network.redraw->after == Instant{} + seconds(10));
  CHECK(slow->network.redraw->seed == 5);

  PlanFile other = *slow;
  other.test.seed = plan.test.seed;
  CHECK(other.test.nodes == plan.test.nodes);
  CHECK(other.test.segment_bytes == plan.test.segment_bytes);
  CHECK(*slowed(plan, 1) == plan);
  plan.test.rate = 0;
  CHECK(slowed(plan, 10)->test.rate == 0);
  plan.test.rate = 3;
  CHECK(slowed(plan, 10)->test.rate == 1);
}

TEST_CASE("a plan that cannot be slowed so much says what stands in the way") {
  PlanFile plan = short_plan();
  faults::FaultSpec late;
  late.id = "f1";
  late.kind = "packet";
  late.shape = "delay";
  late.target = faults::Target::kAll;
  late.duration = seconds(1);
  late.params["delay_ms"] = 9'000;
  plan.faults.faults = {late};
  const auto bounded = slowed(plan, 100);
  REQUIRE_FALSE(bounded);
  CHECK(bounded.error().code == ErrorCode::kUsage);
  CHECK(bounded.error().message.find("slowed 100 times") == 0);
  CHECK(bounded.error().message.find("delay_ms") != std::string::npos);
  plan.test.time_limit = std::chrono::hours(24 * 365);
  CHECK(slowed(plan, 1000).error().message.find("month") != std::string::npos);
}

TEST_CASE("repetitions are counted by signature, up to a number, a failure or an interrupt") {
  const std::vector<Attempt> attempts = {{0, "", ""},
                                         {1, "LIN: #", "a"},
                                         {2, "vacuous", "b"},
                                         {1, "LIN: #", "c"},
                                         {130, "x", "d", true}};
  std::size_t next = 0;
  std::vector<std::uint32_t> told;
  const auto once = [&]() -> Result<Attempt> { return attempts.at(next++); };
  const auto seen = [&](const Repetition& so_far, const Attempt&) { told.push_back(so_far.same); };
  const auto run_with = [&](RepetitionOptions options) {
    next = 0;
    told.clear();
    auto out = repeat(options, once, seen);
    REQUIRE(out);
    return *out;
  };

  const Repetition four = run_with({.times = 4, .until_fail = false, .signature = "LIN: #"});
  CHECK(four.runs == 4);
  CHECK(four.same == 2);
  CHECK(four.others == 1);
  CHECK_FALSE(four.interrupted);
  CHECK(four.exit_codes == std::vector<int>{0, 1, 2, 1});
  CHECK(told == std::vector<std::uint32_t>{0, 1, 1, 2});

  const Repetition any = run_with({.times = 4, .until_fail = false, .signature = ""});
  CHECK(any.same == 3);
  CHECK(any.others == 0);

  const Repetition first = run_with({.times = 0, .until_fail = true, .signature = "vacuous"});
  CHECK(first.runs == 3);
  CHECK(first.same == 1);

  const Repetition cut = run_with({.times = 100, .until_fail = false, .signature = "LIN: #"});
  CHECK(cut.interrupted);
  CHECK(cut.runs == 4);

  const auto broken = repeat(
      {.times = 2, .until_fail = false, .signature = ""},
      []() -> Result<Attempt> {
        return Error{ErrorCode::kEnvironment, true, "no port"};
      },
      seen);
  CHECK_FALSE(broken);
}

TEST_CASE("what kept a run from being one ends the repetition, and what was measured stays") {
  const auto seen = [](const Repetition&, const Attempt&) {};
  const std::vector<Result<Attempt>> attempts = {
      Attempt{1, "LIN: no order", "a"}, Attempt{0, "", ""},
      Error{ErrorCode::kNoSpace, true, "no space left for the history"}};
  std::size_t next = 0;
  const auto full = repeat(
      {.times = 9, .until_fail = false, .signature = ""}, [&] { return attempts.at(next++); },
      seen);
  REQUIRE(full);
  CHECK(full->runs == 2);
  CHECK(full->same == 1);
  CHECK(full->broken_off == "no space left for the history");
  CHECK(cli::worst_exit(full->exit_codes) == cli::kExitInvalid);

  Attempt lacking{cli::kExitEnvironment, "", "b"};
  lacking.judged = false;
  lacking.cause = "no port";
  std::vector<Attempt> then = {Attempt{0, "", ""}, lacking};
  next = 0;
  const auto ended = repeat(
      {.times = 9, .until_fail = false, .signature = ""},
      [&]() -> Result<Attempt> { return then.at(next++); }, seen);
  REQUIRE(ended);
  CHECK(ended->runs == 1);
  CHECK(ended->same + ended->others == 0);
  CHECK(ended->broken_off == "no port");
}

namespace {

CheckResult broken(const std::string& checker, const std::string& property,
                   const std::string& summary, std::int64_t time) {
  CheckResult check;
  check.checker = checker;
  check.verdict = Verdict::kInvalid;
  Violation violation;
  violation.property = property;
  violation.summary = summary;
  violation.time = time;
  check.violations = {violation};
  check.violation_count = 1;
  return check;
}

}  // namespace

TEST_CASE("a failure is named by the rule broken first, and by its clients only for want of one") {
  reports::RunReport report;
  report.exit_code = cli::kExitInvalid;
  report.checks = {broken("crash", "Crash", "n1 stopped", 0),
                   broken("liveness", "Live", "no leader after 10 s", 1),
                   broken("linearizable", "LIN", "key 3: process 4 read 7", 2)};
  report.checks.back().violations.front().kind = "a state that was over";
  CHECK(run::signature_of(report) == "LIN: a state that was over");
  report.checks.push_back(broken("Vote1", "Vote1", "n2 voted twice in term 12", 90));
  CHECK(run::signature_of(report) == "Vote1: # voted twice in term #");
  report.checks.push_back(broken("ES", "ES", "n2 and n5 both led term 13", 80));
  CHECK(run::signature_of(report) == "ES: # and # both led term #");
  CHECK(run::violation_of(report)->time == 80);

  report.exit_code = cli::kExitNoRecovery;
  report.outcome = "no recovery";
  report.cause = "n4 did not serve within 10 s";
  CHECK(run::signature_of(report) == "no recovery: # did not serve within # s");
  CHECK(run::violation_of(report) == nullptr);
  report.exit_code = cli::kExitValid;
  CHECK(run::signature_of(report).empty());
}

TEST_CASE("a run in which too little happened is vacuous, one that a checker gave up on is not") {
  const auto undecided = [](const std::string& checker) {
    CheckResult check;
    check.checker = checker;
    check.verdict = Verdict::kUnknown;
    check.evaluated = 1;
    return check;
  };
  reports::RunReport report;
  report.exit_code = cli::kExitUnknown;
  report.checks = {undecided("statistics")};
  CHECK(run::is_only_vacuous(report));
  report.checks.push_back(undecided("vacuity"));
  CHECK(run::is_only_vacuous(report));
  report.checks.push_back(undecided("linearizable"));
  CHECK_FALSE(run::is_only_vacuous(report));
  report.checks.clear();
  CHECK_FALSE(run::is_only_vacuous(report));
}

TEST_CASE("a fingerprint is stored and read back, and a wrong file is told by its key") {
  StoredFingerprint stored = stored_of({});
  stored.world = "stepped";
  stored.stop_at_violation = true;
  const std::string text = to_json(stored);
  const auto back = parse_fingerprint(text, "f.json");
  REQUIRE(back);
  CHECK(back->print == stored.print);
  CHECK(back->print.checkpoints == stored.print.checkpoints);
  CHECK(back->print.checkpoints.size() == 5);
  CHECK(back->world == "stepped");
  CHECK(back->stop_at_violation);
  CHECK(back->commit == commit());

  struct Row {
    const char* from;
    const char* to;
    const char* expected;
  };
  const Row rows[] = {{"whitewater.fingerprint", "whitewater.plan", "schema"},
                      {"\"hash\": \"", "\"hash\": \"x", "\"hash\""},
                      {"\"events\": 6000", "\"events\": -1", "\"events\""},
                      {"\"world\": \"stepped\"", "\"world\": 7", "\"world\""},
                      {"\"stop_at_violation\": true", "\"stop\": true", "\"stop_at_violation\""},
                      {"\"checkpoint_every\": 1024", "\"checkpoint_every\": 7", "1024"},
                      {"\"checkpoints\": [", "\"checkpoints\": [12, ", "\"checkpoints\""},
                      {"{", "[", "JSON"}};
  for (const Row& row : rows) {
    std::string wrong = text;
    const std::size_t at = wrong.find(row.from);
    INFO(row.from);
    REQUIRE(at != std::string::npos);
    wrong.replace(at, std::string(row.from).size(), row.to);
    const auto refused = parse_fingerprint(wrong, "f.json");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("f.json") == 0);
    CHECK(refused.error().message.find(row.expected) != std::string::npos);
  }
}

TEST_CASE("a run that is the same again takes one run") {
  MadeUp world;
  const auto replayed = replay_against(stored_of({}), "", repeat_of(world), nullptr);
  REQUIRE(replayed);
  CHECK(replayed->same);
  CHECK(replayed->difference.empty());
  CHECK(world.runs == 1);
}

TEST_CASE("a run that was ended by its violation is replayed to there") {
  StoredFingerprint stored = stored_of({});
  stored.stop_at_violation = true;
  MadeUp world;
  const auto replayed = replay_against(stored, "", repeat_of(world), nullptr);
  REQUIRE(replayed);
  CHECK(replayed->run.stop_at_violation);
}

TEST_CASE("where two worlds part the first event that differs is told as both have it") {
  MadeUp home;
  MadeUp away{.odd = 4321};
  const Repeat there = repeat_of(home);
  const auto replayed = replay_against(stored_of({}), "", repeat_of(away), &there);
  REQUIRE(replayed);
  CHECK_FALSE(replayed->same);
  CHECK(replayed->difference.find("event 4321 is the first that differs") != std::string::npos);
  CHECK(replayed->difference.find(hex(mix64(4321))) != std::string::npos);
  CHECK(replayed->difference.find(hex(mix64(4321) + 1)) != std::string::npos);
}

TEST_CASE("a world that does not repeat itself is found out, with the event") {
  MadeUp moody{.odd = 2500};
  const Repeat repeat = [&moody](const RunOptions& options) -> Result<FinishedRun> {
    ++moody.oddness;
    return moody(options);
  };
  const auto twice = replay_twice(repeat, repeat);
  REQUIRE(twice);
  CHECK_FALSE(twice->same);
  CHECK(twice->difference.find("does not repeat itself") != std::string::npos);
  CHECK(twice->difference.find("event 2500 is the first that differs") != std::string::npos);
  const auto against = replay_against(stored_of({}), "", repeat, nullptr);
  REQUIRE(against);
  CHECK_FALSE(against->same);
  CHECK(against->difference.find("event 2500 is the first that differs") != std::string::npos);
}

TEST_CASE(
    "a run that was another one then is held against its files, else against its checkpoints") {
  const MadeUp then{.odd = 3000};
  const test::TemporaryFolder folder;
  RunOptions options;
  options.run_directory = folder.path();
  MadeUp writer = then;
  writer(options);
  MadeUp world;
  const auto with_files = replay_against(stored_of(then), folder.path(), repeat_of(world), nullptr);
  REQUIRE(with_files);
  CHECK_FALSE(with_files->same);
  CHECK(with_files->difference.find("line 3001 of trace.jsonl is the first that differs") == 0);
  CHECK(with_files->difference.find("then   event 3000: ") != std::string::npos);

  const auto without = replay_against(stored_of(then), "/nowhere", repeat_of(world), nullptr);
  REQUIRE(without);
  CHECK(without->difference.find("among those from 2048 to 3071") != std::string::npos);
}

TEST_CASE("a simulated run's stored plan is the same run again, also stopped at its violation") {
  const worlds::WorldInfo& world = *worlds::find_world("simulated");
  PlanFile plan = short_plan();
  for (const bool buggy : {false, true}) {
    if (buggy) plan.test.bugs = {"ack-before-fsync"};
    RunOptions options;
    options.fingerprint = true;
    options.stop_at_violation = buggy;
    const auto first = world.execute(plan, options);
    REQUIRE(first);
    // As the run's directory keeps it.
    const auto kept = parse_plan_file(
        to_json(stored_form(first->executed, plan, world.deterministic)), "plan.json");
    REQUIRE(kept);
    const auto stored = parse_fingerprint(to_json(stored_fingerprint(*first)), "fingerprint.json");
    REQUIRE(stored);
    const auto replayed = replay_against(
        *stored, "", [&](const RunOptions& o) { return world.execute(*kept, o); }, nullptr);
    REQUIRE(replayed);
    INFO(replayed->difference);
    CHECK(replayed->same);
  }
}
