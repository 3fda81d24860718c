// A node of the stepped world: a real process, fed one frame an event, and its real files.
#pragma once

#include <memory>
#include <string>

#include "base/result.hpp"
#include "controller/worlds/discrete/node_port.hpp"

namespace ww::stepped {

/// A node whose executable speaks the contract of docs/stepped.md. Its data directory is
/// `directory`/data, which is made empty; what it says on stderr goes to `directory`/stderr.log.
///
/// Errors: kEnvironment when there is no such executable, kIo, kNoSpace for the directory.
/// Requires: processes are spawned on the calling thread, and are gone before it ends.
Result<std::unique_ptr<discrete::NodePort>> make_node(const run::TestSpec& spec, NodeId node,
                                                      const std::string& executable,
                                                      const std::string& directory);

}  // namespace ww::stepped
