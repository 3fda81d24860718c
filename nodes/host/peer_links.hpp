// The connections between nodes. Each is used one way: on those we open we only send, on those we
// accept we only receive, so that a proxy between them is one directed link.
//
// Raft tolerates loss, so nothing waits: a message to a peer that is away, or that does not keep
// up, is dropped and counted.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/net/frame_socket.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "base/wire/peer.hpp"

namespace ww::host {

class PeerLinks {
 public:
  struct Handlers {
    /// A well-formed message for this node, and the payload that it was decoded from; what it
    /// borrows is valid during the call.
    std::function<void(const wire::PeerFrame&, std::string_view payload)> on_message;
    std::function<void(const std::string& complaint)> on_complaint;
    /// A rare path: "link.drop.away", "link.drop.full", "link.refused".
    std::function<void(std::string_view name)> on_mark;
  };

  /// More bytes than this wait for no peer.
  static constexpr std::size_t kMaxQueued = std::size_t{8} << 20;
  static constexpr std::size_t kMaxAccepted = 64;
  static constexpr Duration kFirstRetry = milliseconds(50);
  static constexpr Duration kLastRetry = milliseconds(200);

  PeerLinks(boost::asio::io_context& io, NodeId self, Handlers handlers);
  ~PeerLinks();
  PeerLinks(const PeerLinks&) = delete;
  PeerLinks& operator=(const PeerLinks&) = delete;

  /// Errors: kEnvironment naming the address.
  Result<void> listen(const net::Address& address);
  /// Begins to connect to each peer, again and again while it is away.
  void connect(const std::map<NodeId, net::Address>& peers);
  /// Sends a whole frame, header included, or drops it. REQUIRES: `to` was given to connect().
  void send(NodeId to, std::string_view frame);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ww::host
