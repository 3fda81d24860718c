// The shrinker and the causality curve on worlds that are a formula: what has to be left, and when
// a run is doomed, is known.
#include "controller/shrink/shrinker.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "base/rng.hpp"
#include "controller/cli/exit_codes.hpp"
#include "controller/run/signature.hpp"
#include "controller/shrink/causality.hpp"

namespace {

using namespace ww;
using run::FinishedRun;
using run::PlanFile;
using run::RunOptions;

constexpr Instant kBegin{milliseconds(400)};  // of the torture, in the run's own time
constexpr std::size_t kOps = 300;
constexpr std::size_t kFaults = 12;

PlanFile a_plan() {
  PlanFile plan;
  plan.test.world = "simulated";
  plan.test.seed = 5;
  plan.test.bugs = {"a-bug"};
  plan.test.time_limit = plan.faults.time_limit = seconds(12);
  plan.faults.seed = 5;
  plan.faults.nodes = 5;
  plan.faults.redeal = false;
  for (std::size_t i = 1; i <= kFaults; ++i) {
    faults::FaultSpec fault;
    fault.id = "f" + std::to_string(i);
    fault.kind = "kill";
    fault.at = Instant{milliseconds(900) * static_cast<std::int64_t>(i - 1)};
    fault.duration = milliseconds(700);
    fault.target = faults::Target::kNamed;
    fault.nodes = {NodeId{static_cast<std::uint32_t>(i % 5) + 1}};
    plan.faults.faults.push_back(fault);
  }
  plan.ops.emplace();
  for (std::size_t i = 0; i < kOps; ++i) {
    workloads::ScriptedCall call;
    call.at = milliseconds(37) * static_cast<std::int64_t>(i);
    call.worker = static_cast<std::uint32_t>(i % 15);
    call.ordinal = i / 15;
    call.call.f = i % 3 == 0 ? Func::kRead : Func::kWrite;
    call.call.key = i % 20;
    if (i % 3 != 0) call.call.value = static_cast<std::int64_t>(1'000'000 + i);
    plan.ops->push_back(call);
  }
  return plan;
}

bool has_fault(const PlanFile& plan, const std::string& id) {
  return std::any_of(plan.faults.faults.begin(), plan.faults.faults.end(),
                     [&](const faults::FaultSpec& f) { return f.id == id; });
}

/// Whether an op of that function comes while the fault lasts.
bool during(const PlanFile& plan, const std::string& id, Func f) {
  for (const faults::FaultSpec& fault : plan.faults.faults) {
    if (fault.id != id) continue;
    const Duration begin = fault.at.time_since_epoch();
    for (const workloads::ScriptedCall& call : *plan.ops) {
      if (call.call.f == f && call.at >= begin && call.at <= begin + fault.duration) return true;
    }
  }
  return false;
}

/// A run that broke `property` at `when` of the torture; valid without `when`.
FinishedRun a_run(const PlanFile& plan, std::optional<Duration> when,
                  const std::string& property = "Sample",
                  const std::string& summary = "n1 did 3 of 4") {
  FinishedRun out;
  out.executed = plan;
  out.steps = 100 + plan.ops->size();
  out.torture_begin = kBegin;
  out.report.verdict = Verdict::kValid;
  out.report.exit_code = cli::kExitValid;
  if (plan.test.cut > Duration{} && when && *when > plan.test.cut) when.reset();
  if (!when) return out;
  CheckResult check;
  check.checker = property;
  check.verdict = Verdict::kInvalid;
  Violation violation;
  violation.property = property;
  violation.summary = summary;
  violation.time = to_ns(kBegin + *when);
  check.violations.push_back(violation);
  out.report.checks.push_back(check);
  out.report.verdict = Verdict::kInvalid;
  out.report.exit_code = cli::kExitInvalid;
  return out;
}

/// Where the last thing of the plan begins: the moment at which these formulas fail.
Duration last_begin(const PlanFile& plan) {
  Duration last{};
  for (const auto& fault : plan.faults.faults) {
    last = std::max(last, fault.at.time_since_epoch());
  }
  for (const auto& call : *plan.ops) last = std::max(last, call.at);
  return last;
}

/// A world whose runs fail when `fails` says so, and never without the bug.
shrink::Execute world_of(std::function<bool(const PlanFile&)> fails) {
  return
      [fails = std::move(fails)](const PlanFile& plan, const RunOptions&) -> Result<FinishedRun> {
        const bool failed = !plan.test.bugs.empty() && fails(plan);
        return a_run(plan, failed ? std::optional(last_begin(plan)) : std::nullopt);
      };
}

}  // namespace

TEST_CASE("what the failure does not need goes: faults, ops, nodes, clients, values, time") {
  const auto execute = world_of([](const PlanFile& plan) {
    return has_fault(plan, "f3") && has_fault(plan, "f8") && during(plan, "f8", Func::kWrite);
  });
  std::size_t better = 0;
  shrink::ShrinkOptions options;
  options.on_better = [&](const shrink::Progress& progress) {
    ++better;
    CHECK(progress.executions > 0);
  };
  const auto shrunk = shrink::shrink(a_plan(), execute, options);
  REQUIRE(shrunk);
  INFO(shrink::describe_steps(shrunk->plan));
  CHECK(shrunk->finished);
  CHECK(better > 5);
  CHECK(shrunk->signature == "Sample: # did # of #");
  CHECK(shrunk->before.faults == kFaults);
  CHECK(shrunk->before.ops == kOps);
  REQUIRE(shrunk->plan.faults.faults.size() == 2);
  CHECK(has_fault(shrunk->plan, "f3"));
  CHECK(has_fault(shrunk->plan, "f8"));
  REQUIRE(shrunk->plan.ops->size() == 1);
  CHECK(shrunk->plan.ops->front().call.key == 0);
  CHECK(shrunk->plan.ops->front().call.value == Value(std::int64_t{1}));
  CHECK(shrunk->plan.ops->front().worker == 0);
  CHECK(shrunk->plan.test.workers() == 1);
  CHECK(shrunk->plan.test.nodes == 1);
  CHECK(shrunk->plan.test.cut > Duration{});
  CHECK(shrunk->after.length < milliseconds(200));
}

TEST_CASE("the same plan and the same world shrink to the same plan") {
  const auto execute = world_of([](const PlanFile& plan) {
    return has_fault(plan, "f5") && plan.ops->size() % 3 == 0;  // far from monotone
  });
  const auto a = shrink::shrink(a_plan(), execute);
  const auto b = shrink::shrink(a_plan(), execute);
  REQUIRE(a);
  REQUIRE(b);
  CHECK(a->plan == b->plan);
  CHECK(a->executions == b->executions);
  CHECK(a->plan.ops->empty());
}

TEST_CASE("another violation is another failure") {
  // Without f4 the same property breaks in another shape, without f6 another property does.
  const shrink::Execute execute = [](const PlanFile& plan,
                                     const RunOptions&) -> Result<FinishedRun> {
    if (plan.test.bugs.empty()) return a_run(plan, std::nullopt);
    if (!has_fault(plan, "f6")) return a_run(plan, milliseconds(1), "Other");
    if (!has_fault(plan, "f4")) return a_run(plan, milliseconds(1), "Sample", "n1 saw nothing");
    return a_run(plan, last_begin(plan));
  };
  const auto shrunk = shrink::shrink(a_plan(), execute);
  REQUIRE(shrunk);
  CHECK(shrunk->plan.faults.faults.size() == 2);
  CHECK(has_fault(shrunk->plan, "f4"));
  CHECK(has_fault(shrunk->plan, "f6"));
}

TEST_CASE("a smaller plan that fails only under other draws of the network is found") {
  const auto execute = world_of([](const PlanFile& plan) {
    if (!has_fault(plan, "f2")) return false;
    if (plan.faults.faults.size() == kFaults && plan.ops->size() == kOps) return true;
    return plan.network.seed == 3U;
  });
  const auto shrunk = shrink::shrink(a_plan(), execute);
  REQUIRE(shrunk);
  CHECK(shrunk->after.faults == 1);
  CHECK(shrunk->after.ops == 0);
  CHECK(shrunk->plan.network.seed == 3U);
}

TEST_CASE("a packet rule becomes the one delivery that decided") {
  const auto delivery_of = [](std::uint64_t n) {
    run::Delivery out;
    out.message = {wire::endpoint_of(NodeId{1}),
                   wire::endpoint_of(NodeId{2}),
                   wire::MessageType::kVote,
                   3,
                   n,
                   1};
    return out;
  };
  PlanFile plan = a_plan();
  faults::FaultSpec& rule = plan.faults.faults[4];
  rule.kind = "packet";
  rule.shape = "mixed";
  const shrink::Execute execute = [&](const PlanFile& p,
                                      const RunOptions& options) -> Result<FinishedRun> {
    const auto& all = p.network.deliveries;
    const bool lost = std::find(all.begin(), all.end(), delivery_of(17)) != all.end();
    const bool failed = !p.test.bugs.empty() && !p.network.flat && (has_fault(p, "f5") || lost);
    FinishedRun out = a_run(p, failed ? std::optional(last_begin(p)) : std::nullopt);
    for (std::uint64_t n = 0; options.deliveries && n < 60; ++n) {
      out.deliveries.push_back({delivery_of(n), kBegin, has_fault(p, "f5") && n % 2 == 1, false});
    }
    return out;
  };
  CHECK(shrink::size_of(plan).faults == kFaults - 1 + 4);  // a delay and three rates
  const auto shrunk = shrink::shrink(plan, execute);
  REQUIRE(shrunk);
  INFO(shrink::describe_steps(shrunk->plan));
  CHECK(shrunk->plan.faults.faults.empty());
  CHECK(shrunk->plan.network.deliveries == std::vector{delivery_of(17)});
  CHECK(shrunk->after.faults == 1);
}

TEST_CASE("a flat network keeps the deliveries that decide, and is left when they are too many") {
  for (const std::uint64_t needed : {3U, 30U}) {
    INFO(needed << " deliveries decide");
    const shrink::Execute execute = [&](const PlanFile& p,
                                        const RunOptions& options) -> Result<FinishedRun> {
      std::uint64_t written = 0;
      for (const run::Delivery& d : p.network.deliveries) written += d.message.content < needed;
      const bool failed = !p.test.bugs.empty() && (!p.network.flat || written == needed);
      FinishedRun out = a_run(p, failed ? std::optional(last_begin(p)) : std::nullopt);
      for (std::uint64_t n = 0; options.deliveries && n < 60; ++n) {
        run::Delivery d;
        d.message = {wire::endpoint_of(NodeId{1}),
                     wire::endpoint_of(NodeId{2}),
                     wire::MessageType::kAppend,
                     1,
                     n,
                     1};
        d.delay = microseconds(100);
        out.deliveries.push_back({d, kBegin, false, false});
      }
      return out;
    };
    const auto shrunk = shrink::shrink(a_plan(), execute);
    REQUIRE(shrunk);
    CHECK(shrunk->plan.network.flat == (needed == 3));
    CHECK(shrunk->after.faults == (needed == 3 ? 3 : 0));
  }
}

TEST_CASE("a run that is valid, or fails without its bug too, is refused") {
  const auto valid = shrink::shrink(a_plan(), world_of([](const PlanFile&) { return false; }));
  REQUIRE_FALSE(valid);
  CHECK(valid.error().code == ErrorCode::kUsage);
  const shrink::Execute always = [](const PlanFile& plan, const RunOptions&) {
    return Result<FinishedRun>(a_run(plan, last_begin(plan)));
  };
  CHECK_FALSE(shrink::shrink(a_plan(), always));
  PlanFile no_bug = a_plan();
  no_bug.test.bugs.clear();  // a failure of the node as it is has no twin
  CHECK(shrink::shrink(no_bug, always));
}

TEST_CASE("at the end of the budget the best so far is confirmed and returned") {
  const auto execute = world_of([](const PlanFile& plan) { return has_fault(plan, "f7"); });
  for (const std::uint64_t executions : {2U, 5U, 12U}) {
    INFO(executions << " executions");
    shrink::ShrinkOptions options;
    options.budget.executions = executions;
    const auto shrunk = shrink::shrink(a_plan(), execute, options);
    REQUIRE(shrunk);
    CHECK_FALSE(shrunk->finished);
    CHECK(shrunk->executions <= executions);
    CHECK(has_fault(shrunk->plan, "f7"));
  }
}

// ---- edits -----------------------------------------------------------------------------------

TEST_CASE("a gap is closed for faults, their ends, ops and the cut alike") {
  PlanFile plan = a_plan();
  plan.test.cut = seconds(11);
  const PlanFile closer = shrink::closer(plan, seconds(2), seconds(4), milliseconds(100));
  REQUIRE(shrink::is_runnable(closer));
  CHECK(closer.test.cut == seconds(11) - milliseconds(1900));
  CHECK(closer.faults.faults[0] == plan.faults.faults[0]);
  const faults::FaultSpec& inside = closer.faults.faults[4];  // from 3.6 s to 4.3 s
  CHECK(inside.at == Instant{milliseconds(2100)});
  CHECK(inside.duration == milliseconds(300));
  CHECK(closer.ops->size() == plan.ops->size());
  CHECK(closer.ops->back().at == plan.ops->back().at - milliseconds(1900));
}

TEST_CASE("a plan begins later: what was over goes, what was under way begins at once") {
  const PlanFile plan = a_plan();
  const PlanFile late = shrink::from(plan, seconds(2));
  REQUIRE(shrink::is_runnable(late));
  CHECK(late.faults.faults.front().id == "f3");  // from 1.8 s to 2.5 s
  CHECK(late.faults.faults.front().at == Instant{});
  CHECK(late.faults.faults.front().duration == milliseconds(500));
  CHECK(late.test.time_limit == seconds(10));
  CHECK(late.ops->front().at == milliseconds(37 * 55) - seconds(2));
}

TEST_CASE("on fewer nodes the named ones stay, and workers stay beside theirs") {
  PlanFile plan = shrink::with_faults(a_plan(), {3});  // kills n5
  const auto fewer = shrink::with_nodes(plan, 3);
  REQUIRE(fewer);
  REQUIRE(shrink::is_runnable(*fewer));
  CHECK(fewer->faults.faults[0].nodes == std::vector{NodeId{1}});
  for (std::size_t i = 0; i < plan.ops->size(); ++i) {
    if ((*plan.ops)[i].worker % 5 != 4) continue;  // beside n5
    const auto same = std::find_if(fewer->ops->begin(), fewer->ops->end(), [&](const auto& call) {
      return call.call == (*plan.ops)[i].call && call.at == (*plan.ops)[i].at;
    });
    REQUIRE(same != fewer->ops->end());
    CHECK(same->worker % 3 == 0);
  }
  plan = shrink::with_faults(a_plan(), {0, 1, 2, 3});
  CHECK_FALSE(shrink::with_nodes(plan, 3));  // four nodes are named, each by a fault of its own
}

TEST_CASE("simpler forms of a fault come to an end") {
  faults::FaultSpec fault;
  fault.kind = "packet";
  fault.shape = "mixed";
  fault.target = faults::Target::kNamed;
  fault.nodes = {NodeId{1}, NodeId{2}, NodeId{3}};
  fault.params = {{"delay_ms", 20}, {"drop_ppm", 30'000}, {"lag_ms", 9}};
  fault.types = {wire::MessageType::kVote, wire::MessageType::kAppend};
  std::size_t steps = 0;
  for (auto forms = shrink::simpler(fault); !forms.empty(); forms = shrink::simpler(fault)) {
    fault = forms.back();
    REQUIRE(++steps < 50);
  }
  CHECK(steps > 3);
  CHECK(fault.nodes.size() == 1);
  CHECK(fault.types.size() == 1);
}

// ---- causality -------------------------------------------------------------------------------

namespace {

constexpr Duration kDoom = milliseconds(2345);
constexpr Duration kShown = milliseconds(6000);

/// Fails at 6 s; a future that is redrawn before 2.345 s fails one time in five.
Result<FinishedRun> doomed_world(const PlanFile& plan, const RunOptions&) {
  PlanFile expanded = plan;
  if (!expanded.ops) expanded.ops = a_plan().ops;
  bool failed = true;
  if (plan.network.redraw && plan.network.redraw->after - kBegin < kDoom) {
    failed = Rng(plan.network.redraw->seed).below(5) == 0;
  }
  return a_run(expanded, failed ? std::optional(kShown) : std::nullopt);
}

}  // namespace

TEST_CASE("the curve finds the moment from which on a run was doomed") {
  shrink::CausalityOptions options;
  options.futures = 60;
  const auto curve = shrink::causality(a_plan(), doomed_world, options);
  REQUIRE(curve);
  REQUIRE(curve->doomed_from);
  REQUIRE(curve->open_until);
  CHECK(*curve->open_until < to_ns(kBegin + kDoom));
  CHECK(*curve->doomed_from >= to_ns(kBegin + kDoom));
  CHECK(*curve->doomed_from - *curve->open_until <= to_ns(milliseconds(2)));
  CHECK(curve->violation == to_ns(kBegin + kShown));
  CHECK(curve->points.size() > options.points);
  CHECK(std::is_sorted(curve->points.begin(), curve->points.end(),
                       [](const auto& a, const auto& b) { return a.time < b.time; }));
  for (const reports::DoomPoint& point : curve->points) {
    CHECK(point.runs == 60);
    if (point.time >= to_ns(kBegin + kDoom)) {
      CHECK(point.failed == 60);
    } else {
      CHECK(point.low < 0.2);
      CHECK(point.high > 0.2);
    }
  }
  CHECK(*curve == *shrink::causality(a_plan(), doomed_world, options));
}

TEST_CASE("a run without a violation in its torture has no such moment") {
  const auto valid = shrink::causality(a_plan(), world_of([](const PlanFile&) { return false; }));
  REQUIRE_FALSE(valid);
  CHECK(valid.error().code == ErrorCode::kUsage);
}

TEST_CASE("another future keeps the past to the letter and writes nothing that the past wrote") {
  const PlanFile past = a_plan();
  PlanFile other = a_plan();
  other.test.seed = 99;
  for (auto& fault : other.faults.faults) fault.nodes = {NodeId{1}};
  const Duration t = milliseconds(4000);
  const PlanFile plan = shrink::with_other_future(past, t, kBegin + t, other);
  REQUIRE(shrink::is_runnable(plan));
  CHECK(plan.network.redraw == run::Redraw{kBegin + t, 99});
  std::vector<Value> written;
  for (std::size_t i = 0; i < plan.ops->size(); ++i) {
    const workloads::ScriptedCall& call = (*plan.ops)[i];
    if (call.at <= t) CHECK(call == (*past.ops)[i]);
    if (call.call.f != Func::kWrite) continue;
    CHECK(std::find(written.begin(), written.end(), call.call.value) == written.end());
    written.push_back(call.call.value);
  }
  for (const faults::FaultSpec& fault : plan.faults.faults) {
    CHECK((fault.id.rfind("r-", 0) == 0) == (fault.at > Instant{t}));
  }
}
