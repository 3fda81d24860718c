#include "controller/run/quorum.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "controller/run/timeline.hpp"

namespace ww::run {
namespace {

bool has(const std::vector<NodeId>& nodes, NodeId node) {
  return std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

TEST_CASE("everybody recovers, or a quorum of any size that spares somebody") {
  CHECK(recover_all(3).members == std::vector<NodeId>{NodeId{1}, NodeId{2}, NodeId{3}});
  CHECK(recover_all(3).left.empty());
  for (const std::uint32_t nodes : {1U, 2U}) {
    CHECK(recover_quorum(7, nodes).members.size() == nodes);
    CHECK(recover_quorum(7, nodes).left.empty());
  }
  for (const std::uint32_t nodes : {3U, 4U, 5U, 7U, 9U}) {
    std::map<std::size_t, int> sizes;
    std::map<NodeId, int> spared;
    for (std::uint64_t seed = 0; seed < 400; ++seed) {
      const Recovery recovery = recover_quorum(seed, nodes);
      INFO("seed " << seed << " of " << nodes << " nodes: " << recovery.left);
      CHECK(std::is_sorted(recovery.members.begin(), recovery.members.end()));
      ++sizes[recovery.members.size()];
      for (const NodeId node : recovery.rest.dead) {
        CHECK_FALSE(has(recovery.members, node));
        ++spared[node];
      }
      for (const faults::Link& link : recovery.rest.cut) {
        CHECK_FALSE((has(recovery.members, link.from) && has(recovery.members, link.to)));
      }
      CHECK(recovery.left == recover_quorum(seed, nodes).left);
    }
    CHECK(sizes.begin()->first == nodes / 2 + 1);
    CHECK(sizes.rbegin()->first == nodes - 1);
    CHECK(sizes.size() == nodes - 1 - nodes / 2);
    CHECK(spared.size() == nodes);
  }
}

TEST_CASE("who is cut off is so from the spares too") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const Recovery without = recover_quorum(seed, 5);
    const Recovery with = recover_quorum(seed, 5, 2);
    CHECK(with.members == without.members);
    CHECK(with.rest.dead == without.rest.dead);
    std::set<NodeId> lonely, from_spares;
    for (const faults::Link& link : without.rest.cut) lonely.insert(link.from);
    for (const faults::Link& link : with.rest.cut) {
      if (link.from.value > 5 || link.to.value > 5)
        from_spares.insert(std::min(link.from, link.to));
    }
    CHECK(with.rest.cut.size() - without.rest.cut.size() == without.rest.cut.size() / 4 * 2);
    CHECK(from_spares.empty() == lonely.empty());
  }
}

TEST_CASE("the others are left dead, cut off, deaf or mute") {
  std::set<std::string> fates;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const Recovery recovery = recover_quorum(seed, 3);
    REQUIRE(recovery.members.size() == 2);
    const std::string fate = recovery.left.substr(3);
    const NodeId other{static_cast<std::uint32_t>(recovery.left[1] - '0')};
    fates.insert(fate);
    CHECK((fate == "dead") == (recovery.rest.dead == std::vector<NodeId>{other}));
    std::set<faults::Link> cut(recovery.rest.cut.begin(), recovery.rest.cut.end());
    for (const NodeId member : recovery.members) {
      CHECK(cut.count({member, other}) == (fate == "cut off" || fate == "deaf" ? 1 : 0));
      CHECK(cut.count({other, member}) == (fate == "cut off" || fate == "mute" ? 1 : 0));
    }
  }
  CHECK(fates == std::set<std::string>{"dead", "cut off", "deaf", "mute"});
}

TEST_CASE("leaders and agreement are asked of the members alone") {
  namespace trace = wire::trace;
  Timeline timeline(3);
  const auto tell = [&](std::uint32_t node, const trace::Event& event) {
    timeline.on_trace(NodeId{node}, {0, instant_at(5), event});
  };
  for (std::uint32_t i = 1; i <= 3; ++i) timeline.on_start(NodeId{i}, 1, instant_at(0));
  const std::vector<NodeId> all = {NodeId{1}, NodeId{2}, NodeId{3}};
  const std::vector<NodeId> two = {NodeId{1}, NodeId{2}};
  tell(3, trace::RoleChange{wire::Role::kLeader, 9, {}});
  CHECK(timeline.leader_of(two) == kNobody);
  tell(1, trace::RoleChange{wire::Role::kLeader, 4, {}});
  CHECK(timeline.leader_of(two) == NodeId{1});
  CHECK(timeline.leader_of(all) == NodeId{3});
  CHECK(timeline.leader() == NodeId{3});
  CHECK(timeline.role_since(NodeId{1}) == instant_at(5));

  for (const std::uint32_t i : {1U, 2U}) {
    tell(i, trace::Appended{1, {{4, 7}}});
    tell(i, trace::Applied{{1, 4}, 7, 77, {}, 0, trace::Execution::kNoop, 0});
  }
  CHECK(timeline.converged(two));
  CHECK_FALSE(timeline.converged(all));
  tell(2, trace::Appended{2, {{4, 8}}});
  CHECK_FALSE(timeline.converged(two));
}

}  // namespace
}  // namespace ww::run
