// One process of a stepped node, and the frames between it and the controller.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace ww::stepped {

struct Command {
  std::string executable;
  std::vector<std::string> arguments;
  std::string stderr_file;  // appended to; stdout goes there too
  /// How long a node may think about one event: it bounds a run whose node hangs, and no healthy
  /// node comes near.
  Duration patience = seconds(300);
};

/// A running process. It has its socket as descriptor kSocket, no other descriptor of ours, and
/// gets SIGKILL with this object, or when the thread that spawned it ends.
class Process {
 public:
  static constexpr int kSocket = 3;
  /// The status by which a node says, instead of an answer, that the machine lacks something.
  static constexpr int kExitEnvironment = 69;
  /// Errors: kEnvironment when the executable cannot be started, or descriptors have run out.
  static Result<Process> spawn(const Command& command);
  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;
  ~Process();

  /// Sends a whole frame, header included, waits for the one that answers it, and returns its
  /// payload, which the next call overwrites.
  /// Errors: kIo when the process is gone or hangs, kEnvironment when it went with
  ///         kExitEnvironment, kCorrupt when what it says is no frame; told with how it ended and
  ///         its last words. It is dead then.
  Result<std::string_view> exchange(std::string_view frame);

  /// SIGKILL; returns when it is gone.
  void kill();

 private:
  Process(pid_t pid, Fd socket, const Command& command, std::uint64_t stderr_begin);
  Result<void> send(std::string_view frame);
  Error dead(ErrorCode code, const std::string& what);

  pid_t pid_ = 0;  // 0: reaped
  Fd socket_;
  std::string stderr_file_;
  Duration patience_;
  std::uint64_t stderr_begin_ = 0;  // what earlier processes said
  std::string in_;
  int wait_status_ = 0;
};

}  // namespace ww::stepped
