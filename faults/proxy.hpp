// Message-aware proxies of the live world: they read whole frames off one connection, ask the
// LinkTable what becomes of each, and deliver them on another, late, twice or never. A cut discards
// frames, also those that were on their way; the connections stay.
//
// A link proxy carries one direction, i to j: j's answers come over the proxy of j to i. A client
// proxy carries a client's requests and the node's replies, each as a direction of its own, and
// pairs connections one to one, since a node knows a client by its connection.
//
// Thread safety: none; everything runs on the thread of the io_context.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/net/frame_socket.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "base/wire/envelope.hpp"
#include "faults/links.hpp"

namespace boost::asio {
class io_context;
}

namespace ww::faults {

struct ProxyOptions {
  net::Address listen{};
  net::Address target{};
  /// The link. In a client proxy `from` may be Endpoint{0}: any client.
  wire::Endpoint from{};
  wire::Endpoint to{};
  /// Bounds on what waits: for its delay, and for a receiver that does not read. Over them, frames
  /// are dropped and counted.
  std::size_t max_queued_bytes = std::size_t{32} << 20;
  std::size_t max_queued_frames = 20'000;
  /// After a failed connection to a node, the next is tried no sooner.
  Duration reconnect_after = milliseconds(20);
};

/// What a proxy tells. All may be empty.
struct ProxyEvents {
  /// A whole frame came off the sender's connection; before anything becomes of it.
  std::function<void(Instant, const wire::Envelope&, std::string_view payload)> on_frame;
  /// A frame that does not belong on this link, or a stream that is no frames. It was dropped.
  std::function<void(const std::string& what)> on_error;
  /// Client proxies: the node refused the connection that this request waited for, so no copy of it
  /// reached or ever will reach the node. Its failure is definite.
  std::function<void(const wire::Envelope&)> on_refused;
};

struct ProxyStats {
  std::uint64_t received = 0;       // frames off the sender's connections
  std::uint64_t delivered = 0;      // frames, copies included, handed to the receiver's connection
  std::uint64_t lost = 0;           // to faults, when sent or when due
  std::uint64_t undeliverable = 0;  // the receiver was unreachable
  std::uint64_t overflowed = 0;     // the queue was full
  std::uint64_t misdirected = 0;    // not of this link
};

/// The proxy of the directed link from -> to between nodes. The destructor closes it.
class LinkProxy {
 public:
  /// Listens. `clock` yields the time of the run; `links` and `io` outlive the proxy.
  ///
  /// Errors: kEnvironment naming the address and port that are taken or not ours.
  static Result<LinkProxy> open(boost::asio::io_context& io, ProxyOptions options,
                                std::function<Instant()> clock, LinkTable& links,
                                ProxyEvents events);
  LinkProxy(LinkProxy&&) noexcept;
  LinkProxy& operator=(LinkProxy&&) noexcept;
  ~LinkProxy();

  [[nodiscard]] ProxyStats stats() const;

 private:
  struct Impl;
  explicit LinkProxy(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// The proxy between clients and one node, both directions. The destructor closes it.
class ClientProxy {
 public:
  /// As LinkProxy::open; `from` is a client or Endpoint{0}, `to` the node.
  static Result<ClientProxy> open(boost::asio::io_context& io, ProxyOptions options,
                                  std::function<Instant()> clock, LinkTable& links,
                                  ProxyEvents events);
  ClientProxy(ClientProxy&&) noexcept;
  ClientProxy& operator=(ClientProxy&&) noexcept;
  ~ClientProxy();

  [[nodiscard]] ProxyStats stats() const;

 private:
  struct Impl;
  explicit ClientProxy(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace ww::faults
