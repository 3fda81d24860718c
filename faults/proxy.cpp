#include "faults/proxy.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <set>
#include <vector>

namespace ww::faults {

namespace asio = boost::asio;
using net::FrameListener;
using net::FrameSocket;

namespace {

/// A frame on its way to a receiver, named by the session whose connection takes it.
struct Parcel {
  Instant due{};
  std::uint64_t sequence = 0;  // parcels that are due together keep their order
  std::uint64_t session = 0;
  wire::Envelope envelope;
  std::string frame;
};

/// Takes frames off a link, decides about each, and hands them on when they are due.
///
/// It outlives no proxy: the timer's handler holds it weakly, everything else is owned by it.
class Carrier : public std::enable_shared_from_this<Carrier> {
 public:
  /// Puts a due parcel on the receiver's connection.
  using Deliver = std::function<void(const Parcel&)>;

  Carrier(asio::io_context& io, ProxyOptions proxy_options, std::function<Instant()> clock,
          LinkTable& table, ProxyEvents proxy_events)
      : options(std::move(proxy_options)),
        events(std::move(proxy_events)),
        now(std::move(clock)),
        links_(table),
        timer_(io) {
    WW_ASSERT(options.max_queued_bytes < FrameSocket::kMaxQueued, "the socket would close first");
  }

  void deliver_with(Deliver deliver) { deliver_ = std::move(deliver); }

  /// A frame of `session` whose envelope was found to be right.
  void take(std::uint64_t session, const wire::Envelope& envelope, std::string_view payload) {
    ++stats.received;
    const Instant taken = now();
    if (events.on_frame) events.on_frame(taken, envelope, payload);
    const Decision decision = links_.decide(envelope);
    if (decision.lost()) ++stats.lost;
    for (std::size_t i = 0; i < decision.copies; ++i) {
      Parcel parcel{taken + decision.delays[i], sequence_++, session, envelope, {}};
      wire::append_frame(parcel.frame, payload);
      if (decision.delays[i] <= Duration{0}) {
        hand_over(parcel);
      } else {
        hold(std::move(parcel));
      }
    }
  }

  /// Whether parcels of the session are on their way.
  [[nodiscard]] bool holds(std::uint64_t session) const { return held_of_.contains(session); }

  /// A frame that does not belong here.
  void refuse(const std::string& what) {
    ++stats.misdirected;
    if (events.on_error) {
      events.on_error("link " + wire::name_of(options.from) + ">" + wire::name_of(options.to) +
                      ": " + what);
    }
  }

  /// Drops everything that is on its way, at the end.
  void stop() {
    stopped_ = true;
    held_.clear();
    timer_.cancel();
  }

  const ProxyOptions options;
  const ProxyEvents events;
  const std::function<Instant()> now;
  ProxyStats stats;

 private:
  struct Sooner {
    bool operator()(const Parcel& a, const Parcel& b) const {
      return a.due != b.due ? a.due < b.due : a.sequence < b.sequence;
    }
  };

  void hold(Parcel parcel) {
    if (held_.size() >= options.max_queued_frames ||
        held_bytes_ + parcel.frame.size() > options.max_queued_bytes) {
      ++stats.overflowed;
      return;
    }
    held_bytes_ += parcel.frame.size();
    ++held_of_[parcel.session];
    held_.insert(std::move(parcel));
    arm();
  }

  void hand_over(const Parcel& parcel) {
    if (links_.may_deliver(parcel.envelope)) {
      deliver_(parcel);
    } else {
      ++stats.lost;
    }
  }

  void arm() {
    if (held_.empty() || held_.begin()->due >= armed_for_) return;
    armed_for_ = held_.begin()->due;
    const Duration wait = std::max(Duration{0}, armed_for_ - now());
    timer_.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(wait));
    timer_.async_wait([weak = weak_from_this()](boost::system::error_code ec) {
      const auto self = weak.lock();
      if (!ec && self && !self->stopped_) self->release();
    });
  }

  void release() {
    armed_for_ = kNever;
    const Instant present = now();
    while (!stopped_ && !held_.empty() && held_.begin()->due <= present) {
      const Parcel parcel = std::move(held_.extract(held_.begin()).value());
      held_bytes_ -= parcel.frame.size();
      const auto count = held_of_.find(parcel.session);
      if (--count->second == 0) held_of_.erase(count);
      hand_over(parcel);
    }
    arm();
  }

  LinkTable& links_;
  asio::steady_timer timer_;
  Deliver deliver_;
  std::set<Parcel, Sooner> held_;
  std::map<std::uint64_t, std::size_t> held_of_;
  std::size_t held_bytes_ = 0;
  std::uint64_t sequence_ = 0;
  Instant armed_for_ = kNever;
  bool stopped_ = false;
};

/// Whether `socket` has room for the frame.
bool has_room(const FrameSocket& socket, const Parcel& parcel, const ProxyOptions& options) {
  return socket.queued() + parcel.frame.size() <= options.max_queued_bytes;
}

}  // namespace

// The sender's connections come and go with its process; the one to the receiver is made when a
// frame is due and there is none.
struct LinkProxy::Impl {
  Impl(asio::io_context& context, std::shared_ptr<Carrier> the_carrier)
      : io(context), carrier(std::move(the_carrier)) {
    carrier->deliver_with([this](const Parcel& parcel) { deliver(parcel); });
  }
  ~Impl() { carrier->stop(); }

  FrameSocket::Handlers accept(std::unique_ptr<FrameSocket> socket) {
    const std::uint64_t session = ++sessions;
    senders.emplace(session, std::move(socket));
    return {.on_open = {},
            .on_frame = [this](std::string_view payload) { take(payload); },
            .on_closed =
                [this, session](const Error& error) {
                  if (error.code == ErrorCode::kTooLarge) carrier->refuse(error.message);
                  senders.erase(session);
                }};
  }

  void take(std::string_view payload) {
    const std::optional<wire::Envelope> envelope = wire::peek_envelope(payload);
    if (!envelope) return carrier->refuse("a frame without an envelope");
    if (envelope->from != carrier->options.from || envelope->to != carrier->options.to) {
      return carrier->refuse("carries a frame " + wire::name_of(envelope->from) + ">" +
                             wire::name_of(envelope->to));
    }
    carrier->take(0, *envelope, payload);
  }

  void deliver(const Parcel& parcel) {
    if (!receiver && carrier->now() >= retry_at) connect();
    if (!receiver) {
      ++carrier->stats.undeliverable;
    } else if (!has_room(*receiver, parcel, carrier->options)) {
      ++carrier->stats.overflowed;
    } else {
      receiver->send(parcel.frame);
      ++(open ? carrier->stats.delivered : unsent);
    }
  }

  void connect() {
    open = false;
    unsent = 0;
    receiver = FrameSocket::connect(
        io, carrier->options.target,
        {.on_open =
             [this] {
               open = true;
               carrier->stats.delivered += unsent;
             },
         .on_frame = [this](std::string_view) { carrier->refuse("the receiver sent a frame"); },
         .on_closed =
             [this](const Error&) {
               if (!open) carrier->stats.undeliverable += unsent;
               retry_at = carrier->now() + carrier->options.reconnect_after;
               receiver.reset();
             }});
  }

  asio::io_context& io;
  std::shared_ptr<Carrier> carrier;
  std::unique_ptr<FrameListener> listener;
  std::map<std::uint64_t, std::unique_ptr<FrameSocket>> senders;
  std::uint64_t sessions = 0;
  std::unique_ptr<FrameSocket> receiver;
  bool open = false;
  std::uint64_t unsent = 0;  // frames that wait for the connection
  Instant retry_at{};
};

Result<LinkProxy> LinkProxy::open(asio::io_context& io, ProxyOptions options,
                                  std::function<Instant()> clock, LinkTable& links,
                                  ProxyEvents events) {
  const net::Address address = options.listen;
  auto impl =
      std::make_unique<Impl>(io, std::make_shared<Carrier>(io, std::move(options), std::move(clock),
                                                           links, std::move(events)));
  auto listener =
      FrameListener::listen(io, address, [raw = impl.get()](std::unique_ptr<FrameSocket> socket) {
        return raw->accept(std::move(socket));
      });
  if (!listener) return listener.error();
  impl->listener = std::move(listener).value();
  return LinkProxy(std::move(impl));
}

LinkProxy::LinkProxy(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LinkProxy::LinkProxy(LinkProxy&&) noexcept = default;
LinkProxy& LinkProxy::operator=(LinkProxy&&) noexcept = default;
LinkProxy::~LinkProxy() = default;

ProxyStats LinkProxy::stats() const {
  return impl_->carrier->stats;
}

// A session is a client's connection and the node's connection that was made for it. It ends when
// the node hangs up; when the client does, requests that are still on their way are delivered
// first.
struct ClientProxy::Impl {
  struct Session {
    std::unique_ptr<FrameSocket> client;
    std::unique_ptr<FrameSocket> node;
    wire::Endpoint who{};  // learnt from the first request
    bool open = false;
    std::vector<wire::Envelope> early;  // requests that came before the node's connection was open
    std::uint64_t unsent = 0;
  };

  Impl(asio::io_context& context, std::shared_ptr<Carrier> the_carrier)
      : io(context), carrier(std::move(the_carrier)) {
    carrier->deliver_with([this](const Parcel& parcel) { deliver(parcel); });
  }
  ~Impl() { carrier->stop(); }

  FrameSocket::Handlers accept(std::unique_ptr<FrameSocket> socket) {
    const std::uint64_t id = ++ids;
    Session& session = sessions[id];
    session.client = std::move(socket);
    session.node = FrameSocket::connect(
        io, carrier->options.target,
        {.on_open = [this, id] { opened(id); },
         .on_frame = [this, id](std::string_view payload) { take(id, payload, false); },
         .on_closed = [this, id](const Error&) { node_closed(id); }});
    return {.on_open = {},
            .on_frame = [this, id](std::string_view payload) { take(id, payload, true); },
            .on_closed =
                [this, id](const Error& error) {
                  if (error.code == ErrorCode::kTooLarge) carrier->refuse(error.message);
                  client_closed(id);
                }};
  }

  void opened(std::uint64_t id) {
    Session& session = sessions[id];
    session.open = true;
    session.early.clear();
    carrier->stats.delivered += session.unsent;
  }

  void node_closed(std::uint64_t id) {
    const auto node = sessions.extract(id);
    const Session& session = node.mapped();
    if (session.open) return;
    carrier->stats.undeliverable += session.unsent;
    if (!carrier->events.on_refused) return;
    for (const wire::Envelope& request : session.early) carrier->events.on_refused(request);
  }

  void client_closed(std::uint64_t id) {
    if (carrier->holds(id)) {
      sessions[id].client.reset();
    } else {
      sessions.erase(id);
    }
  }

  void take(std::uint64_t id, std::string_view payload, bool from_client) {
    Session& session = sessions[id];
    const std::optional<wire::Envelope> envelope = wire::peek_envelope(payload);
    if (!envelope) return carrier->refuse("a frame without an envelope");
    const wire::Endpoint client = from_client ? envelope->from : envelope->to;
    const wire::Endpoint node = from_client ? envelope->to : envelope->from;
    const wire::Endpoint expected =
        session.who != wire::Endpoint{} ? session.who : carrier->options.from;
    const bool is_client = wire::client_of(client).value != 0;
    if (!is_client || node != carrier->options.to ||
        (expected != wire::Endpoint{} && client != expected)) {
      return carrier->refuse("carries a frame " + wire::name_of(envelope->from) + ">" +
                             wire::name_of(envelope->to));
    }
    session.who = client;
    if (from_client && !session.open) session.early.push_back(*envelope);
    carrier->take(id, *envelope, payload);
  }

  void deliver(const Parcel& parcel) {
    const auto at = sessions.find(parcel.session);
    const bool to_node = parcel.envelope.to == carrier->options.to;
    if (at == sessions.end() || (!to_node && !at->second.client)) {
      ++carrier->stats.undeliverable;
      return;
    }
    Session& session = at->second;
    FrameSocket& socket = to_node ? *session.node : *session.client;
    if (has_room(socket, parcel, carrier->options)) {
      socket.send(parcel.frame);
      ++(to_node && !session.open ? session.unsent : carrier->stats.delivered);
    } else {
      ++carrier->stats.overflowed;
    }
    if (!session.client && !carrier->holds(parcel.session)) sessions.erase(at);
  }

  asio::io_context& io;
  std::shared_ptr<Carrier> carrier;
  std::unique_ptr<FrameListener> listener;
  std::map<std::uint64_t, Session> sessions;
  std::uint64_t ids = 0;
};

Result<ClientProxy> ClientProxy::open(asio::io_context& io, ProxyOptions options,
                                      std::function<Instant()> clock, LinkTable& links,
                                      ProxyEvents events) {
  const net::Address address = options.listen;
  auto impl =
      std::make_unique<Impl>(io, std::make_shared<Carrier>(io, std::move(options), std::move(clock),
                                                           links, std::move(events)));
  auto listener =
      FrameListener::listen(io, address, [raw = impl.get()](std::unique_ptr<FrameSocket> socket) {
        return raw->accept(std::move(socket));
      });
  if (!listener) return listener.error();
  impl->listener = std::move(listener).value();
  return ClientProxy(std::move(impl));
}

ClientProxy::ClientProxy(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ClientProxy::ClientProxy(ClientProxy&&) noexcept = default;
ClientProxy& ClientProxy::operator=(ClientProxy&&) noexcept = default;
ClientProxy::~ClientProxy() = default;

ProxyStats ClientProxy::stats() const {
  return impl_->carrier->stats;
}

}  // namespace ww::faults
