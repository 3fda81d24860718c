// Real whitewater-node processes under a test that plays controller and client.
//
// Everything waits for a condition with a deadline (poll(2)), never for a time. A process is killed
// with its object, and by the kernel when the test ends otherwise.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "base/wire/control.hpp"
#include "base/wire/frame.hpp"
#include "base/wire/kv.hpp"
#include "nodes/host/file_store.hpp"

namespace ww::host_test {

/// A deadline that is generous, for sanitizers on a busy machine, and never met by a passing test.
inline constexpr Duration kPatience = seconds(30);

/// A prefix "127.a.b" on which nobody listens now.
std::string free_prefix();

/// A listening socket of the test itself.
Fd listen_on(const std::string& host, std::uint16_t port);

/// A connection of the test, used with blocking calls that have deadlines.
class Connection {
 public:
  explicit Connection(Fd fd) : fd_(std::move(fd)) {}
  /// Connects; the test fails when it is refused.
  static Connection to(const std::string& host, std::uint16_t port);
  /// Connects as soon as somebody listens there.
  static Connection once_listening(const std::string& host, std::uint16_t port);
  /// The next connection that comes to `listener`.
  static Connection accepted(const Fd& listener);

  void send(std::string_view frame);
  /// The next payload; nothing when the other side closed.
  std::optional<std::string> receive();
  bool is_closed_by_peer() { return !receive().has_value(); }

 private:
  Fd fd_;
  wire::FrameBuffer frames_;
};

/// A client that asks one node and retries what was surely not done.
class Client {
 public:
  Client(Connection connection, NodeId node, std::uint32_t number)
      : connection_(std::move(connection)), node_(node), number_{number} {}
  /// One attempt; nothing when the connection broke.
  std::optional<wire::ClientReply> attempt(const wire::Command& command);
  /// Attempts until one is answered ok; nothing when the connection broke. Fails after kPatience.
  std::optional<wire::ClientReply> insist(const wire::Command& command);
  Connection& connection() { return connection_; }

 private:
  Connection connection_;
  NodeId node_;
  ClientId number_;
  std::uint64_t last_request_ = 0;
};

struct ProcessOptions {
  std::string stderr_file;
  std::string trace_file;             // empty: no trace
  std::uint64_t file_size_limit = 0;  // RLIMIT_FSIZE; 0: none
};

class Process {
 public:
  Process(const std::vector<std::string>& arguments, const ProcessOptions& options);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  /// Waits for its end; its exit status, or minus the signal that killed it.
  int wait();
  /// kill -9, and its end.
  void kill();

 private:
  pid_t pid_ = -1;
};

/// Sends a control message.
void say(Connection& control, const wire::control::Message& message);
/// The next control message of type T; the test fails when something else comes.
template <class T>
T hear(Connection& control);

std::string read_file(const std::string& path);

wire::Command write_command(std::string key, std::string value);
wire::Command read_command(std::string key);

}  // namespace ww::host_test
