// The shapes of the fault "disk" that damage files: flipped bits, a torn write, a wiped disk.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "faults/registry.hpp"

namespace ww::faults {

/// How many nodes may be damaged at a time where so few voters may be left: a minority.
constexpr std::uint32_t most_damaged(std::uint32_t fewest_voters) {
  return fewest_voters == 0 ? 0 : (fewest_voters - 1) / 2;
}

/// Their rows.
std::vector<ShapeInfo> damage_shapes();
/// REQUIRES: the shape of `spec` is one of them.
std::unique_ptr<Fault> make_damage(const FaultSpec& spec, Ports& ports);

}  // namespace ww::faults
