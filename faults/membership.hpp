// Changes of the cluster's members: voters are added, removed and replaced, in the middle of
// everything.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.hpp"
#include "base/wire/configuration.hpp"
#include "faults/registry.hpp"

namespace ww::faults {

/// The registry's row.
KindInfo membership_kind();

/// n1, n2, ..., so many: the voters that a cluster begins with.
std::vector<NodeId> first_voters(std::uint32_t count);

/// The fewest voters that a fault leaves of so many.
std::uint32_t fewest_voters(std::uint32_t first);
/// The fewest that any fault of the plan leaves of the so many that the cluster begins with: named
/// ones may be fewer.
std::uint32_t fewest_voters(const Plan& plan, std::uint32_t first);

/// What to ask a leader for that is to bring `now` to `wanted`: all of it at once by joint
/// consensus, one voter at a time otherwise, those that come before those that go. All sorted.
std::vector<NodeId> step_towards(const std::vector<NodeId>& now, const std::vector<NodeId>& wanted,
                                 wire::MembershipMode mode);

}  // namespace ww::faults
