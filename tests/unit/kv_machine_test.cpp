// The key-value machine: its commands, its sessions, and its digest.
#include <catch2/catch.hpp>

#include "nodes/kv/machine.hpp"

namespace ww::kv {

namespace {

using wire::CommandKind;
using wire::Outcome;
using wire::Refusal;
using wire::trace::Execution;

wire::Command command(CommandKind kind, std::string key, std::string value = {},
                      std::string expected = {}) {
  return {kind, SessionId{0}, 0, std::move(key), std::move(value), std::move(expected)};
}

wire::Command in_session(SessionId session, std::uint64_t seq, wire::Command c) {
  c.session = session;
  c.seq = seq;
  return c;
}

/// Applies commands at indices 1, 2, ... of term 1.
struct Driver {
  Machine machine;
  bugs::Switches bugs;
  Index index = 0;
  Applied apply(const wire::Command& c) { return machine.apply({++index, 1}, c, bugs); }
};

}  // namespace

TEST_CASE("each command does what its name says and tells what was there") {
  struct Row {
    CommandKind kind;
    std::string value;
    std::string expected;
    bool existed;
    bool matched;
    std::string seen;   // in the answer
    std::string after;  // "-": the key is absent
  };
  const Row rows[] = {
      {CommandKind::kRead, "", "", false, true, "", "-"},
      {CommandKind::kCas, "b", "", false, false, "", "-"},
      {CommandKind::kWrite, "a", "", false, true, "", "a"},
      {CommandKind::kRead, "", "", true, true, "a", "a"},
      {CommandKind::kCas, "c", "b", true, false, "a", "a"},
      {CommandKind::kCas, "b", "a", true, true, "a", "b"},
      {CommandKind::kAppend, "x", "", true, true, "", "bx"},
      {CommandKind::kDelete, "", "", true, true, "", "-"},
      {CommandKind::kDelete, "", "", false, true, "", "-"},
      {CommandKind::kAppend, "y", "", false, true, "", "y"},
  };
  Driver d;
  for (const Row& row : rows) {
    const Applied applied = d.apply(command(row.kind, "k", row.value, row.expected));
    INFO("command " << d.index << ", " << wire::name_of(row.kind));
    CHECK(applied.execution == Execution::kExecuted);
    CHECK(applied.reply.outcome == Outcome::kOk);
    CHECK(applied.reply.at == LogPosition{d.index, 1});
    CHECK(applied.reply.exists == row.existed);
    CHECK(applied.reply.matched == row.matched);
    CHECK(applied.reply.value == row.seen);
    const wire::ClientReply after = d.machine.read("k");
    CHECK((after.exists ? after.value : "-") == row.after);
  }
}

TEST_CASE("a retry is answered from memory, with the first execution's position") {
  Driver d;
  const SessionId session = d.apply(command(CommandKind::kOpenSession, {})).reply.session;
  REQUIRE(session == SessionId{1});
  const auto append = in_session(session, 1, command(CommandKind::kAppend, "k", "x"));
  const Applied first = d.apply(append);
  const std::uint64_t digest = d.machine.digest();
  const Applied again = d.apply(append);
  CHECK(again.execution == Execution::kRepeated);
  CHECK(again.reply == first.reply);
  CHECK(again.reply.at.index == 2);
  CHECK(d.machine.digest() == digest);
  CHECK(d.machine.read("k").value == "x");
}

TEST_CASE("a session may skip numbers but never goes back") {
  Driver d;
  const SessionId session = d.apply(command(CommandKind::kOpenSession, {})).reply.session;
  CHECK(d.apply(in_session(session, 5, command(CommandKind::kAppend, "k", "x"))).execution ==
        Execution::kExecuted);
  const Applied stale = d.apply(in_session(session, 4, command(CommandKind::kAppend, "k", "y")));
  CHECK(stale.execution == Execution::kRefused);
  CHECK(stale.reply.outcome == Outcome::kUnknown);
  CHECK(stale.reply.refusal == Refusal::kExpired);
  const Applied zero = d.apply(in_session(session, 0, command(CommandKind::kAppend, "k", "y")));
  CHECK(zero.execution == Execution::kRefused);
  CHECK(d.machine.read("k").value == "x");
}

TEST_CASE("an unknown session and one session too many fail without effect") {
  Driver d{Machine(Limits{.max_sessions = 1}), {}, 0};
  const Applied unknown =
      d.apply(in_session(SessionId{7}, 1, command(CommandKind::kWrite, "k", "v")));
  CHECK(unknown.reply.outcome == Outcome::kFailed);
  CHECK(unknown.reply.refusal == Refusal::kExpired);
  CHECK(d.machine == Machine(Limits{.max_sessions = 1}));
  d.apply(command(CommandKind::kOpenSession, {}));
  const Applied over = d.apply(command(CommandKind::kOpenSession, {}));
  CHECK(over.reply.outcome == Outcome::kFailed);
  CHECK(over.reply.refusal == Refusal::kBusy);
  CHECK(d.machine.session_count() == 1);
}

TEST_CASE("a session expires by the log's time, and its commands are executed no more") {
  Driver d{Machine(Limits{.max_sessions = 2, .session_entries = 3}), {}, 0};
  const SessionId idle = d.apply(command(CommandKind::kOpenSession, {})).reply.session;
  const SessionId busy = d.apply(command(CommandKind::kOpenSession, {})).reply.session;
  const auto append = [&](SessionId session, std::uint64_t seq) {
    return d.apply(in_session(session, seq, command(CommandKind::kAppend, "k", "x")));
  };
  append(busy, 1);
  CHECK(append(idle, 1).execution == Execution::kExecuted);  // at 4: three after its last use
  append(busy, 2);
  append(busy, 2);  // no use: it is answered from memory
  append(idle, 1);  // nor is this, at 7, the last that finds it
  CHECK(d.machine.session_count() == 2);
  CHECK(append(busy, 3).execution == Execution::kExecuted);  // at 8: three after its last use
  CHECK(d.machine.session_count() == 1);
  const Machine before = d.machine;
  const Applied late = append(idle, 1);
  CHECK(late.execution == Execution::kRefused);
  CHECK(late.reply.outcome == Outcome::kFailed);
  CHECK(late.reply.refusal == Refusal::kExpired);
  CHECK(d.machine == before);
  CHECK(d.machine.read("k").value == "xxxx");
  // Its place is free, and a snapshot holds what is needed to go on.
  d.apply(command(CommandKind::kOpenSession, {}));
  std::string bytes;
  d.machine.encode(bytes);
  auto read = Machine::decode(bytes, Limits{.max_sessions = 2, .session_entries = 3});
  REQUIRE(read);
  CHECK(*read == d.machine);
  Driver twin{std::move(read).value(), {}, d.index};
  for (int i = 0; i < 6; ++i) {
    d.apply(command(CommandKind::kWrite, "w", "1"));
    twin.apply(command(CommandKind::kWrite, "w", "1"));
    CHECK(twin.machine == d.machine);
  }
  CHECK(d.machine.session_count() == 0);
}

TEST_CASE("the digest tells content and sessions apart, and not the way that led there") {
  // Of what happened lately, which is content too, nothing is left.
  const Limits forgetful{.history_entries = 1};
  Driver a{Machine(forgetful), {}, 0};
  Driver b{Machine(forgetful), {}, 0};
  CHECK(a.machine.digest() == b.machine.digest());
  a.apply(command(CommandKind::kWrite, "x", "1"));
  a.apply(command(CommandKind::kWrite, "y", "0"));
  a.apply(command(CommandKind::kWrite, "z", "3"));
  a.apply(command(CommandKind::kDelete, "z"));
  b.apply(command(CommandKind::kWrite, "y", "0"));
  CHECK(a.machine.digest() != b.machine.digest());
  b.apply(command(CommandKind::kWrite, "x", "1"));
  b.apply(command(CommandKind::kDelete, "y"));
  b.apply(command(CommandKind::kAppend, "y", "2"));
  a.apply(command(CommandKind::kWrite, "y", "2"));
  b.index = a.index;
  for (Driver* d : {&a, &b}) d->apply(command(CommandKind::kWrite, "x", "1"));
  for (Driver* d : {&a, &b}) d->apply(command(CommandKind::kRead, "x"));
  CHECK(a.machine.digest() == b.machine.digest());
  CHECK(a.machine == b.machine);

  a.index = b.index = 10;
  const SessionId session = a.apply(command(CommandKind::kOpenSession, {})).reply.session;
  CHECK(a.machine.digest() != b.machine.digest());
  b.apply(command(CommandKind::kOpenSession, {}));
  CHECK(a.machine.digest() == b.machine.digest());
  a.apply(in_session(session, 1, command(CommandKind::kRead, "x")));
  CHECK(a.machine.digest() != b.machine.digest());
}

TEST_CASE("no-dedupe executes a retry again and counts it") {
  Driver d;
  d.bugs.turn_on(bugs::Bug::kNoDedupe);
  const SessionId session = d.apply(command(CommandKind::kOpenSession, {})).reply.session;
  const auto append = in_session(session, 1, command(CommandKind::kAppend, "k", "x"));
  d.apply(append);
  CHECK(d.bugs.reached(bugs::Bug::kNoDedupe) == 0);
  CHECK(d.apply(append).execution == Execution::kExecuted);
  CHECK(d.machine.read("k").value == "xx");
  CHECK(d.bugs.reached(bugs::Bug::kNoDedupe) == 1);
}

TEST_CASE("every bug of the zoo has one row, found by its name") {
  for (const bugs::BugRow& row : bugs::registry()) {
    CHECK(bugs::bug_of(row.name) == row.bug);
    CHECK_FALSE(row.breaks.empty());
    CHECK_FALSE(row.source.empty());
  }
  CHECK(bugs::registry().size() == bugs::kBugCount);
  CHECK_FALSE(bugs::bug_of("no-such-bug"));
}

TEST_CASE("a machine is written and read whole, its sessions and their answers included") {
  Driver d;
  const SessionId session = d.apply(command(CommandKind::kOpenSession, "")).reply.session;
  d.apply(command(CommandKind::kWrite, "a", "1"));
  d.apply(command(CommandKind::kWrite, "b", std::string("\0x", 2)));
  const Applied first = d.apply(in_session(session, 1, command(CommandKind::kCas, "a", "2", "1")));
  std::string bytes;
  d.machine.encode(bytes);
  auto read = Machine::decode(bytes, {});
  REQUIRE(read);
  CHECK(*read == d.machine);
  CHECK(read->digest() == d.machine.digest());
  std::string again;
  read->encode(again);
  CHECK(again == bytes);
  // A retry is known to the machine that was read.
  const Applied retried = read->apply(
      {++d.index, 1}, in_session(session, 1, command(CommandKind::kCas, "a", "2", "1")), d.bugs);
  CHECK(retried.execution != Execution::kExecuted);
  CHECK(hash_of(retried.reply) == hash_of(first.reply));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(Machine::decode(std::string_view(bytes).substr(0, size), {}));
  }
  CHECK_FALSE(Machine::decode(bytes + '0', {}));
}

}  // namespace ww::kv
