// A campaign as a value: what was asked for, what every seed came to, and the best example of each
// kind of failure.
//
// Every part is a set, or a map whose values of one key are joined by a rule that knows no order:
// the lowest, the highest, or "must be equal". A campaign is therefore the join of its seeds, and
// merging two is commutative, associative and idempotent: the merged file is the same bytes for any
// order of the parts, and a part that is given twice counts once. Times of the clock live in
// Session alone; all else depends on the seeds only, but for shrunk plans, which a budget ends.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "controller/campaign/coverage.hpp"
#include "controller/campaign/seed_result.hpp"
#include "controller/run/test_spec.hpp"
#include "reports/run_report.hpp"

namespace ww::campaign {

/// No campaign keeps more seeds: one file of results has to stay readable.
inline constexpr std::uint64_t kMaxSeeds = 4'000'000;
inline constexpr std::uint32_t kMaxShards = 10'000;

/// What two campaigns must have in common to be parts of one.
struct Identity {
  std::string commit;
  std::string mix;                    // the hash of the swarm mix
  run::TestSpec test;                 // what the plans are drawn for; its seed is 0
  std::vector<std::string> pins;      // the flags that the mix does not draw: "nodes"
  std::vector<std::string> features;  // what the bits of SeedResult::features mean
  friend bool operator==(const Identity&, const Identity&) = default;
};

/// Seeds first, first + 1, ...; shard i of n has those whose index leaves i - 1 when divided by n.
struct Request {
  std::uint64_t first = 1;
  std::uint64_t seeds = 0;  // 0: as many as there is time for
  std::uint32_t shards = 1;
  friend auto operator<=>(const Request&, const Request&) = default;
};

/// How many seeds of `request` the shard has; 0 for an unbounded one.
std::uint64_t seeds_of_shard(const Request& request, std::uint32_t shard);
/// The k-th of them, from 0.
std::uint64_t seed_at(const Request& request, std::uint32_t shard, std::uint64_t k);

/// One sitting of one shard: the only place for times of the clock.
struct Session {
  std::string started;  // UTC
  std::string compiler;
  std::uint32_t shard = 1;
  std::uint32_t workers = 1;
  Duration wall{};
  friend auto operator<=>(const Session&, const Session&) = default;
};

/// The run of a signature that took the fewest events.
struct Example {
  std::uint64_t seed = 0;
  std::uint64_t events = 0;
  Class verdict = Class::kInvalid;
  std::string cause;
  std::string plan;  // plan.json
  friend bool operator==(const Example&, const Example&) = default;
};

/// A smaller plan that still fails so.
struct Shrunk {
  std::uint64_t cost = 0;  // faults, ops and explicit deliveries that are left
  std::string plan;
  std::vector<reports::Fact> facts;
  friend bool operator==(const Shrunk&, const Shrunk&) = default;
};

struct Signature {
  Example example;
  std::optional<Shrunk> shrunk;
  friend bool operator==(const Signature&, const Signature&) = default;
};

struct CorpusResult {
  SeedResult result;
  std::string cause;
  friend bool operator==(const CorpusResult&, const CorpusResult&) = default;
};

struct Campaign {
  Identity identity;
  std::map<Request, std::set<std::uint32_t>> requests;  // and the shards that are here
  std::map<std::string, Session> sessions;              // by the directory and start of each
  std::map<std::uint64_t, SeedResult> seeds;
  std::map<std::string, Signature> signatures;
  std::map<std::string, CorpusResult> corpus;      // by path
  std::map<std::string, std::string> divergences;  // "seed 17" -> where its two runs parted
  Coverage coverage;
  friend bool operator==(const Campaign&, const Campaign&) = default;

  /// Takes in what a seed or a plan of the corpus came to. Of environment errors nothing is kept.
  void add(const Outcome& outcome);
  void add_shrunk(const std::string& signature, Shrunk shrunk);
};

/// Joins `b` into `a`.
///
/// Errors: kUsage naming what the two have not in common; kInternal naming a seed that ended
/// differently in the two. Then `a` is unchanged.
Result<void> merge(Campaign& a, const Campaign& b);

/// A shard that is not here, or not wholly.
struct Missing {
  Request request;
  std::uint32_t shard = 1;
  bool whole = false;       // nothing of it is here
  std::uint64_t seeds = 0;  // that it lacks; 0 when unbounded
};
std::vector<Missing> missing(const Campaign& campaign);
/// "shard 2/3 of seeds 1 to 10 000 is missing".
std::string describe(const Missing& missing);

struct Totals {
  std::array<std::uint64_t, kClasses> classes{};  // by Class
  std::uint64_t seeds = 0;
  std::uint64_t failures = 0;
  std::uint64_t events = 0;
  std::uint64_t kills = 0;
  std::uint64_t median_events = 0;
  std::uint64_t median_kills = 0;
  std::uint64_t replayed = 0;
  std::uint64_t cross_world = 0;
  Duration length{};
  Duration wall{};  // of all sessions
};
Totals totals(const Campaign& campaign);

/// All seeds that were run, ascending.
std::vector<std::uint64_t> seeds_of(const Campaign& campaign);

/// How many seeds ended with each signature.
std::map<std::string, std::uint64_t> count_signatures(const Campaign& campaign);

/// The worst of all seeds, plans of the corpus and divergences. A vacuous seed proves nothing and
/// disproves nothing: only when fewer than half of the seeds are more than that, the campaign
/// itself is vacuous. A campaign with missing seeds is unknown at best.
int exit_code(const Campaign& campaign);

std::string to_json(const Campaign& campaign);
/// Errors: kCorrupt or kUsage, naming `name` and the key or line.
Result<Campaign> parse_campaign(std::string_view text, const std::string& name);

}  // namespace ww::campaign
