// The node of the stepped world: a process that is fed one event a frame and answers each with
// exactly one frame (docs/stepped.md).
#pragma once

#include <functional>

#include "nodes/host/options.hpp"
#include "nodes/host/step_machine.hpp"

namespace ww::host {

/// Recovers and serves until the socket of --stepped closes, under the tripwire, and returns the
/// exit code.
int run_stepped_node(const Options& options);

/// How one event is turned into its output.
using Step = std::function<void(StepMachine& machine, const wire::stepped::Clock& clock,
                                const wire::stepped::Event& event, wire::stepped::Output& out)>;

/// The same with another step around the machine's own: for test nodes that misbehave.
int serve_stepped(const Options& options, const Step& step);

}  // namespace ww::host
