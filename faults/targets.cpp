#include "faults/targets.hpp"

#include <algorithm>
#include <array>

namespace ww::faults {

namespace {

using Nodes = std::vector<NodeId>;

Nodes slice(const Nodes& order, std::size_t begin, std::size_t end) {
  return Nodes(order.begin() + static_cast<std::ptrdiff_t>(begin),
               order.begin() + static_cast<std::ptrdiff_t>(end));
}

std::vector<Link> split_at(const Nodes& order, std::size_t size) {
  return between(slice(order, 0, size), slice(order, size, order.size()));
}

std::vector<Link> halves(const Nodes& order) {
  return split_at(order, order.size() / 2);
}
std::vector<Link> first_alone(const Nodes& order) {
  return split_at(order, 1);
}
std::vector<Link> majority(const Nodes& order) {
  return split_at(order, (order.size() - 1) / 2);
}

// Jepsen's perfect ring: the windows of a majority's length, each belonging to the node in its
// middle. With an even majority the windows are lopsided, and links are cut one way.
std::vector<Link> majorities_ring(const Nodes& order) {
  const std::size_t n = order.size();
  const std::size_t heard = n / 2 + 1;
  std::vector<Link> links;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t begin = i + n - heard / 2;
    for (std::size_t k = heard; k < n; ++k) links.push_back({order[(begin + k) % n], order[i]});
  }
  std::sort(links.begin(), links.end());
  return links;
}

std::vector<Link> bridge(const Nodes& order) {
  return halves(slice(order, 1, order.size()));
}

std::vector<Link> to_first(const Nodes& order) {
  std::vector<Link> links;
  for (std::size_t i = 1; i < order.size(); ++i) links.push_back({order[i], order[0]});
  std::sort(links.begin(), links.end());
  return links;
}

std::vector<Link> from_first(const Nodes& order) {
  std::vector<Link> links;
  for (std::size_t i = 1; i < order.size(); ++i) links.push_back({order[0], order[i]});
  std::sort(links.begin(), links.end());
  return links;
}

std::vector<Link> first_to_second(const Nodes& order) {
  return {{order[0], order[1]}};
}

std::size_t single(std::size_t) {
  return 1;
}
std::size_t pair(std::size_t) {
  return 2;
}
std::size_t half(std::size_t nodes) {
  return nodes / 2;
}
std::size_t lesser(std::size_t nodes) {
  return (nodes - 1) / 2;
}
std::size_t everyone(std::size_t nodes) {
  return nodes;
}

constexpr std::array<Grudge, 9> kGrudges = {{
    {"halves", halves, false, half},
    {"one", first_alone, false, single},
    {"majority", majority, true, lesser},
    {"majorities-ring", majorities_ring, false, everyone},
    {"bridge", bridge, false, single},
    {"isolate-leader", first_alone, true, single},
    {"leader-deaf", to_first, true, single},
    {"leader-mute", from_first, true, single},
    {"link", first_to_second, false, pair},
}};

bool leads(const ClusterView& view, NodeId node) {
  return std::any_of(view.nodes.begin(), view.nodes.end(), [&](const NodeView& v) {
    return v.id == node && v.alive && v.role == wire::Role::kLeader;
  });
}

}  // namespace

std::vector<NodeId> order_nodes(std::uint32_t nodes, const std::vector<NodeId>& first, Rng rng) {
  // The shuffle is over all nodes, so that naming one does not move the others among themselves.
  std::vector<NodeId> order;
  for (std::uint32_t i = 1; i <= nodes; ++i) order.push_back(NodeId{i});
  rng.shuffle(std::span(order));
  std::stable_partition(order.begin(), order.end(), [&](NodeId node) {
    return std::find(first.begin(), first.end(), node) != first.end();
  });
  std::copy(first.begin(), first.end(), order.begin());
  return order;
}

std::size_t size_of(Target target, std::uint32_t nodes) {
  switch (target) {
    case Target::kOne:
      return 1;
    case Target::kMinority:
      return std::max<std::size_t>(1, (nodes - 1) / 2);
    case Target::kMajority:
      return nodes / 2 + 1;
    case Target::kAll:
      return nodes;
    case Target::kByShape:
    case Target::kNamed:
    case Target::kPrimaries:
    case Target::kTrigger:
      break;
  }
  WW_ASSERT(false, "this target does not mean a number of nodes");
  return 0;
}

std::vector<NodeId> choose(Target target, const std::vector<NodeId>& order, const ClusterView& view,
                           const std::vector<NodeId>& usable) {
  std::vector<NodeId> chosen;
  const bool primaries = target == Target::kPrimaries;
  const std::size_t wanted =
      primaries ? order.size() : size_of(target, static_cast<std::uint32_t>(order.size()));
  for (const NodeId node : order) {
    if (chosen.size() == wanted) break;
    if (std::find(usable.begin(), usable.end(), node) == usable.end()) continue;
    if (!primaries || leads(view, node)) chosen.push_back(node);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

std::vector<Link> between(const std::vector<NodeId>& a, const std::vector<NodeId>& b) {
  std::vector<Link> links;
  for (const NodeId x : a) {
    for (const NodeId y : b) {
      links.push_back({x, y});
      links.push_back({y, x});
    }
  }
  std::sort(links.begin(), links.end());
  return links;
}

const Grudge* find_grudge(std::string_view shape) {
  const auto at = std::find_if(kGrudges.begin(), kGrudges.end(),
                               [&](const Grudge& grudge) { return grudge.shape == shape; });
  return at == kGrudges.end() ? nullptr : &*at;
}

}  // namespace ww::faults
