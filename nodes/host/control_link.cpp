#include "nodes/host/control_link.hpp"

#include <utility>

namespace ww::host {

namespace control = wire::control;

ControlLink::ControlLink(boost::asio::io_context& io, const net::Address& address,
                         const control::Hello& hello, Handlers handlers)
    : handlers_(std::move(handlers)),
      socket_(net::FrameSocket::connect(
          io, address,
          {.on_open = [this, hello] { send(hello); },
           .on_frame = [this](std::string_view payload) { receive(payload); },
           .on_closed =
               [this, address](const Error& error) {
                 handlers_.on_lost("control connection to " + address.text() + ": " +
                                   error.message);
               }})) {}

void ControlLink::receive(std::string_view payload) {
  const auto message = control::decode(payload);
  if (!message) return handlers_.on_lost(message.error().message);
  if (const auto* set = std::get_if<control::SetClock>(&*message)) {
    send(handlers_.on_set_clock(*set));
  } else if (const auto* disk = std::get_if<control::SetDisk>(&*message)) {
    handlers_.on_set_disk(*disk);
  } else if (std::holds_alternative<control::Shutdown>(*message)) {
    handlers_.on_shutdown();
  } else if (const auto* take = std::get_if<control::TakeStatistics>(&*message)) {
    send(handlers_.on_statistics(*take));
  } else if (const auto* transfer = std::get_if<control::Transfer>(&*message)) {
    handlers_.on_transfer(*transfer);
  } else if (const auto* change = std::get_if<control::ChangeMembership>(&*message)) {
    handlers_.on_change_membership(*change);
  } else {
    handlers_.on_lost("the controller sent what only nodes send");
  }
}

void ControlLink::send(const control::Message& message) {
  std::string frame;
  const std::size_t begin = wire::begin_frame(frame);
  control::encode(frame, message);
  wire::end_frame(frame, begin);
  socket_->send(frame);
}

}  // namespace ww::host
