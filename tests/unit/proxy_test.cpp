#include "faults/proxy.hpp"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include "base/real_time.hpp"
#include "base/wire/kv.hpp"
#include "base/wire/peer.hpp"

namespace ww::faults {
namespace {

namespace asio = boost::asio;

/// Loopback addresses of this process alone.
net::Address address(std::uint16_t port) {
  const auto pid = static_cast<unsigned>(::getpid());
  return {"127." + std::to_string(1 + pid / 250 % 250) + '.' + std::to_string(pid % 250) + ".7",
          port};
}

std::string append_of(std::uint32_t from, std::uint32_t to, std::uint64_t round) {
  std::string payload;
  wire::Append append;
  append.term = 1;
  append.round = round;
  wire::encode_peer(payload, NodeId{from}, NodeId{to}, MessageId{round}, append, "");
  return payload;
}
std::uint64_t round_of(std::string_view payload) {
  const auto frame = wire::decode_peer(payload);
  return frame.ok() ? std::get<wire::Append>(frame->message).round : 0;
}

/// A party that listens and notes what arrives.
struct Listener {
  Listener(asio::io_context& io, const net::Address& where) {
    auto made = net::FrameListener::listen(io, where, [this](auto socket) {
      sockets.push_back(std::move(socket));
      const std::size_t index = sockets.size() - 1;
      return net::FrameSocket::Handlers{
          .on_open = {},
          .on_frame = [this](std::string_view payload) { frames.emplace_back(payload); },
          .on_closed = [this, index](const Error&) { sockets[index].reset(); }};
    });
    REQUIRE(made.ok());
    listener = std::move(made).value();
  }
  std::vector<std::uint64_t> rounds() const {
    std::vector<std::uint64_t> out;
    for (const std::string& frame : frames) out.push_back(round_of(frame));
    return out;
  }
  std::vector<std::unique_ptr<net::FrameSocket>> sockets;
  std::vector<std::string> frames;
  std::unique_ptr<net::FrameListener> listener;
};

/// A party that connects and sends.
struct Sender {
  Sender(asio::io_context& io, const net::Address& where) {
    socket = net::FrameSocket::connect(
        io, where,
        {.on_open = {},
         .on_frame = [this](std::string_view payload) { frames.emplace_back(payload); },
         .on_closed = [this](const Error&) { closed = true; }});
  }
  void send(std::string_view payload) const {
    std::string frame;
    wire::append_frame(frame, payload);
    socket->send(frame);
  }
  std::unique_ptr<net::FrameSocket> socket;
  std::vector<std::string> frames;
  bool closed = false;
};

struct Rig {
  explicit Rig(std::uint64_t seed = 1) : links(seed, 3) {}

  LinkProxy link(std::uint16_t port, std::uint16_t target, std::size_t max_frames = 1000) {
    auto proxy = LinkProxy::open(
        io,
        {.listen = address(port),
         .target = address(target),
         .from = wire::endpoint_of(NodeId{1}),
         .to = wire::endpoint_of(NodeId{2}),
         .max_queued_frames = max_frames},
        [this] { return clock.now(); }, links, events());
    INFO((proxy.ok() ? "" : proxy.error().message));
    REQUIRE(proxy.ok());
    return std::move(proxy).value();
  }
  ClientProxy client(std::uint16_t port, std::uint16_t target) {
    auto proxy = ClientProxy::open(
        io,
        {.listen = address(port),
         .target = address(target),
         .from = wire::Endpoint{0},
         .to = wire::endpoint_of(NodeId{2})},
        [this] { return clock.now(); }, links, events());
    REQUIRE(proxy.ok());
    return std::move(proxy).value();
  }
  ProxyEvents events() {
    return {.on_frame = [this](Instant, const wire::Envelope& envelope,
                               std::string_view) { tapped.push_back(envelope); },
            .on_error = [this](const std::string& what) { errors.push_back(what); },
            .on_refused = [this](const wire::Envelope& e) { refused.push_back(e.content); }};
  }
  /// Runs the loop until `done`, for 5 s at most.
  template <class Done>
  bool until(Done done) {
    const Instant end = clock.now() + seconds(5);
    while (!done() && clock.now() < end) {
      io.restart();
      io.run_one_for(std::chrono::milliseconds(20));
    }
    return done();
  }

  asio::io_context io;
  RealClock clock;
  LinkTable links;
  std::vector<wire::Envelope> tapped;
  std::vector<std::string> errors;
  std::vector<std::uint64_t> refused;
};

TEST_CASE("a link proxy forwards whole frames in order and shows each to the tap first") {
  Rig rig;
  Listener node(rig.io, address(7002));
  const LinkProxy proxy = rig.link(7102, 7002);
  const Sender sender(rig.io, address(7102));
  for (std::uint64_t i = 1; i <= 50; ++i) sender.send(append_of(1, 2, i));
  REQUIRE(rig.until([&] { return node.frames.size() == 50; }));
  for (std::uint64_t i = 1; i <= 50; ++i) CHECK(node.frames[i - 1] == append_of(1, 2, i));
  CHECK(rig.tapped.size() == 50);
  CHECK(proxy.stats().received == 50);
  CHECK(proxy.stats().delivered == 50);
}

TEST_CASE("a cut loses frames of its direction, and the connection lives on") {
  Rig rig;
  Listener node(rig.io, address(7002));
  const LinkProxy proxy = rig.link(7102, 7002);
  const Sender sender(rig.io, address(7102));
  rig.links.cut("f1", {{NodeId{1}, NodeId{2}}});
  sender.send(append_of(1, 2, 1));
  REQUIRE(rig.until([&] { return proxy.stats().lost == 1; }));
  rig.links.heal("f1");
  rig.links.cut("f2", {{NodeId{2}, NodeId{1}}});
  sender.send(append_of(1, 2, 2));
  REQUIRE(rig.until([&] { return node.frames.size() == 1; }));
  CHECK(node.rounds() == std::vector<std::uint64_t>{2});
  CHECK(rig.tapped.size() == 2);
}

TEST_CASE("delayed frames come late, in the order of their times, and a cut still takes them") {
  Rig rig;
  Listener node(rig.io, address(7002));
  const LinkProxy proxy = rig.link(7102, 7002);
  const Sender sender(rig.io, address(7102));
  rig.links.impair("f1", {.delay = milliseconds(60)});
  const Instant sent = rig.clock.now();
  sender.send(append_of(1, 2, 1));
  REQUIRE(rig.until([&] { return proxy.stats().received == 1; }));
  rig.links.heal("f1");
  sender.send(append_of(1, 2, 2));
  REQUIRE(rig.until([&] { return node.frames.size() == 2; }));
  CHECK(rig.clock.now() - sent >= milliseconds(60));
  CHECK(node.rounds() == std::vector<std::uint64_t>{2, 1});

  rig.links.impair("f2", {.delay = milliseconds(30)});
  sender.send(append_of(1, 2, 3));
  REQUIRE(rig.until([&] { return proxy.stats().received == 3; }));
  rig.links.cut("f3", {{NodeId{1}, NodeId{2}}});
  REQUIRE(rig.until([&] { return proxy.stats().lost == 1; }));
  CHECK(node.frames.size() == 2);
  CHECK(consensus_messages(rig.links.counts("f3").blocked) == 1);
}

TEST_CASE("duplicated frames arrive twice") {
  Rig rig;
  Listener node(rig.io, address(7002));
  const LinkProxy proxy = rig.link(7102, 7002);
  const Sender sender(rig.io, address(7102));
  rig.links.impair("f1", {.duplicate_ppm = 1'000'000, .lag = milliseconds(3)});
  sender.send(append_of(1, 2, 9));
  REQUIRE(rig.until([&] { return node.frames.size() == 2; }));
  CHECK(node.rounds() == std::vector<std::uint64_t>{9, 9});
  CHECK(rig.tapped.size() == 1);
}

TEST_CASE(
    "frames to a node that is away are lost and counted; the link works again when it is back") {
  Rig rig;
  const LinkProxy proxy = rig.link(7102, 7002);
  const Sender sender(rig.io, address(7102));
  sender.send(append_of(1, 2, 1));
  REQUIRE(rig.until([&] { return proxy.stats().undeliverable == 1; }));
  for (int boot = 0; boot < 3; ++boot) {
    Listener node(rig.io, address(7002));
    std::uint64_t round = 1;
    Instant next{};
    // The link reconnects when it has a frame to deliver, not sooner than after its back-off.
    REQUIRE(rig.until([&] {
      if (rig.clock.now() >= next) {
        sender.send(append_of(1, 2, ++round));
        next = rig.clock.now() + milliseconds(10);
      }
      return !node.frames.empty();
    }));
  }
  CHECK(rig.errors.empty());
}

TEST_CASE("a sender may come back on a new connection") {
  Rig rig;
  Listener node(rig.io, address(7002));
  const LinkProxy proxy = rig.link(7102, 7002);
  for (std::uint64_t i = 1; i <= 3; ++i) {
    const Sender sender(rig.io, address(7102));
    sender.send(append_of(1, 2, i));
    REQUIRE(rig.until([&] { return node.frames.size() == i; }));
  }
  CHECK(node.rounds() == std::vector<std::uint64_t>{1, 2, 3});
  CHECK(node.sockets.size() == 1);
}

TEST_CASE("a frame of another link is refused and named") {
  Rig rig;
  Listener node(rig.io, address(7002));
  const LinkProxy proxy = rig.link(7102, 7002);
  const Sender sender(rig.io, address(7102));
  sender.send(append_of(3, 2, 1));
  sender.send("rubbish");
  sender.send(append_of(1, 2, 2));
  REQUIRE(rig.until([&] { return node.frames.size() == 1; }));
  CHECK(rig.errors == std::vector<std::string>{"link n1>n2: carries a frame n3>n2",
                                               "link n1>n2: a frame without an envelope"});
  CHECK(proxy.stats().misdirected == 2);
  CHECK(rig.tapped.size() == 1);
}

TEST_CASE("a full queue drops and counts") {
  Rig rig;
  Listener node(rig.io, address(7002));
  const LinkProxy proxy = rig.link(7102, 7002, 5);
  const Sender sender(rig.io, address(7102));
  rig.links.impair("f1", {.delay = milliseconds(40)});
  for (std::uint64_t i = 1; i <= 12; ++i) sender.send(append_of(1, 2, i));
  REQUIRE(rig.until([&] { return node.frames.size() == 5; }));
  CHECK(proxy.stats().overflowed == 7);
}

TEST_CASE("a taken address is an error that names it") {
  Rig rig;
  const LinkProxy proxy = rig.link(7102, 7002);
  const auto second = LinkProxy::open(rig.io, {.listen = address(7102), .target = address(7002)},
                                      [] { return Instant{}; }, rig.links, {});
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == ErrorCode::kEnvironment);
  CHECK(second.error().message.find(address(7102).text()) != std::string::npos);
}

std::string request_of(std::uint32_t from, std::uint64_t number) {
  wire::ClientRequest request;
  request.request = number;
  request.command.key = "k";
  std::string payload;
  wire::encode_request(payload, ClientId{from}, NodeId{2}, request);
  return payload;
}
std::string reply_of(std::uint32_t to, std::uint64_t number) {
  wire::ClientReply reply;
  reply.request = number;
  std::string payload;
  wire::encode_reply(payload, NodeId{2}, ClientId{to}, reply);
  return payload;
}

TEST_CASE("a client proxy carries requests and replies, each client on a connection of its own") {
  Rig rig;
  Listener node(rig.io, address(7002));
  const ClientProxy proxy = rig.client(7202, 7002);
  const Sender one(rig.io, address(7202));
  const Sender two(rig.io, address(7202));
  one.send(request_of(1, 5));
  REQUIRE(rig.until([&] { return node.frames.size() == 1; }));
  two.send(request_of(2, 6));
  REQUIRE(rig.until([&] { return node.frames.size() == 2; }));
  REQUIRE(node.sockets.size() == 2);
  std::string frame;
  for (const std::uint64_t i : {0U, 1U}) {
    // Which connection came first is not said; each reply is for the client of its own.
    frame.clear();
    wire::append_frame(frame, reply_of(1, 5));
    node.sockets[i]->send(frame);
    frame.clear();
    wire::append_frame(frame, reply_of(2, 6));
    node.sockets[i]->send(frame);
  }
  REQUIRE(
      rig.until([&] { return one.frames.size() + two.frames.size() + rig.errors.size() == 4; }));
  CHECK(one.frames == std::vector<std::string>{reply_of(1, 5)});
  CHECK(two.frames == std::vector<std::string>{reply_of(2, 6)});
  CHECK(rig.errors.size() == 2);
}

TEST_CASE("requests and replies are cut and delayed separately") {
  Rig rig;
  Listener node(rig.io, address(7002));
  const ClientProxy proxy = rig.client(7202, 7002);
  const Sender client(rig.io, address(7202));
  rig.links.impair("f1", {.drop_ppm = 1'000'000, .types = {wire::MessageType::kClientReply}});
  client.send(request_of(1, 5));
  REQUIRE(rig.until([&] { return node.frames.size() == 1; }));
  std::string frame;
  wire::append_frame(frame, reply_of(1, 5));
  node.sockets[0]->send(frame);
  REQUIRE(rig.until([&] { return proxy.stats().lost == 1; }));
  rig.links.heal("f1");
  node.sockets[0]->send(frame);
  REQUIRE(rig.until([&] { return client.frames.size() == 1; }));
}

TEST_CASE("a request to a node that is away is refused for sure, and the connection ends") {
  Rig rig;
  const ClientProxy proxy = rig.client(7202, 7002);
  const Sender client(rig.io, address(7202));
  client.send(request_of(1, 5));
  REQUIRE(rig.until([&] { return client.closed; }));
  // The refusal of the connection may come before the request does; then nothing was taken.
  CHECK(rig.refused.size() == rig.tapped.size());
  CHECK(proxy.stats().delivered == 0);
}

TEST_CASE("a delayed request arrives although its client has gone") {
  Rig rig;
  Listener node(rig.io, address(7002));
  const ClientProxy proxy = rig.client(7202, 7002);
  rig.links.impair("f1", {.delay = milliseconds(40)});
  {
    const Sender client(rig.io, address(7202));
    client.send(request_of(1, 5));
    REQUIRE(rig.until([&] { return proxy.stats().received == 1; }));
  }
  REQUIRE(rig.until([&] { return node.frames.size() == 1; }));
  REQUIRE(rig.until([&] { return node.sockets[0] == nullptr; }));
}

}  // namespace
}  // namespace ww::faults
