#include "controller/bench/load.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <optional>
#include <utility>

#include "base/fd.hpp"
#include "base/rng.hpp"
#include "base/wire/frame.hpp"
#include "base/wire/kv.hpp"
#include "controller/bench/route.hpp"
#include "workloads/arrivals.hpp"

namespace ww::bench {

namespace {

constexpr Duration kSetUpLimit = seconds(20);
constexpr Duration kStuckLimit = seconds(30);
constexpr Duration kRetryAfter = milliseconds(20);
constexpr Duration kDrainLimit = seconds(2);
constexpr Duration kLookAround = milliseconds(50);
// An outage is known to about this.
constexpr Duration kLookAroundDuringFaults = milliseconds(5);
constexpr std::uint32_t kKeys = 1024;
constexpr std::size_t kReadBytes = std::size_t{64} << 10;

// kBeyond: during faults, after the measured phase.
enum class Phase : std::uint8_t { kSetUp, kWarmUp, kMeasured, kBeyond, kDraining, kDone };

Duration processor_time() {
  rusage used{};
  ::getrusage(RUSAGE_THREAD, &used);
  const auto duration = [](const timeval& t) {
    return Duration(seconds(t.tv_sec)) + microseconds(t.tv_usec);
  };
  return duration(used.ru_utime) + duration(used.ru_stime);
}

struct Client {
  ClientId id;
  Route route;  // indices in LoadPlan::nodes
  Fd socket;
  bool connected = false;
  bool wants_write = false;  // the socket was full, or is connecting
  wire::FrameBuffer in;
  std::string out;
  std::size_t sent = 0;  // of `out`
  SessionId session;
  std::uint64_t last_request = 0;  // grows for good, whatever the connection
  bool awaiting = false;
  Instant sent_at{};   // of the attempt under way
  Instant retry_at{};  // when not awaiting: not before
  // The operation in hand.
  bool busy = false;
  Instant begun{};  // when it was to begin
  wire::ClientRequest request;
  std::uint64_t operations = 0;  // names the next one
  std::uint64_t last_seq = 0;    // of its session
};

}  // namespace

struct Load::Impl {
  Impl(LoadPlan the_plan, Hooks the_hooks, const std::atomic<bool>& stop,
       const std::atomic<std::int64_t>& end)
      : plan(std::move(the_plan)),
        hooks(std::move(the_hooks)),
        stopped(stop),
        end_ns(end),
        arrivals(keyed(plan.seed, "bench.arrivals")),
        buffer(kReadBytes, '\0') {}

  // ---- setting up ------------------------------------------------------------------------------

  std::optional<Error> open() {
    poll = Fd(::epoll_create1(EPOLL_CLOEXEC));
    if (poll.get() < 0) return system_error("epoll_create1");
    clients.resize(plan.settings.clients);
    for (std::uint32_t i = 0; i < clients.size(); ++i) {
      Client& c = clients[i];
      c.id = ClientId{i + 1};
      c.route = Route(static_cast<std::uint32_t>(plan.nodes.size()));
      c.request.read_mode =
          plan.settings.reads == Reads::kLog ? wire::ReadMode::kLog : wire::ReadMode::kIndex;
      c.request.command.kind = wire::CommandKind::kOpenSession;
      if (auto error = connect(c)) return error;
    }
    return std::nullopt;
  }

  static Error system_error(const std::string& what) {
    return {ErrorCode::kEnvironment, true, what + ": " + std::strerror(errno)};
  }

  std::optional<Error> connect(Client& c) {
    c.socket = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (c.socket.get() < 0) return system_error("socket");
    const int one = 1;
    ::setsockopt(c.socket.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    ::setsockopt(c.socket.get(), IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
    const net::Address& to = plan.nodes[c.route.node()];
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(to.port);
    ::inet_pton(AF_INET, to.host.c_str(), &address.sin_addr);
    c.connected = false;
    c.awaiting = false;
    c.in = wire::FrameBuffer();
    c.out.clear();
    c.sent = 0;
    const int done =
        ::connect(c.socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    if (done != 0 && errno != EINPROGRESS) {
      c.socket = Fd();
      c.retry_at = clock.now() + kRetryAfter;
      return std::nullopt;
    }
    c.wants_write = true;
    c.sent_at = clock.now();
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT;
    event.data.u32 = c.id.value - 1;
    if (::epoll_ctl(poll.get(), EPOLL_CTL_ADD, c.socket.get(), &event) != 0) {
      return system_error("epoll_ctl");
    }
    return std::nullopt;
  }

  /// Gives the connection up; the operation in hand is asked of the route's node, a little later.
  void leave(Client& c, Instant now) {
    if (c.awaiting) note_retry(result.log.lost, now);
    c.socket = Fd();
    c.connected = false;
    c.awaiting = false;
    c.retry_at = now + kRetryAfter;
  }
  void on_lost(Client& c, Instant now) {
    c.route.on_lost(now);
    leave(c, now);
  }
  /// An attempt was in vain.
  void note_retry(std::vector<Instant>& kind, Instant now) {
    if (plan.during_faults && phase != Phase::kSetUp) kind.push_back(now);
    if (!plan.during_faults && phase == Phase::kMeasured) ++result.retries;
  }

  // ---- operations ------------------------------------------------------------------------------

  /// Draws the client's next operation.
  void begin(Client& c, Instant when) {
    const std::uint64_t number = ++c.operations;
    Rng rng = keyed(plan.seed, "bench.operation", c.id, number);
    wire::Command& command = c.request.command;
    const bool read = rng.below(100) < plan.settings.read_share;
    command.kind = read ? wire::CommandKind::kRead : wire::CommandKind::kWrite;
    command.key = "key" + std::to_string(rng.below(kKeys));
    command.session = c.session;
    if (read) {
      command.session = SessionId{};
      command.seq = 0;
      command.value.clear();
    } else {
      command.seq = ++c.last_seq;
      command.value.assign(plan.settings.value_size, static_cast<char>('a' + number % 26));
    }
    c.busy = true;
    c.begun = when;
    send(c, clock.now());
  }

  void send(Client& c, Instant now) {
    if (!c.connected || c.awaiting) return;
    c.request.request = ++c.last_request;
    const std::size_t frame = wire::begin_frame(c.out);
    wire::encode_request(c.out, c.id, NodeId{c.route.node() + 1}, c.request);
    wire::end_frame(c.out, frame);
    c.awaiting = true;
    c.sent_at = now;
    flush(c, now);
  }

  void flush(Client& c, Instant now) {
    while (c.sent < c.out.size()) {
      const ssize_t n =
          ::send(c.socket.get(), c.out.data() + c.sent, c.out.size() - c.sent, MSG_NOSIGNAL);
      if (n >= 0) {
        c.sent += static_cast<std::size_t>(n);
      } else if (errno == EAGAIN) {
        return watch(c, true);
      } else if (errno != EINTR) {
        return on_lost(c, now);
      }
    }
    c.out.clear();
    c.sent = 0;
    watch(c, false);
  }

  void watch(Client& c, bool write) {
    if (c.wants_write == write) return;
    c.wants_write = write;
    epoll_event event{};
    event.events = write ? EPOLLIN | EPOLLOUT : EPOLLIN;
    event.data.u32 = c.id.value - 1;
    ::epoll_ctl(poll.get(), EPOLL_CTL_MOD, c.socket.get(), &event);
  }

  void on_event(Client& c, std::uint32_t events, Instant now) {
    if (c.socket.get() < 0) return;
    if (!c.connected) {
      int error = 0;
      socklen_t size = sizeof(error);
      ::getsockopt(c.socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) return on_lost(c, now);
      if ((events & EPOLLOUT) == 0) return;
      c.connected = true;
      watch(c, false);
      if (c.busy || c.session == SessionId{}) send(c, now);
      return;
    }
    if ((events & EPOLLOUT) != 0) flush(c, now);
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) receive(c, now);
  }

  void receive(Client& c, Instant now) {
    const ssize_t n = ::recv(c.socket.get(), buffer.data(), buffer.size(), 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) return on_lost(c, now);
    c.in.feed(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
    while (c.connected) {
      const auto payload = c.in.next();
      if (!payload) return on_lost(c, now);
      if (!payload->has_value()) return;
      const auto frame = wire::decode_reply(**payload);
      if (!frame) return on_lost(c, now);
      if (c.awaiting && frame->reply.request == c.last_request) on_reply(c, frame->reply);
    }
  }

  void on_reply(Client& c, const wire::ClientReply& reply) {
    c.awaiting = false;
    const Instant now = clock.now();
    if (reply.outcome != wire::Outcome::kOk) return on_refused(c, reply, now);
    if (c.session == SessionId{}) {
      c.session = reply.session;
      ++ready;
      return;
    }
    c.busy = false;
    count(c, now);
    next(c, now);
  }

  void count(const Client& c, Instant now) {
    if (now >= warm_up_begin) {
      const auto slice = static_cast<std::size_t>((now - warm_up_begin) / LoadResult::kSlice);
      if (slice >= result.slices.size()) result.slices.resize(slice + 1);
      ++result.slices[slice];
    }
    if (plan.during_faults) return result.log.done.push_back({c.begun, now});
    const bool open_loop = plan.settings.rate > 0;
    // An open loop answers for what arrived in the phase, a closed one for what ended in it.
    const Instant which = open_loop ? c.begun : now;
    if (which < measured_begin || which >= measured_end) return;
    result.latency.record(now - c.begun);
    if (now >= measured_end) return;
    ++result.ok;
    if (c.request.command.kind == wire::CommandKind::kRead) ++result.reads;
  }

  void on_refused(Client& c, const wire::ClientReply& reply, Instant now) {
    note_retry(reply.refusal == wire::Refusal::kLost ? result.log.lost : result.log.refused, now);
    if (reply.refusal == wire::Refusal::kExpired) {
      failure = Error{ErrorCode::kExpired, true, name_of(c.id) + "'s session expired"};
      return;
    }
    c.retry_at = now + kRetryAfter;
    if (reply.refusal == wire::Refusal::kBusy) return;
    std::optional<std::uint32_t> hint;
    if (reply.leader_hint != kNobody) hint = reply.leader_hint.value - 1;
    if (c.route.on_not_leading(hint, now)) leave(c, now);
  }

  /// The client is free: what waits, or the next of its closed loop.
  void next(Client& c, Instant now) {
    if (phase == Phase::kSetUp || phase == Phase::kDone) return;
    if (plan.settings.rate == 0) {
      if (phase != Phase::kDraining) begin(c, now);
    } else if (!waiting.empty()) {
      const Instant arrived = waiting.front();
      waiting.pop_front();
      begin(c, arrived);
    } else {
      idle.push_back(c.id.value - 1);
    }
  }

  void arrive(Instant now) {
    while (next_arrival <= now && next_arrival < load_end) {
      if (idle.empty()) {
        waiting.push_back(next_arrival);
      } else {
        const std::uint32_t free = idle.back();
        idle.pop_back();
        begin(clients[free], next_arrival);
      }
      next_arrival += workloads::exponential(arrivals, Duration(seconds(1)) / plan.settings.rate);
    }
  }

  // ---- time ------------------------------------------------------------------------------------

  void start_load(Instant now) {
    phase = Phase::kWarmUp;
    warm_up_begin = now;
    measured_begin = now + plan.warm_up;
    measured_end = measured_begin + plan.duration;
    load_end = plan.during_faults ? kNever : measured_end;
    result.warm_up_begin = warm_up_begin;
    result.measured_begin = measured_begin;
    next_arrival = now;
    for (Client& c : clients) next(c, now);
  }

  void turn(Instant now) {
    if (phase == Phase::kSetUp && ready == clients.size()) start_load(now);
    if (phase == Phase::kWarmUp && now >= measured_begin) {
      phase = Phase::kMeasured;
      processor_begin = processor_time();
      hooks.on_begin();
    }
    if (phase == Phase::kMeasured && now >= measured_end) {
      phase = plan.during_faults ? Phase::kBeyond : Phase::kDraining;
      result.processor = processor_time() - processor_begin;
      result.measured = plan.duration;
      hooks.on_end();
    }
    if (phase == Phase::kBeyond) {
      load_end = instant_at(end_ns.load(std::memory_order_relaxed));
      if (now >= load_end) phase = Phase::kDraining;
    }
    if (phase == Phase::kDraining && (idle_now() || now >= load_end + kDrainLimit)) {
      count_unfinished(now);
      phase = Phase::kDone;
    }
    if (phase != Phase::kSetUp && plan.settings.rate > 0) arrive(now);
    if (now >= next_look) look_around(now);
  }

  [[nodiscard]] bool idle_now() const {
    if (plan.settings.rate == 0 && !plan.during_faults) return true;
    return waiting.empty() &&
           std::none_of(clients.begin(), clients.end(), [](const Client& c) { return c.busy; });
  }

  void count_unfinished(Instant now) {
    if (plan.settings.rate == 0 && !plan.during_faults) return;
    result.log.given_up = now;
    const auto lost = [&](Instant begun) {
      if (plan.during_faults) return result.log.unanswered.push_back(begun);
      if (begun < measured_begin || begun >= measured_end) return;
      result.latency.record(now - begun);
      ++result.unfinished;
    };
    for (const Instant arrived : waiting) lost(arrived);
    for (const Client& c : clients) {
      if (c.busy) lost(c.begun);
    }
  }

  /// Reconnects and asks again where it is time to.
  void look_around(Instant now) {
    next_look = now + (plan.during_faults ? kLookAroundDuringFaults : kLookAround);
    if (phase == Phase::kSetUp && now > set_up_end) {
      failure = Error{ErrorCode::kTimeout, true,
                      "the cluster does not serve: " + std::to_string(ready) + " of " +
                          std::to_string(clients.size()) + " clients have a session after 20 s"};
    }
    for (Client& c : clients) {
      // A stopped node's queue of connections may be full: then not even a connect ends.
      const bool attempting = c.awaiting || (c.socket.get() >= 0 && !c.connected);
      if (attempting && now - c.sent_at > plan.attempt_timeout) {
        c.route.on_timeout(now);
        leave(c, now);
      }
      if (c.busy && phase != Phase::kDraining && !plan.during_faults &&
          now - std::max(c.begun, measured_begin) > kStuckLimit) {
        failure = Error{ErrorCode::kTimeout, false, "an operation had no answer for 30 s"};
      }
      if (c.awaiting || now < c.retry_at) continue;
      if (c.socket.get() < 0) {
        if (auto error = connect(c)) failure = std::move(error);
      } else if (c.connected && (c.busy || c.session == SessionId{})) {
        send(c, now);
      }
    }
  }

  [[nodiscard]] Instant next_wake() const {
    Instant at = next_look;
    if (phase == Phase::kWarmUp) at = std::min(at, measured_begin);
    if (phase == Phase::kMeasured) at = std::min(at, measured_end);
    if (phase == Phase::kBeyond) at = std::min(at, load_end);
    const bool arriving =
        phase == Phase::kWarmUp || phase == Phase::kMeasured || phase == Phase::kBeyond;
    if (plan.settings.rate > 0 && arriving) at = std::min(at, next_arrival);
    return at;
  }

  Result<LoadResult> run() {
    if (auto error = open()) return *error;
    std::array<epoll_event, 256> events{};
    while (phase != Phase::kDone && !failure) {
      if (stopped.load(std::memory_order_relaxed)) {
        return Error{ErrorCode::kStopped, true, "interrupted"};
      }
      const Duration wait = std::max(Duration{}, next_wake() - clock.now());
      const timespec limit{.tv_sec = wait.count() / 1'000'000'000,
                           .tv_nsec = wait.count() % 1'000'000'000};
      const int count = ::epoll_pwait2(poll.get(), events.data(), static_cast<int>(events.size()),
                                       &limit, nullptr);
      if (count < 0 && errno != EINTR) return system_error("epoll_pwait2");
      const Instant now = clock.now();
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        on_event(clients[event.data.u32], event.events, now);
      }
      turn(clock.now());
    }
    if (failure) return *failure;
    return std::move(result);
  }

  LoadPlan plan;
  Hooks hooks;
  const std::atomic<bool>& stopped;
  const std::atomic<std::int64_t>& end_ns;
  const RealClock clock{plan.clock};
  const Instant set_up_end = clock.now() + kSetUpLimit;
  Fd poll;
  std::vector<Client> clients;
  std::vector<std::uint32_t> idle;  // open loop: clients that wait for an arrival
  std::deque<Instant> waiting;      // open loop: arrivals that wait for a client
  Rng arrivals;
  std::string buffer;
  std::size_t ready = 0;
  Phase phase = Phase::kSetUp;
  Instant warm_up_begin = kNever;
  Instant measured_begin = kNever;
  Instant measured_end = kNever;
  Instant load_end = kNever;  // nothing begins after it
  Instant next_arrival{};
  Instant next_look{};
  Duration processor_begin{};
  LoadResult result;
  std::optional<Error> failure;
};

Load::Load(LoadPlan plan, Hooks hooks)
    : impl_(std::make_unique<Impl>(std::move(plan), std::move(hooks), stopped_, end_ns_)) {}

Load::~Load() = default;

Result<LoadResult> Load::run() {
  return impl_->run();
}

}  // namespace ww::bench
