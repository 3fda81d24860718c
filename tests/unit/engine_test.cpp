// The workload engine against a cluster played by hand: one event at a time, every answer chosen.

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <set>
#include <vector>

#include "workloads/engine.hpp"

namespace ww::workloads {
namespace {

/// Writes of 1, 2, 3, ... to key 7, or what it was given.
class Listed final : public Generator {
 public:
  explicit Listed(Func f = Func::kWrite) : f_(f) {}
  Call next(std::uint32_t, std::uint64_t) override {
    Call call;
    call.f = f_;
    call.key = 7;
    if (f_ != Func::kRead) call.value = ++value_;
    if (f_ == Func::kCas) call.to = ++value_;
    return call;
  }
  Call closing_write(std::uint32_t, std::uint64_t, std::uint64_t key) override {
    Call call = next(0, 0);
    call.f = Func::kWrite;
    call.key = key;
    return call;
  }
  void on_completion(const Op&) override {}

 private:
  Func f_;
  std::int64_t value_ = 0;
};

EngineOptions one_worker(Mode mode) {
  EngineOptions options;
  options.rate = 0;
  options.worker.concurrency = 1;
  options.worker.nodes = 3;
  options.follow_one_in = mode == Mode::kFollow ? 1 : 0;
  return options;
}

wire::ClientReply ok_reply() {
  wire::ClientReply reply;
  reply.outcome = wire::Outcome::kOk;
  reply.at = LogPosition{10, 2};
  reply.session = SessionId{10};  // read when a session was asked for
  return reply;
}

wire::ClientReply refusal(wire::Refusal why, NodeId hint = kNobody) {
  wire::ClientReply reply;
  reply.outcome = wire::Outcome::kFailed;
  reply.refusal = why;
  reply.leader_hint = hint;
  return reply;
}

wire::ClientReply unknown() {
  wire::ClientReply reply;
  reply.outcome = wire::Outcome::kUnknown;
  reply.refusal = wire::Refusal::kLost;
  return reply;
}

/// Holds the engine, its clock, and all that it asked for and wrote.
class Desk {
 public:
  explicit Desk(const EngineOptions& options, Func f = Func::kWrite)
      : engine(options, std::make_unique<Listed>(f)) {
    engine.start(now, actions_);
    collect();
  }
  void connect(std::uint32_t client = 1) {
    engine.on_connected(ClientId{client}, node(client), now, actions_);
    collect();
  }
  void lose(bool refused = false, std::uint32_t client = 1) {
    engine.on_connection_lost(ClientId{client}, node(client), now, refused, actions_);
    collect();
  }
  /// Answers the latest request of the client.
  void reply(wire::ClientReply answer, std::uint32_t client = 1) {
    answer.request = request(client).request;
    late(answer, client);
  }
  void late(const wire::ClientReply& answer, std::uint32_t client = 1) {
    engine.on_reply(ClientId{client}, answer, now, actions_);
    collect();
  }
  void advance(Duration by) {
    const Instant end = now + by;
    while (engine.deadline() <= end) {
      now = std::max(now, engine.deadline());
      engine.on_timer(now, actions_);
      collect();
      REQUIRE(engine.deadline() > now);
    }
    now = end;
  }
  /// Connects and opens a session, so that the first write is under way.
  void open() {
    connect();
    REQUIRE(request().command.kind == wire::CommandKind::kOpenSession);
    reply(ok_reply());
    REQUIRE(request().command.kind == wire::CommandKind::kWrite);
  }
  [[nodiscard]] const wire::ClientRequest& request(std::uint32_t client = 1) const {
    for (auto it = sent.rbegin(); it != sent.rend(); ++it) {
      if (it->client.value == client) return it->request;
    }
    FAIL("the client sent nothing");
    return sent.front().request;
  }
  /// Where the client connected, or wants to.
  [[nodiscard]] NodeId node(std::uint32_t client = 1) const {
    for (auto it = connects.rbegin(); it != connects.rend(); ++it) {
      if (it->client.value == client) return it->node;
    }
    return kNobody;
  }
  [[nodiscard]] const Op& last() const { return lines.back().op; }

  Instant now = instant_at(1000);
  Engine engine;
  std::vector<Connect> connects;
  std::vector<Disconnect> disconnects;
  std::vector<SendRequest> sent;
  std::vector<Record> lines;

  void collect() {
    for (Action& action : actions_) {
      if (auto* c = std::get_if<Connect>(&action)) connects.push_back(*c);
      if (auto* d = std::get_if<Disconnect>(&action)) disconnects.push_back(*d);
      if (auto* s = std::get_if<SendRequest>(&action)) sent.push_back(*s);
      if (auto* r = std::get_if<Record>(&action)) lines.push_back(*r);
    }
    actions_.clear();
  }
  Actions& actions() { return actions_; }

 private:
  Actions actions_;
};

TEST_CASE("A write opens a session first and then carries it with growing sequence numbers") {
  Desk desk(one_worker(Mode::kStay));
  CHECK(desk.connects == std::vector<Connect>{{ClientId{1}, NodeId{1}}});
  desk.open();
  CHECK(desk.request().command.session == SessionId{10});
  CHECK(desk.request().command.seq == 1);
  CHECK(desk.request().command.value == "1");
  desk.reply(ok_reply());
  CHECK(desk.request().command.seq == 2);
  CHECK(desk.sent.size() == 3);  // the session lasts
  CHECK(desk.sent[0].request.request == 1);
  CHECK(desk.sent[2].request.request == 3);

  REQUIRE(desk.lines.size() == 3);
  CHECK(desk.lines[0].op.type == OpType::kInvoke);
  const Op& done = desk.lines[1].op;
  CHECK(done.type == OpType::kOk);
  CHECK(done.value == Value(std::int64_t{1}));
  CHECK(done.at == LogPosition{10, 2});
  CHECK(done.node == NodeId{1});
  CHECK(desk.lines[2].op.index == 2);
}

TEST_CASE("A read needs no session") {
  Desk desk(one_worker(Mode::kStay), Func::kRead);
  desk.connect();
  CHECK(desk.request().command.kind == wire::CommandKind::kRead);
  CHECK(desk.request().command.session == SessionId{});
  CHECK(desk.request().command.seq == 0);
}

TEST_CASE("Mode stay takes not-leader for an answer, waits a little and asks the same node again") {
  Desk desk(one_worker(Mode::kStay));
  desk.open();
  desk.reply(refusal(wire::Refusal::kNotLeader, NodeId{2}));
  CHECK(desk.last().type == OpType::kFail);
  CHECK(desk.last().error == "not-leader");
  CHECK(desk.last().process == 0);
  CHECK(desk.sent.size() == 2);
  desk.advance(milliseconds(20));
  CHECK(desk.sent.size() == 3);
  CHECK(desk.request().command.seq == 2);
  CHECK(desk.request().command.session == SessionId{10});
  CHECK(desk.connects.size() == 1);
}

TEST_CASE("A session that cannot be opened fails the write, of which nothing was sent") {
  Desk desk(one_worker(Mode::kStay));
  desk.connect();
  SECTION("refused") {
    desk.reply(refusal(wire::Refusal::kNotLeader));
  }
  SECTION("unknown") {
    desk.reply(unknown());
  }
  SECTION("the connection dies") {
    desk.lose();
  }
  SECTION("no answer") {
    desk.advance(seconds(1));
  }
  const auto failed = std::find_if(desk.lines.begin(), desk.lines.end(),
                                   [](const Record& r) { return r.op.type != OpType::kInvoke; });
  REQUIRE(failed != desk.lines.end());
  CHECK(failed->op.type == OpType::kFail);
  CHECK(failed->op.process == 0);
}

TEST_CASE("Mode follow goes where the hint leads and repeats session and sequence number") {
  Desk desk(one_worker(Mode::kFollow));
  desk.open();
  desk.reply(refusal(wire::Refusal::kNotLeader, NodeId{3}));
  CHECK(desk.lines.size() == 1);  // the op goes on
  CHECK(desk.disconnects.size() == 1);
  CHECK(desk.node() == NodeId{3});
  desk.connect();
  CHECK(desk.sent.back().node == NodeId{3});
  CHECK(desk.request().command.session == SessionId{10});
  CHECK(desk.request().command.seq == 1);
  CHECK(desk.request().request == 3);  // a new request of the same op
  desk.reply(ok_reply());
  CHECK(desk.lines[1].op.type == OpType::kOk);
  CHECK(desk.lines[1].op.node == NodeId{3});
  CHECK(desk.node() == NodeId{3});  // it stays with the leader
  CHECK(desk.engine.counters().redirects == 1);
  CHECK(desk.engine.counters().retries == 1);
}

TEST_CASE("Mode follow pauses in a chain of hints, so that two nodes cannot play ball with it") {
  Desk desk(one_worker(Mode::kFollow));
  desk.open();
  desk.reply(refusal(wire::Refusal::kNotLeader, NodeId{2}));
  desk.connect();
  desk.reply(refusal(wire::Refusal::kNotLeader, NodeId{1}));
  CHECK(desk.connects.size() == 2);
  desk.advance(milliseconds(39));
  CHECK(desk.connects.size() == 2);
  desk.advance(milliseconds(1));
  CHECK(desk.connects.size() == 3);
  CHECK(desk.node() == NodeId{1});
}

TEST_CASE("Mode follow tries the next node when the connection dies or an attempt takes too long") {
  Desk desk(one_worker(Mode::kFollow));
  desk.open();
  SECTION("dies") {
    desk.lose();
  }
  SECTION("takes too long") {
    desk.advance(milliseconds(250));
  }
  desk.advance(milliseconds(20));
  CHECK(desk.node() == NodeId{2});
  desk.connect();
  CHECK(desk.request().command.seq == 1);
  CHECK(desk.lines.size() == 1);
  // The first attempt may have happened: no later refusal makes the op a fail.
  desk.reply(refusal(wire::Refusal::kBusy));
  desk.advance(seconds(5));
  CHECK(desk.lines[1].op.type == OpType::kInfo);
  CHECK(desk.lines[1].op.error == "timeout after: connection refused");
}

TEST_CASE("Mode follow fails an op whose every attempt was refused for sure") {
  Desk desk(one_worker(Mode::kFollow));
  desk.open();
  while (desk.lines.size() == 1) {
    desk.reply(refusal(wire::Refusal::kBusy));
    const std::size_t before = desk.sent.size();
    while (desk.lines.size() == 1 && desk.sent.size() == before) desk.advance(milliseconds(10));
  }
  CHECK(desk.lines[1].op.type == OpType::kFail);
  CHECK(desk.lines[1].op.error == "timeout after: busy");
  CHECK(desk.lines[1].op.time - desk.lines[0].op.time == to_ns(seconds(4)));
}

TEST_CASE("A write that times out is info, and a new process goes on with a session of its own") {
  EngineOptions options = one_worker(Mode::kStay);
  options.worker.concurrency = 2;
  Desk desk(options);
  desk.open();
  desk.advance(seconds(1));
  const Op info = desk.lines[2].op;
  CHECK(info.type == OpType::kInfo);
  CHECK(info.process == 0);
  CHECK(info.error == "timeout");
  CHECK(info.time == desk.lines[0].op.time + to_ns(seconds(1)));
  CHECK(desk.disconnects.size() >= 1);
  CHECK(desk.node() == NodeId{3});  // process 2 of 3 nodes
  desk.connect();
  CHECK(desk.request().command.kind == wire::CommandKind::kOpenSession);
  bool invoked = false;
  for (const Record& line : desk.lines) {
    invoked = invoked || (line.op.type == OpType::kInvoke && line.op.process == 2);
  }
  CHECK(invoked);
  CHECK(desk.engine.counters().of(OpType::kInfo) == 1);
}

TEST_CASE("A read that times out is a fail, and its process goes on") {
  Desk desk(one_worker(Mode::kStay), Func::kRead);
  desk.connect();
  desk.advance(seconds(1));
  CHECK(desk.lines[1].op.type == OpType::kFail);
  CHECK(desk.lines[1].op.process == 0);
  desk.advance(milliseconds(20));
  CHECK(desk.last().type == OpType::kInvoke);
  CHECK(desk.last().process == 0);
}

TEST_CASE("The reply to an attempt that was given up changes nothing") {
  Desk desk(one_worker(Mode::kStay), Func::kRead);
  desk.connect();
  wire::ClientReply late = ok_reply();
  late.request = desk.request().request;
  desk.advance(seconds(1) + milliseconds(20));
  REQUIRE(desk.sent.size() == 2);
  const std::size_t lines = desk.lines.size();
  desk.late(late);
  CHECK(desk.lines.size() == lines);
  CHECK(desk.engine.counters().late_replies == 1);
  desk.reply(ok_reply());
  CHECK(desk.lines[lines].op.type == OpType::kOk);
}

TEST_CASE("A refused connection delays an op and at last fails it: nothing was sent") {
  Desk desk(one_worker(Mode::kStay));
  desk.engine.on_timer(desk.now, desk.actions());
  desk.collect();
  REQUIRE(desk.lines.size() == 1);
  for (int i = 0; i < 100 && desk.lines.size() == 1; ++i) {
    desk.lose(true);
    desk.advance(milliseconds(20));
  }
  REQUIRE(desk.lines.size() >= 2);
  CHECK(desk.lines[1].op.type == OpType::kFail);
  CHECK(desk.lines[1].op.error == "timeout after: connection refused");
  CHECK(desk.connects.size() > 5);
  CHECK(desk.connects.size() < 40);  // with growing pauses
  CHECK(desk.sent.empty());
}

TEST_CASE("A connection that dies under a write makes it info in mode stay") {
  Desk desk(one_worker(Mode::kStay));
  desk.open();
  desk.lose();
  CHECK(desk.lines[1].op.type == OpType::kInfo);
  CHECK(desk.lines[1].op.error == "connection lost");
  CHECK(desk.engine.counters().lost_connections == 1);
  desk.advance(milliseconds(20));
  CHECK(desk.connects.size() == 2);
}

TEST_CASE("A node that does not know the fate of a write makes it info in mode stay") {
  Desk desk(one_worker(Mode::kStay));
  desk.open();
  desk.reply(unknown());
  CHECK(desk.lines[1].op.type == OpType::kInfo);
  CHECK(desk.lines[1].op.error == "leadership-lost");
}

TEST_CASE("An expired session ends the op and is opened again for the next") {
  const Mode mode = GENERATE(Mode::kStay, Mode::kFollow);
  Desk desk(one_worker(mode));
  desk.open();
  desk.reply(refusal(wire::Refusal::kExpired));
  CHECK(desk.lines[1].op.type == OpType::kFail);
  CHECK(desk.lines[1].op.error == "session-expired");
  desk.advance(milliseconds(20));
  CHECK(desk.request().command.kind == wire::CommandKind::kOpenSession);
}

TEST_CASE("Workers of both modes are mixed, and each begins at its own node") {
  EngineOptions options;
  options.worker.concurrency = 10;
  options.worker.nodes = 5;
  Desk desk(options, Func::kRead);
  REQUIRE(desk.connects.size() == 10);
  for (std::uint32_t i = 0; i < 10; ++i) {
    CHECK(desk.connects[i] == Connect{ClientId{i + 1}, NodeId{i % 5 + 1}});
    desk.connect(i + 1);
  }
  desk.advance(milliseconds(500));
  // The workers of mode follow alone give an attempt up before the op's time is over.
  std::set<std::uint32_t> gone;
  for (const Disconnect& disconnect : desk.disconnects) gone.insert(disconnect.client.value);
  CHECK(gone == std::set<std::uint32_t>{4, 8});
}

TEST_CASE("In open loop an op that found its worker busy counts from its arrival") {
  EngineOptions options = one_worker(Mode::kStay);
  options.rate = 100;
  Desk desk(options, Func::kRead);
  desk.connect();
  CHECK(desk.lines.empty());  // the first arrival is yet to come
  desk.advance(milliseconds(900));
  REQUIRE(desk.lines.size() == 1);  // one call in hand, a hundred waiting
  const Instant stalled = desk.now;
  for (int i = 0; i < 20; ++i) desk.reply(ok_reply());
  Instant arrived{};
  for (const Record& line : desk.lines) {
    REQUIRE(to_ns(line.arrived) <= line.op.time);
    if (line.op.type != OpType::kInvoke) continue;
    CHECK(line.arrived > arrived);
    arrived = line.arrived;
  }
  CHECK(desk.lines.size() == 41);
  CHECK(desk.lines.back().op.time == to_ns(stalled));
  CHECK(desk.lines.back().arrived < stalled - milliseconds(100));
}

TEST_CASE("Arrivals come at the rate asked for") {
  EngineOptions options = one_worker(Mode::kStay);
  options.rate = 500;
  options.worker.concurrency = 5;
  Desk desk(options, Func::kRead);
  for (std::uint32_t i = 1; i <= 5; ++i) desk.connect(i);
  for (int ms = 0; ms < 4000; ++ms) {
    desk.advance(milliseconds(1));
    for (std::uint32_t i = 1; i <= 5; ++i) {
      if (!desk.sent.empty() && desk.engine.counters().in_flight > 0) {
        const bool asked = std::any_of(desk.sent.begin(), desk.sent.end(),
                                       [&](const SendRequest& s) { return s.client.value == i; });
        if (asked) desk.reply(ok_reply(), i);
      }
    }
  }
  CHECK(desk.engine.counters().of(OpType::kInvoke) == Approx(2000).margin(150));
}

TEST_CASE("Recovery lets the ops in hand end and begins no more") {
  Desk desk(one_worker(Mode::kStay));
  desk.open();
  desk.engine.begin_recovery(desk.now);
  CHECK_FALSE(desk.engine.idle());
  desk.reply(ok_reply());
  CHECK(desk.engine.idle());
  desk.advance(seconds(10));
  CHECK(desk.lines.size() == 2);
  CHECK_FALSE(desk.engine.finished());
}

TEST_CASE("The closing phase asks each node, reads each key, and repeats what failed") {
  Desk desk(one_worker(Mode::kStay));
  desk.open();
  desk.engine.begin_recovery(desk.now);
  desk.reply(ok_reply());
  desk.engine.begin_final(desk.now, {NodeId{1}, NodeId{2}, NodeId{3}}, desk.actions());
  desk.collect();
  CHECK_FALSE(desk.engine.finished());
  CHECK(desk.engine.unfinished().size() == 7);  // write and read through 3 nodes, and the key
  CHECK(desk.engine.unfinished()[0] == "write to key 7 through n1");

  desk.reply(refusal(wire::Refusal::kTooLarge));  // fails at once, and must come again
  desk.advance(milliseconds(20));
  std::vector<NodeId> asked;
  for (int i = 0; i < 30 && !desk.engine.finished(); ++i) {
    if (desk.connects.size() > asked.size() + 1) {
      asked.push_back(desk.node());
      desk.connect();
    }
    desk.reply(ok_reply());
  }
  CHECK(desk.engine.finished());
  CHECK(desk.engine.unfinished().empty());
  CHECK(asked == std::vector<NodeId>{NodeId{2}, NodeId{3}, NodeId{1}});
  CHECK(desk.engine.counters().of(Func::kWrite, OpType::kOk) == 4);
  CHECK(desk.engine.counters().of(Func::kRead, OpType::kOk) == 4);
  desk.advance(seconds(10));
  CHECK(desk.engine.finished());
}

TEST_CASE("Where only some nodes recover, the closing phase speaks to them alone") {
  Desk desk(one_worker(Mode::kStay));
  desk.open();
  desk.engine.begin_recovery(desk.now);
  desk.reply(ok_reply());
  desk.engine.begin_final(desk.now, {NodeId{2}, NodeId{3}}, desk.actions());
  desk.collect();
  CHECK(desk.engine.unfinished().size() == 5);
  REQUIRE(desk.node() == NodeId{2});  // it was beside n1
  desk.connect();
  desk.reply(refusal(wire::Refusal::kNotLeader, NodeId{1}));  // a hint to one who stays broken
  std::set<NodeId> asked;
  for (int i = 0; i < 60 && !desk.engine.finished(); ++i) {
    desk.advance(milliseconds(50));
    asked.insert(desk.node());
    desk.connect();
    desk.reply(ok_reply());
  }
  CHECK(desk.engine.finished());
  CHECK(asked == std::set<NodeId>{NodeId{2}, NodeId{3}});
}

TEST_CASE(
    "A scripted worker makes its calls as they are written, when they come or when it is free") {
  EngineOptions options = one_worker(Mode::kStay);
  options.script.emplace();
  for (const int at : {5, 10, 500}) {
    ScriptedCall call;
    call.at = milliseconds(at);
    call.ordinal = static_cast<std::uint64_t>(at);
    call.call.f = Func::kWrite;
    call.call.key = 9;
    call.call.value = std::int64_t{at};
    options.script->push_back(call);
  }
  Desk desk(options);
  const Instant began = desk.now;
  desk.connect();
  CHECK(desk.sent.empty());
  desk.advance(milliseconds(20));
  desk.reply(ok_reply());  // the session
  REQUIRE(desk.lines.size() == 1);
  CHECK(desk.last().time == to_ns(began + milliseconds(5)));
  CHECK(desk.last().key == 9);
  CHECK(desk.last().value == Value(std::int64_t{5}));
  desk.reply(ok_reply());  // the write; the second has waited since its arrival
  REQUIRE(desk.lines.size() == 3);
  CHECK(desk.last().time == to_ns(began + milliseconds(20)));
  CHECK(desk.lines.back().arrived == began + milliseconds(10));
  desk.reply(ok_reply());
  CHECK(desk.engine.deadline() == began + milliseconds(500));
  desk.advance(milliseconds(600));
  desk.reply(ok_reply());
  CHECK(desk.engine.deadline() == kNever);
  CHECK(desk.engine.script() == *options.script);
}

TEST_CASE("A closing write does not write what a scripted call wrote") {
  EngineOptions options = one_worker(Mode::kStay);
  options.script.emplace();
  ScriptedCall call;
  call.call.f = Func::kWrite;
  call.call.value = std::int64_t{1};  // what the generator will choose first
  options.script->push_back(call);
  Desk desk(options);
  desk.open();
  desk.engine.begin_recovery(desk.now);
  desk.reply(ok_reply());
  desk.engine.begin_final(desk.now, {NodeId{1}, NodeId{2}, NodeId{3}}, desk.actions());
  desk.collect();
  CHECK(desk.last().f == Func::kWrite);
  CHECK(desk.last().key == 0);
  CHECK(desk.last().value == Value(std::int64_t{2}));
}

TEST_CASE("Without a call the closing phase still asks every node") {
  EngineOptions options = one_worker(Mode::kStay);
  options.script.emplace();
  Desk desk(options);
  desk.connect();
  desk.engine.begin_final(desk.now, {NodeId{1}, NodeId{2}, NodeId{3}}, desk.actions());
  desk.collect();
  CHECK(desk.engine.unfinished().size() == 7);
}

TEST_CASE("The end of the run closes every op by the rules and every connection") {
  SECTION("a write that was sent is info") {
    Desk desk(one_worker(Mode::kStay));
    desk.open();
    desk.engine.stop(desk.now, desk.actions());
    desk.collect();
    CHECK(desk.last().type == OpType::kInfo);
    CHECK(desk.last().error == "the run ended");
    CHECK(desk.disconnects.size() == 1);
    CHECK(desk.engine.deadline() == kNever);
    CHECK(desk.engine.counters().in_flight == 0);
    desk.lose();  // an event that was under way
    desk.reply(ok_reply());
    CHECK(desk.connects.size() == 1);
    CHECK(desk.last().error == "the run ended");
  }
  SECTION("a write that was not sent is a fail") {
    Desk desk(one_worker(Mode::kStay));
    desk.connect();
    desk.engine.stop(desk.now, desk.actions());
    desk.collect();
    CHECK(desk.last().type == OpType::kFail);
  }
}

TEST_CASE("Marks of the nemesis are numbered among the ops") {
  Desk desk(one_worker(Mode::kStay));
  desk.open();
  desk.engine.record_nemesis(desk.now, "kill n2", desk.actions());
  desk.collect();
  desk.reply(ok_reply());
  CHECK(desk.lines[1].op.index == 1);
  CHECK(desk.lines[1].op.f == Func::kNemesis);
  CHECK(desk.lines[1].op.process == kNemesisProcess);
  CHECK(desk.lines[1].op.value == Value(std::string("kill n2")));
  CHECK(desk.lines[2].op.index == 2);
  CHECK(desk.engine.counters().of(OpType::kOk) == 1);
}

}  // namespace
}  // namespace ww::workloads
