#include "controller/run/plan_file.hpp"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/nearest.hpp"
#include "controller/run/plan_parts.hpp"
#include "faults/registry.hpp"

namespace ww::run {

namespace {
using Json = nlohmann::ordered_json;
constexpr const char* kSchema = "whitewater.plan";
constexpr int kVersion = 1;

/// Whether some fault of the plan takes voters away, who may join again.
bool removes_voters(const faults::Plan& plan) {
  return std::any_of(plan.faults.begin(), plan.faults.end(), [](const faults::FaultSpec& fault) {
    return fault.kind == "membership" &&
           (fault.shape == "shrink" || fault.shape == "remove-leader" || !fault.nodes.empty());
  });
}

/// Nobody can join where all are voters and stay it.
Result<void> check_joins(const faults::Plan& plan, const TestSpec& test, const std::string& name) {
  if (test.spares > 0 || removes_voters(plan)) return {};
  for (const faults::FaultSpec& fault : plan.faults) {
    const faults::KindInfo* kind = faults::find_kind(fault.kind);
    if (!faults::find_shape(*kind, fault.shape)->needs_spare) continue;
    return Error{ErrorCode::kUsage, true,
                 name + ", faults (" + fault.id + "): shape: nobody can join for a " + fault.kind +
                     " " + fault.shape + "; give the test spares"};
  }
  return {};
}

}  // namespace

Result<faults::PlanOptions> plan_options(const TestSpec& spec) {
  std::string names;
  for (const std::string& kind : spec.faults) names += (names.empty() ? "" : ",") + kind;
  auto kinds = faults::parse_kinds(names);
  if (!kinds) return kinds.error();
  faults::PlanOptions options;
  options.nodes = spec.all_nodes();
  options.spares = spec.spares;
  options.foreign = spec.ignore_traces;
  if (options.foreign) {
    const auto& asked = spec.faults;
    if (std::find(asked.begin(), asked.end(), "membership") != asked.end()) {
      return Error{ErrorCode::kUsage, true,
                   "--faults: membership does not go with --ignore-traces: whether members change, "
                   "and are the first ones again in the end, could not be seen"};
    }
    std::erase(*kinds, "membership");  // of "all"
  }
  options.kinds = std::move(*kinds);
  options.time_limit = spec.time_limit;
  options.interval_min = spec.interval_low;
  options.interval_max = spec.interval_high;
  if (spec.reads == "lease" && spec.drift == "bounded") {
    options.most_drift_ppm = lease_drift_ppm(spec);
  }
  return options;
}

std::int64_t lease_drift_ppm(const TestSpec& spec) {
  // The fastest clock, at 1 + p, against the slowest, at 1 - p.
  return std::int64_t{1'000'000} * spec.lease_drift / (200 + std::int64_t{spec.lease_drift});
}

Duration lease_promise(const TestSpec& spec) {
  // A clock loses up to a nanosecond to rounding at each change of its rate.
  const std::int64_t million = 1'000'000;
  return spec.election_timeout * million / (million + lease_drift_ppm(spec)) - microseconds(1);
}

bool keeps_lease_bound(const PlanFile& plan) {
  const std::int64_t most = lease_drift_ppm(plan.test);
  return plan.test.reads == "lease" &&
         std::all_of(plan.faults.faults.begin(), plan.faults.faults.end(),
                     [&](const faults::FaultSpec& fault) {
                       if (fault.kind != "clock" || fault.shape != "drift") return true;
                       return std::abs(faults::param(fault, "rate_ppm")) <= most;
                     });
}

Result<faults::Plan> plan_for(const TestSpec& spec) {
  auto options = plan_options(spec);
  if (!options) return options.error();
  return faults::make_plan(spec.seed, *options);
}

std::string to_json(const PlanFile& plan) {
  // The two parts know how to write themselves; this only puts them side by side.
  std::string out = "{\n\"schema\": \"" + std::string(kSchema) +
                    "\",\n\"v\": " + std::to_string(kVersion) + ",\n\"test\": ";
  out += to_json(plan.test);
  out += ",\n\"faults\": ";
  out += faults::to_json(plan.faults);
  if (plan.ops) {
    out += ",\n\"ops\": ";
    append_json(out, *plan.ops);
  }
  if (plan.network != Network{}) {
    out += ",\n\"network\": ";
    append_json(out, plan.network);
  }
  out += "\n}\n";
  return out;
}

Result<PlanFile> parse_plan_file(std::string_view text, const std::string& name) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) {
    return Error{ErrorCode::kCorrupt, true, name + ": not a JSON object"};
  }
  if (!has_schema(text, kSchema, kVersion)) {
    return Error{
        ErrorCode::kUsage, true,
        name + R"(: "schema" must be "whitewater.plan" and "v" 1; a plan.json of a run is one)"};
  }
  for (const auto& [key, value] : json.items()) {
    const std::vector<std::string> known = {"schema", "v", "test", "faults", "ops", "network"};
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const auto near = nearest(key, known);
    return Error{
        ErrorCode::kUsage, true,
        name + ": unknown key \"" + key + "\"" + (near ? "; did you mean \"" + *near + "\"?" : "")};
  }
  for (const char* part : {"test", "faults"}) {
    if (!json.contains(part)) {
      return Error{ErrorCode::kUsage, true, name + ": \"" + part + "\" is missing"};
    }
  }
  auto test = parse_test(json["test"].dump(), name + ", test");
  if (!test) return test.error();
  if (auto valid = validate(*test); !valid) {
    return Error{ErrorCode::kUsage, true, name + ", test: " + valid.error().message};
  }
  auto schedule = faults::parse_plan(json["faults"].dump(), name + ", faults");
  if (!schedule) return schedule.error();
  if (schedule->nodes != test->all_nodes()) {
    return Error{ErrorCode::kUsage, true,
                 name + ": the schedule is for " + std::to_string(schedule->nodes) +
                     " nodes, the test for " + std::to_string(test->all_nodes())};
  }
  if (auto joins = check_joins(*schedule, *test, name); !joins) return joins.error();
  PlanFile plan;
  plan.test = std::move(*test);
  plan.faults = std::move(*schedule);
  if (json.contains("ops")) {
    auto ops = parse_script(json["ops"].dump(), name, plan.test.workers());
    if (!ops) return ops.error();
    plan.ops = std::move(*ops);
  }
  if (json.contains("network")) {
    auto network = parse_network(json["network"].dump(), name, plan.test.all_nodes());
    if (!network) return network.error();
    plan.network = std::move(*network);
  }
  return plan;
}

PlanFile stored_form(PlanFile executed, const PlanFile& asked, bool deterministic) {
  if (deterministic) return asked;
  if (!asked.ops) executed.ops.reset();
  return executed;
}

std::string describe(const PlanFile& plan) {
  std::string out = "seed " + std::to_string(plan.faults.seed) + ", " +
                    std::to_string(plan.faults.nodes) + " nodes, " +
                    format_duration(plan.faults.time_limit) + " of torture, " +
                    std::to_string(plan.faults.faults.size()) + " faults\n";
  for (const faults::FaultSpec& fault : plan.faults.faults) {
    std::string at = faults::human(fault.at.time_since_epoch());
    at.insert(0, at.size() < 10 ? 10 - at.size() : 0, ' ');
    std::string id = fault.id;
    id.resize(std::max<std::size_t>(id.size(), 5), ' ');
    out += at + "  " + id + faults::describe(fault) + "\n";
  }
  return out;
}

}  // namespace ww::run
