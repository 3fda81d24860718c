// The node's end of its control connection (base/wire/control.hpp). A node does not outlive it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/net/frame_socket.hpp"
#include "base/wire/control.hpp"

namespace ww::host {

class ControlLink {
 public:
  struct Handlers {
    /// Sets the clock and says what it shows then.
    std::function<wire::control::ClockState(const wire::control::SetClock&)> on_set_clock;
    std::function<void(const wire::control::SetDisk&)> on_set_disk;
    std::function<void()> on_shutdown;
    std::function<void(const wire::control::Transfer&)> on_transfer;
    std::function<void(const wire::control::ChangeMembership&)> on_change_membership;
    /// What was measured since the last call.
    std::function<wire::control::Statistics(const wire::control::TakeStatistics&)> on_statistics;
    /// Refused, closed, or spoken to in a way that makes no sense. Called once.
    std::function<void(const std::string& why)> on_lost;
  };

  /// Begins to connect; says `hello` as soon as it has.
  ControlLink(boost::asio::io_context& io, const net::Address& address,
              const wire::control::Hello& hello, Handlers handlers);

 private:
  void receive(std::string_view payload);
  void send(const wire::control::Message& message);

  Handlers handlers_;
  std::unique_ptr<net::FrameSocket> socket_;
};

}  // namespace ww::host
