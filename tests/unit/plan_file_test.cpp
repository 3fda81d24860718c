// plan.json: what is written is read back, and what is wrong is named by its path.
#include "controller/run/plan_file.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/rng.hpp"
#include "controller/run/plan_parts.hpp"

namespace {

using namespace ww;
using namespace ww::run;

workloads::ScriptedCall call_of(Duration at, std::uint32_t worker, std::uint64_t ordinal, Func f) {
  workloads::ScriptedCall out;
  out.at = at;
  out.worker = worker;
  out.ordinal = ordinal;
  out.call.f = f;
  out.call.key = 3;
  if (f != Func::kRead) out.call.value = std::int64_t{-7};
  if (f == Func::kCas) out.call.to = std::int64_t{4294967297};
  return out;
}

PlanFile sample() {
  PlanFile plan;
  plan.test.world = "simulated";
  plan.test.seed = 9;
  plan.test.nodes = 3;
  plan.test.cut = milliseconds(2500);
  plan.faults.seed = 9;
  plan.faults.nodes = 3;
  plan.faults.time_limit = seconds(5);
  plan.ops.emplace();
  plan.ops->push_back(call_of(Duration{1}, 0, 0, Func::kRead));
  plan.ops->push_back(call_of(Duration{1}, 2, 4, Func::kWrite));
  plan.ops->push_back(call_of(Duration{1'234'567'891}, 2, 9, Func::kCas));
  plan.ops->push_back(call_of(seconds(2), 0, 7, Func::kRead));
  plan.ops->back().call.read_mode = wire::ReadMode::kLog;
  plan.network.seed = 18446744073709551615ULL;
  plan.network.flat = true;
  plan.network.redraw = Redraw{Instant{Duration{1'500'000'001}}, 12};
  Delivery late;
  late.message = {wire::endpoint_of(NodeId{1}), wire::endpoint_of(NodeId{3}),
                  wire::MessageType::kAppend,   5,
                  18446744073709551615ULL,      2};
  late.delay = Duration{3'000'001};
  Delivery lost;
  lost.message = {wire::endpoint_of(ClientId{7}),
                  wire::endpoint_of(NodeId{2}),
                  wire::MessageType::kClientRequest,
                  0,
                  4,
                  1};
  plan.network.deliveries = {late, lost};
  return plan;
}

/// The sample's JSON with one piece of text in the place of another.
std::string with(const std::string& text, const std::string& other) {
  std::string json = to_json(sample());
  const std::size_t at = json.find(text);
  REQUIRE(at != std::string::npos);
  return json.replace(at, text.size(), other);
}

}  // namespace

TEST_CASE("a plan with ops and a network is written and read back, to the nanosecond") {
  const PlanFile plan = sample();
  const auto again = parse_plan_file(to_json(plan), "plan.json");
  INFO((again ? "" : again.error().message));
  REQUIRE(again);
  CHECK(*again == plan);
  CHECK(to_json(*again) == to_json(plan));
}

TEST_CASE("a plan that leaves its ops and network to the seed writes neither") {
  PlanFile plan = sample();
  plan.ops.reset();
  plan.network = Network{};
  const std::string json = to_json(plan);
  CHECK(json.find("\"ops\"") == std::string::npos);
  CHECK(json.find("\"network\"") == std::string::npos);
  CHECK(*parse_plan_file(json, "plan.json") == plan);
  plan.ops.emplace();  // no ops at all is not the same as those of the seed
  CHECK(*parse_plan_file(to_json(plan), "plan.json") == plan);
}

TEST_CASE("any instant of a long run survives the JSON") {
  Rng rng = keyed(1, "plan_file_test");
  PlanFile plan = sample();
  for (int i = 0; i < 200; ++i) {
    plan.ops->assign(1, call_of(rng.between(Duration{}, seconds(1'000'000)), 1, 1, Func::kWrite));
    REQUIRE(*parse_plan_file(to_json(plan), "plan.json") == plan);
  }
}

TEST_CASE("nobody is asked to join where nobody can") {
  PlanFile plan = sample();
  plan.ops.reset();
  plan.network = {};
  const auto add = [&plan](const char* shape, int at_ms) {
    faults::FaultSpec spec;
    spec.id = shape;
    spec.kind = "membership";
    spec.shape = shape;
    spec.at = Instant{milliseconds(at_ms)};
    spec.duration = seconds(1);
    plan.faults.faults.push_back(spec);
  };
  add("grow", 100);
  const auto refused = parse_plan_file(to_json(plan), "p");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message ==
        "p, faults (grow): shape: nobody can join for a membership grow; give the test spares");
  add("shrink", 200);
  CHECK(parse_plan_file(to_json(plan), "p").ok());
  plan.faults.faults.pop_back();
  plan.test.spares = 1;
  plan.faults.nodes = 4;
  CHECK(parse_plan_file(to_json(plan), "p").ok());
}

TEST_CASE("without traces no members change, and who asks for it is told") {
  TestSpec spec;
  spec.ignore_traces = true;
  spec.faults = {"all"};
  const auto all = plan_options(spec);
  REQUIRE(all.ok());
  CHECK(std::count(all->kinds.begin(), all->kinds.end(), "membership") == 0);
  CHECK(std::count(all->kinds.begin(), all->kinds.end(), "kill") == 1);
  for (const std::vector<std::string>& asked :
       {std::vector<std::string>{"kill", "membership"}, std::vector<std::string>{"membership"}}) {
    spec.faults = asked;
    const auto refused = plan_options(spec);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == ErrorCode::kUsage);
    CHECK(refused.error().message.find("--ignore-traces") != std::string::npos);
  }
  spec.ignore_traces = false;
  CHECK(plan_options(spec).ok());
}

TEST_CASE("what is wrong with a plan is named by its path") {
  struct Row {
    std::string text;
    std::string other;
    std::string message;
  };
  const Row rows[] = {
      {R"("ops": [)", R"("opps": [)", R"(plan.json: unknown key "opps"; did you mean "ops"?)"},
      {R"("worker":2,"ordinal":4)", R"("worker":99,"ordinal":4)",
       "plan.json, ops[1]: worker: 99 is not one of the 9 workers, counted from 0"},
      {R"("ordinal":9)", R"("ordinal":4)",
       "plan.json, ops[2]: ordinal: must grow from call to call of a worker, and stay below 2^32"},
      {R"("at_ms":2000)", R"("at_ms":200)", "plan.json, ops[3]: at_ms: before the op above it"},
      {R"("at_ms":2000)", R"("at_ms":-1)",
       "plan.json, ops[3]: at_ms: must be a number of milliseconds from 0 to 10^9"},
      {R"("f":"cas")", R"("f":"swap")", "plan.json, ops[2]: f: must be read, write, cas or watch"},
      {R"("value":-7)", R"("value":"x")",
       "plan.json, ops[1]: value: must be a whole number; of a cas, a pair of them"},
      {R"("value":[-7,4294967297])", R"("value":[-7])",
       "plan.json, ops[2]: value: must be a whole number; of a cas, a pair of them"},
      {R"("value":-7)", R"("vale":-7)",
       "plan.json, ops[1]: 'vale' is not a field (did you mean value?)"},
      {R"("read":"log")", R"("read":"lease")",
       "plan.json, ops[3]: read: only \"log\", and only of a read"},
      {R"("flat":true)", R"("flat":1)", "plan.json, network: flat: must be true or false"},
      {R"("after_ms")", R"("at_ms")",
       "plan.json, network.redraw: 'at_ms' is not a field (did you mean after_ms?)"},
      {R"("from":"n1")", R"("from":"n4")",
       "plan.json, network.deliveries[0]: from: 'n4' is neither a node of n1 to n3 nor a client "
       "such as c1"},
      {R"("type":"client-request")", R"("type":"request")",
       "plan.json, network.deliveries[1]: type: there is no message type 'request'"},
      {R"("nth":2)", R"("nth":0)", "plan.json, network.deliveries[0]: nth: counts from 1"},
  };
  for (const Row& row : rows) {
    INFO(row.other);
    const auto parsed = parse_plan_file(with(row.text, row.other), "plan.json");
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().message == row.message);
    CHECK(parsed.error().code == ErrorCode::kUsage);
  }
}

TEST_CASE("a message has one delivery") {
  PlanFile plan = sample();
  plan.network.deliveries[1].message = plan.network.deliveries[0].message;
  const auto parsed = parse_plan_file(to_json(plan), "plan.json");
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().message ==
        "plan.json, network.deliveries[1]: a delivery of this message stands above");
}

TEST_CASE("a plan that is torn anywhere is refused, never misread") {
  const std::string json = to_json(sample());
  for (std::size_t size = 0; size + 2 < json.size(); size += 7) {
    REQUIRE_FALSE(parse_plan_file(json.substr(0, size), "plan.json"));
  }
}

TEST_CASE("plan.json keeps what was asked for where that repeats a run, else the faults that ran") {
  PlanFile executed = sample();
  executed.faults.redeal = false;
  PlanFile asked = sample();
  asked.faults.redeal = true;
  CHECK(stored_form(executed, asked, true) == asked);
  CHECK(stored_form(executed, asked, false) == executed);
  asked.ops.reset();
  CHECK(stored_form(executed, asked, true) == asked);
  CHECK(stored_form(executed, asked, false).faults == executed.faults);
  CHECK_FALSE(stored_form(executed, asked, false).ops);
}
