#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "base/real_time.hpp"
#include "controller/campaign/features.hpp"
#include "controller/campaign/mix.hpp"
#include "controller/campaign/runner.hpp"
#include "controller/campaign/summary.hpp"
#include "controller/cli/campaign_output.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/exit_codes.hpp"
#include "controller/cli/moving_line.hpp"
#include "controller/run/divergence.hpp"
#include "controller/run/plan_file.hpp"
#include "controller/run/store.hpp"
#include "controller/run/version.hpp"
#include "controller/shrink/shrinker.hpp"
#include "controller/worlds/registry.hpp"
#include "reports/files.hpp"

namespace ww::cli {

namespace {

namespace fs = std::filesystem;
using campaign::Campaign;

constexpr const char* kCorpus = "tests/corpus";
/// Of one signature; what is smallest by then is kept.
constexpr Duration kShrinkLimit = seconds(30);

/// A campaign that is about to run, new or taken up again.
struct Begun {
  Campaign campaign;
  campaign::RunnerOptions options;
  std::string session;
};

/// A world as the campaign sees it; its nodes are this program's.
campaign::World world_of(const worlds::WorldInfo& info, const std::string& node_executable) {
  return {std::string(info.name),
          [&info, node_executable](const run::PlanFile& plan, const run::RunOptions& options) {
            run::RunOptions with_node = options;
            with_node.node_executable = node_executable;
            return info.execute(plan, with_node);
          }};
}

/// The first event at which two runs of a plan part, as each side has it.
std::string first_divergent_event(const run::PlanFile& a, const run::Fingerprint& of_a,
                                  const campaign::World& world_a, const run::PlanFile& b,
                                  const run::Fingerprint& of_b, const campaign::World& world_b) {
  const auto repeat = [](const run::PlanFile& plan, const campaign::World& world) {
    return [&plan, &world](const run::RunOptions& wanted) {
      run::RunOptions options = wanted;
      options.stop_at_violation = true;
      return world.execute(plan, options);
    };
  };
  const auto found = run::find_divergence(of_a, of_b, repeat(a, world_a), repeat(b, world_b));
  if (!found) return found.error().message;
  return *found ? run::describe(**found) : "";
}

Result<campaign::Shrunk> shrink_plan(const run::PlanFile& plan, const campaign::Execute& execute) {
  const std::int64_t end = monotonic_ns() + to_ns(kShrinkLimit);
  shrink::ShrinkOptions options;
  options.budget.expired = [end] { return monotonic_ns() > end; };
  auto shrunk = shrink::shrink(plan, execute, options);
  if (!shrunk) return shrunk.error();
  const shrink::Size& size = shrunk->after;
  campaign::Shrunk out;
  out.cost = size.faults + size.ops;
  out.plan = run::to_json(shrunk->plan);
  out.facts = {{"shrunk to", shrink::describe(size)}};
  return out;
}

/// Errors: kUsage when the world does not repeat a seed exactly.
Result<const worlds::WorldInfo*> deterministic_world(const std::string& name) {
  const worlds::WorldInfo* const info = worlds::find_world(name);
  if (info != nullptr && info->deterministic) return info;
  return Error{ErrorCode::kUsage, true,
               "a campaign needs a world that repeats a seed exactly; '" + name + "' does not"};
}

Result<campaign::Hooks> hooks_for(const campaign::Identity& identity,
                                  const CampaignCommand& command,
                                  const std::string& node_executable,
                                  std::vector<std::string>& warnings) {
  campaign::Hooks hooks;
  const auto info = deterministic_world(identity.test.world);
  if (!info) return info.error();
  hooks.world = world_of(**info, node_executable);
  for (const worlds::WorldInfo& other : worlds::all_worlds()) {
    if (!other.deterministic || &other == *info || command.cross_percent == 0) continue;
    if (::access(node_executable.c_str(), X_OK) == 0) {
      hooks.other = world_of(other, node_executable);
    } else {
      warnings.push_back("not compared with the " + std::string(other.name) +
                         " world: there is no " + node_executable);
    }
  }
  hooks.draw = [identity](std::uint64_t seed) {
    return campaign::draw(seed, identity.test, identity.pins);
  };
  hooks.features = campaign::features_of;
  hooks.divergence = first_divergent_event;
  if (!command.no_shrink) {
    hooks.shrink = [execute = hooks.world.execute](const run::PlanFile& plan) {
      return shrink_plan(plan, execute);
    };
  }
  return hooks;
}

campaign::Identity identity_of(const CampaignCommand& command) {
  campaign::Identity identity;
  identity.commit = run::commit();
  identity.mix = campaign::mix_hash();
  identity.test = command.spec;
  identity.pins = command.pins;
  identity.features = campaign::feature_names();
  return identity;
}

/// The plans of the corpus, by name. Errors: kIo when a folder that was named is not there; those
/// of a plan that cannot be run.
Result<std::vector<std::string>> corpus_of(const CampaignCommand& command) {
  std::vector<std::string> out;
  const std::string folder = command.corpus.empty() ? kCorpus : command.corpus;
  std::error_code ec;
  fs::directory_iterator it(folder, ec);
  if (ec && !command.corpus.empty()) {
    return Error{ErrorCode::kIo, true, "cannot read the corpus " + folder + ": " + ec.message()};
  }
  for (; !ec && it != fs::directory_iterator(); it.increment(ec)) {
    if (it->path().extension() == ".json") out.push_back(it->path().string());
  }
  std::sort(out.begin(), out.end());
  for (const std::string& path : out) {
    const auto text = reports::read_file(path);
    if (!text) return text.error();
    const auto plan = run::parse_plan_file(*text, path);
    if (!plan) return plan.error();
    if (auto known = check_names(plan->test, known_names()); !known) {
      return Error{ErrorCode::kUsage, true, path + ", test: " + known.error().message};
    }
  }
  return out;
}

Result<Begun> begin_new(const CampaignCommand& command, std::string& started) {
  if (const auto world = deterministic_world(command.spec.world); !world) return world.error();
  Begun begun;
  begun.campaign.identity = identity_of(command);
  begun.options.request = {command.first_seed, command.seeds, command.shards};
  begun.options.shard = command.shard;
  begun.campaign.requests[begun.options.request].insert(command.shard);
  auto directory = run::make_run_directory(command.store, "campaign", command.first_seed);
  if (!directory) return directory.error();
  begun.options.directory = directory->path;
  started = directory->started;
  return begun;
}

Result<Begun> begin_again(const CampaignCommand& command, std::string& started) {
  auto stored = read_campaign(command.resume);
  if (!stored) return stored.error();
  const auto refuse = [&](const std::string& why) {
    return Error{ErrorCode::kUsage, true, command.resume + " cannot be resumed: " + why};
  };
  if (stored->requests.size() != 1 || stored->requests.begin()->second.size() != 1) {
    return refuse("it is merged from several; resume its parts");
  }
  CampaignCommand same;
  same.spec = stored->identity.test;
  same.pins = stored->identity.pins;
  const campaign::Identity ours = identity_of(same);
  if (ours.commit != stored->identity.commit) {
    return refuse("it was begun by the commit " + stored->identity.commit + ", this is " +
                  ours.commit);
  }
  if (ours != stored->identity) {
    return refuse("its mix was " + stored->identity.mix + ", here it is " + ours.mix);
  }
  Begun begun;
  begun.options.request = stored->requests.begin()->first;
  begun.options.shard = *stored->requests.begin()->second.begin();
  if (begun.options.request.seeds == 0 && !command.time && !command.until_fail) {
    return refuse("it has no last seed; say --for or --until-fail");
  }
  begun.options.directory = command.resume;
  begun.campaign = std::move(*stored);
  started = run::utc_now();
  return begun;
}

std::size_t default_jobs() {
  return std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

Result<Begun> begin(const CampaignCommand& command) {
  const auto known = read_known(command.known);
  if (!known) return known.error();
  auto corpus = corpus_of(command);
  if (!corpus) return corpus.error();
  std::string started;
  auto begun = command.resume.empty() ? begin_new(command, started) : begin_again(command, started);
  if (!begun) return begun.error();
  campaign::RunnerOptions& options = begun->options;
  options.corpus = std::move(*corpus);
  options.known = *known;
  options.workers = command.jobs == 0 ? default_jobs() : command.jobs;
  options.rates = {command.replay_percent, command.cross_percent};
  options.time = command.time;
  options.fail_fast = command.fail_fast || command.until_fail;
  // The shards of one campaign may begin in the same second.
  const std::string name = fs::path(options.directory).lexically_normal().filename().string();
  begun->session = name + " shard " + std::to_string(options.shard) + " at " + started;
  campaign::Session session;
  session.started = started;
  session.compiler = run::compiler();
  session.shard = options.shard;
  session.workers = static_cast<std::uint32_t>(options.workers);
  begun->campaign.sessions[begun->session] = session;
  return begun;
}

std::string banner(const Begun& begun) {
  const campaign::RunnerOptions& options = begun.options;
  std::string out = "whitewater: mix " + begun.campaign.identity.mix + ", ";
  out += options.request.seeds == 0
             ? "seeds from " + std::to_string(options.request.first)
             : std::to_string(campaign::seeds_of_shard(options.request, options.shard)) +
                   " seeds from " + std::to_string(options.request.first);
  if (options.request.shards > 1) {
    out +=
        ", shard " + std::to_string(options.shard) + "/" + std::to_string(options.request.shards);
  }
  out += ", " + std::to_string(options.workers) + " workers";
  if (!options.corpus.empty()) {
    out += ", " + std::to_string(options.corpus.size()) + " plans of the corpus";
  }
  return out + "; results in " + options.directory + "\n";
}

int exit_of(campaign::End end) {
  switch (end) {
    case campaign::End::kInterrupted:
      return kExitInterrupted;
    case campaign::End::kKilled:
      return kExitSigint;
    case campaign::End::kEnvironment:
      return kExitEnvironment;
    default:
      return kExitValid;
  }
}

/// What the reader has to know about how it ended.
std::vector<std::string> warnings_of(const campaign::Finished& finished,
                                     const std::string& directory) {
  std::vector<std::string> out = finished.warnings;
  if (finished.end == campaign::End::kEnvironment) {
    out.push_back("ended early, for the machine lacks something: " + finished.reason);
  }
  if (finished.end == campaign::End::kFailFast) out.emplace_back("ended at the first failure");
  if (finished.end == campaign::End::kFull) {
    out.push_back("ended at " + std::to_string(campaign::kMaxSeeds) +
                  " seeds, which is as many as one campaign keeps");
  }
  if (exit_of(finished.end) != kExitValid) {
    out.push_back("interrupted; go on with: ./whitewater campaign --resume " + directory);
  }
  return out;
}

}  // namespace

int do_campaign(const Common& common, const CampaignCommand& command,
                const std::string& node_executable) {
  auto begun = begin(command);
  if (!begun) return complain(begun.error());
  CampaignOutput output;
  const auto hooks = hooks_for(begun->campaign.identity, command, node_executable, output.warnings);
  if (!hooks) return complain(hooks.error());
  const std::string& directory = begun->options.directory;
  if (!common.quiet) std::fputs(banner(*begun).c_str(), stderr);

  MovingLine line(common.quiet);
  campaign::Callbacks callbacks;
  callbacks.on_progress = [&line](const campaign::Status& status) {
    const Instant now = instant_at(monotonic_ns());
    if (!line.due(now)) return;
    line.show(now, [&](std::size_t width) {
      const std::string text = campaign::progress_line(status);
      return width == 0 ? text : text.substr(0, width);
    });
  };
  callbacks.save = [&](const Campaign& campaign) { return store_campaign(directory, campaign); };
  const auto finished =
      campaign::run_campaign(begun->campaign, begun->session, *hooks, begun->options, callbacks);
  line.clear();
  if (!finished) return complain(finished.error());
  output.directory = directory;
  output.junit_file = command.junit_file;
  output.known = begun->options.known;
  const auto warnings = warnings_of(*finished, directory);
  output.warnings.insert(output.warnings.end(), warnings.begin(), warnings.end());
  const int codes[] = {finish_campaign_output(common, output, begun->campaign),
                       exit_of(finished->end)};
  return worst_exit(codes);
}

}  // namespace ww::cli
