#include "controller/campaign/features.hpp"

#include <algorithm>
#include <array>

#include "base/assert.hpp"
#include "faults/registry.hpp"

namespace ww::campaign {

namespace {

struct Feature {
  const char* name;
  bool (*has)(const run::PlanFile&);
};

constexpr std::array kSizes = {
    Feature{"3 nodes", [](const run::PlanFile& p) { return p.test.nodes == 3; }},
    Feature{"5 nodes", [](const run::PlanFile& p) { return p.test.nodes == 5; }},
    Feature{"7 nodes", [](const run::PlanFile& p) { return p.test.nodes == 7; }},
    Feature{"another number of nodes", [](const run::PlanFile& p) {
              return p.test.nodes != 3 && p.test.nodes != 5 && p.test.nodes != 7;
            }}};

constexpr std::array kOptions = {
    Feature{"faults set off by events",
            [](const run::PlanFile& p) {
              return std::any_of(p.faults.faults.begin(), p.faults.faults.end(), [](const auto& f) {
                return f.trigger.event != faults::TriggerEvent::kNone;
              });
            }},
    Feature{"no faults", [](const run::PlanFile& p) { return p.faults.faults.empty(); }},
    Feature{"only a quorum is healed",
            [](const run::PlanFile& p) { return p.test.heal == "quorum"; }},
    Feature{"values 0 to 4", [](const run::PlanFile& p) { return p.test.small_domain; }},
    Feature{"closed loop", [](const run::PlanFile& p) { return p.test.rate == 0; }},
    Feature{"no redirects followed",
            [](const run::PlanFile& p) { return p.test.follow_one_in == 0; }},
    Feature{"no reads through the log",
            [](const run::PlanFile& p) { return p.test.log_read_percent == 0; }},
    Feature{"leases", [](const run::PlanFile& p) { return p.test.reads == "lease"; }},
    Feature{"reads at followers", [](const run::PlanFile& p) { return p.test.follower_reads; }},
    Feature{"sessions that expire soon",
            [](const run::PlanFile& p) {
              return p.test.session_entries != 0 && p.test.session_entries <= 1000;
            }},
    Feature{"batching off", [](const run::PlanFile& p) { return p.test.batching == "off"; }},
    Feature{"pipelining off", [](const run::PlanFile& p) { return p.test.pipelining == "off"; }},
    Feature{"watches", [](const run::PlanFile& p) { return p.test.workload == "watch"; }},
    Feature{"flat network", [](const run::PlanFile& p) { return p.network.flat; }}};

}  // namespace

std::vector<std::string> feature_names() {
  std::vector<std::string> out;
  for (const Feature& feature : kSizes) out.emplace_back(feature.name);
  for (const faults::KindInfo& kind : faults::registry()) out.emplace_back(kind.name);
  for (const Feature& feature : kOptions) out.emplace_back(feature.name);
  WW_ASSERT(out.size() <= 64, "a feature has no bit");
  return out;
}

std::uint64_t features_of(const run::PlanFile& plan) {
  std::uint64_t bits = 0;
  std::uint32_t bit = 0;
  const auto put = [&](bool has) { bits |= std::uint64_t{has ? 1U : 0U} << bit++; };
  for (const Feature& feature : kSizes) put(feature.has(plan));
  for (const faults::KindInfo& kind : faults::registry()) {
    put(std::any_of(plan.faults.faults.begin(), plan.faults.faults.end(),
                    [&](const faults::FaultSpec& f) { return f.kind == kind.name; }));
  }
  for (const Feature& feature : kOptions) put(feature.has(plan));
  return bits;
}

}  // namespace ww::campaign
