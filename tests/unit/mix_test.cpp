#include "controller/campaign/mix.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "faults/registry.hpp"

namespace ww::campaign {
namespace {

constexpr std::uint64_t kSeeds = 10'000;

run::TestSpec base() {
  run::TestSpec spec;
  spec.world = "simulated";
  return spec;
}

run::PlanFile plan_of(std::uint64_t seed, const run::TestSpec& spec = base(),
                      const std::vector<std::string>& pins = {}) {
  Result<run::PlanFile> plan = draw(seed, spec, pins);
  INFO("seed " << seed << (plan.ok() ? "" : plan.error().message));
  REQUIRE(plan.ok());
  return std::move(plan).value();
}

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

TEST_CASE("over ten thousand seeds everything occurs, and every plan is valid") {
  std::map<std::uint32_t, std::uint64_t> nodes;
  std::map<std::string, std::uint64_t> heals;
  std::map<std::uint32_t, std::uint64_t> spares;
  std::map<std::string, std::uint64_t> memberships;
  std::map<std::size_t, std::uint64_t> subsets;  // by their size
  std::map<std::string, std::uint64_t> kinds;
  std::set<std::uint32_t> follow, log_reads, workers;
  std::set<std::uint64_t> segments;
  std::set<std::string> paces, reads;
  std::set<std::uint32_t> drifts;
  std::uint64_t follower_reads = 0;
  std::set<std::uint64_t> session_ends, watch_ends;
  std::uint64_t watches = 0;
  std::set<faults::TriggerEvent> events;
  std::uint64_t by_entries = 0, by_bytes = 0, by_time = 0, tiny = 0, never = 0;
  std::uint64_t uniform = 0;
  std::uint64_t small_domain = 0;
  std::uint64_t without_triggers = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const run::PlanFile plan = plan_of(seed);
    const run::TestSpec& spec = plan.test;
    INFO("seed " << seed);
    REQUIRE(run::validate(spec).ok());
    REQUIRE(faults::validate(plan.faults).ok());
    REQUIRE_FALSE(plan.faults.faults.empty());
    CHECK(spec.time_limit == seconds(10));
    CHECK(spec.rate >= 100);
    CHECK(spec.election_timeout <= milliseconds(300));
    bool triggers = false;
    for (const faults::FaultSpec& fault : plan.faults.faults) {
      triggers = triggers || fault.trigger.event != faults::TriggerEvent::kNone;
      if (fault.trigger.event != faults::TriggerEvent::kNone) events.insert(fault.trigger.event);
    }
    if (is_uniform(seed)) {
      ++uniform;
      CHECK(spec.nodes == 5);
      CHECK(spec.faults == base().faults);
      CHECK_FALSE(triggers);
      continue;
    }
    ++nodes[spec.nodes];
    ++heals[spec.heal];
    ++spares[spec.spares];
    ++memberships[spec.membership];
    ++subsets[spec.faults.size()];
    for (const std::string& kind : spec.faults) ++kinds[kind];
    follow.insert(spec.follow_one_in);
    log_reads.insert(spec.log_read_percent);
    workers.insert(spec.workers() / spec.nodes);
    segments.insert(spec.segment_bytes);
    session_ends.insert(spec.session_entries);
    watch_ends.insert(spec.watch_entries);
    watches += spec.workload == "watch" ? 1 : 0;
    paces.insert(spec.batching + spec.pipelining);
    reads.insert(spec.reads);
    drifts.insert(spec.lease_drift);
    follower_reads += spec.follower_reads ? 1 : 0;
    CHECK(run::keeps_lease_bound(plan) == (spec.reads == "lease"));
    by_entries += spec.snapshot_entries != 0 ? 1 : 0;
    by_bytes += spec.snapshot_bytes != 0 ? 1 : 0;
    tiny += spec.snapshot_entries != 0 && spec.snapshot_entries <= 10 ? 1 : 0;
    by_time += spec.snapshot_interval != Duration{} ? 1 : 0;
    never += spec.snapshot_entries == 0 && spec.snapshot_bytes == 0 &&
                     spec.snapshot_interval == Duration{}
                 ? 1
                 : 0;
    small_domain += spec.small_domain ? 1 : 0;
    without_triggers += triggers ? 0 : 1;
  }
  CHECK(uniform > kSeeds * 9 / 100);
  CHECK(uniform < kSeeds * 11 / 100);
  CHECK(nodes.size() == 3);
  for (const auto& [size, count] : nodes) CHECK(count > kSeeds / 20);
  CHECK(spares.size() == 3);
  for (const auto& [size, count] : spares) CHECK(count > kSeeds / 8);
  CHECK(memberships.size() == 2);
  for (const auto& [mode, count] : memberships) CHECK(count > kSeeds / 5);
  CHECK(heals["quorum"] > heals["all"]);
  CHECK(heals["all"] > kSeeds / 10);
  // Ten seconds have no room for all kinds at once.
  CHECK(subsets.size() == faults::registry().size() - 1);
  CHECK(kinds.size() == faults::registry().size());
  for (const auto& [kind, count] : kinds) CHECK(count > kSeeds / 6);
  CHECK(follow == std::set<std::uint32_t>{0, 1, 2, 3});
  CHECK(log_reads == std::set<std::uint32_t>{0, 20, 60});
  CHECK(workers == std::set<std::uint32_t>{1, 2, 3});
  CHECK(segments == std::set<std::uint64_t>{4096, 16384, 65536});
  CHECK(reads == std::set<std::string>{"index", "lease"});
  CHECK(drifts == std::set<std::uint32_t>{10, 30, 100});
  CHECK(follower_reads > kSeeds / 5);
  CHECK(follower_reads < kSeeds / 2);
  CHECK(watch_ends == std::set<std::uint64_t>{16, 256, 4096});
  CHECK(watches > kSeeds / 10);
  CHECK(watches < kSeeds / 5);
  CHECK(session_ends == std::set<std::uint64_t>{0, 30, 200});
  CHECK(paces == std::set<std::string>{"offoff", "offon", "onoff", "onon"});
  CHECK(by_entries > kSeeds / 3);
  CHECK(by_bytes > kSeeds / 6);
  CHECK(by_time > kSeeds / 16);
  CHECK(tiny > kSeeds / 20);
  CHECK(never > kSeeds / 20);
  CHECK(never < kSeeds / 4);
  CHECK(small_domain > kSeeds / 20);
  CHECK(events.size() == faults::trigger_event_names().size());
  CHECK(without_triggers > kSeeds / 5);
  CHECK(without_triggers < kSeeds / 2);
}

TEST_CASE("the same seed draws the same plan, and the plan file keeps it whole") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const run::PlanFile plan = plan_of(seed);
    CHECK(plan == plan_of(seed));
    const auto read = run::parse_plan_file(run::to_json(plan), "plan.json");
    INFO((read.ok() ? "" : read.error().message));
    REQUIRE(read.ok());
    CHECK(*read == plan);
  }
  CHECK_FALSE(plan_of(1).faults == plan_of(2).faults);
}

TEST_CASE("what is pinned stays, and nothing else moves for it") {
  run::TestSpec pinned = base();
  pinned.rate = 777;
  pinned.bugs = {"local-read"};
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    run::PlanFile with = plan_of(seed, pinned, {"rate"});
    const run::PlanFile without = plan_of(seed);
    CHECK(with.test.rate == 777);
    CHECK(with.test.bugs == pinned.bugs);
    CHECK(with.faults == without.faults);
    with.test.rate = without.test.rate;
    with.test.bugs.clear();
    CHECK(with.test == without.test);
  }
  pinned.nodes = 4;
  pinned.faults = {"kill", "clock"};
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const run::PlanFile plan = plan_of(seed, pinned, {"nodes", "faults"});
    CHECK(plan.test.nodes == 4);
    CHECK(plan.faults.nodes == 4 + plan.test.spares);
    CHECK(plan.test.faults == pinned.faults);
    for (const faults::FaultSpec& fault : plan.faults.faults) CHECK(has(pinned.faults, fault.kind));
  }
}

TEST_CASE("the hash names the mix, whatever built it") {
  CHECK(mix_hash().size() == 16);
  // Results of another mix do not add to those of this one: a change of the mix shows here.
  CHECK(mix_hash() == "4a81e54bd0fbb4b7");
  CHECK(mix_text().find("nodes: 3*") != std::string::npos);
  CHECK(mix_text().find("power-loss: ") != std::string::npos);
}

}  // namespace
}  // namespace ww::campaign
