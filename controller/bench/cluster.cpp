#include "controller/bench/cluster.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <utility>

#include "base/assert.hpp"
#include "base/real_time.hpp"
#include "base/wire/frame.hpp"
#include "base/wire/trace.hpp"
#include "checkers/invariants/invariant_checker.hpp"
#include "controller/run/test_spec.hpp"
#include "controller/run/version.hpp"
#include "controller/worlds/data_directory.hpp"
#include "controller/worlds/live/control_server.hpp"
#include "controller/worlds/live/node_process.hpp"

namespace ww::bench {

namespace {

constexpr Duration kStartLimit = seconds(20);
constexpr Duration kEndLimit = seconds(10);
constexpr Duration kFaultLimit = seconds(10);
// Of a question to all nodes; one that dies meanwhile never answers.
constexpr Duration kAnswerLimit = milliseconds(500);
constexpr Duration kAskAgain = milliseconds(20);
// What no event tells is looked at so often.
constexpr Duration kGlance = milliseconds(1);
constexpr std::size_t kLastWords = 2000;
constexpr std::uint32_t kMaxTraceFrame = 16U << 20;
// Rotating a segment costs three syncs: a benchmark that rotates often measures that.
constexpr std::uint64_t kSegmentBytes = std::uint64_t{256} << 20;
// Longer than the node's default: what the neighbours on this machine do should elect nobody.
constexpr Duration kElectionTimeout = milliseconds(500);

struct Node {
  NodeId id;
  Incarnation incarnation = 0;
  bool serving = false;
  bool ending = false;
  bool paused = false;
  std::optional<live::Exit> exit;  // of the incarnation, when it is gone
  // As it said last, to the latest question.
  std::uint64_t answered = 0;
  Term term = 0;
  bool leads = false;
  std::unique_ptr<live::NodeProcess> process;
  wire::FrameBuffer trace{kMaxTraceFrame};
};

}  // namespace

struct Cluster::Impl {
  Impl(boost::asio::io_context& the_io, ClusterOptions the_options)
      : io(the_io), options(std::move(the_options)) {
    for (std::uint32_t i = 1; i <= options.settings.nodes; ++i) {
      nodes.emplace_back().id = NodeId{i};
    }
    if (options.settings.checks) {
      checkers::InvariantOptions checks;
      for (const Node& node : nodes) checks.voters.push_back(node.id);
      checker.emplace(std::move(checks));
    }
  }

  Node& at(NodeId node) { return nodes.at(node.value - 1); }
  [[nodiscard]] std::string directory(const Node& node) const {
    return options.directory + "/" + name_of(node.id);
  }

  Result<void> open() {
    live::ControlServer::Handlers handlers;
    handlers.on_hello = [this](const wire::control::Hello& hello) {
      if (hello.node.value == 0 || hello.node.value > nodes.size()) return;
      at(hello.node).serving = at(hello.node).incarnation == hello.incarnation;
    };
    handlers.on_clock = [](NodeId, const wire::control::ClockState&) {};
    handlers.on_statistics = [this](NodeId node, const wire::control::Statistics& statistics) {
      on_statistics(node, statistics);
    };
    handlers.on_error = [this](const std::string& complaint) {
      fail({ErrorCode::kInternal, true, complaint});
    };
    auto opened = live::ControlServer::open(io, "", std::move(handlers));
    if (!opened) return opened.error();
    control = std::move(*opened);
    for (Node& node : nodes) {
      std::error_code ec;
      std::filesystem::create_directories(directory(node), ec);
      if (ec) return Error{ErrorCode::kIo, true, directory(node) + ": " + ec.message()};
      if (auto spawned = spawn(node); !spawned) return spawned;
    }
    if (!run_until([this] { return failure.has_value() || all_serve(); }, kStartLimit)) {
      return Error{ErrorCode::kTimeout, true, "the nodes do not serve after 20 s"};
    }
    if (failure) return *failure;
    return {};
  }

  [[nodiscard]] bool all_serve() const {
    return std::all_of(nodes.begin(), nodes.end(), [](const Node& n) { return n.serving; });
  }

  template <class Condition>
  bool run_until(Condition condition, Duration limit) {
    const RealClock since;
    while (!condition()) {
      const Duration left = limit - since.now().time_since_epoch();
      if (left <= Duration{}) return false;
      io.restart();
      io.run_one_for(left);
    }
    return true;
  }

  /// Why nothing goes on. Errors: failure; kStopped.
  [[nodiscard]] Result<void> trouble() const {
    if (failure) return *failure;
    if (stopped()) return Error{ErrorCode::kStopped, true, "interrupted"};
    return {};
  }
  [[nodiscard]] bool stopped() const { return options.interrupted && options.interrupted(); }

  /// run_until(), over when there is trouble. Errors: that; kTimeout, as told.
  template <class Condition>
  Result<void> await(Condition condition, Duration limit, const std::string& complaint) {
    const bool came = run_until([&] { return failure || stopped() || condition(); }, limit);
    if (auto fine = trouble(); !fine) return fine;
    if (!came) return Error{ErrorCode::kTimeout, true, complaint};
    return {};
  }

  /// Errors: kInternal: nothing that could be hit.
  Result<void> expect_running(NodeId id) {
    const Node& node = at(id);
    if (node.process != nullptr && node.serving && !node.ending && !node.paused) return {};
    return Error{ErrorCode::kInternal, true, name_of(id) + " does not run: the fault hits nobody"};
  }

  /// The leader by the answers to the latest question.
  [[nodiscard]] std::optional<Leadership> leader_told() const {
    std::optional<Leadership> best;
    Term highest = 0;
    for (const Node& node : nodes) {
      if (node.answered != statistics_request || node.process == nullptr) continue;
      highest = std::max(highest, node.term);
      if (node.leads && (!best || node.term > best->term)) best = Leadership{node.id, node.term};
    }
    return best && best->term == highest ? best : std::nullopt;
  }

  [[nodiscard]] live::NodeCommand command_for(const Node& node) const {
    const live::AddressPlan& plan = control->addresses();
    const Settings& s = options.settings;
    live::NodeCommand command;
    command.executable = options.node_executable;
    command.stderr_file = directory(node) + "/stderr.log";
    std::string names;
    for (const Node& other : nodes) names += (names.empty() ? "" : ",") + name_of(other.id);
    const auto add = [&command](const std::string& flag, const std::string& value) {
      command.arguments.push_back(flag);
      command.arguments.push_back(value);
    };
    add("--id", name_of(node.id));
    add("--nodes", names);
    add("--data", directory(node) + "/data");
    if (node.incarnation == 1) command.arguments.emplace_back("--first-start");
    add("--incarnation", std::to_string(node.incarnation));
    add("--seed", std::to_string(options.seed));
    add("--origin-ns", std::to_string(clock.origin_ns()));
    add("--election-timeout", run::format_duration(kElectionTimeout));
    add("--segment-bytes", std::to_string(kSegmentBytes));
    add("--reads", s.reads == Reads::kLease ? "lease" : "index");
    add("--listen", plan.peer(node.id).text());
    add("--client-listen", plan.client(node.id).text());
    for (const Node& other : nodes) {
      if (other.id != node.id) {
        add("--peer", name_of(other.id) + "=" + plan.peer(other.id).text());
      }
    }
    add("--control", plan.control().text());
    add("--parent-pid", std::to_string(::getpid()));
    if (s.tracing) add("--trace-fd", std::to_string(live::NodeProcess::kTraceFd));
    if (s.journal) {
      add("--journal", directory(node) + "/journal");
      add("--build", run::commit());
    }
    add("--batching", s.batching ? "on" : "off");
    add("--pipelining", s.pipelining ? "on" : "off");
    if (!s.preallocate) add("--preallocate", "off");
    if (!s.fsync) add("--fsync", "off");
    if (s.fsync_floor > Duration{}) add("--fsync-floor", run::format_duration(s.fsync_floor));
    return command;
  }

  Result<void> spawn(Node& node) {
    ++node.incarnation;
    node.serving = false;
    node.ending = false;
    node.paused = false;
    node.exit.reset();
    node.trace = wire::FrameBuffer(kMaxTraceFrame);
    if (checker) checker->on_start(node.id, node.incarnation, clock.now());
    live::NodeProcess::Handlers handlers;
    handlers.on_trace = [this, id = node.id](std::string_view bytes) { on_trace(at(id), bytes); };
    handlers.on_gone = [this, id = node.id](const live::Exit& exit) { on_gone(at(id), exit); };
    auto process = live::NodeProcess::spawn(io, command_for(node), std::move(handlers));
    if (!process) return process.error();
    node.process = std::move(*process);
    return {};
  }

  void on_trace(Node& node, std::string_view bytes) {
    trace_bytes += bytes.size();
    if (!checker || failure) return;
    node.trace.feed(bytes);
    while (true) {
      const auto frame = node.trace.next();
      if (frame && !frame->has_value()) return;
      auto record =
          frame ? wire::trace::decode(**frame) : Result<wire::trace::Record>(frame.error());
      if (!record) return fail(record.error());
      checker->on_trace(node.id, node.incarnation, *record);
      if (fail_by_checks()) return;
    }
  }

  void on_gone(Node& node, const live::Exit& exit) {
    const bool torn = node.trace.pending() > 0;
    node.exit = exit;
    node.process.reset();
    node.serving = false;
    control->drop(node.id);
    if (checker) {
      checker->on_death(node.id, node.incarnation, clock.now(),
                        node.ending ? Death::kKilled : Death::kByItself, torn);
    }
    if (node.ending) return;
    const std::string words = worlds::tail_of(directory(node) + "/stderr.log", kLastWords);
    fail({ErrorCode::kEnvironment, true,
          name_of(node.id) + " " + exit.describe() + (words.empty() ? "" : ": " + words)});
  }

  /// What a kill cut short is told by the files alone: the trace tells of a write before it is
  /// done.
  void show_files(const Node& node) {
    if (!checker || failure) return;
    const std::string data = directory(node) + "/data";
    std::error_code ec;
    if (!std::filesystem::exists(data, ec)) return;
    const auto files = worlds::read_image(data);
    if (!files) return fail(files.error());
    checker->on_disk(node.id, clock.now(), *files, *files);
    fail_by_checks();
  }

  /// True when they found something.
  bool fail_by_checks() {
    const Violation* found = checker->first_violation();
    if (found != nullptr) {
      fail({ErrorCode::kInternal, true, "the checks found: " + found->summary});
    }
    return found != nullptr;
  }

  void fail(Error error) {
    if (!failure) failure = std::move(error);
  }

  void on_statistics(NodeId id, const wire::control::Statistics& statistics) {
    if (id.value == 0 || id.value > nodes.size()) return;
    Node& node = at(id);
    node.answered = statistics.request;
    node.term = statistics.term;
    node.leads = statistics.leads;
    if (!statistics_wanted || statistics.request != statistics_request) return;
    statistics_heard.push_back(statistics);
    if (statistics_heard.size() < statistics_asked) return;
    const auto then = std::exchange(statistics_wanted, nullptr);
    then(std::exchange(statistics_heard, {}));
  }

  boost::asio::io_context& io;
  ClusterOptions options;
  const RealClock clock;
  std::unique_ptr<live::ControlServer> control;
  std::vector<Node> nodes;
  std::optional<checkers::InvariantChecker> checker;
  std::optional<Error> failure;
  std::uint64_t trace_bytes = 0;
  std::uint64_t statistics_request = 0;
  std::size_t statistics_asked = 0;
  std::vector<wire::control::Statistics> statistics_heard;
  std::function<void(std::vector<wire::control::Statistics>)> statistics_wanted;
};

Result<std::unique_ptr<Cluster>> Cluster::start(boost::asio::io_context& io,
                                                ClusterOptions options) {
  std::unique_ptr<Cluster> cluster(new Cluster(std::make_unique<Impl>(io, std::move(options))));
  if (auto opened = cluster->impl_->open(); !opened) return opened.error();
  return cluster;
}

Cluster::Cluster(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Cluster::~Cluster() = default;

std::vector<net::Address> Cluster::client_addresses() const {
  std::vector<net::Address> out;
  for (const Node& node : impl_->nodes) out.push_back(impl_->control->addresses().client(node.id));
  return out;
}

void Cluster::take_statistics(std::function<void(std::vector<wire::control::Statistics>)> then) {
  Impl& c = *impl_;
  c.statistics_heard.clear();
  c.statistics_asked = 0;
  ++c.statistics_request;
  for (const Node& node : c.nodes) {
    const wire::control::TakeStatistics take{c.statistics_request};
    const bool hears = node.serving && !node.paused;
    if (hears && c.control->send(node.id, take)) ++c.statistics_asked;
  }
  if (c.statistics_asked == 0) return then({});
  c.statistics_wanted = std::move(then);
}

Result<void> Cluster::run_for(Duration length) {
  Impl& c = *impl_;
  c.run_until([&c] { return c.failure || c.stopped(); }, length);
  return c.trouble();
}

Result<void> Cluster::ask_all() {
  Impl& c = *impl_;
  bool all = false;
  take_statistics([&all](const auto&) { all = true; });
  c.run_until([&] { return all || c.failure || c.stopped(); }, kAnswerLimit);
  c.statistics_wanted = nullptr;
  return c.trouble();
}

Result<Leadership> Cluster::find_leader() {
  Impl& c = *impl_;
  const RealClock since;
  while (true) {
    if (auto fine = ask_all(); !fine) return fine.error();
    if (const auto told = c.leader_told()) return *told;
    if (since.now().time_since_epoch() > kFaultLimit) {
      return Error{ErrorCode::kTimeout, true, "no node says that it leads, for 10 s"};
    }
    if (auto waited = run_for(kAskAgain); !waited) return waited.error();
  }
}

Result<void> Cluster::kill(NodeId id) {
  Impl& c = *impl_;
  if (auto there = c.expect_running(id); !there) return there;
  Node& node = c.at(id);
  node.ending = true;
  node.process->signal(SIGKILL);
  auto seen = c.await([&node] { return node.process == nullptr; }, kFaultLimit,
                      name_of(id) + " was killed and does not end within 10 s");
  if (!seen) return seen;
  if (node.exit && node.exit->signal == SIGKILL) return {};
  return Error{ErrorCode::kInternal, true,
               name_of(id) + " was to be killed and ended otherwise: " +
                   (node.exit ? node.exit->describe() : "nobody knows how")};
}

Result<void> Cluster::check_files(NodeId id) {
  Impl& c = *impl_;
  WW_ASSERT(c.at(id).process == nullptr, "it runs");
  c.show_files(c.at(id));
  return c.trouble();
}

Result<void> Cluster::start_again(NodeId id) {
  Impl& c = *impl_;
  WW_ASSERT(c.at(id).process == nullptr, "it runs");
  if (auto spawned = c.spawn(c.at(id)); !spawned) return spawned;
  return c.await([&node = c.at(id)] { return node.serving; }, kStartLimit,
                 name_of(id) + " was started again and does not serve within 20 s");
}

Result<void> Cluster::pause(NodeId id) {
  Impl& c = *impl_;
  if (auto there = c.expect_running(id); !there) return there;
  Node& node = c.at(id);
  node.paused = true;
  node.process->signal(SIGSTOP);
  // No event tells of a stop.
  const RealClock since;
  while (node.process != nullptr && !node.process->is_stopped()) {
    if (since.now().time_since_epoch() > kFaultLimit) {
      return Error{ErrorCode::kTimeout, true, name_of(id) + " does not stop within 10 s"};
    }
    if (auto waited = run_for(kGlance); !waited) return waited;
  }
  return c.trouble();
}

Result<void> Cluster::resume(NodeId id) {
  Impl& c = *impl_;
  Node& node = c.at(id);
  WW_ASSERT(node.paused, "it is not paused");
  node.paused = false;
  if (node.process != nullptr) node.process->signal(SIGCONT);
  const RealClock since;
  while (since.now().time_since_epoch() < kStartLimit) {
    if (auto fine = ask_all(); !fine) return fine;
    if (node.answered == c.statistics_request) return {};
  }
  return Error{ErrorCode::kTimeout, true,
               name_of(id) + " was resumed and does not answer for 20 s"};
}

const std::optional<Error>& Cluster::failure() const {
  return impl_->failure;
}

Result<void> Cluster::shut_down() {
  Impl& c = *impl_;
  for (Node& node : c.nodes) {
    if (node.process == nullptr) continue;
    node.ending = true;
    // A stopped node ends in no order.
    const bool hears = !node.paused && c.control->send(node.id, wire::control::Shutdown{});
    if (!hears) node.process->signal(SIGKILL);
  }
  const bool ended = c.run_until(
      [&c] {
        return std::all_of(c.nodes.begin(), c.nodes.end(),
                           [](const Node& n) { return n.process == nullptr; });
      },
      kEndLimit);
  if (!ended) c.fail({ErrorCode::kTimeout, true, "the nodes do not end within 10 s"});
  for (const Node& node : c.nodes) c.show_files(node);
  if (c.failure) return *c.failure;
  return {};
}

std::uint64_t Cluster::trace_bytes() const {
  return impl_->trace_bytes;
}

}  // namespace ww::bench
