// A cluster for a benchmark: real node processes, files and TCP, nothing between them.
//
// The nodes' traces, when they write any, and their control connections are read on the thread that
// runs the io_context; it must be the main one (a node ends with the thread that spawned it).
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

  /// A node that ended by itself, with its last words; or what the checks found.
  [[nodiscard]] const std::optional<Error>& failure() const;

  /// Ends the nodes in order, within 10 s. Errors: failure(), if there was one.
  Result<void> shut_down();

  /// Bytes of trace that were read.
  [[nodiscard]] std::uint64_t trace_bytes() const;

 private:
  struct Impl;
  explicit Cluster(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ww::bench
