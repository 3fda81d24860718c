// Whom a fault hits: targets among the nodes, and the links that a partition cuts.
//
// Pure functions of a seeded order of the nodes and of what is seen of the cluster. A partition is,
// as in Jepsen, a grudge: who does not hear whom. An order comes from the plan (named nodes first)
// and the fault's own key, so the same fault makes the same choice whatever else is in the plan.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/rng.hpp"
#include "faults/cluster.hpp"
#include "faults/links.hpp"
#include "faults/plan.hpp"

namespace ww::faults {

/// All nodes 1..nodes: those of `first` in their order, then the others as `rng` shuffles them.
std::vector<NodeId> order_nodes(std::uint32_t nodes, const std::vector<NodeId>& first, Rng rng);

/// How many of `nodes` a target means: one 1, minority (n-1)/2 but at least 1, majority n/2+1, all
/// n. REQUIRES: a target that means a number.
std::size_t size_of(Target target, std::uint32_t nodes);

/// The nodes of `target` in the order of their names: the first of `order` that are in `usable`;
/// for kPrimaries every usable one that believes itself leader. May be fewer than asked, or none.
std::vector<NodeId> choose(Target target, const std::vector<NodeId>& order, const ClusterView& view,
                           const std::vector<NodeId>& usable);

/// Both directions of every link between the two groups.
std::vector<Link> between(const std::vector<NodeId>& a, const std::vector<NodeId>& b);

/// What a partition shape does with an order of the nodes.
///
/// halves            the first n/2 against the rest
/// one               the first against the rest
/// majority          the first (n-1)/2 against the others, who are a majority
/// majorities-ring   around the order, each hears the majority that begins n/2 places before it
/// bridge            the first hears and is heard by all; the others are in two halves
/// isolate-leader    the first against the rest
/// leader-deaf       nothing reaches the first; what it says is heard
/// leader-mute       nothing leaves the first; it hears
/// link              from the first to the second, that direction only
struct Grudge {
  std::string_view shape;
  std::vector<Link> (*links)(const std::vector<NodeId>& order);
  /// Whether the leader comes first in the order, when there is one and no node is named.
  bool leader_first = false;
  /// How many nodes of the order the shape singles out, for marks; 0: all of them.
  std::size_t (*singled_out)(std::size_t nodes) = nullptr;
};

/// The grudge of a shape, or nullptr.
const Grudge* find_grudge(std::string_view shape);

}  // namespace ww::faults
