#include "controller/worlds/live/control_server.hpp"

#include <unistd.h>

#include "base/real_time.hpp"
#include "base/rng.hpp"

namespace ww::live {

Result<std::unique_ptr<ControlServer>> ControlServer::open(boost::asio::io_context& io,
                                                           const std::string& prefix,
                                                           Handlers handlers) {
  constexpr int kTries = 64;
  std::unique_ptr<ControlServer> server(new ControlServer(std::move(handlers)));
  // Where a run lives decides nothing in it, so the place may come from the clock.
  Rng rng = keyed(static_cast<std::uint64_t>(monotonic_ns()), "addresses", ::getpid());
  Error last;
  for (int i = 0; i < (prefix.empty() ? kTries : 1); ++i) {
    server->addresses_.prefix = prefix.empty() ? "127." + std::to_string(rng.between(1, 254)) +
                                                     "." + std::to_string(rng.between(1, 254))
                                               : prefix;
    auto listener =
        net::FrameListener::listen(io, server->addresses_.control(),
                                   [raw = server.get()](std::unique_ptr<net::FrameSocket> s) {
                                     return raw->accept(std::move(s));
                                   });
    if (listener) {
      server->listener_ = std::move(*listener);
      return server;
    }
    last = listener.error();
  }
  last.message += prefix.empty()
                      ? "; no free loopback prefix was found, see ./whitewater doctor"
                      : "; another run may use it: leave --address out to get a free one";
  return last;
}

net::FrameSocket::Handlers ControlServer::accept(std::unique_ptr<net::FrameSocket> socket) {
  const std::uint64_t id = ++next_connection_;
  connections_[id].socket = std::move(socket);
  net::FrameSocket::Handlers handlers;
  handlers.on_frame = [this, id](std::string_view payload) { on_frame(id, payload); };
  handlers.on_closed = [this, id](const Error&) { close(id); };
  return handlers;
}

void ControlServer::on_frame(std::uint64_t connection, std::string_view payload) {
  const auto message = wire::control::decode(payload);
  if (!message) {
    handlers_.on_error("control connection " + std::to_string(connection) + ": " +
                       message.error().message);
    return close(connection);
  }
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return;
  if (const auto* hello = std::get_if<wire::control::Hello>(&*message)) {
    if (found->second.node != hello->node) drop(hello->node);
    found->second.node = hello->node;
    handlers_.on_hello(*hello);
  } else if (const auto* clock = std::get_if<wire::control::ClockState>(&*message)) {
    handlers_.on_clock(found->second.node, *clock);
  } else if (const auto* statistics = std::get_if<wire::control::Statistics>(&*message)) {
    if (handlers_.on_statistics) handlers_.on_statistics(found->second.node, *statistics);
  }
}

void ControlServer::close(std::uint64_t connection) {
  connections_.erase(connection);
}

bool ControlServer::send(NodeId node, const wire::control::Message& message) {
  for (auto& [id, connection] : connections_) {
    if (connection.node != node) continue;
    std::string payload;
    wire::control::encode(payload, message);
    std::string frame;
    wire::append_frame(frame, payload);
    connection.socket->send(frame);
    return true;
  }
  return false;
}

void ControlServer::drop(NodeId node) {
  std::erase_if(connections_, [node](const auto& item) { return item.second.node == node; });
}

}  // namespace ww::live
