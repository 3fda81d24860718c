// The shapes of the fault "disk" that damage files: flipped bits, a torn write, a wiped disk.
#pragma once

#include <memory>
#include <vector>

#include "faults/registry.hpp"

namespace ww::faults {

/// Their rows.
std::vector<ShapeInfo> damage_shapes();
/// REQUIRES: the shape of `spec` is one of them.
std::unique_ptr<Fault> make_damage(const FaultSpec& spec, Ports& ports);

}  // namespace ww::faults
