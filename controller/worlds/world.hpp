// What a run needs of a world: the verbs of the faults, of the clients, and of life and death.
#pragma once

#include <cstdint>

#include "base/ids.hpp"
#include "base/wire/kv.hpp"
#include "base/wire/watch.hpp"
#include "faults/cluster.hpp"

namespace ww::worlds {

class World : public faults::Cluster {
 public:
  /// Opens the client's one connection; the observer hears of the outcome, never within the call.
  virtual void connect(ClientId client, NodeId node) = 0;
  virtual void disconnect(ClientId client) = 0;
  virtual void send(ClientId client, NodeId node, const wire::ClientRequest& request) = 0;
  virtual void send(ClientId client, NodeId node, const wire::WatchRequest& request) = 0;

  /// Starts every node that is not running.
  virtual void start_all() = 0;
  /// Asks every running node to finish; those that are paused are resumed first.
  virtual void shut_down_all() = 0;
  /// Kills what still runs.
  virtual void kill_all() = 0;
  /// Every node is gone, and its disk was looked at.
  [[nodiscard]] virtual bool all_down() const = 0;
  /// How many nodes serve.
  [[nodiscard]] virtual std::uint32_t serving() const = 0;
};

}  // namespace ww::worlds
