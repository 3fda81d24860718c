// A node of the simulated world: its replica and its files are values in the controller.
#pragma once

#include "controller/worlds/discrete/node_port.hpp"

namespace ww::simulated {

/// Errors: none.
Result<std::unique_ptr<discrete::NodePort>> make_node(const run::TestSpec& spec, NodeId node);

}  // namespace ww::simulated
