#include <catch2/catch.hpp>
#include <string>
#include <variant>
#include <vector>

#include "base/wire/frame.hpp"
#include "nodes/host/driver.hpp"

namespace ww::host {

namespace {

Moment moment_at(Instant t) {
  return {{t, t}, t};
}

raft::Config config_of(std::vector<NodeId> voters) {
  raft::Config config;
  config.self = NodeId{1};
  config.voters = std::move(voters);
  config.seed = 7;
  return config;
}

template <class T>
std::vector<T> actions_of(const Output& out) {
  std::vector<T> found;
  for (const Action& action : out.actions) {
    if (const auto* it = std::get_if<T>(&action.what)) found.push_back(*it);
  }
  return found;
}

template <class T>
std::size_t count_events(const Output& out) {
  std::size_t n = 0;
  for (const auto& event : out.events) n += std::holds_alternative<T>(event) ? 1 : 0;
  return n;
}

std::string payload_of(const Output& out, const Outgoing& message) {
  wire::FrameBuffer frames;
  frames.feed(out.view(message.frame));
  auto payload = frames.next();
  REQUIRE(payload.ok());
  REQUIRE(payload->has_value());
  std::string bytes(**payload);
  REQUIRE(frames.pending() == 0);
  return bytes;
}

/// Completes every write that the last output asked for, at once and durably, until none is left.
void complete_writes(Driver& driver, const Moment& moment, Output& out) {
  std::vector<DiskWrite> writes = actions_of<DiskWrite>(out);
  while (!writes.empty()) {
    std::vector<DiskWrite> next;
    for (const DiskWrite& write : writes) {
      driver.step(moment, raft::Written{write.id, {}}, out);
      const auto more = actions_of<DiskWrite>(out);
      next.insert(next.end(), more.begin(), more.end());
    }
    writes = std::move(next);
  }
}

/// Fires the election timer of a cluster of one until it leads.
Moment elect(Driver& driver, Output& out) {
  Moment moment;
  for (int i = 0; i < 8 && driver.replica().role() != wire::Role::kLeader; ++i) {
    moment = moment_at(driver.deadline());
    driver.step(moment, raft::TimerDue{}, out);
    complete_writes(driver, moment, out);
  }
  REQUIRE(driver.replica().role() == wire::Role::kLeader);
  return moment;
}

}  // namespace

TEST_CASE("a driver tells at once what its replica woke up with") {
  Output out;
  raft::Durable survived;
  survived.current_term = 4;
  survived.voted_for = NodeId{3};
  Driver driver(config_of({NodeId{1}, NodeId{2}, NodeId{3}}), survived, moment_at(Instant{}), out);
  REQUIRE_FALSE(out.events.empty());
  const auto* boot = std::get_if<wire::trace::Boot>(&out.events.front());
  REQUIRE(boot != nullptr);
  CHECK(boot->term == 4);
  CHECK(boot->vote == NodeId{3});
  CHECK(driver.deadline() >= Instant{} + milliseconds(300));
  CHECK(driver.deadline() <= Instant{} + milliseconds(600));
}

TEST_CASE("a cluster of one logs a write, answers it once it is durable, and reads it back") {
  Output out;
  Driver driver(config_of({NodeId{1}}), {}, moment_at(Instant{}), out);
  const Moment moment = elect(driver, out);

  raft::Request request{.id = {ClientId{9}, 1}, .read_mode = {}, .command = {}};
  request.command.kind = wire::CommandKind::kWrite;
  request.command.key = "k";
  request.command.value = "v";
  driver.step(moment, request, out);
  CHECK(actions_of<Reply>(out).empty());
  const auto writes = actions_of<DiskWrite>(out);
  REQUIRE(writes.size() == 1);
  CHECK(writes[0].sync);
  CHECK(writes[0].range.count == 1);
  const storage::Batch batch = out.batch(writes[0]);
  ByteReader in(batch.entries);
  const wire::EntryView entry = wire::read_entry(in);
  REQUIRE(in.done());
  CHECK(entry.kind == wire::EntryKind::kCommand);
  CHECK(entry.term == driver.replica().current_term());

  driver.step(moment, raft::Written{writes[0].id, {}}, out);
  const auto replies = actions_of<Reply>(out);
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].id == request.id);
  CHECK(replies[0].reply.outcome == wire::Outcome::kOk);
  CHECK(replies[0].reply.at.index == batch.first);

  raft::Request read{.id = {ClientId{9}, 2}, .read_mode = wire::ReadMode::kIndex, .command = {}};
  read.command.key = "k";
  driver.step(moment, read, out);
  const auto answers = actions_of<Reply>(out);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].reply.value == "v");
}

TEST_CASE("a read by a lease is told with the true time at which it was judged") {
  Output out;
  raft::Config config = config_of({NodeId{1}});
  config.leases = true;
  Driver driver(std::move(config), {}, moment_at(Instant{}), out);
  Moment moment = elect(driver, out);
  moment.true_time += seconds(5);  // the clock that it decides by is slow
  raft::Request read{.id = {ClientId{9}, 1}, .read_mode = wire::ReadMode::kIndex, .command = {}};
  driver.step(moment, read, out);
  std::size_t reads = 0;
  for (const wire::trace::Event& event : out.events) {
    const auto* served = std::get_if<wire::trace::Read>(&event);
    if (served == nullptr) continue;
    ++reads;
    CHECK(served->basis == wire::trace::ReadBasis::kLease);
    CHECK(served->checked == moment.true_time);
  }
  CHECK(reads == 1);
}

TEST_CASE("each message leaves after the trace of its sending, and says what the trace says") {
  Output out;
  Driver driver(config_of({NodeId{1}, NodeId{2}, NodeId{3}}), {}, moment_at(Instant{}), out);
  driver.step(moment_at(driver.deadline()), raft::TimerDue{}, out);
  std::size_t messages = 0;
  for (const Action& action : out.actions) {
    const auto* message = std::get_if<Outgoing>(&action.what);
    if (message == nullptr) continue;
    ++messages;
    const std::string payload = payload_of(out, *message);
    const auto frame = wire::decode_peer(payload);
    REQUIRE(frame.ok());
    CHECK(frame->envelope.from == wire::endpoint_of(NodeId{1}));
    CHECK(frame->envelope.to == wire::endpoint_of(message->to));
    REQUIRE(action.events_before > 0);
    const auto* sent = std::get_if<wire::trace::Sent>(&out.events[action.events_before - 1]);
    REQUIRE(sent != nullptr);
    CHECK(sent->id == frame->envelope.id);
    CHECK(sent->to == message->to);
    CHECK(sent->message == wire::trace::summarize(frame->message, ""));
  }
  CHECK(messages == 2);
}

TEST_CASE("entries travel from a leader's log to a follower's disk unchanged") {
  Output out;
  Driver leader(config_of({NodeId{1}}), {}, moment_at(Instant{}), out);
  elect(leader, out);
  const std::string entries(leader.replica().encoded({1, 1}));

  raft::Config config = config_of({NodeId{1}, NodeId{2}});
  config.self = NodeId{2};
  Driver follower(config, {}, moment_at(Instant{}), out);
  wire::Append append;
  append.term = leader.replica().current_term();
  append.count = 1;
  std::string payload;
  wire::encode_peer(payload, NodeId{1}, NodeId{2}, MessageId{77}, append, entries);
  const auto frame = wire::decode_peer(payload);
  REQUIRE(frame.ok());
  follower.receive(moment_at(Instant{} + milliseconds(1)), *frame, out);

  const auto* received = std::get_if<wire::trace::Received>(&out.events.front());
  REQUIRE(received != nullptr);
  CHECK(received->from == NodeId{1});
  CHECK(received->id == MessageId{77});
  CHECK(received->message == wire::trace::summarize(append, entries));
  const auto writes = actions_of<DiskWrite>(out);
  REQUIRE(writes.size() == 1);
  CHECK(out.view(writes[0].entries) == entries);
  CHECK(actions_of<Outgoing>(out).empty());

  follower.step(moment_at(Instant{} + milliseconds(2)), raft::Written{writes[0].id, {}}, out);
  CHECK(actions_of<Outgoing>(out).size() == 1);
}

TEST_CASE("an election timer that a fast clock fires early leaves evidence before its effects") {
  Output out;
  SkewedClock clock;
  clock.set(Instant{}, {}, 1'000'000);  // twice as fast
  const auto moment = [&](Instant t) { return Moment{clock.at(t), t}; };
  Driver driver(config_of({NodeId{1}, NodeId{2}, NodeId{3}}), {}, moment(Instant{}), out);
  CHECK(count_events<wire::trace::ClockFlip>(out) == 0);
  const Instant due = clock.true_time_of(driver.deadline());
  driver.step(moment(due), raft::TimerDue{}, out);
  REQUIRE(count_events<wire::trace::ClockFlip>(out) == 1);
  const auto* flip = std::get_if<wire::trace::ClockFlip>(&out.events.front());
  REQUIRE(flip != nullptr);
  CHECK(flip->actual == due - Instant{});
  CHECK(flip->skewed >= 2 * flip->actual);
}

}  // namespace ww::host
