// The clients' connections of the live world: one a worker, through the proxy of the node it talks
// to.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "base/ids.hpp"
#include "base/net/frame_socket.hpp"
#include "base/result.hpp"
#include "base/wire/kv.hpp"
#include "base/wire/watch.hpp"

namespace ww::live {

class ClientLinks {
 public:
  struct Handlers {
    std::function<void(ClientId, NodeId)> on_connected;
    std::function<void(ClientId, NodeId, bool refused)> on_lost;
    std::function<void(ClientId, const wire::ClientReply&)> on_reply;
    std::function<void(ClientId, const wire::WatchFrame&)> on_watch_frame;
    std::function<void(const Error&)> on_error;
  };

  /// `io` outlives this.
  ClientLinks(boost::asio::io_context& io, Handlers handlers)
      : io_(io), handlers_(std::move(handlers)) {}

  /// Replaces the client's connection. on_connected or on_lost follows, never within the call.
  void connect(ClientId client, NodeId node, const net::Address& proxy);
  /// The same, for a node that is known not to listen: on_lost(refused) follows.
  void refuse(ClientId client, NodeId node);
  void disconnect(ClientId client);
  /// Nothing happens when the connection has gone meanwhile: its on_lost has told so.
  void send(ClientId client, NodeId node, const wire::ClientRequest& request);
  void send(ClientId client, NodeId node, const wire::WatchRequest& request);

 private:
  struct Connection {
    NodeId node;
    std::uint64_t generation = 0;
    bool open = false;
    std::unique_ptr<net::FrameSocket> socket;
  };
  [[nodiscard]] bool current(ClientId client, std::uint64_t generation) const;
  [[nodiscard]] net::FrameSocket* open_socket(ClientId client, NodeId node);
  void on_frame(ClientId client, std::uint64_t generation, std::string_view payload);
  void on_closed(ClientId client, std::uint64_t generation);

  boost::asio::io_context& io_;
  Handlers handlers_;
  std::map<ClientId, Connection> connections_;
  std::uint64_t generations_ = 0;
};

}  // namespace ww::live
