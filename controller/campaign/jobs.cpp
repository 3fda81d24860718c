#include "controller/campaign/jobs.hpp"

#include <filesystem>

#include "base/assert.hpp"

namespace ww::campaign {

namespace {

Reply keep(const Hooks& hooks, const Job& job) {
  Reply reply;
  std::error_code ec;
  std::filesystem::create_directories(job.path, ec);  // a failure shows when files are written
  auto divergence = keep_run(hooks, job.plan, job.path, job.fingerprint);
  (divergence ? reply.divergence : reply.error) =
      divergence ? *divergence : divergence.error().message;
  return reply;
}

Reply shrink(const Hooks& hooks, const Job& job) {
  Reply reply;
  const auto plan = run::parse_plan_file(job.plan, "the plan of " + job.signature);
  const auto shrunk = plan ? hooks.shrink(*plan) : Result<Shrunk>(plan.error());
  if (!shrunk) {
    reply.error = shrunk.error().message;
    return reply;
  }
  reply.cost = shrunk->cost;
  reply.plan = shrunk->plan;
  for (const reports::Fact& fact : shrunk->facts) {
    reply.facts.push_back(fact.name);
    reply.facts.push_back(fact.value);
  }
  return reply;
}

}  // namespace

std::string perform(const Hooks& hooks, const CheckRates& rates, std::string_view bytes) {
  const auto job = decoded<Job>(bytes);
  WW_ASSERT(job.has_value(), "a job that does not decode");
  switch (job->kind) {
    case JobKind::kCorpus:
      return encoded(run_corpus(hooks, rates, job->path));
    case JobKind::kSeed:
      return encoded(run_seed(hooks, rates, job->seed));
    case JobKind::kKeep:
      return encoded(keep(hooks, *job));
    case JobKind::kShrink:
      break;
  }
  return encoded(shrink(hooks, *job));
}

}  // namespace ww::campaign
