#include "controller/campaign/campaign.hpp"

#include <algorithm>
#include <tuple>

#include "controller/cli/exit_codes.hpp"
#include "reports/format.hpp"

namespace ww::campaign {

namespace {

/// Fewest events first; of equals the lowest seed.
void keep_better(std::optional<Example>& best, const Example& other) {
  const auto rank = [](const Example& e) { return std::tie(e.events, e.seed, e.cause, e.plan); };
  if (!best || rank(other) < rank(*best)) best = other;
}

void keep_better(std::optional<Shrunk>& best, const Shrunk& other) {
  const auto facts_text = [](const Shrunk& s) {
    std::string out;
    for (const reports::Fact& fact : s.facts) out += fact.name + "\n" + fact.value + "\n";
    return out;
  };
  const auto rank = [&](const Shrunk& s) {
    return std::tuple(s.cost, s.plan.size(), s.plan, facts_text(s));
  };
  if (!best || rank(other) < rank(*best)) best = other;
}

void join(Signature& a, const Signature& b) {
  std::optional<Example> example = std::move(a.example);
  keep_better(example, b.example);
  a.example = std::move(*example);
  if (b.shrunk) keep_better(a.shrunk, *b.shrunk);
}

bool same_but_for_checks(SeedResult a, const SeedResult& b) {
  a.checks = b.checks;
  return a == b;
}

std::string text_of(const SeedResult& result) {
  return std::string(name_of(result.verdict)) + " after " + std::to_string(result.events) +
         " events" + (result.signature.empty() ? "" : " (" + result.signature + ")");
}

Error different(const std::string& what, const std::string& a, const std::string& b) {
  return Error{ErrorCode::kUsage, true,
               "these are not parts of one campaign: " + what + " " + a + " and " + b +
                   "; merge only what was run alike"};
}

std::string joined(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ", ") + item;
  return "'" + out + "'";
}

Result<void> same_identity(const Identity& a, const Identity& b) {
  if (a.commit != b.commit) return different("they are of the commits", a.commit, b.commit);
  if (a.mix != b.mix) return different("they were drawn from the mixes", a.mix, b.mix);
  if (a.test != b.test) {
    return different("their options differ:", "'" + run::command_line(a.test) + "'",
                     "'" + run::command_line(b.test) + "'");
  }
  if (a.pins != b.pins) return different("their pinned flags are", joined(a.pins), joined(b.pins));
  if (a.features != b.features) {
    return different("their features are", joined(a.features), joined(b.features));
  }
  return {};
}

/// The first seed, or plan of the corpus, that did not end alike.
Result<void> same_results(const Campaign& a, const Campaign& b) {
  const auto unequal = [](const std::string& what, const SeedResult& x, const SeedResult& y) {
    return Error{ErrorCode::kInternal, true,
                 what + " ended differently in two parts: " + text_of(x) + ", and " + text_of(y) +
                     "; a seed must end the same everywhere"};
  };
  for (const auto& [seed, result] : b.seeds) {
    const auto ours = a.seeds.find(seed);
    if (ours == a.seeds.end() || same_but_for_checks(ours->second, result)) continue;
    return unequal("seed " + std::to_string(seed), ours->second, result);
  }
  for (const auto& [path, entry] : b.corpus) {
    const auto ours = a.corpus.find(path);
    if (ours == a.corpus.end()) continue;
    if (same_but_for_checks(ours->second.result, entry.result)) continue;
    return unequal(path, ours->second.result, entry.result);
  }
  return {};
}

std::uint64_t median(std::vector<std::uint64_t> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

std::uint64_t seeds_of_shard(const Request& request, std::uint32_t shard) {
  const std::uint64_t skipped = shard - 1;
  if (request.seeds <= skipped) return 0;
  return (request.seeds - skipped + request.shards - 1) / request.shards;
}

std::uint64_t seed_at(const Request& request, std::uint32_t shard, std::uint64_t k) {
  return request.first + (shard - 1) + k * request.shards;
}

void Campaign::add(const Outcome& outcome) {
  if (outcome.result.verdict == Class::kEnvironment) return;
  const bool of_corpus = !outcome.corpus.empty();
  const std::string subject = of_corpus ? outcome.corpus : "seed " + std::to_string(outcome.seed);
  if (!outcome.divergence.empty()) divergences.emplace(subject, outcome.divergence);
  if (of_corpus) {
    corpus[outcome.corpus] = {outcome.result, outcome.cause};
    return;
  }
  seeds[outcome.seed] = outcome.result;
  coverage.add(outcome.states, outcome.seed);
  if (outcome.result.signature.empty()) return;
  Signature fresh;
  fresh.example = {outcome.seed, outcome.result.events, outcome.result.verdict, outcome.cause,
                   outcome.plan};
  const auto [at, first] = signatures.emplace(outcome.result.signature, fresh);
  if (!first) join(at->second, fresh);
}

void Campaign::add_shrunk(const std::string& signature, Shrunk shrunk) {
  const auto at = signatures.find(signature);
  if (at != signatures.end()) keep_better(at->second.shrunk, shrunk);
}

Result<void> merge(Campaign& a, const Campaign& b) {
  if (auto same = same_identity(a.identity, b.identity); !same) return same;
  if (auto same = same_results(a, b); !same) return same;
  std::uint64_t together = a.seeds.size();
  for (const auto& [seed, result] : b.seeds) together += 1 - a.seeds.count(seed);
  if (together > kMaxSeeds) {
    return Error{ErrorCode::kTooLarge, true,
                 "together they have " + std::to_string(together) +
                     " seeds, and a campaign keeps at most " + std::to_string(kMaxSeeds)};
  }
  for (const auto& [request, shards] : b.requests) {
    a.requests[request].insert(shards.begin(), shards.end());
  }
  for (const auto& [id, session] : b.sessions) {
    Session& ours = a.sessions[id];
    ours = std::max(ours, session);
  }
  for (const auto& [seed, result] : b.seeds) {
    const auto [at, fresh] = a.seeds.emplace(seed, result);
    if (!fresh) at->second.checks |= result.checks;
  }
  for (const auto& [text, signature] : b.signatures) {
    const auto [at, fresh] = a.signatures.emplace(text, signature);
    if (!fresh) join(at->second, signature);
  }
  for (const auto& [path, entry] : b.corpus) {
    const auto [at, fresh] = a.corpus.emplace(path, entry);
    if (fresh) continue;
    at->second.result.checks |= entry.result.checks;
    at->second.cause = std::min(at->second.cause, entry.cause);
  }
  for (const auto& [subject, text] : b.divergences) {
    const auto [at, fresh] = a.divergences.emplace(subject, text);
    if (!fresh) at->second = std::min(at->second, text);
  }
  a.coverage.merge(b.coverage);
  return {};
}

std::vector<Missing> missing(const Campaign& campaign) {
  std::vector<Missing> out;
  for (const auto& [request, shards] : campaign.requests) {
    for (std::uint32_t shard = 1; shard <= request.shards; ++shard) {
      Missing lacks{request, shard, shards.count(shard) == 0, 0};
      const std::uint64_t all = seeds_of_shard(request, shard);
      for (std::uint64_t k = 0; k < all; ++k) {
        if (campaign.seeds.count(seed_at(request, shard, k)) == 0) ++lacks.seeds;
      }
      // Of an unbounded shard any number of seeds is all of it.
      if (lacks.seeds > 0 || (request.seeds == 0 && lacks.whole)) out.push_back(lacks);
    }
  }
  return out;
}

std::string describe(const Missing& missing) {
  const auto digits = [](std::uint64_t n) { return reports::group_digits(n); };
  const Request& request = missing.request;
  std::string of = request.seeds == 0 ? "the seeds from " + digits(request.first)
                                      : "seeds " + digits(request.first) + " to " +
                                            digits(request.first + request.seeds - 1);
  const std::string shard =
      "shard " + std::to_string(missing.shard) + "/" + std::to_string(request.shards) + " of " + of;
  if (missing.whole) return shard + " is missing";
  return (request.shards == 1 ? of : shard) + ": " + digits(missing.seeds) +
         (missing.seeds == 1 ? " seed was not run" : " seeds were not run");
}

Totals totals(const Campaign& campaign) {
  Totals out;
  std::vector<std::uint64_t> events;
  std::vector<std::uint64_t> kills;
  for (const auto& [seed, result] : campaign.seeds) {
    ++out.classes[static_cast<std::size_t>(result.verdict)];
    out.failures += is_failure(result.verdict) ? 1 : 0;
    out.events += result.events;
    out.kills += result.kills;
    out.length += result.length;
    out.replayed += (result.checks & kReplayed) != 0 ? 1 : 0;
    out.cross_world += (result.checks & kCrossWorld) != 0 ? 1 : 0;
    events.push_back(result.events);
    kills.push_back(result.kills);
  }
  out.seeds = campaign.seeds.size();
  out.median_events = median(std::move(events));
  out.median_kills = median(std::move(kills));
  for (const auto& [id, session] : campaign.sessions) out.wall += session.wall;
  return out;
}

std::vector<std::uint64_t> seeds_of(const Campaign& campaign) {
  std::vector<std::uint64_t> out;
  out.reserve(campaign.seeds.size());
  for (const auto& [seed, result] : campaign.seeds) out.push_back(seed);
  return out;
}

std::map<std::string, std::uint64_t> count_signatures(const Campaign& campaign) {
  std::map<std::string, std::uint64_t> out;
  for (const auto& [seed, result] : campaign.seeds) {
    if (!result.signature.empty()) ++out[result.signature];
  }
  return out;
}

int exit_code(const Campaign& campaign) {
  const Totals all = totals(campaign);
  std::vector<int> codes;
  for (std::size_t i = 0; i < kClasses; ++i) {
    const auto verdict = static_cast<Class>(i);
    if (all.classes[i] > 0 && verdict != Class::kVacuous) codes.push_back(exit_of(verdict));
  }
  const std::uint64_t vacuous = all.classes[static_cast<std::size_t>(Class::kVacuous)];
  if (all.seeds > 0 && vacuous * 2 > all.seeds) codes.push_back(cli::kExitUnknown);
  for (const auto& [path, entry] : campaign.corpus) {
    // A shrunk plan without the defect that it was shrunk for is bound to be quiet.
    if (entry.result.verdict != Class::kVacuous) codes.push_back(exit_of(entry.result.verdict));
  }
  if (!campaign.divergences.empty()) codes.push_back(cli::kExitHarness);
  if (all.seeds + campaign.corpus.size() == 0 || !missing(campaign).empty()) {
    codes.push_back(cli::kExitUnknown);
  }
  return cli::worst_exit(codes);
}

}  // namespace ww::campaign
