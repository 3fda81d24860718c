// Campaigns made up for tests: outcomes that are a function of the seed, and a world that yields
// them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "controller/campaign/campaign.hpp"
#include "controller/campaign/runner.hpp"
#include "controller/campaign/seed_runner.hpp"
#include "controller/cli/exit_codes.hpp"

namespace ww::samples {

/// What this seed comes to in the made-up cluster: mostly valid, with three kinds of failure.
inline campaign::Outcome outcome_of(std::uint64_t seed) {
  static const std::vector<std::string> kShapes = {"ES: # and # both led term #",
                                                   "LIN: a read of key # is stale", "no recovery"};
  Rng rng = keyed(seed, "test.outcome");
  campaign::Outcome out;
  out.seed = seed;
  out.result.events = 1000 + rng.below(100);
  out.result.length = milliseconds(static_cast<std::int64_t>(8000 + rng.below(4000)));
  out.result.kills = rng.below(20);
  out.result.features = rng.below(4);
  out.result.fingerprint = rng.next();
  for (std::uint64_t i = 0; i < 5; ++i) out.states.push_back(rng.below(200));
  if (rng.below(10) > 1) {
    out.result.verdict = campaign::Class::kValid;
    return out;
  }
  const std::uint64_t kind = rng.below(kShapes.size());
  out.result.verdict = kind == 2 ? campaign::Class::kNoRecovery : campaign::Class::kInvalid;
  out.result.signature = kShapes[kind];
  out.result.checks = campaign::kReplayed;
  out.cause = "seed " + std::to_string(seed) + " failed";
  out.plan = "{\"plan of\": " + std::to_string(seed) + "}";
  return out;
}

inline campaign::Identity identity() {
  campaign::Identity identity;
  identity.commit = "0123456789ab";
  identity.mix = "5eed0123";
  identity.test.world = "simulated";
  identity.features = {"3 nodes", "kill"};
  return identity;
}

/// A shard of a request, run as far as its first `seeds` seeds.
inline campaign::Campaign shard_of(const campaign::Request& request, std::uint32_t shard,
                                   std::uint64_t seeds = UINT64_MAX) {
  campaign::Campaign out;
  out.identity = identity();
  out.requests[request].insert(shard);
  campaign::Session session;
  session.started = "2026-11-26T00:00:0" + std::to_string(shard % 10) + "Z";
  session.compiler = "GNU 12.2.0";
  session.shard = shard;
  session.wall = seconds(shard);
  out.sessions["shard " + std::to_string(shard)] = session;
  const std::uint64_t all = campaign::seeds_of_shard(request, shard);
  for (std::uint64_t k = 0; k < all && k < seeds; ++k) {
    out.add(outcome_of(campaign::seed_at(request, shard, k)));
  }
  return out;
}

/// A world that runs nothing: `verdict` says how a plan ends, from its seed.
inline campaign::Execute made_up_world(int (*exit_code_of)(std::uint64_t seed)) {
  return [exit_code_of](const run::PlanFile& plan,
                        const run::RunOptions&) -> Result<run::FinishedRun> {
    run::FinishedRun out;
    out.executed = plan;
    out.steps = 100 + plan.test.seed;
    out.fingerprint.hash = mix64(plan.test.seed);
    out.fingerprint.events = 2 * out.steps;
    out.states = {plan.test.seed % 7, 100 + plan.test.seed % 5};
    out.report.seed = plan.test.seed;
    out.report.nodes = plan.test.nodes;
    out.report.duration = 10'000'000'000;
    out.report.exit_code = exit_code_of(plan.test.seed);
    out.report.cause = "seed " + std::to_string(plan.test.seed);
    if (out.report.exit_code == cli::kExitValid) out.report.verdict = Verdict::kValid;
    if (out.report.exit_code != cli::kExitInvalid) return out;
    out.report.verdict = Verdict::kInvalid;
    CheckResult check;
    check.checker = "ES";
    check.verdict = Verdict::kInvalid;
    Violation violation;
    violation.property = "ES";
    violation.summary = "n1 and n2 both led term " + std::to_string(plan.test.seed);
    violation.time = 5;
    check.violations.push_back(std::move(violation));
    check.violation_count = 1;
    out.report.checks.push_back(std::move(check));
    return out;
  };
}

inline campaign::Hooks made_up_hooks(int (*exit_code_of)(std::uint64_t seed)) {
  campaign::Hooks hooks;
  hooks.world = {"simulated", made_up_world(exit_code_of)};
  hooks.draw = [](std::uint64_t seed) -> Result<run::PlanFile> {
    run::PlanFile plan;
    plan.test.world = "simulated";
    plan.test.seed = seed;
    plan.test.faults = {"none"};
    auto faults = run::plan_for(plan.test);
    if (!faults) return faults.error();
    plan.faults = std::move(*faults);
    return plan;
  };
  return hooks;
}

}  // namespace ww::samples
