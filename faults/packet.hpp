// Messages are late, lost, doubled or out of order, by type and by node.
#pragma once

#include "faults/registry.hpp"

namespace ww::faults {

/// The registry's row.
KindInfo packet_kind();

}  // namespace ww::faults
