#include "controller/worlds/live/client_links.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace ww::live {

bool ClientLinks::current(ClientId client, std::uint64_t generation) const {
  const auto found = connections_.find(client);
  return found != connections_.end() && found->second.generation == generation;
}

void ClientLinks::connect(ClientId client, NodeId node, const net::Address& proxy) {
  const std::uint64_t generation = ++generations_;
  net::FrameSocket::Handlers handlers;
  handlers.on_open = [this, client, generation] {
    if (!current(client, generation)) return;
    Connection& connection = connections_[client];
    connection.open = true;
    handlers_.on_connected(client, connection.node);
  };
  handlers.on_frame = [this, client, generation](std::string_view payload) {
    on_frame(client, generation, payload);
  };
  handlers.on_closed = [this, client, generation](const Error&) { on_closed(client, generation); };
  connections_[client] = {node, generation, false,
                          net::FrameSocket::connect(io_, proxy, std::move(handlers))};
}

void ClientLinks::refuse(ClientId client, NodeId node) {
  const std::uint64_t generation = ++generations_;
  connections_[client] = {node, generation, false, nullptr};
  boost::asio::post(io_, [this, client, generation] { on_closed(client, generation); });
}

void ClientLinks::disconnect(ClientId client) {
  connections_.erase(client);
}

net::FrameSocket* ClientLinks::open_socket(ClientId client, NodeId node) {
  const auto found = connections_.find(client);
  const bool open = found != connections_.end() && found->second.open && found->second.node == node;
  return open ? found->second.socket.get() : nullptr;
}

void ClientLinks::send(ClientId client, NodeId node, const wire::ClientRequest& request) {
  net::FrameSocket* socket = open_socket(client, node);
  if (socket == nullptr) return;
  std::string frame;
  const std::size_t begin = wire::begin_frame(frame);
  wire::encode_request(frame, client, node, request);
  wire::end_frame(frame, begin);
  socket->send(frame);
}

void ClientLinks::send(ClientId client, NodeId node, const wire::WatchRequest& request) {
  net::FrameSocket* socket = open_socket(client, node);
  if (socket == nullptr) return;
  std::string frame;
  const std::size_t begin = wire::begin_frame(frame);
  wire::encode_watch(frame, client, node, request);
  wire::end_frame(frame, begin);
  socket->send(frame);
}

void ClientLinks::on_frame(ClientId client, std::uint64_t generation, std::string_view payload) {
  if (!current(client, generation)) return;
  const auto malformed = [&](const Error& error) {
    handlers_.on_error(Error{ErrorCode::kCorrupt, true,
                             "from " + name_of(connections_[client].node) + " to " +
                                 name_of(client) + ": " + error.message});
  };
  const auto envelope = wire::peek_envelope(payload);
  if (envelope && envelope->type == wire::MessageType::kWatchFrame) {
    const auto told = wire::decode_watch_frame(payload);
    return told ? handlers_.on_watch_frame(client, told->frame) : malformed(told.error());
  }
  const auto frame = wire::decode_reply(payload);
  if (!frame) return malformed(frame.error());
  handlers_.on_reply(client, frame->reply);
}

void ClientLinks::on_closed(ClientId client, std::uint64_t generation) {
  if (!current(client, generation)) return;
  const Connection& connection = connections_[client];
  const NodeId node = connection.node;
  const bool refused = !connection.open;
  connections_.erase(client);
  handlers_.on_lost(client, node, refused);
}

}  // namespace ww::live
