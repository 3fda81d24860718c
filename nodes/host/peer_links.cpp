#include "nodes/host/peer_links.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <utility>

#include "base/assert.hpp"

namespace ww::host {

namespace asio = boost::asio;
using net::FrameListener;
using net::FrameSocket;

namespace {

/// A connection that we keep up, and send on.
class Link {
 public:
  Link(asio::io_context& io, net::Address address)
      : io_(io), address_(std::move(address)), timer_(io) {
    connect();
  }

  /// False when there is no connection.
  [[nodiscard]] bool is_open() const { return open_; }
  [[nodiscard]] std::size_t queued() const { return socket_->queued(); }
  void send(std::string_view frame) { socket_->send(frame); }

 private:
  void connect() {
    socket_ = FrameSocket::connect(io_, address_,
                                   {.on_open =
                                        [this] {
                                          open_ = true;
                                          retry_ = PeerLinks::kFirstRetry;
                                        },
                                    // Nobody speaks on this connection but us.
                                    .on_frame = [](std::string_view) {},
                                    .on_closed = [this](const Error&) { connect_later(); }});
  }

  void connect_later() {
    open_ = false;
    timer_.expires_after(std::exchange(retry_, std::min(retry_ * 2, PeerLinks::kLastRetry)));
    timer_.async_wait([this](boost::system::error_code ec) {
      if (!ec) connect();
    });
  }

  asio::io_context& io_;
  const net::Address address_;
  asio::steady_timer timer_;
  std::unique_ptr<FrameSocket> socket_;
  Duration retry_ = PeerLinks::kFirstRetry;
  bool open_ = false;
};

}  // namespace

struct PeerLinks::Impl {
  FrameSocket::Handlers accept(std::unique_ptr<FrameSocket> socket) {
    if (accepted.size() == kMaxAccepted) {
      handlers.on_mark("link.refused");
      return {};
    }
    const std::uint64_t number = ++last_accepted;
    accepted.emplace(number, std::move(socket));
    return {.on_open = {},
            .on_frame = [this, number](std::string_view payload) { receive(number, payload); },
            .on_closed =
                [this, number](const Error& error) {
                  if (error.code != ErrorCode::kClosed) {
                    handlers.on_complaint("a peer's connection is closed: " + error.message);
                  }
                  accepted.erase(number);
                }};
  }

  void receive(std::uint64_t number, std::string_view payload) {
    const auto frame = wire::decode_peer(payload);
    if (!frame) return refuse(number, frame.error().message);
    const wire::Envelope& envelope = frame->envelope;
    if (envelope.to != wire::endpoint_of(self)) {
      return refuse(number, "a message for " + wire::name_of(envelope.to) + " came here");
    }
    if (!links.contains(wire::node_of(envelope.from))) {
      return refuse(number, "a message from " + wire::name_of(envelope.from) + ", a stranger");
    }
    handlers.on_message(*frame, payload);
  }

  void refuse(std::uint64_t number, const std::string& why) {
    handlers.on_complaint("a peer's connection is closed: " + why);
    accepted.erase(number);
  }

  asio::io_context& io;
  const NodeId self;
  Handlers handlers;
  std::unique_ptr<FrameListener> listener;
  std::map<std::uint64_t, std::unique_ptr<FrameSocket>> accepted;
  std::uint64_t last_accepted = 0;
  std::map<NodeId, std::unique_ptr<Link>> links;
};

PeerLinks::PeerLinks(asio::io_context& io, NodeId self, Handlers handlers)
    : impl_(new Impl{.io = io,
                     .self = self,
                     .handlers = std::move(handlers),
                     .listener = {},
                     .accepted = {},
                     .links = {}}) {}

PeerLinks::~PeerLinks() = default;

Result<void> PeerLinks::listen(const net::Address& address) {
  auto listener = FrameListener::listen(impl_->io, address,
                                        [impl = impl_.get()](std::unique_ptr<FrameSocket> socket) {
                                          return impl->accept(std::move(socket));
                                        });
  if (!listener) return listener.error();
  impl_->listener = std::move(*listener);
  return {};
}

void PeerLinks::connect(const std::map<NodeId, net::Address>& peers) {
  for (const auto& [node, address] : peers) {
    impl_->links.emplace(node, std::make_unique<Link>(impl_->io, address));
  }
}

void PeerLinks::send(NodeId to, std::string_view frame) {
  const auto link = impl_->links.find(to);
  WW_ASSERT(link != impl_->links.end(), "a message to a node that is no peer");
  if (!link->second->is_open()) return impl_->handlers.on_mark("link.drop.away");
  if (link->second->queued() + frame.size() > kMaxQueued) {
    return impl_->handlers.on_mark("link.drop.full");
  }
  link->second->send(frame);
}

}  // namespace ww::host
