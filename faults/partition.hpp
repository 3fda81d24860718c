// Links between nodes are cut, both ways or one way only.
#pragma once

#include "faults/registry.hpp"

namespace ww::faults {

/// The registry's row.
KindInfo partition_kind();

}  // namespace ww::faults
