// Several machines lose power at the same moment: what was not synced may be gone.
#pragma once

#include "faults/registry.hpp"

namespace ww::faults {

/// The registry's row.
KindInfo power_loss_kind();

}  // namespace ww::faults
