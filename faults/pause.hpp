// SIGSTOP and SIGCONT: the node stands still, its sockets open, its timers overdue.
#pragma once

#include "faults/registry.hpp"

namespace ww::faults {

/// The registry's row.
KindInfo pause_kind();

}  // namespace ww::faults
