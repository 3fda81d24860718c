// Crash: SIGKILL, and a start when it heals. What the operating system holds survives.
#pragma once

#include "faults/registry.hpp"

namespace ww::faults {

/// The registry's row.
KindInfo kill_kind();

}  // namespace ww::faults
