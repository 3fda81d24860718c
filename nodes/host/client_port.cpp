#include "nodes/host/client_port.hpp"

#include <cstdint>
#include <map>
#include <utility>

namespace ww::host {

using net::FrameListener;
using net::FrameSocket;

namespace {

struct Connection {
  std::unique_ptr<FrameSocket> socket;
  ClientId client;                 // 0 until its first request
  std::uint64_t last_request = 0;  // numbers grow; a copy made by the network does not
};

}  // namespace

struct ClientPort::Impl {
  FrameSocket::Handlers accept(std::unique_ptr<FrameSocket> socket) {
    if (connections.size() == kMaxConnections) {
      handlers.on_mark("client.refused");
      return {};
    }
    const ClientId number{++last_connection};
    connections.emplace(number, Connection{std::move(socket), {}, 0});
    return {.on_open = {},
            .on_frame = [this, number](std::string_view payload) { receive(number, payload); },
            .on_closed =
                [this, number](const Error& error) {
                  if (error.code != ErrorCode::kClosed) {
                    handlers.on_complaint("a client's connection is closed: " + error.message);
                  }
                  connections.erase(number);
                }};
  }

  void receive(ClientId number, std::string_view payload) {
    const auto envelope = wire::peek_envelope(payload);
    if (!envelope) return refuse(number, "no envelope");
    if (!admit(number, *envelope)) return;
    if (envelope->type == wire::MessageType::kWatch) {
      auto watch = wire::decode_watch(payload);
      if (!watch) return refuse(number, watch.error().message);
      return handlers.on_watch({number, std::move(watch->request)});
    }
    auto frame = wire::decode_request(payload);
    if (frame) {
      handlers.on_request({.id = {number, frame->request.request},
                           .read_mode = frame->request.read_mode,
                           .command = std::move(frame->request.command)});
    } else if (frame.error().code == ErrorCode::kTooLarge) {
      wire::ClientReply reply;
      reply.request = envelope->content;
      reply.outcome = wire::Outcome::kFailed;
      reply.refusal = wire::Refusal::kTooLarge;
      send(number, reply);
    } else {
      refuse(number, frame.error().message);
    }
  }

  /// Whether a request with this envelope is to be looked at; the connection may be gone if not.
  bool admit(ClientId number, const wire::Envelope& envelope) {
    Connection& connection = connections.at(number);
    const ClientId client = wire::client_of(envelope.from);
    if (envelope.to != wire::endpoint_of(self) || client == ClientId{}) {
      refuse(number, "a message from " + wire::name_of(envelope.from) + " to " +
                         wire::name_of(envelope.to) + " came here");
      return false;
    }
    if (connection.client == ClientId{}) connection.client = client;
    if (connection.client != client) {
      refuse(number, "it belongs to " + ww::name_of(connection.client) + " and is used by " +
                         ww::name_of(client));
      return false;
    }
    if (envelope.content <= connection.last_request) {
      handlers.on_mark("client.repeated");
      return false;
    }
    connection.last_request = envelope.content;
    return true;
  }

  void refuse(ClientId number, const std::string& why) {
    handlers.on_complaint("a client's connection is closed: " + why);
    connections.erase(number);
  }

  void send(ClientId number, const wire::ClientReply& reply) {
    const auto connection = connections.find(number);
    if (connection == connections.end()) return handlers.on_mark("client.reply-lost");
    scratch.clear();
    const std::size_t begin = wire::begin_frame(scratch);
    wire::encode_reply(scratch, self, connection->second.client, reply);
    wire::end_frame(scratch, begin);
    send_scratch(number, connection->second);
  }

  void notify(ClientId number, const wire::WatchFrame& frame) {
    const auto connection = connections.find(number);
    if (connection == connections.end()) return handlers.on_mark("client.notice-lost");
    scratch.clear();
    const std::size_t begin = wire::begin_frame(scratch);
    wire::encode_watch_frame(scratch, self, connection->second.client, frame);
    wire::end_frame(scratch, begin);
    send_scratch(number, connection->second);
  }

  void send_scratch(ClientId number, Connection& connection) {
    if (connection.socket->queued() + scratch.size() > kMaxQueued) {
      return refuse(number, "it does not read its answers");
    }
    connection.socket->send(scratch);
  }

  boost::asio::io_context& io;
  const NodeId self;
  Handlers handlers;
  std::unique_ptr<FrameListener> listener;
  std::map<ClientId, Connection> connections;
  std::uint32_t last_connection = 0;
  std::string scratch;
};

ClientPort::ClientPort(boost::asio::io_context& io, NodeId self, Handlers handlers)
    : impl_(new Impl{.io = io,
                     .self = self,
                     .handlers = std::move(handlers),
                     .listener = {},
                     .connections = {},
                     .scratch = {}}) {}

ClientPort::~ClientPort() = default;

Result<void> ClientPort::listen(const net::Address& address) {
  auto listener = FrameListener::listen(impl_->io, address,
                                        [impl = impl_.get()](std::unique_ptr<FrameSocket> socket) {
                                          return impl->accept(std::move(socket));
                                        });
  if (!listener) return listener.error();
  impl_->listener = std::move(*listener);
  return {};
}

void ClientPort::reply(const raft::RequestId& id, const wire::ClientReply& reply) {
  impl_->send(id.connection, reply);
}

void ClientPort::notify(const raft::RequestId& id, const wire::WatchFrame& frame) {
  impl_->notify(id.connection, frame);
}

}  // namespace ww::host
