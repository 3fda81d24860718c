// Leadership transfers: the leader is asked to hand over, in the middle of everything.
#pragma once

#include "faults/registry.hpp"

namespace ww::faults {

/// The registry's row.
KindInfo transfer_kind();

}  // namespace ww::faults
