// A TCP connection that carries whole frames, and a listener that makes them. Asio stays inside.
//
// Every socket is close-on-exec, sends small frames at once (TCP_NODELAY), and asks for reno: the
// default congestion control may be BBR, whose pacing would show up as latency of the node.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/wire/frame.hpp"

namespace boost::asio {
class io_context;
}

namespace ww::net {

struct Address {
  std::string host;  // numeric
  std::uint16_t port = 0;
  [[nodiscard]] std::string text() const { return host + ":" + std::to_string(port); }
  friend bool operator==(const Address&, const Address&) = default;
};

/// Parses "127.1.2.3:7000". Errors: kUsage.
Result<Address> parse_address(std::string_view text);

/// One connection. All calls and handlers belong to the io_context's thread.
class FrameSocket {
 public:
  struct Handlers {
    /// Connected (only for sockets made by connect).
    std::function<void()> on_open;
    /// A whole frame arrived; `payload` is valid during the call.
    std::function<void(std::string_view payload)> on_frame;
    /// It is over: refused (kClosed, definite: nothing was sent), closed by the other side, a
    /// broken frame (kTooLarge), or our queue over its bound (kBusy). Called once, never after
    /// close().
    std::function<void(const Error&)> on_closed;
  };

  /// Begins to connect; exactly one of on_open and on_closed follows first.
  static std::unique_ptr<FrameSocket> connect(boost::asio::io_context& io, const Address& to,
                                              Handlers handlers);
  ~FrameSocket();
  FrameSocket(const FrameSocket&) = delete;
  FrameSocket& operator=(const FrameSocket&) = delete;

  /// Queues bytes that are whole frames (header included).
  void send(std::string_view frames);
  /// Bytes queued and not yet taken by the operating system.
  [[nodiscard]] std::size_t queued() const;
  /// Over this, the connection is closed with kBusy.
  static constexpr std::size_t kMaxQueued = std::size_t{64} << 20;

 private:
  friend class FrameListener;
  struct Impl;
  explicit FrameSocket(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

/// Accepts connections on one address.
class FrameListener {
 public:
  /// Takes the new socket and returns its handlers. The socket begins to read afterwards.
  using OnAccept = std::function<FrameSocket::Handlers(std::unique_ptr<FrameSocket>)>;
  /// Errors: kEnvironment naming the address when it is taken or cannot be bound.
  static Result<std::unique_ptr<FrameListener>> listen(boost::asio::io_context& io,
                                                       const Address& address, OnAccept on_accept);
  ~FrameListener();
  FrameListener(const FrameListener&) = delete;
  FrameListener& operator=(const FrameListener&) = delete;

 private:
  struct Impl;
  explicit FrameListener(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

}  // namespace ww::net
