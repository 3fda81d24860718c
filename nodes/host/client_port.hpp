// Where clients talk to a node. A connection has a number that is unique in this process, and
// belongs to the client whose endpoint its first request names.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/net/frame_socket.hpp"
#include "base/result.hpp"
#include "base/wire/kv.hpp"
#include "nodes/raft/contract.hpp"

namespace ww::host {

class ClientPort {
 public:
  struct Handlers {
    std::function<void(raft::Request)> on_request;
    std::function<void(raft::Watch)> on_watch;
    std::function<void(const std::string& complaint)> on_complaint;
    /// A rare path: "client.repeated", "client.refused", "client.reply-lost",
    /// "client.notice-lost".
    std::function<void(std::string_view name)> on_mark;
  };

  static constexpr std::size_t kMaxConnections = 4096;
  /// A client that leaves more bytes of answers unread is cut off.
  static constexpr std::size_t kMaxQueued = std::size_t{8} << 20;

  ClientPort(boost::asio::io_context& io, NodeId self, Handlers handlers);
  ~ClientPort();
  ClientPort(const ClientPort&) = delete;
  ClientPort& operator=(const ClientPort&) = delete;

  /// Errors: kEnvironment naming the address.
  Result<void> listen(const net::Address& address);
  /// Answers on the connection of `id`; an answer to a connection that is gone is lost.
  void reply(const raft::RequestId& id, const wire::ClientReply& reply);
  /// Tells the client on the connection of `id`, likewise.
  void notify(const raft::RequestId& id, const wire::WatchFrame& frame);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ww::host
