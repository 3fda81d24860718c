// The fault "disk": a node's disk is slow, or a write of it fails.
#pragma once

#include "faults/registry.hpp"

namespace ww::faults {

KindInfo disk_kind();

}  // namespace ww::faults
