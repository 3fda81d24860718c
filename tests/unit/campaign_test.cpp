// Campaigns as values: adding, merging, what is missing, the file.
#include "controller/campaign/campaign.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "controller/campaign/summary.hpp"
#include "controller/cli/exit_codes.hpp"
#include "tests/unit/campaign_samples.hpp"
#include "tests/unit/test_seed.hpp"

using namespace ww;
using namespace ww::campaign;

namespace {

Campaign joined(const std::vector<Campaign>& parts) {
  Campaign out = parts.front();
  for (std::size_t i = 1; i < parts.size(); ++i) REQUIRE(merge(out, parts[i]));
  return out;
}

/// Parts that overlap at random, with shrunk plans and checks that not every part has.
std::vector<Campaign> random_parts(Rng& rng) {
  const Request request{rng.below(1000), 20 + rng.below(60),
                        static_cast<std::uint32_t>(1 + rng.below(4))};
  std::vector<Campaign> out;
  const std::uint64_t count = 2 + rng.below(4);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto shard = static_cast<std::uint32_t>(1 + rng.below(request.shards));
    Campaign part = samples::shard_of(request, shard, rng.below(40));
    for (auto& [seed, result] : part.seeds) {
      if (rng.below(4) == 0) result.checks |= kCrossWorld;
    }
    for (const auto& [text, signature] : std::map(part.signatures)) {
      if (rng.below(2) == 0) continue;
      part.add_shrunk(text, {rng.below(3),
                             "{\"shrunk\": " + std::to_string(rng.below(9)) + "}",
                             {{"faults", std::to_string(rng.below(9))}}});
    }
    part.sessions.begin()->second.wall = seconds(static_cast<std::int64_t>(rng.below(100)));
    if (rng.below(3) == 0) part.divergences["seed 9"] = "event " + std::to_string(rng.below(2));
    out.push_back(std::move(part));
  }
  return out;
}

}  // namespace

TEST_CASE("merging depends neither on order nor on repetition, to the byte of the file") {
  for (std::uint64_t round = 0; round < 60; ++round) {
    INFO("round " << round << ", " << test::repeat_with());
    Rng rng = keyed(test::seed(), "test.merge", round);
    std::vector<Campaign> parts = random_parts(rng);
    const std::string expected = to_json(joined(parts));
    std::vector<Campaign> shuffled = parts;
    shuffled.insert(shuffled.end(), parts.begin(), parts.end());
    rng.shuffle(std::span(shuffled));
    CHECK(to_json(joined(shuffled)) == expected);
    // Any tree of merges: (a b) (c d ...).
    const auto half = static_cast<std::ptrdiff_t>(1 + rng.below(parts.size() - 1));
    Campaign left = joined({parts.begin(), parts.begin() + half});
    const Campaign right = joined({parts.begin() + half, parts.end()});
    REQUIRE(merge(left, right));
    CHECK(to_json(left) == expected);
  }
}

TEST_CASE("the shards of a campaign are together what one machine would have found") {
  const Request whole{100, 500, 1};
  const Request thirds{100, 500, 3};
  std::vector<Campaign> parts;
  for (std::uint32_t shard = 1; shard <= 3; ++shard)
    parts.push_back(samples::shard_of(thirds, shard));
  const Campaign merged = joined(parts);
  const Campaign single = samples::shard_of(whole, 1);
  CHECK(merged.seeds == single.seeds);
  CHECK(merged.signatures == single.signatures);
  CHECK(merged.coverage == single.coverage);
  CHECK(missing(merged).empty());
}

TEST_CASE("what is in the file is read back, and what is broken is refused by name") {
  Campaign campaign = samples::shard_of({1, 80, 2}, 2);
  campaign.add_shrunk(campaign.signatures.begin()->first, {3, "{}", {{"faults", "2"}}});
  campaign.divergences["seed 3"] = "event 17";
  Outcome past = samples::outcome_of(4);
  past.corpus = "tests/corpus/a.json";
  campaign.add(past);
  const std::string text = to_json(campaign);
  const auto read = parse_campaign(text, "campaign.json");
  REQUIRE(read);
  CHECK(*read == campaign);

  struct Row {
    std::string from;
    std::string to;
    std::string complaint;
  };
  const Row rows[] = {
      {"whitewater.campaign", "whitewater.plan", "\"schema\""},
      {"\"mix\"", "\"mixture\"", "\"mix\" is missing"},
      {"\"first\": \"1\"", "\"first\": 1", "\"first\" must be text"},
      {"\"shards\": 2", "\"shards\": 0", "\"shards\" must be a number from 1"},
      {"\"here\"", "\"there\"", "\"here\" is missing"},
      {"2 valid ", "2 splendid ", "is no seed's result"},
      {"2 valid ", "4 valid ", "is no seed's result"},
      {"\"level\": 0", "\"level\": 9", "not a sample of that level"},
      {"\"nodes\": 5", "\"nodes\": \"five\"", "\"nodes\""},
  };
  for (const Row& row : rows) {
    INFO(row.from << " -> " << row.to);
    std::string broken = text;
    const std::size_t at = broken.find(row.from);
    REQUIRE(at != std::string::npos);
    broken.replace(at, row.from.size(), row.to);
    const auto refused = parse_campaign(broken, "campaign.json");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("campaign.json") == 0);
    INFO(refused.error().message);
    CHECK(refused.error().message.find(row.complaint) != std::string::npos);
  }
}

TEST_CASE("a damaged file never brings the reader down") {
  const std::string text = to_json(samples::shard_of({1, 12, 1}, 1));
  for (std::uint64_t round = 0; round < 1500; ++round) {
    Rng rng = keyed(test::seed(), "test.damage", round);
    std::string damaged = text;
    for (std::uint64_t i = 0; i <= rng.below(3); ++i) {
      damaged[rng.below(damaged.size())] = static_cast<char>(rng.below(256));
    }
    if (rng.below(4) == 0) damaged.resize(rng.below(damaged.size()));
    const auto read = parse_campaign(damaged, "x");
    // What is accepted can be written, merged and judged.
    if (!read) continue;
    Campaign copy = *read;
    CHECK(merge(copy, *read));
    CHECK_FALSE(to_json(copy).empty());
  }
}

TEST_CASE("missing shards and seeds are named, and make the result unknown at best") {
  const Request thirds{1, 900, 3};
  Campaign campaign = samples::shard_of(thirds, 1);
  REQUIRE(merge(campaign, samples::shard_of(thirds, 3, 290)));
  const std::vector<Missing> lacks = missing(campaign);
  REQUIRE(lacks.size() == 2);
  CHECK(describe(lacks[0]) == "shard 2/3 of seeds 1 to 900 is missing");
  CHECK(describe(lacks[1]) == "shard 3/3 of seeds 1 to 900: 10 seeds were not run");

  Campaign clean;
  clean.identity = samples::identity();
  clean.requests[{1, 4, 2}].insert(1);
  for (const std::uint64_t seed : {1, 3}) {
    Outcome valid;
    valid.seed = seed;
    valid.result.verdict = Class::kValid;
    clean.add(valid);
  }
  CHECK(exit_code(clean) == cli::kExitUnknown);
  clean.requests.clear();
  clean.requests[{1, 0, 2}] = {1, 2};
  CHECK(missing(clean).empty());
  CHECK(exit_code(clean) == cli::kExitValid);
  clean.requests[{1, 0, 2}] = {2};
  CHECK(describe(missing(clean).at(0)) == "shard 1/2 of the seeds from 1 is missing");
}

TEST_CASE("campaigns that are not parts of one are refused, and the difference is named") {
  const Campaign a = samples::shard_of({1, 10, 1}, 1);
  struct Row {
    std::string complaint;
    ErrorCode code;
    void (*change)(Campaign&);
  };
  const Row rows[] = {
      {"commits", ErrorCode::kUsage, [](Campaign& c) { c.identity.commit = "feed"; }},
      {"mixes", ErrorCode::kUsage, [](Campaign& c) { c.identity.mix = "feed"; }},
      {"--nodes 3", ErrorCode::kUsage, [](Campaign& c) { c.identity.test.nodes = 3; }},
      {"pinned flags", ErrorCode::kUsage, [](Campaign& c) { c.identity.pins = {"rate"}; }},
      {"features", ErrorCode::kUsage, [](Campaign& c) { c.identity.features.pop_back(); }},
      {"seed 7 ended differently", ErrorCode::kInternal,
       [](Campaign& c) { ++c.seeds.at(7).fingerprint; }},
  };
  for (const Row& row : rows) {
    INFO(row.complaint);
    Campaign b = a;
    row.change(b);
    Campaign merged = a;
    const auto done = merge(merged, b);
    REQUIRE_FALSE(done);
    CHECK(done.error().code == row.code);
    CHECK(done.error().message.find(row.complaint) != std::string::npos);
    CHECK(merged == a);
  }
}

TEST_CASE("the exit status is the worst of the seeds; vacuous ones weigh only together") {
  const auto campaign_of = [](std::vector<Class> classes) {
    Campaign out;
    out.identity = samples::identity();
    out.requests[{1, 0, 1}].insert(1);
    for (std::size_t i = 0; i < classes.size(); ++i) {
      Outcome outcome;
      outcome.seed = i + 1;
      outcome.result.verdict = classes[i];
      if (classes[i] != Class::kValid) outcome.result.signature = std::string(name_of(classes[i]));
      out.add(outcome);
    }
    return out;
  };
  CHECK(exit_code(campaign_of({Class::kValid, Class::kValid})) == cli::kExitValid);
  CHECK(exit_code(campaign_of({Class::kValid, Class::kVacuous})) == cli::kExitValid);
  CHECK(exit_code(campaign_of({Class::kVacuous, Class::kVacuous, Class::kValid})) ==
        cli::kExitUnknown);
  CHECK(exit_code(campaign_of({Class::kValid, Class::kValid, Class::kUnknown})) ==
        cli::kExitUnknown);
  CHECK(exit_code(campaign_of({Class::kHarness, Class::kNoRecovery})) == cli::kExitNoRecovery);
  CHECK(exit_code(campaign_of({Class::kCrash, Class::kNoRecovery})) == cli::kExitNodeCrashed);
  CHECK(exit_code(campaign_of({Class::kCrash, Class::kInvalid})) == cli::kExitInvalid);
  CHECK(exit_code(campaign_of({})) == cli::kExitUnknown);
  Campaign diverged = campaign_of({Class::kValid});
  diverged.divergences["seed 1"] = "event 4";
  CHECK(exit_code(diverged) == cli::kExitHarness);
  // The machine's troubles are not the seed's.
  CHECK(campaign_of({Class::kEnvironment}).seeds.empty());
}

TEST_CASE("failures are grouped by signature, each with its fastest seed") {
  Campaign campaign;
  for (const auto& [seed, events] : {std::pair{5, 300}, {9, 200}, {2, 200}, {7, 400}}) {
    Outcome outcome = samples::outcome_of(static_cast<std::uint64_t>(seed));
    outcome.result.verdict = Class::kInvalid;
    outcome.result.signature = seed == 7 ? "LIN: other" : "ES: # and # both led term #";
    outcome.result.events = static_cast<std::uint64_t>(events);
    campaign.add(outcome);
  }
  CHECK(campaign.signatures.size() == 2);
  CHECK(campaign.signatures.at("ES: # and # both led term #").example.seed == 2);
  CHECK(count_signatures(campaign).at("ES: # and # both led term #") == 3);
}

TEST_CASE("coverage is exact while it is small and an order-free sample beyond") {
  const std::uint64_t many = 6 * Coverage::kMaxSampled;
  Coverage forth;
  Coverage back;
  for (std::uint64_t i = 0; i < many; ++i) {
    const std::uint64_t a[] = {mix64(i)};
    const std::uint64_t b[] = {mix64(many - 1 - i)};
    forth.add(a, i / 100);
    back.add(b, (many - 1 - i) / 100);
  }
  CHECK(forth == back);
  CHECK_FALSE(forth.exact());
  CHECK(static_cast<double>(forth.states()) == Approx(static_cast<double>(many)).epsilon(0.03));
  Coverage halves[2];
  for (std::uint64_t i = 0; i < many; ++i) {
    const std::uint64_t state[] = {mix64(i)};
    halves[i % 3 == 0 ? 1 : 0].add(state, i / 100);
  }
  halves[1].merge(halves[0]);
  CHECK(halves[1] == forth);

  Coverage small;
  const std::uint64_t early[] = {1, 2, 3};
  const std::uint64_t late[] = {3, 4};
  small.add(late, 8);
  small.add(early, 2);
  CHECK(small.exact());
  CHECK(small.states() == 4);
  const std::vector<std::uint64_t> seeds = {2, 4, 6, 8};
  CHECK(new_states(small, seeds, 2) == std::vector<NewStates>{{2, 2, 3}, {6, 2, 1}});
  CHECK(new_states(small, seeds, 100).size() == 4);
}

TEST_CASE("a file of known signatures has a line each, and comments") {
  const auto known =
      parse_known("# a comment\n\n  ES: # and # led  \r\nLIN: stale # read\n#\nlast");
  CHECK(known == std::set<std::string>{"ES: # and # led", "LIN: stale # read", "last"});
}

TEST_CASE("known failures are listed and still fail; only the others are new") {
  const Campaign campaign = samples::shard_of({1, 200, 1}, 1);
  SummaryContext context;
  context.directory = "out";
  const reports::CampaignReport all = summarise(campaign, context);
  CHECK(all.fresh == 3);
  context.known = {campaign.signatures.begin()->first};
  const reports::CampaignReport report = summarise(campaign, context);
  CHECK(report.fresh == 2);
  CHECK(report.exit_code == cli::kExitInvalid);
  CHECK(report.signatures.size() == 3);
  CHECK(report.signatures.back().known);
  CHECK(report.signatures.front().command.find("./whitewater run --plan out/") == 0);
}

TEST_CASE("the command repeats the seeds with the flags that were pinned, and no others") {
  Identity identity = samples::identity();
  identity.test.nodes = 5;
  identity.test.bugs = {"local-read"};
  identity.pins = {"bug", "nodes"};
  CHECK(campaign_command(identity, {17, 1, 1}) ==
        "./whitewater campaign --first-seed 17 --seeds 1 --nodes 5 --bug local-read");
}
