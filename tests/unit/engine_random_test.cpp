// The workload engine against a cluster that does anything: nodes die, leaders change, messages and
// connections are lost, answers are late, "unknown" executes now, later or never. Whatever happens,
// the history must be well formed, and `fail` must be true: no mutation of a failed op was ever
// executed.

#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/history.hpp"
#include "base/rng.hpp"
#include "tests/unit/test_seed.hpp"
#include "workloads/engine.hpp"
#include "workloads/register.hpp"

namespace ww::workloads {
namespace {

/// A check made so often that Catch2's bookkeeping would take longer than the test.
void demand(bool holds, const char* what) {
  if (!holds) FAIL(what);
}

class RandomCluster {
 public:
  RandomCluster(const EngineOptions& options, std::uint64_t seed)
      : options_(options),
        rng_(seed),
        up_(options.worker.nodes, true),
        links_(options.worker.concurrency),
        engine_(options, std::make_unique<RegisterGenerator>(RegisterOptions{.seed = seed})) {
    for (std::uint32_t i = 1; i <= options.worker.nodes; ++i) members_.push_back(NodeId{i});
  }

  /// Torture, recovery, closing; then everything that is still under way arrives.
  void run(Duration torture) {
    engine_.start(now_, actions_);
    perform();
    schedule_trouble();
    run_until(now_ + torture);
    trouble_ = false;
    std::fill(up_.begin(), up_.end(), true);
    engine_.begin_recovery(now_);
    run_until(now_ + seconds(5));
    idle_after_recovery = engine_.idle();
    engine_.begin_final(now_, members_, actions_);
    perform();
    run_until(now_ + seconds(20));
    finished = engine_.finished();
    engine_.stop(now_, actions_);
    perform();
    run_until(now_ + seconds(60));
  }

  History history;
  std::map<std::string, int> executed;  // mutations by the value that they write
  std::map<NodeId, int> asked;
  bool idle_after_recovery = false;
  bool finished = false;
  [[nodiscard]] const Counters& counters() const { return engine_.counters(); }
  [[nodiscard]] Script script() const { return engine_.script(); }

 private:
  struct Link {
    std::uint64_t generation = 0;
    bool open = false;
    std::uint64_t last_request = 0;
  };

  void at(Duration delay, std::function<void()> event) {
    events_.emplace(std::pair(now_ + delay, ++order_), std::move(event));
  }
  Duration latency() {
    const bool slow = trouble_ && rng_.below(50) == 0;
    return rng_.between(microseconds(200), slow ? seconds(3) : milliseconds(5));
  }
  bool unlucky(std::uint32_t per_thousand) {
    return trouble_ && rng_.chance_ppm(per_thousand * 1000);
  }

  void run_until(Instant end) {
    for (;;) {
      const Instant event = events_.empty() ? kNever : events_.begin()->first.first;
      const Instant next = std::min(event, engine_.deadline());
      if (next > end) break;
      now_ = std::max(now_, next);
      if (event <= engine_.deadline()) {
        const auto run = std::move(events_.begin()->second);
        events_.erase(events_.begin());
        run();
      } else {
        engine_.on_timer(now_, actions_);
        demand(engine_.deadline() > now_, "a timer that is due again at once");
      }
      perform();
    }
    now_ = end;
  }

  void schedule_trouble() {
    at(rng_.between(milliseconds(50), milliseconds(500)), [this] {
      if (!trouble_) return;
      const std::size_t victim = rng_.below(up_.size());
      switch (rng_.below(4)) {
        case 0:
          up_[victim] = !up_[victim];
          if (!up_[victim]) break_links_to(victim + 1);
          break;
        case 1:
          break_links_to(victim + 1);
          break;
        default:
          leader_ = NodeId{static_cast<std::uint32_t>(victim + 1)};
      }
      schedule_trouble();
    });
  }
  void break_links_to(std::size_t node) {
    for (std::uint32_t c = 1; c <= links_.size(); ++c) {
      if (targets_[c] == NodeId{static_cast<std::uint32_t>(node)}) lose(ClientId{c}, false);
    }
  }

  void perform() {
    for (const Action& action : std::exchange(actions_, {})) {
      if (const auto* record = std::get_if<Record>(&action)) {
        demand(to_ns(record->arrived) <= record->op.time, "an op before its arrival");
        history.push_back(record->op);
      } else if (const auto* connect = std::get_if<Connect>(&action)) {
        open(*connect);
      } else if (const auto* disconnect = std::get_if<Disconnect>(&action)) {
        Link& link = links_[disconnect->client.value - 1];
        ++link.generation;
        link.open = false;
      } else if (const auto* send = std::get_if<SendRequest>(&action)) {
        transmit(*send);
      }
    }
  }
  /// Runs `event` unless the client's connection has changed by then.
  void on_link(ClientId client, Duration delay, std::function<void()> event) {
    const std::uint64_t generation = links_[client.value - 1].generation;
    at(delay, [this, client, generation, event = std::move(event)] {
      if (links_[client.value - 1].generation == generation) event();
    });
  }
  void open(const Connect& connect) {
    Link& link = links_[connect.client.value - 1];
    demand(!link.open, "a second connection");
    ++link.generation;
    link.last_request = 0;
    targets_[connect.client.value] = connect.node;
    if (unlucky(20)) return;  // never answered
    on_link(connect.client, latency(), [this, connect] {
      if (!up_[connect.node.value - 1]) return lose(connect.client, true);
      links_[connect.client.value - 1].open = true;
      engine_.on_connected(connect.client, connect.node, now_, actions_);
    });
  }
  void lose(ClientId client, bool refused) {
    Link& link = links_[client.value - 1];
    ++link.generation;
    link.open = false;
    engine_.on_connection_lost(client, targets_[client.value], now_, refused, actions_);
    perform();
  }

  void transmit(const SendRequest& send) {
    Link& link = links_[send.client.value - 1];
    demand(link.open, "a request without a connection");
    demand(targets_[send.client.value] == send.node, "a request to another node");
    demand(send.request.request > link.last_request, "a request number that does not grow");
    link.last_request = send.request.request;
    ++asked[send.node];
    if (unlucky(10)) return;
    // What is under way may arrive although the connection dies meanwhile.
    const std::uint64_t generation = link.generation;
    at(latency(), [this, send, generation] { arrive(send, generation); });
  }
  void arrive(const SendRequest& send, std::uint64_t generation) {
    if (!up_[send.node.value - 1]) return;
    wire::ClientReply reply;
    if (send.node != leader_) {
      reply = refused(wire::Refusal::kNotLeader);
      if (rng_.below(3) > 0) reply.leader_hint = leader_;
    } else if (unlucky(20)) {
      reply = refused(wire::Refusal::kBusy);
    } else if (unlucky(30)) {
      reply.refusal = wire::Refusal::kLost;
      reply.outcome = wire::Outcome::kUnknown;
      const wire::Command command = send.request.command;
      if (rng_.below(2) == 0) at(latency(), [this, command] { execute(command); });
    } else {
      if (unlucky(5)) sessions_.erase(send.request.command.session);
      reply = execute(send.request.command);
    }
    reply.request = send.request.request;
    if (unlucky(10) || links_[send.client.value - 1].generation != generation) return;
    on_link(send.client, latency(),
            [this, send, reply] { engine_.on_reply(send.client, reply, now_, actions_); });
  }
  static wire::ClientReply refused(wire::Refusal why) {
    wire::ClientReply reply;
    reply.outcome = wire::Outcome::kFailed;
    reply.refusal = why;
    return reply;
  }

  wire::ClientReply execute(const wire::Command& command) {
    if (command.kind == wire::CommandKind::kOpenSession || command.session == SessionId{}) {
      return apply(command);
    }
    const auto session = sessions_.find(command.session);
    if (session == sessions_.end()) return refused(wire::Refusal::kExpired);
    auto& answers = session->second;
    const auto answered = answers.find(command.seq);
    if (answered != answers.end()) return answered->second;
    // An old number comes late: its client gave up and went on, and it must not happen any more.
    if (!answers.empty() && answers.rbegin()->first > command.seq) {
      return refused(wire::Refusal::kExpired);
    }
    return answers[command.seq] = apply(command);
  }
  wire::ClientReply apply(const wire::Command& command) {
    wire::ClientReply reply;
    reply.outcome = wire::Outcome::kOk;
    reply.at = LogPosition{++index_, 1};
    if (command.kind == wire::CommandKind::kOpenSession) {
      reply.session = SessionId{index_};
      sessions_[reply.session];
      return reply;
    }
    const auto found = values_.find(command.key);
    reply.exists = found != values_.end();
    if (reply.exists) reply.value = found->second;
    if (command.kind == wire::CommandKind::kRead) return reply;
    if (command.kind == wire::CommandKind::kCas) {
      reply.matched = reply.exists && reply.value == command.expected;
      if (!reply.matched) return reply;
    }
    ++executed[command.value];
    values_[command.key] = command.value;
    return reply;
  }

  EngineOptions options_;
  Rng rng_;
  std::vector<bool> up_;
  NodeId leader_{1};
  bool trouble_ = true;
  std::vector<Link> links_;
  std::map<std::uint32_t, NodeId> targets_;
  std::map<SessionId, std::map<std::uint64_t, wire::ClientReply>> sessions_;
  std::map<std::string, std::string> values_;
  Index index_ = 0;
  Engine engine_;
  std::vector<NodeId> members_;
  Actions actions_;
  Instant now_{};
  std::map<std::pair<Instant, std::uint64_t>, std::function<void()>> events_;
  std::uint64_t order_ = 0;
};

EngineOptions options_of(std::uint64_t seed) {
  Rng rng = keyed(test::seed(), "engine_random.options", seed);
  EngineOptions options;
  options.seed = seed;
  options.worker.nodes = static_cast<std::uint32_t>(1 + rng.below(5));
  options.worker.concurrency = static_cast<std::uint32_t>(1 + rng.below(12));
  options.rate = rng.below(2) == 0 ? 0 : 500;
  options.follow_one_in = static_cast<std::uint32_t>(rng.below(4));
  return options;
}

std::string text_of(const History& ops) {
  std::string text = "{\"schema\":\"whitewater.history\",\"v\":1}\n";
  for (const Op& op : ops) append_json(text, op);
  return text;
}

/// What contradicts the op, given how often its value was written.
std::string contradiction(const Op& op, int times) {
  if (op.f == Func::kRead) return op.type == OpType::kInfo ? "a read of unknown fate" : "";
  if (times > 1) return "executed twice";
  if (op.type == OpType::kFail && times > 0) return "executed although it failed";
  if (op.type == OpType::kOk && times != (op.matched ? 1 : 0)) return "not what its ok says";
  if (op.type == OpType::kOk && op.at == LogPosition{}) return "ok without a position";
  return "";
}

/// What became of each mutation is what its op says, and a process that ended with `info` is
/// silent.
void check_outcomes(const RandomCluster& cluster) {
  std::set<std::int64_t> silent;
  for (const Op& op : cluster.history) {
    const Value& written = op.f == Func::kCas ? op.to : op.value;
    const auto* value = std::get_if<std::int64_t>(&written);
    const auto found = cluster.executed.find(value == nullptr ? "" : std::to_string(*value));
    const int times = found == cluster.executed.end() ? 0 : found->second;
    std::string wrong = contradiction(op, times);
    if (silent.count(op.process) > 0) wrong = "a process that should be silent";
    if (op.type == OpType::kInfo) silent.insert(op.process);
    if (!wrong.empty()) FAIL("op " << op.index << " of process " << op.process << ": " << wrong);
  }
}

TEST_CASE("Whatever a cluster does, the history is well formed and fail means never") {
  INFO(test::repeat_with());
  Counters sum;
  for (std::uint64_t round = 0; round < 20; ++round) {
    const std::uint64_t seed = key_of(test::seed(), "engine_random", round);
    INFO("round " << round << ", seed " << seed);
    RandomCluster cluster(options_of(seed), seed);
    cluster.run(seconds(10));
    const auto read = parse_history(text_of(cluster.history), "history");
    INFO((read.ok() ? "" : read.error().message));
    REQUIRE(read.ok());
    REQUIRE(read->ops == cluster.history);
    REQUIRE(cluster.counters().in_flight == 0);
    check_outcomes(cluster);
    REQUIRE(cluster.idle_after_recovery);
    REQUIRE(cluster.finished);
    sum.retries += cluster.counters().retries;
    sum.redirects += cluster.counters().redirects;
    sum.late_replies += cluster.counters().late_replies;
    sum.timeouts += cluster.counters().timeouts;
    sum.cas_matched += cluster.counters().cas_matched;
    for (const Func f : {Func::kRead, Func::kWrite, Func::kCas}) {
      for (std::size_t t = 0; t < Counters::kTypes; ++t) {
        const auto type = static_cast<OpType>(t);
        sum.ops[static_cast<std::size_t>(f)][t] += cluster.counters().of(f, type);
      }
    }
  }
  // A test in which nothing went wrong would prove nothing.
  CHECK(sum.retries > 100);
  CHECK(sum.redirects > 100);
  CHECK(sum.late_replies > 20);
  CHECK(sum.timeouts > 50);
  CHECK(sum.cas_matched > 500);
  CHECK(sum.of(OpType::kOk) > 10000);
  CHECK(sum.of(OpType::kFail) > 1000);
  CHECK(sum.of(OpType::kInfo) > 100);
}

TEST_CASE("The same seed and the same cluster make the same history") {
  INFO(test::repeat_with());
  for (std::uint64_t round = 0; round < 3; ++round) {
    const std::uint64_t seed = key_of(test::seed(), "engine_random.same", round);
    RandomCluster first(options_of(seed), seed);
    RandomCluster second(options_of(seed), seed);
    first.run(seconds(5));
    second.run(seconds(5));
    CHECK(text_of(first.history) == text_of(second.history));
  }
}

TEST_CASE("The calls of a run, as its script, make the same run again") {
  INFO(test::repeat_with());
  for (std::uint64_t round = 0; round < 8; ++round) {
    const std::uint64_t seed = key_of(test::seed(), "engine_random.script", round);
    EngineOptions options = options_of(seed);
    INFO("round " << round << ", rate " << options.rate);
    RandomCluster seeded(options, seed);
    seeded.run(seconds(5));
    options.script = seeded.script();
    REQUIRE(options.script->size() > 50);
    REQUIRE(check_script(*options.script, options.worker.concurrency));
    RandomCluster scripted(options, seed);
    scripted.run(seconds(5));
    CHECK(text_of(scripted.history) == text_of(seeded.history));
    CHECK(scripted.script() == *options.script);
  }
}

TEST_CASE("A call that is cut from the script leaves the others as they were") {
  INFO(test::repeat_with());
  const std::uint64_t seed = key_of(test::seed(), "engine_random.cut");
  EngineOptions options;
  options.seed = seed;
  RandomCluster seeded(options, seed);
  seeded.run(seconds(3));
  Script script = seeded.script();
  for (int round = 0; round < 5; ++round) {
    script.erase(script.begin() + static_cast<std::ptrdiff_t>(script.size() / 3));
    options.script = script;
    RandomCluster cut(options, seed);
    cut.run(seconds(3));
    REQUIRE(cut.finished);
    check_outcomes(cut);
    // A call that would have waited beyond the torture is not made; every other is.
    const Script made = cut.script();
    CHECK(made.size() > script.size() / 2);
    CHECK(std::includes(script.begin(), script.end(), made.begin(), made.end(), earlier));
    for (const ScriptedCall& call : made) {
      demand(std::find(script.begin(), script.end(), call) != script.end(), "a call of its own");
    }
  }
}

TEST_CASE("The closing phase asks every node and reads every key in use") {
  EngineOptions options;
  options.seed = 7;
  RandomCluster cluster(options, 7);
  cluster.run(seconds(3));
  REQUIRE(cluster.finished);
  CHECK(cluster.asked.size() == options.worker.nodes);
  std::set<std::uint64_t> keys;
  std::set<std::uint64_t> read;
  for (const Op& op : cluster.history) keys.insert(op.key);
  const std::size_t tail =
      cluster.history.size() - std::min<std::size_t>(cluster.history.size(), 400);
  for (std::size_t i = tail; i < cluster.history.size(); ++i) {
    const Op& op = cluster.history[i];
    if (op.f == Func::kRead && op.type == OpType::kOk) read.insert(op.key);
  }
  CHECK(keys == read);  // so short a run touches fewer keys than the bound
}

}  // namespace
}  // namespace ww::workloads
