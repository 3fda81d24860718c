// One node of the live world as an operating-system process.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace boost::asio {
class io_context;
}

namespace ww::live {

/// How a process ended: by `signal`, or with `status` when signal is 0.
struct Exit {
  int status = 0;
  int signal = 0;
  [[nodiscard]] std::string describe() const;
};

struct NodeCommand {
  std::string executable;
  std::vector<std::string> arguments;
  std::string stderr_file;  // appended to; stdout goes there too
};

/// A running process and the reading end of its trace pipe.
///
/// The child gets the pipe's other end as descriptor kTraceFd, no other descriptor of ours, and
/// SIGKILL when the thread that spawned it ends (so spawn from the main thread only).
class NodeProcess {
 public:
  static constexpr int kTraceFd = 3;

  struct Handlers {
    /// Bytes of the trace, in order.
    std::function<void(std::string_view)> on_trace;
    /// It is gone, and its trace was read to the end. Nothing follows; the owner may destroy this.
    std::function<void(const Exit&)> on_gone;
  };

  /// Errors: kEnvironment when the executable cannot be started, or descriptors have run out.
  static Result<std::unique_ptr<NodeProcess>> spawn(boost::asio::io_context& io,
                                                    const NodeCommand& command, Handlers handlers);
  ~NodeProcess();
  NodeProcess(const NodeProcess&) = delete;
  NodeProcess& operator=(const NodeProcess&) = delete;

  /// Sends a signal unless it is already gone.
  void signal(int number);

  /// Whether SIGSTOP has taken hold of it, of all its threads: it lags behind the signal.
  [[nodiscard]] bool is_stopped() const;

 private:
  struct Impl;
  explicit NodeProcess(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace ww::live
