// A cluster for a benchmark: real node processes, files and TCP, nothing between them.
//
// The nodes' traces, when they write any, and their control connections are read on the thread that
// runs the io_context; it must be the main one (a node ends with the thread that spawned it). Calls
// that wait run the io_context meanwhile.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/net/frame_socket.hpp"
#include "base/result.hpp"
#include "base/wire/control.hpp"
#include "controller/bench/settings.hpp"

namespace boost::asio {
class io_context;
}

namespace ww::bench {

struct ClusterOptions {
  std::string node_executable;
  std::string directory;  // n1/, n2/, ... are made below it
  Settings settings;
  std::uint64_t seed = 0;  // of the election timeouts
  /// Ends every wait but the last one's, in shut_down(), when it says true. May be empty.
  std::function<bool()> interrupted;
};

/// Who leads, by its own word.
struct Leadership {
  NodeId leader;
  Term term = 0;
};

class Cluster {
 public:
  /// Starts every node and waits until all of them serve.
  /// Errors: kEnvironment or kIo: an address, a directory, a node that ended, with its last words;
  ///         kTimeout when they do not serve within 20 s.
  static Result<std::unique_ptr<Cluster>> start(boost::asio::io_context& io,
                                                ClusterOptions options);
  /// Kills what still runs.
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  /// Where n1, n2, ... serve clients.
  [[nodiscard]] std::vector<net::Address> client_addresses() const;

  /// Asks every node for what it measured since the last time. `then` is called once all have
  /// answered; a node that is gone is left out.
  void take_statistics(std::function<void(std::vector<wire::control::Statistics>)> then);

  /// Asks every node that runs until one says that it leads, in the highest term of all that
  /// answered.
  /// Errors: kTimeout when nobody does within 10 s; failure(); kStopped.
  Result<Leadership> find_leader();

  /// Kills a node with SIGKILL, and returns once its death was seen.
  /// Errors: kInternal when it ended otherwise, or was not there; failure(); kStopped.
  Result<void> kill(NodeId node);
  /// Shows the checks, if there are any, what a killed node left. To be called before it is started
  /// again; takes as long as its files are large. Errors: failure(); kStopped.
  Result<void> check_files(NodeId node);
  /// Starts a killed node on what it left behind, and returns once it serves.
  /// Errors: kTimeout after 20 s; failure(); kStopped.
  Result<void> start_again(NodeId node);
  /// Sends SIGSTOP, and returns once all threads of the node were seen stopped.
  /// Errors: kInternal when it was not there; kTimeout after 10 s; failure(); kStopped.
  Result<void> pause(NodeId node);
  /// Sends SIGCONT, and returns once the node answers. REQUIRES: paused.
  /// Errors: kTimeout after 20 s; failure(); kStopped.
  Result<void> resume(NodeId node);

  /// Lets the io_context run. Errors: failure(); kStopped.
  Result<void> run_for(Duration length);

  /// A node that ended by itself, with its last words; or what the checks found.
  [[nodiscard]] const std::optional<Error>& failure() const;

  /// Ends the nodes in order, within 10 s. Errors: failure(), if there was one.
  Result<void> shut_down();

  /// Bytes of trace that were read.
  [[nodiscard]] std::uint64_t trace_bytes() const;

 private:
  struct Impl;
  explicit Cluster(std::unique_ptr<Impl> impl);
  /// Asks every node that runs and waits for the answers, but not for long.
  Result<void> ask_all();
  std::unique_ptr<Impl> impl_;
};

}  // namespace ww::bench
