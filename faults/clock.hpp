// Clocks that are wrong: a jump, a wrong rate, or a wall clock that leaps to and fro.
#pragma once

#include "faults/registry.hpp"

namespace ww::faults {

/// The registry's row.
KindInfo clock_kind();

}  // namespace ww::faults
