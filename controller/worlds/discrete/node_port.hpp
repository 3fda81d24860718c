// A node as a deterministic world sees it: events in, outputs out, files that outlive it. In the
// simulated world it is a value in the controller, in the stepped world a process.
#pragma once

#include <functional>
#include <memory>

#include "base/evidence.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/wire/stepped.hpp"
#include "controller/run/test_spec.hpp"

namespace ww::discrete {

class NodePort {
 public:
  virtual ~NodePort() = default;

  /// Starts a fresh process on the files that are there and feeds it Boot. `first_start`: that
  /// there are none is as it should be. Errors: kEnvironment when it cannot be started; those of
  /// step().
  virtual Result<void> boot(Incarnation incarnation, bool first_start,
                            const wire::stepped::Clock& clock, wire::stepped::Output& out) = 0;
  /// Feeds one event and fills `out` with its whole output.
  /// Errors: kCorrupt when the answer is no output, kIo when the process died without one: a crash
  ///         of the node, told with its last words; kEnvironment when it gave up for want of
  ///         something.
  virtual Result<void> step(const wire::stepped::Clock& clock, const wire::stepped::Event& event,
                            wire::stepped::Output& out) = 0;
  /// SIGKILL; its files stay as they are. Nothing happens when it does not run.
  virtual void kill() = 0;
  /// What is in the data directory. Errors: kIo.
  virtual Result<DiskImage> files() = 0;
  /// Makes the data directory hold exactly `image`. Errors: kIo, kNoSpace.
  virtual Result<void> replace_files(const DiskImage& image) = 0;
  /// From here on the node draws its timeouts from `seed`. Errors: kUsage where it cannot.
  virtual Result<void> reseed(std::uint64_t seed) = 0;
};

/// Makes the ports of one run. `spec` outlives them.
using MakeNode =
    std::function<Result<std::unique_ptr<NodePort>>(const run::TestSpec& spec, NodeId node)>;

}  // namespace ww::discrete
