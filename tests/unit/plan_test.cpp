#include "faults/plan.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "faults/registry.hpp"

namespace ww::faults {
namespace {

PlanOptions all_kinds() {
  PlanOptions options;
  options.spares = 1;
  options.kinds = parse_kinds("all").value();
  return options;
}

Plan plan_of(std::uint64_t seed, const PlanOptions& options = all_kinds()) {
  Result<Plan> plan = make_plan(seed, options);
  REQUIRE(plan.ok());
  return std::move(plan).value();
}

/// A plan file of five nodes with these faults.
std::string file(const std::string& faults) {
  return "{\"schema\":\"whitewater.faults\",\"v\":1,\"seed\":7,\"nodes\":5,"
         "\"time_limit_ms\":40000,\"faults\":[" +
         faults + "]}";
}

std::string error_of(const std::string& text) {
  const Result<Plan> plan = parse_plan(text, "plan.json");
  REQUIRE_FALSE(plan.ok());
  CHECK(plan.error().code == ErrorCode::kUsage);
  return plan.error().message;
}

TEST_CASE("every row of the registry is whole") {
  const Result<void> checked = check_registry(registry());
  INFO((checked.ok() ? "" : checked.error().message));
  CHECK(checked.ok());
}

TEST_CASE("a row without heal, evidence or sane bounds is refused") {
  const KindInfo good = registry()[0];
  const auto refused = [](KindInfo kind) {
    return !check_registry(std::span<const KindInfo>(&kind, 1)).ok();
  };
  CHECK_FALSE(refused(good));
  KindInfo bad = good;
  bad.heal = "";
  CHECK(refused(bad));
  bad = good;
  bad.evidence = "";
  CHECK(refused(bad));
  bad = good;
  bad.make = nullptr;
  CHECK(refused(bad));
  bad = good;
  bad.shortest = bad.longest + milliseconds(1);
  CHECK(refused(bad));
  bad = good;
  bad.shapes[0].params = {
      {.name = "x", .help = "h", .low = 0, .high = 5, .draw_low = 1, .draw_high = 9}};
  CHECK(refused(bad));
}

TEST_CASE("the same seed makes the same plan, another seed another") {
  CHECK(plan_of(11) == plan_of(11));
  CHECK_FALSE(plan_of(11) == plan_of(12));
}

TEST_CASE("every kind occurs in 40 s, and every plan is valid, over 200 seeds") {
  std::map<std::string, std::set<std::string>> shapes;
  std::map<std::string, std::set<Target>> targets;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    INFO("seed " << seed);
    const Plan plan = plan_of(seed);
    const Result<void> valid = validate(plan);
    INFO((valid.ok() ? "" : valid.error().message));
    REQUIRE(valid.ok());
    std::set<std::string> kinds;
    Instant last{};
    for (const FaultSpec& spec : plan.faults) {
      kinds.insert(spec.kind);
      shapes[spec.kind].insert(spec.shape);
      targets[spec.kind].insert(spec.target);
      CHECK(spec.at > last);
      CHECK(spec.at + spec.duration <= Instant{} + plan.time_limit);
      last = spec.at;
    }
    CHECK(kinds.size() == registry().size());
    CHECK(plan.faults.size() >= 7);
    CHECK(plan.faults.size() <= 21);
  }
  // Every shape and target is reachable.
  for (const KindInfo& kind : registry()) {
    INFO(kind.name);
    CHECK(shapes[std::string(kind.name)].size() == kind.shapes.size());
    CHECK(targets[std::string(kind.name)].size() == std::max<std::size_t>(1, kind.targets.size()));
  }
}

TEST_CASE("nobody is to join where there are no spares") {
  PlanOptions options = all_kinds();
  options.spares = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    for (const FaultSpec& spec : plan_of(seed, options).faults) {
      CHECK_FALSE(find_shape(*find_kind(spec.kind), spec.shape)->needs_spare);
    }
  }
}

TEST_CASE("files are damaged only where the voters that may be left can spare a minority") {
  struct Row {
    std::uint32_t nodes;
    std::uint32_t spares;
    const char* kinds;
    bool damages;
  };
  const Row rows[] = {{3, 0, "disk", true},
                      {3, 0, "all", false},
                      {3, 1, "disk", false},
                      {4, 0, "all", true},
                      {5, 1, "all", true}};
  for (const Row& row : rows) {
    INFO(row.nodes << " nodes, " << row.spares << " spares, faults " << row.kinds);
    PlanOptions options;
    options.nodes = row.nodes;
    options.spares = row.spares;
    options.kinds = parse_kinds(row.kinds).value();
    options.time_limit = seconds(600);
    bool damages = false;
    bool troubles = false;
    for (const FaultSpec& spec : plan_of(1, options).faults) {
      if (spec.kind != "disk") continue;
      const bool damage = find_shape(*find_kind("disk"), spec.shape)->needs_doubt;
      (damage ? damages : troubles) = true;
    }
    CHECK(damages == row.damages);
    CHECK(troubles);
  }
}

TEST_CASE("intervals are as asked when the run is long enough, and shrink when it is not") {
  PlanOptions options = all_kinds();
  options.kinds = parse_kinds("all").value();
  options.time_limit = seconds(90);
  const Plan plan = plan_of(5, options);
  for (std::size_t i = 1; i < plan.faults.size(); ++i) {
    const Duration gap = plan.faults[i].at - plan.faults[i - 1].at;
    CHECK(gap >= options.interval_min);
    CHECK(gap <= options.interval_max);
  }
  options = all_kinds();
  options.time_limit = seconds(6);
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    std::set<std::string> kinds;
    for (const FaultSpec& spec : plan_of(seed, options).faults) kinds.insert(spec.kind);
    CHECK(kinds.size() == registry().size());
  }
}

TEST_CASE("small clusters get only the shapes that mean something there") {
  for (const std::uint32_t nodes : {1U, 2U, 3U, 7U}) {
    PlanOptions options = all_kinds();
    options.nodes = nodes;
    options.time_limit = seconds(120);
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const Result<void> valid = validate(plan_of(seed, options));
      INFO(nodes << " nodes, seed " << seed << (valid.ok() ? "" : valid.error().message));
      CHECK(valid.ok());
    }
  }
}

TEST_CASE("impossible options are refused") {
  PlanOptions options = all_kinds();
  options.nodes = 0;
  CHECK_FALSE(make_plan(1, options).ok());
  options = all_kinds();
  options.interval_max = milliseconds(1);
  CHECK_FALSE(make_plan(1, options).ok());
  options = all_kinds();
  options.time_limit = milliseconds(10);
  CHECK_FALSE(make_plan(1, options).ok());
  options = all_kinds();
  options.kinds = {"earthquake"};
  CHECK_FALSE(make_plan(1, options).ok());
  options.kinds = {};
  CHECK(make_plan(1, options).value().faults.empty());
}

TEST_CASE("a plan survives its JSON") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    INFO("seed " << seed);
    Plan plan = plan_of(seed);
    plan.seed = ~seed;
    plan.redeal = seed % 2 == 0;
    plan.faults[0].at = Instant{} + nanoseconds(1'234'567);
    plan.faults[0].duration = nanoseconds(1);
    const Result<Plan> read = parse_plan(to_json(plan), "plan.json");
    INFO((read.ok() ? "" : read.error().message));
    REQUIRE(read.ok());
    CHECK(*read == plan);
  }
}

TEST_CASE("hand-written plans name nodes and leave parameters out") {
  const Result<Plan> plan = parse_plan(
      file("{\"id\":\"a\",\"kind\":\"partition\",\"shape\":\"link\",\"at_ms\":1.5,"
           "\"duration_ms\":2000,\"targets\":[\"n2\",\"n5\"]},"
           "{\"id\":\"b\",\"kind\":\"packet\",\"shape\":\"delay\",\"at_ms\":2,\"duration_ms\":3,"
           "\"targets\":\"all\",\"types\":[\"append\"]}"),
      "plan.json");
  REQUIRE(plan.ok());
  CHECK(plan->redeal);
  CHECK(plan->faults[0].at == Instant{} + microseconds(1500));
  CHECK(plan->faults[0].nodes == std::vector<NodeId>{NodeId{2}, NodeId{5}});
  CHECK(param(plan->faults[1], "delay_ms") == 50);
  CHECK(describe(plan->faults[0]) == "partition link of n2,n5 for 2 s");
  CHECK(describe(plan->faults[1]) == "packet delay of all for 3 ms; only append");
}

TEST_CASE("the plan of the documentation is a plan") {
  std::ifstream file("docs/faults.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const std::size_t begin = page.find("    {\"schema\"");
  const std::size_t end = page.find("\n    ]}", begin);
  REQUIRE(begin != std::string::npos);
  REQUIRE(end != std::string::npos);
  const Result<Plan> plan = parse_plan(page.substr(begin, end - begin) + "]}", "docs/faults.md");
  INFO((plan.ok() ? "" : plan.error().message));
  REQUIRE(plan.ok());
  CHECK(plan->faults.size() == 4);
}

TEST_CASE("a broken plan is refused with the field and a suggestion") {
  struct Row {
    std::string fault;
    std::string message;
  };
  const std::string times = "\"at_ms\":1,\"duration_ms\":9";
  const std::vector<Row> rows = {
      {"{\"id\":\"a\",\"kind\":\"kil\",\"targets\":\"one\"," + times + "}",
       "plan.json: faults[0] (a): kind: there is no fault 'kil' (did you mean kill?)"},
      {"{\"id\":\"a\",\"kind\":\"kill\",\"targets\":\"primary\"," + times + "}",
       "plan.json: faults[0] (a): targets: there is no target 'primary' (did you mean primaries?)"},
      {"{\"id\":\"a\",\"kind\":\"kill\",\"targets\":[\"n9\"]," + times + "}",
       "plan.json: faults[0] (a): targets: there is no node n9; the cluster has n1 to n5"},
      {"{\"id\":\"a\",\"kind\":\"kill\",\"targets\":[\"n1\",\"n1\"]," + times + "}",
       "plan.json: faults[0] (a): targets: n1 twice"},
      {"{\"id\":\"a\",\"kind\":\"kill\",\"targets\":[7]," + times + "}",
       "plan.json: faults[0] (a): targets: 7 is not a node's name; try \"n1\""},
      {"{\"id\":\"a\",\"kind\":\"partition\",\"shape\":\"brigde\"," + times + "}",
       "plan.json: faults[0] (a): shape: partition has no shape 'brigde' (did you mean bridge?)"},
      {"{\"id\":\"a\",\"kind\":\"power-loss\",\"targets\":\"all\"," + times + "}",
       "plan.json: faults[0] (a): shape: power-loss needs one of nothing prefix torn"},
      {"{\"id\":\"a\",\"kind\":\"clock\",\"shape\":\"drift\",\"targets\":\"all\","
       "\"params\":{\"rate\":1}," +
           times + "}",
       "plan.json: faults[0] (a): params: clock drift has no parameter 'rate' (did you mean "
       "rate_ppm?)"},
      {"{\"id\":\"a\",\"kind\":\"clock\",\"shape\":\"drift\",\"targets\":\"all\","
       "\"params\":{\"rate_ppm\":99000000}," +
           times + "}",
       "plan.json: faults[0] (a): params.rate_ppm: 99000000 is not in -900000 to 9000000"},
      {"{\"id\":\"a\",\"kind\":\"kill\",\"targets\":\"all\",\"types\":[\"apend\"]," + times + "}",
       "plan.json: faults[0] (a): types: there is no message type 'apend' (did you mean append?)"},
      {"{\"id\":\"a\",\"kind\":\"kill\",\"targets\":\"all\",\"at_ms\":\"soon\",\"duration_ms\":9}",
       "plan.json: faults[0] (a): at_ms: must be a number of milliseconds, not negative"},
      {"{\"id\":\"a\",\"kind\":\"kill\",\"targets\":\"all\",\"at_ms\":50000,\"duration_ms\":9}",
       "plan.json: faults[0] (a): at_ms: 50 s is not before the time limit of 40 s"},
      {"{\"id\":\"a\",\"kind\":\"kill\",\"targets\":\"all\",\"at_ms\":1}",
       "plan.json: faults[0] (a): duration_ms: missing"},
      {"{\"id\":\"a\",\"kind\":\"kill\",\"target\":\"all\"," + times + "}",
       "plan.json: faults[0] (a): 'target' is not a field (did you mean targets?)"},
      {"{\"id\":\"a b\",\"kind\":\"kill\",\"targets\":\"all\"," + times + "}",
       "plan.json: faults[0]: id: 1 to 64 letters, digits, dashes or underscores"},
      {"{\"id\":\"a\",\"kind\":\"kill\",\"targets\":\"trigger\"," + times + "}",
       "plan.json: faults[0] (a): targets: trigger means the node of the trigger, and this fault "
       "has "
       "none"},
      {"{\"id\":\"a\",\"kind\":\"kill\",\"targets\":\"all\",\"trigger\":{\"event\":\"vote\"}," +
           times + "}",
       "plan.json: faults[0] (a): trigger.event: there is no event 'vote'"},
      {"{\"id\":\"a\",\"kind\":\"kill\",\"targets\":\"all\",\"trigger\":{\"event\":\"comit\"}," +
           times + "}",
       "plan.json: faults[0] (a): trigger.event: there is no event 'comit' (did you mean commit?)"},
      {"{\"id\":\"a\",\"kind\":\"kill\",\"targets\":\"all\",\"trigger\":{\"nth\":1}," + times + "}",
       "plan.json: faults[0] (a): event: missing"},
      {"{\"id\":\"a\",\"kind\":\"kill\",\"targets\":\"all\","
       "\"trigger\":{\"event\":\"commit\",\"node\":\"n7\"}," +
           times + "}",
       "plan.json: faults[0] (a): trigger.node: there is no node n7; the cluster has n1 to n5"},
      {"{\"id\":\"a\",\"kind\":\"kill\",\"targets\":\"all\","
       "\"trigger\":{\"event\":\"commit\",\"nth\":0}," +
           times + "}",
       "plan.json: faults[0] (a): trigger.nth: 0 is not in 1 to 1000000"},
      {"{\"id\":\"a\",\"kind\":\"kill\",\"targets\":\"all\","
       "\"trigger\":{\"event\":\"commit\",\"action\":1}," +
           times + "}",
       "plan.json: faults[0] (a): 'action' is not a field (did you mean actions?)"},
      {"{\"id\":\"a\",\"kind\":\"pause\",\"targets\":\"all\","
       "\"trigger\":{\"event\":\"commit\",\"actions\":1}," +
           times + "}",
       "plan.json: faults[0] (a): trigger.actions: a pause strikes at the event itself; only a "
       "death "
       "can wait for the node's actions"},
      {"{\"id\":\"a\",\"kind\":\"membership\",\"shape\":\"shrink\",\"params\":{\"leader\":77}," +
           times + "}",
       "plan.json: faults[0] (a): params.leader: there is no node n77; the cluster has n1 to n5"},
      {"7", "plan.json: faults[0]: must be an object"},
  };
  for (const Row& row : rows) {
    const std::string message = error_of(file(row.fault));
    CHECK(message == row.message);
  }
}

TEST_CASE("a broken file is refused with what is wrong") {
  CHECK(error_of("{") == "plan.json: not JSON near byte 2");
  CHECK(error_of("[]") == "plan.json: must be an object");
  CHECK(error_of("{\"schema\":\"x\",\"v\":1}") ==
        "plan.json: schema: must be \"whitewater.faults\"");
  const std::string kill =
      "{\"id\":\"a\",\"kind\":\"kill\",\"targets\":\"all\",\"at_ms\":1,"
      "\"duration_ms\":9}";
  CHECK(error_of(file(kill + "," + kill)) ==
        "plan.json: faults[1] (a): id: taken by an earlier fault");
  Plan plan = plan_of(1);
  plan.nodes = 200;
  CHECK(error_of(to_json(plan)) == "plan.json: nodes: 100 is not in 1 to 99");
}

TEST_CASE("a share of the faults is dealt with triggers, whatever else there is") {
  PlanOptions options = all_kinds();
  options.time_limit = seconds(100);
  const Plan plain = plan_of(3, options);
  options.trigger_ppm = 400'000;
  std::map<TriggerEvent, std::uint32_t> events;
  std::uint32_t faults = 0;
  std::uint32_t of_that_node = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    INFO("seed " << seed);
    const Plan plan = plan_of(seed, options);
    REQUIRE(validate(plan).ok());
    CHECK(parse_plan(to_json(plan), "plan.json").value() == plan);
    for (const FaultSpec& spec : plan.faults) {
      ++faults;
      if (spec.trigger.event == TriggerEvent::kNone) continue;
      ++events[spec.trigger.event];
      of_that_node += spec.target == Target::kTrigger ? 1 : 0;
      CHECK(spec.trigger.nth <= 64);
      CHECK(spec.trigger.actions <= 3);
    }
  }
  std::uint32_t triggered = 0;
  for (const auto& [event, count] : events) triggered += count;
  CHECK(events.size() == trigger_event_names().size());
  // The first of each kind has none: a quarter of all.
  CHECK(triggered > faults * 25 / 100);
  CHECK(triggered < faults * 35 / 100);
  CHECK(of_that_node > triggered / 2);
  // Nothing else moves.
  const Plan plan = plan_of(3, options);
  REQUIRE(plan.faults.size() == plain.faults.size());
  for (std::size_t i = 0; i < plan.faults.size(); ++i) {
    FaultSpec spec = plan.faults[i];
    spec.trigger = Trigger{};
    spec.target = plain.faults[i].target;
    CHECK(spec == plain.faults[i]);
  }
}

TEST_CASE("a fault on single messages is dealt for one type of them") {
  PlanOptions options;
  options.kinds = {"packet"};
  std::set<wire::MessageType> types;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    for (const FaultSpec& spec : plan_of(seed, options).faults) {
      if (spec.shape.rfind("single-", 0) != 0) continue;
      if (spec.id == "f1") {
        CHECK(spec.types.empty());  // the first of a kind waits for no type
        continue;
      }
      REQUIRE(spec.types.size() == 1);
      types.insert(spec.types.front());
    }
  }
  // All but the two of watches, which most workloads do not send.
  CHECK(types.size() == wire::EnumSize<wire::MessageType>::value - 2);
}

TEST_CASE("triggers are described for people") {
  FaultSpec spec;
  spec.kind = "kill";
  spec.duration = milliseconds(800);
  spec.target = Target::kTrigger;
  spec.trigger = {TriggerEvent::kVoteGranted, NodeId{2}, 3, 1};
  CHECK(describe(spec) ==
        "kill of that node for 800 ms; at the 3rd vote-granted of n2, 1 action later");
  spec.trigger = {TriggerEvent::kCommit, kNobody, 11, 2};
  CHECK(describe(spec) ==
        "kill of that node for 800 ms; at the 11th commit of any node, 2 actions later");
  spec.trigger = {TriggerEvent::kSynced, kNobody, 22, 0};
  CHECK(describe(spec) == "kill of that node for 800 ms; at the 22nd synced of any node");
}

TEST_CASE("kinds are parsed from the flag") {
  CHECK(parse_kinds("all").value().size() == registry().size());
  CHECK(parse_kinds("none").value().empty());
  CHECK(parse_kinds("kill,pause,kill").value() == std::vector<std::string>{"kill", "pause"});
  CHECK(parse_kinds("partitoin").error().message ==
        "faults: there is no fault 'partitoin' (did you mean partition?)");
  CHECK(parse_kinds("kill,all").error().message == "faults: 'all' stands alone");
  CHECK_FALSE(parse_kinds("").ok());
}

TEST_CASE("durations are printed for people") {
  CHECK(human(milliseconds(800)) == "800 ms");
  CHECK(human(milliseconds(2350)) == "2.35 s");
  CHECK(human(seconds(40)) == "40 s");
  CHECK(human(microseconds(1500)) == "1.5 ms");
  CHECK(human(nanoseconds(2500)) == "2.5 us");
  CHECK(human(Duration{0}) == "0 s");
  CHECK(human(milliseconds(-1050)) == "-1.05 s");
}

}  // namespace
}  // namespace ww::faults
