// A node of the live world: one process with real sockets, files and a (skewed) real clock.
#pragma once

#include "nodes/host/options.hpp"

namespace ww::host {

/// Recovers the log, serves, and returns the process' exit code once it is shut down or its disk
/// fails. When the controller goes away the process ends without returning.
/// REQUIRES: called once, on the process' first thread.
int run_live_node(const Options& options);

}  // namespace ww::host
