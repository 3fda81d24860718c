// Runs one seed of a campaign, or one plan, and holds it against itself. It is what a worker does.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "controller/campaign/campaign.hpp"
#include "controller/run/finished_run.hpp"
#include "controller/run/plan_file.hpp"

namespace ww::campaign {

using Execute =
    std::function<Result<run::FinishedRun>(const run::PlanFile& plan, const run::RunOptions&)>;

struct World {
  std::string name;
  Execute execute;
};

/// What a campaign asks of the rest of the controller. All but `draw` and `world` may be empty.
struct Hooks {
  /// The plan of a seed, for the campaign's world.
  std::function<Result<run::PlanFile>(std::uint64_t seed)> draw;
  World world;
  /// Another deterministic world, in which the same plan must give the same fingerprint.
  World other;
  /// Bits of Identity::features that a plan has.
  std::function<std::uint64_t(const run::PlanFile&)> features;
  /// Says at which event two runs of one plan part, given their fingerprints.
  std::function<std::string(const run::PlanFile& a, const run::Fingerprint&, const World&,
                            const run::PlanFile& b, const run::Fingerprint&, const World&)>
      divergence;
  /// A smaller plan that fails with the same signature.
  std::function<Result<Shrunk>(const run::PlanFile&)> shrink;
};

struct CheckRates {
  std::uint32_t replay_percent = 5;
  std::uint32_t cross_percent = 1;
};

/// Runs the plan of `seed`, ends it at the first violation, and replays what failed and a sample of
/// the rest, in the same world and in the other. The sample is keyed by the seed.
Outcome run_seed(const Hooks& hooks, const CheckRates& rates, std::uint64_t seed);

/// The same for a plan.json of the corpus, in the campaign's world.
Outcome run_corpus(const Hooks& hooks, const CheckRates& rates, const std::string& path);

/// Runs `plan` (plan.json) once more and writes the whole run directory. Returns how that run
/// differs from the one with `fingerprint` (0: from none), or "" when it does not.
/// Errors: those of the files and of the world.
Result<std::string> keep_run(const Hooks& hooks, const std::string& plan,
                             const std::string& directory, std::uint64_t fingerprint);

/// What kind of failure a run ended with; of an undecided one, which rule was not decided.
std::string signature_of(const reports::RunReport& report, Class verdict);

}  // namespace ww::campaign
