#include "controller/campaign/seed_runner.hpp"

#include <algorithm>
#include <optional>

#include "base/rng.hpp"
#include "controller/run/results_files.hpp"
#include "controller/run/signature.hpp"
#include "reports/files.hpp"

namespace ww::campaign {

namespace {

bool sampled(std::uint64_t seed, Domain what, std::uint32_t percent) {
  return keyed(seed, what).below(100) < percent;
}

std::uint64_t dead_nodes(const reports::RunReport& report) {
  return static_cast<std::uint64_t>(std::count_if(
      report.outages.begin(), report.outages.end(),
      [](const reports::OutageSpan& o) { return o.outage == reports::Outage::kDead; }));
}

run::RunOptions judged_options() {
  run::RunOptions options;
  options.stop_at_violation = true;
  options.fingerprint = true;
  return options;
}

Outcome not_run(Outcome outcome, const Error& error) {
  outcome.result.verdict = class_of(error);
  outcome.result.signature =
      std::string(name_of(outcome.result.verdict)) + ": " + run::shape_of(error.message);
  outcome.cause = error.message;
  return outcome;
}

/// Runs the plan again in `world`. Returns how the second run differs, "" when it does not, and
/// nothing when it could not be checked.
Result<std::optional<std::string>> run_again(const Hooks& hooks, const run::PlanFile& plan,
                                             const World& world, const run::Fingerprint& first) {
  // A world that takes no fingerprints cannot be checked, and must not look as if it had been.
  if (!world.execute || first.events == 0) return std::optional<std::string>();
  run::PlanFile moved = plan;
  moved.test.world = world.name;
  const auto again = world.execute(moved, judged_options());
  if (!again) return again.error();
  const run::Fingerprint& second = again->fingerprint;
  if (second == first) return std::optional<std::string>("");
  std::string where;
  if (hooks.divergence) where = hooks.divergence(plan, first, hooks.world, moved, second, world);
  if (where.empty()) {
    where = "one run has " + std::to_string(first.events) + " events, the other " +
            std::to_string(second.events) + ", and their fingerprints differ";
  }
  return std::optional<std::string>(hooks.world.name + " against " + world.name + ": " + where);
}

Outcome hold_against_itself(const Hooks& hooks, const CheckRates& rates, const run::PlanFile& plan,
                            std::uint64_t key, const run::Fingerprint& first, Outcome outcome) {
  struct Check {
    const World& world;
    std::uint32_t bit;
    bool wanted;
  };
  const bool failed = is_failure(outcome.result.verdict);
  const Check checks[] = {
      {hooks.world, kReplayed, failed || sampled(key, "campaign.replay", rates.replay_percent)},
      {hooks.other, kCrossWorld, sampled(key, "campaign.cross-world", rates.cross_percent)}};
  for (const Check& check : checks) {
    if (!check.wanted) continue;
    auto again = run_again(hooks, plan, check.world, first);
    if (!again && class_of(again.error()) == Class::kEnvironment) {
      return not_run(std::move(outcome), again.error());
    }
    if (!again) again = std::optional<std::string>(check.world.name + ": " + again.error().message);
    if (!again->has_value()) continue;
    outcome.result.checks |= check.bit;
    if (outcome.divergence.empty()) outcome.divergence = **again;
  }
  return outcome;
}

Outcome run_plan(const Hooks& hooks, const CheckRates& rates, const run::PlanFile& plan,
                 std::uint64_t key, bool coverage, Outcome outcome) {
  if (hooks.features) outcome.result.features = hooks.features(plan);
  run::RunOptions options = judged_options();
  options.coverage = coverage;
  options.executed = false;
  auto done = hooks.world.execute(plan, options);
  if (!done) {
    outcome.plan = run::to_json(plan);
    return not_run(std::move(outcome), done.error());
  }
  SeedResult& result = outcome.result;
  result.verdict = class_of(done->report);
  result.events = done->steps;
  result.length = Duration{done->report.duration};
  result.kills = dead_nodes(done->report);
  result.fingerprint = done->fingerprint.hash;
  outcome.states = std::move(done->states);
  if (result.verdict != Class::kValid) {
    result.signature = signature_of(done->report, result.verdict);
    outcome.cause = done->report.cause;
    outcome.plan = run::to_json(plan);
  }
  return hold_against_itself(hooks, rates, plan, key, done->fingerprint, std::move(outcome));
}

}  // namespace

std::string signature_of(const reports::RunReport& report, Class verdict) {
  switch (verdict) {
    case Class::kValid:
      return {};
    case Class::kVacuous:
      return "vacuous";
    case Class::kInvalid:
    case Class::kNoRecovery:
    case Class::kCrash:
      return run::signature_of(report);
    default:
      return std::string(name_of(verdict)) + ": " + run::shape_of(report.cause);
  }
}

Outcome run_seed(const Hooks& hooks, const CheckRates& rates, std::uint64_t seed) {
  Outcome outcome;
  outcome.seed = seed;
  const auto plan = hooks.draw(seed);
  if (!plan) return not_run(std::move(outcome), plan.error());
  return run_plan(hooks, rates, *plan, seed, true, std::move(outcome));
}

Outcome run_corpus(const Hooks& hooks, const CheckRates& rates, const std::string& path) {
  Outcome outcome;
  outcome.corpus = path;
  const auto text = reports::read_file(path);
  if (!text) return not_run(std::move(outcome), text.error());
  auto plan = run::parse_plan_file(*text, path);
  if (!plan) return not_run(std::move(outcome), plan.error());
  plan->test.world = hooks.world.name;
  return run_plan(hooks, rates, *plan, hash_bytes(path), false, std::move(outcome));
}

Result<std::string> keep_run(const Hooks& hooks, const std::string& plan,
                             const std::string& directory, std::uint64_t fingerprint) {
  const auto parsed = run::parse_plan_file(plan, "the plan of " + directory);
  if (!parsed) return parsed.error();
  run::RunOptions options = judged_options();
  options.run_directory = directory;
  auto done = hooks.world.execute(*parsed, options);
  if (!done) return done.error();
  done->report.command = "./whitewater run --plan " + directory + "/plan.json";
  if (auto written = run::write_results(directory, *done); !written) return written.error();
  if (fingerprint == 0 || done->fingerprint.hash == fingerprint) return std::string();
  return hooks.world.name + ": the run that was kept is not the one that the campaign saw";
}

}  // namespace ww::campaign
