// The controller's end of the control connections, and the run's claim on its loopback addresses.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/ids.hpp"
#include "base/net/frame_socket.hpp"
#include "base/result.hpp"
#include "base/wire/control.hpp"

namespace ww::live {

/// Where everything of one run listens: a /24 of 127.0.0.0/8 that no other run has.
struct AddressPlan {
  std::string prefix;  // "127.11.7"
  [[nodiscard]] net::Address control() const { return {prefix + ".250", 7000}; }
  [[nodiscard]] net::Address peer(NodeId node) const { return {at(node.value), 7001}; }
  [[nodiscard]] net::Address client(NodeId node) const { return {at(node.value), 7002}; }
  /// Where node `from` finds the proxy of its link to `to`.
  [[nodiscard]] net::Address link(NodeId from, NodeId to) const {
    return {at(100 + from.value), static_cast<std::uint16_t>(7100 + to.value)};
  }

 private:
  [[nodiscard]] std::string at(std::uint32_t host) const {
    return prefix + "." + std::to_string(host);
  }
};

/// Accepts the nodes' control connections.
class ControlServer {
 public:
  struct Handlers {
    std::function<void(const wire::control::Hello&)> on_hello;
    std::function<void(NodeId, const wire::control::ClockState&)> on_clock;
    std::function<void(const std::string& complaint)> on_error;
    std::function<void(NodeId, const wire::control::Statistics&)> on_statistics;  // may be empty
  };

  /// Listens on `prefix`, or on a free one when it is empty: holding the control address is the
  /// claim on the prefix. Errors: kEnvironment naming the address when the given prefix is taken,
  /// or when none of many tries was free.
  static Result<std::unique_ptr<ControlServer>> open(boost::asio::io_context& io,
                                                     const std::string& prefix, Handlers handlers);

  [[nodiscard]] const AddressPlan& addresses() const { return addresses_; }
  /// Sends to a node; false when it has no connection now.
  bool send(NodeId node, const wire::control::Message& message);
  /// Forgets a node's connection.
  void drop(NodeId node);

 private:
  explicit ControlServer(Handlers handlers) : handlers_(std::move(handlers)) {}
  net::FrameSocket::Handlers accept(std::unique_ptr<net::FrameSocket> socket);
  void on_frame(std::uint64_t connection, std::string_view payload);
  void close(std::uint64_t connection);

  struct Connection {
    std::unique_ptr<net::FrameSocket> socket;
    NodeId node = kNobody;
  };
  Handlers handlers_;
  AddressPlan addresses_;
  std::unique_ptr<net::FrameListener> listener_;
  std::map<std::uint64_t, Connection> connections_;
  std::uint64_t next_connection_ = 0;
};

}  // namespace ww::live
