#include "controller/run/quorum.hpp"

#include <algorithm>

#include "base/rng.hpp"
#include "faults/targets.hpp"

namespace ww::run {

namespace {

enum class Fate : std::uint8_t { kDead, kCut, kDeaf, kMute };
constexpr std::uint64_t kFates = 4;
constexpr const char* kFateNames[kFates] = {"dead", "cut off", "deaf", "mute"};

void leave(Recovery& out, NodeId node, std::uint32_t nodes, Fate fate) {
  out.left += (out.left.empty() ? "" : ", ") + name_of(node) + ' ' +
              kFateNames[static_cast<std::size_t>(fate)];
  if (fate == Fate::kDead) return out.rest.dead.push_back(node);
  for (std::uint32_t i = 1; i <= nodes; ++i) {
    const NodeId other{i};
    if (other == node) continue;
    if (fate != Fate::kMute) out.rest.cut.push_back({other, node});
    if (fate != Fate::kDeaf) out.rest.cut.push_back({node, other});
  }
}

}  // namespace

Recovery recover_all(std::uint32_t nodes) {
  Recovery out;
  for (std::uint32_t i = 1; i <= nodes; ++i) out.members.push_back(NodeId{i});
  return out;
}

Recovery recover_quorum(std::uint64_t seed, std::uint32_t nodes, std::uint32_t spares) {
  if (nodes < 3) return recover_all(nodes);
  const std::vector<NodeId> order = faults::order_nodes(nodes, {}, keyed(seed, "recovery.order"));
  const auto majority = static_cast<std::int64_t>(nodes / 2 + 1);
  const auto size = static_cast<std::ptrdiff_t>(
      keyed(seed, "recovery.size").between(majority, std::int64_t{nodes} - 1));
  Recovery out;
  out.members.assign(order.begin(), order.begin() + size);
  std::sort(out.members.begin(), out.members.end());
  std::vector<NodeId> others(order.begin() + size, order.end());
  std::sort(others.begin(), others.end());
  for (const NodeId node : others) {
    const auto fate = static_cast<Fate>(keyed(seed, "recovery.fate", node).below(kFates));
    leave(out, node, nodes + spares, fate);
  }
  return out;
}

}  // namespace ww::run
