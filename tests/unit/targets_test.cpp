#include "faults/targets.hpp"

#include <catch2/catch.hpp>
#include <set>

namespace ww::faults {
namespace {

std::vector<NodeId> nodes_of(std::initializer_list<std::uint32_t> values) {
  std::vector<NodeId> nodes;
  for (const std::uint32_t value : values) nodes.push_back(NodeId{value});
  return nodes;
}

std::vector<NodeId> first(std::uint32_t n) {
  std::vector<NodeId> nodes;
  for (std::uint32_t i = 1; i <= n; ++i) nodes.push_back(NodeId{i});
  return nodes;
}

std::set<Link> cut(std::string_view shape, const std::vector<NodeId>& order) {
  const Grudge* grudge = find_grudge(shape);
  REQUIRE(grudge != nullptr);
  const std::vector<Link> links = grudge->links(order);
  const std::set<Link> set(links.begin(), links.end());
  CHECK(set.size() == links.size());
  return set;
}

bool both_ways(const std::set<Link>& links) {
  for (const Link& link : links) {
    if (!links.contains(Link{link.to, link.from})) return false;
  }
  return true;
}

ClusterView view_of(std::uint32_t n) {
  ClusterView view;
  for (const NodeId node : first(n)) view.nodes.push_back({.id = node, .alive = true});
  return view;
}

TEST_CASE("a ring gives every node a majority and no two nodes the same view") {
  for (std::uint32_t n = 3; n <= 9; ++n) {
    const std::set<Link> links = cut("majorities-ring", first(n));
    std::set<std::set<NodeId>> views;
    for (const NodeId hearer : first(n)) {
      std::set<NodeId> view{hearer};
      for (const NodeId other : first(n)) {
        if (other != hearer && !links.contains(Link{other, hearer})) view.insert(other);
      }
      CHECK(view.size() == n / 2 + 1);
      views.insert(view);
    }
    CHECK(views.size() == n);
  }
}

TEST_CASE("a ring of five is cut both ways") {
  CHECK(both_ways(cut("majorities-ring", first(5))));
}

TEST_CASE("halves split at the middle, and nothing inside a half is cut") {
  const std::set<Link> links = cut("halves", nodes_of({4, 2, 1, 3, 5}));
  CHECK(both_ways(links));
  CHECK(links.size() == 2 * 2 * 3);
  CHECK_FALSE(links.contains(Link{NodeId{4}, NodeId{2}}));
  CHECK_FALSE(links.contains(Link{NodeId{1}, NodeId{5}}));
  CHECK(links.contains(Link{NodeId{2}, NodeId{3}}));
}

TEST_CASE("majority leaves the first nodes in a minority") {
  const std::set<Link> four = cut("majority", first(4));
  CHECK(four.size() == 2 * 1 * 3);
  CHECK(four.contains(Link{NodeId{1}, NodeId{2}}));
  CHECK(cut("majority", first(5)).size() == 2 * 2 * 3);
}

TEST_CASE("a bridge hears and is heard by all, the halves do not hear each other") {
  const std::set<Link> links = cut("bridge", nodes_of({3, 1, 2, 4, 5}));
  CHECK(both_ways(links));
  CHECK(links.size() == 2 * 2 * 2);
  for (const Link& link : links) {
    CHECK(link.from != NodeId{3});
    CHECK(link.to != NodeId{3});
  }
  CHECK(links.contains(Link{NodeId{1}, NodeId{4}}));
  CHECK_FALSE(links.contains(Link{NodeId{1}, NodeId{2}}));
}

TEST_CASE("one-way shapes cut one direction and no other") {
  const std::vector<NodeId> order = nodes_of({2, 1, 3});
  CHECK(cut("leader-deaf", order) ==
        std::set<Link>{{NodeId{1}, NodeId{2}}, {NodeId{3}, NodeId{2}}});
  CHECK(cut("leader-mute", order) ==
        std::set<Link>{{NodeId{2}, NodeId{1}}, {NodeId{2}, NodeId{3}}});
  CHECK(cut("link", order) == std::set<Link>{{NodeId{2}, NodeId{1}}});
}

TEST_CASE("an isolated node loses both directions of all its links") {
  for (const std::string_view shape : {"one", "isolate-leader"}) {
    const std::set<Link> links = cut(shape, nodes_of({2, 1, 3}));
    CHECK(both_ways(links));
    CHECK(links.size() == 4);
    CHECK_FALSE(links.contains(Link{NodeId{1}, NodeId{3}}));
  }
}

TEST_CASE("named nodes come first, and the others keep their order among themselves") {
  const Rng rng = keyed(7, "order");
  const std::vector<NodeId> plain = order_nodes(5, {}, rng);
  const std::vector<NodeId> named = order_nodes(5, nodes_of({4, 1}), rng);
  CHECK(std::vector<NodeId>(named.begin(), named.begin() + 2) == nodes_of({4, 1}));
  std::vector<NodeId> rest;
  for (const NodeId node : plain) {
    if (node != NodeId{4} && node != NodeId{1}) rest.push_back(node);
  }
  CHECK(std::vector<NodeId>(named.begin() + 2, named.end()) == rest);
}

TEST_CASE("targets mean as many nodes as their names say") {
  struct Row {
    std::uint32_t nodes;
    std::size_t minority, majority;
  };
  for (const Row& row :
       {Row{1, 1, 1}, Row{2, 1, 2}, Row{3, 1, 2}, Row{4, 1, 3}, Row{5, 2, 3}, Row{7, 3, 4}}) {
    CHECK(size_of(Target::kOne, row.nodes) == 1);
    CHECK(size_of(Target::kMinority, row.nodes) == row.minority);
    CHECK(size_of(Target::kMajority, row.nodes) == row.majority);
    CHECK(size_of(Target::kAll, row.nodes) == row.nodes);
  }
}

TEST_CASE("only usable nodes are chosen, in the order of the shuffle") {
  const ClusterView view = view_of(5);
  const std::vector<NodeId> order = nodes_of({5, 3, 1, 4, 2});
  CHECK(choose(Target::kMajority, order, view, first(5)) == nodes_of({1, 3, 5}));
  CHECK(choose(Target::kMajority, order, view, nodes_of({1, 2, 5})) == nodes_of({1, 2, 5}));
  CHECK(choose(Target::kAll, order, view, nodes_of({2})) == nodes_of({2}));
  CHECK(choose(Target::kOne, order, view, {}).empty());
}

TEST_CASE("primaries are all who believe that they lead") {
  ClusterView view = view_of(5);
  CHECK(choose(Target::kPrimaries, first(5), view, first(5)).empty());
  view.nodes[1].role = wire::Role::kLeader;
  view.nodes[3].role = wire::Role::kLeader;
  CHECK(choose(Target::kPrimaries, first(5), view, first(5)) == nodes_of({2, 4}));
}

TEST_CASE("the leader is the one of the highest term among those that run") {
  ClusterView view = view_of(3);
  CHECK(leader_of(view) == kNobody);
  view.nodes[0].role = view.nodes[1].role = view.nodes[2].role = wire::Role::kLeader;
  view.nodes[0].term = 3;
  view.nodes[1].term = 5;
  view.nodes[2].term = 9;
  view.nodes[2].paused = true;
  CHECK(leader_of(view) == NodeId{2});
  view.nodes[1].alive = false;
  CHECK(leader_of(view) == NodeId{1});
}

}  // namespace
}  // namespace ww::faults
