#include "base/net/frame_socket.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <charconv>

namespace ww::net {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::size_t kReadBytes = 64U << 10;

void tune(tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  const int fd = socket.native_handle();
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  // Reno is always there; a kernel without it keeps its default, which is only slower.
  ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
}

tcp::endpoint endpoint_of(const Address& address, boost::system::error_code& ec) {
  return tcp::endpoint(asio::ip::make_address(address.host, ec), address.port);
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const Error error{ErrorCode::kUsage, true,
                    "'" + std::string(text) + "' is not an address; write 127.0.0.1:7000"};
  if (colon == std::string_view::npos) return error;
  Address address{std::string(text.substr(0, colon)), 0};
  const std::string_view port = text.substr(colon + 1);
  const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  boost::system::error_code bad_host;
  asio::ip::make_address(address.host, bad_host);
  if (ec != std::errc{} || end != port.data() + port.size() || bad_host) return error;
  return address;
}

struct FrameSocket::Impl : std::enable_shared_from_this<Impl> {
  explicit Impl(tcp::socket s) : socket(std::move(s)), buffer(kReadBytes, '\0') {}

  void connect(const Address& to) {
    boost::system::error_code ec;
    const tcp::endpoint endpoint = endpoint_of(to, ec);
    if (!ec) socket.open(endpoint.protocol(), ec);
    if (ec) {
      asio::post(socket.get_executor(), [self = shared_from_this(), ec] {
        self->fail(Error{ErrorCode::kClosed, true, ec.message()});
      });
      return;
    }
    tune(socket);
    socket.async_connect(endpoint, [self = shared_from_this()](boost::system::error_code error) {
      if (self->closed) return;
      if (error) return self->fail(Error{ErrorCode::kClosed, true, error.message()});
      self->open = true;
      if (self->handlers.on_open) self->handlers.on_open();
      if (self->closed) return;
      self->read();
      self->write();
    });
  }

  void read() {
    socket.async_read_some(asio::buffer(buffer), [self = shared_from_this()](
                                                     boost::system::error_code ec, std::size_t n) {
      if (self->closed) return;
      if (ec) return self->fail(Error{ErrorCode::kClosed, false, ec.message()});
      self->frames.feed(std::string_view(self->buffer.data(), n));
      if (self->deliver()) self->read();
    });
  }

  /// Hands out whole frames; false when the connection ended meanwhile.
  bool deliver() {
    while (!closed) {
      auto frame = frames.next();
      if (!frame) {
        fail(frame.error());
        return false;
      }
      if (!frame->has_value()) return true;
      handlers.on_frame(**frame);
    }
    return false;
  }

  void send(std::string_view bytes) {
    if (closed) return;
    if (waiting.size() + bytes.size() > kMaxQueued) {
      return fail(Error{ErrorCode::kBusy, false, "the other side does not read"});
    }
    waiting.append(bytes);
    write();
  }

  void write() {
    if (!open || writing || waiting.empty()) return;
    writing = true;
    in_flight.swap(waiting);
    waiting.clear();
    asio::async_write(socket, asio::buffer(in_flight),
                      [self = shared_from_this()](boost::system::error_code ec, std::size_t) {
                        self->writing = false;
                        self->in_flight.clear();
                        if (self->closed) return;
                        if (ec) return self->fail(Error{ErrorCode::kClosed, false, ec.message()});
                        self->write();
                      });
  }

  void fail(const Error& error) {
    if (closed) return;
    shut();
    // The handler may destroy the FrameSocket, and with it the handlers.
    const auto on_closed = std::move(handlers.on_closed);
    if (on_closed) on_closed(error);
  }

  void shut() {
    closed = true;
    boost::system::error_code ignored;
    socket.close(ignored);
  }

  Handlers handlers;
  tcp::socket socket;
  wire::FrameBuffer frames;
  std::string buffer;
  std::string waiting;
  std::string in_flight;
  bool open = false;
  bool writing = false;
  bool closed = false;
};

std::unique_ptr<FrameSocket> FrameSocket::connect(asio::io_context& io, const Address& to,
                                                  Handlers handlers) {
  auto impl = std::make_shared<Impl>(tcp::socket(io));
  impl->handlers = std::move(handlers);
  impl->connect(to);
  return std::unique_ptr<FrameSocket>(new FrameSocket(std::move(impl)));
}

FrameSocket::~FrameSocket() {
  impl_->shut();
}

void FrameSocket::send(std::string_view frames) {
  impl_->send(frames);
}

std::size_t FrameSocket::queued() const {
  return impl_->waiting.size() + impl_->in_flight.size();
}

struct FrameListener::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::io_context& io, OnAccept handler) : acceptor(io), on_accept(std::move(handler)) {}

  void accept() {
    acceptor.async_accept([self = shared_from_this()](boost::system::error_code ec, tcp::socket s) {
      if (self->closed) return;
      if (!ec) self->adopt(std::move(s));
      if (!self->closed) self->accept();
    });
  }

  void adopt(tcp::socket s) {
    tune(s);
    auto impl = std::make_shared<FrameSocket::Impl>(std::move(s));
    impl->open = true;
    // The handlers are there before the first frame can arrive: reading begins afterwards.
    impl->handlers = on_accept(std::unique_ptr<FrameSocket>(new FrameSocket(impl)));
    if (impl->closed) return;
    impl->read();
    impl->write();
  }

  tcp::acceptor acceptor;
  OnAccept on_accept;
  bool closed = false;
};

Result<std::unique_ptr<FrameListener>> FrameListener::listen(asio::io_context& io,
                                                             const Address& address,
                                                             OnAccept on_accept) {
  auto impl = std::make_shared<Impl>(io, std::move(on_accept));
  boost::system::error_code ec;
  const tcp::endpoint endpoint = endpoint_of(address, ec);
  if (!ec) impl->acceptor.open(endpoint.protocol(), ec);
  if (!ec) {
    ::fcntl(impl->acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
    impl->acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  }
  if (!ec) impl->acceptor.bind(endpoint, ec);
  if (!ec) impl->acceptor.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) {
    return Error{ErrorCode::kEnvironment, true,
                 "cannot listen on " + address.text() + ": " + ec.message()};
  }
  impl->accept();
  return std::unique_ptr<FrameListener>(new FrameListener(std::move(impl)));
}

FrameListener::~FrameListener() {
  impl_->closed = true;
  boost::system::error_code ignored;
  impl_->acceptor.close(ignored);
}

}  // namespace ww::net
