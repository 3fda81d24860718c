// Requests that gather for one write are in the log before they are on their way to the disk.
#include <catch2/catch.hpp>

#include "nodes/raft/replica.hpp"

namespace ww::raft {

namespace {

/// A leader of term 1 whose no-op, at index 1, is written, and that has gathered a command, at 2.
class GatheringLeader {
 public:
  GatheringLeader() : replica_(config(), Durable{}, Now{}, effects_) {
    now_.mono = replica_.deadline();
    feed(TimerDue{});
    from_n2(wire::PreVoteReply{1, true});
    feed(Written{last_write().id, {}});
    from_n2(wire::VoteReply{1, true});
    REQUIRE(replica_.role() == wire::Role::kLeader);
    feed(Written{last_write().id, {}});
    Request request;
    request.id = {ClientId{1}, 1};
    request.command.kind = wire::CommandKind::kOpenSession;
    feed(request);
    REQUIRE(replica_.last().index == 2);
    REQUIRE(write() == nullptr);
  }

  /// The machine of a cluster that went on without it, up to `at`, comes from n2 in one piece.
  void snapshot_from_n2(Term term, LogPosition at) {
    const std::string bytes =
        encode_snapshot(config().voters, kv::Machine(kv::Limits{.max_sessions = 10}));
    wire::InstallSnapshot m;
    m.term = term;
    m.at = at;
    m.total = bytes.size();
    m.size = static_cast<std::uint32_t>(bytes.size());
    m.data = bytes;
    from_n2(m);
  }

  void feed(const Input& input) {
    effects_.clear();
    replica_.step(now_, input, effects_);
    for (const Effect& effect : effects_) {
      if (const auto* done = std::get_if<Write>(&effect)) written_ = *done;
    }
  }
  void from_n2(const wire::PeerMessage& message) { feed(Received{NodeId{2}, message}); }
  /// The save that the last step asked for.
  [[nodiscard]] const Save* save() const {
    for (const Effect& effect : effects_) {
      if (const auto* found = std::get_if<Save>(&effect)) return found;
    }
    return nullptr;
  }
  /// The write that the last step asked for.
  [[nodiscard]] const Write* write() const {
    for (const Effect& effect : effects_) {
      if (const auto* found = std::get_if<Write>(&effect)) return found;
    }
    return nullptr;
  }
  [[nodiscard]] const Write& last_write() const { return written_; }
  [[nodiscard]] const Replica& replica() const { return replica_; }

 private:
  static Config config() {
    Config config;
    config.self = NodeId{1};
    config.voters = {NodeId{1}, NodeId{2}, NodeId{3}};
    config.gather = true;
    config.snapshots.entries = 1;
    return config;
  }
  Effects effects_;
  Replica replica_;
  Now now_;
  Write written_;
};

/// An append of term 2 whose one entry follows `prev`.
wire::Append append_after(LogPosition prev, std::string& entries) {
  entries.clear();
  wire::append_entry(entries, {2, wire::EntryKind::kNoop, {}});
  wire::Append m;
  m.term = 2;
  m.prev = prev;
  m.count = 1;
  m.entries = entries;
  return m;
}

}  // namespace

TEST_CASE("a gathered command that the next leader has too is written with what follows it") {
  GatheringLeader node;
  std::string entries;
  node.from_n2(append_after({2, 1}, entries));
  REQUIRE(node.write() != nullptr);
  CHECK(node.write()->entries == wire::EntryRange{2, 2});
}

TEST_CASE("a gathered command that the next leader has not is written by nobody") {
  GatheringLeader node;
  std::string entries;
  node.from_n2(append_after({1, 1}, entries));
  REQUIRE(node.write() != nullptr);
  CHECK(node.write()->entries == wire::EntryRange{2, 1});
  CHECK(node.replica().last() == LogPosition{2, 2});
}

TEST_CASE("a leader that loses its term while commands gather writes them then") {
  GatheringLeader node;
  node.from_n2(wire::AppendReply{2, false, 0, {}, 0});
  REQUIRE(node.write() != nullptr);
  CHECK(node.write()->entries == wire::EntryRange{2, 1});
  CHECK(node.write()->term == std::optional<Term>(2));
}

TEST_CASE("a leader that gathers takes no snapshot before what it gathered is on its way") {
  GatheringLeader node;
  node.from_n2(wire::AppendReply{1, true, 1, {}, 1});
  CHECK(node.replica().commit_index() == 1);
  CHECK(node.save() == nullptr);
  CHECK(node.write() == nullptr);
  node.feed(TimerDue{});
  REQUIRE(node.write() != nullptr);
  CHECK(node.write()->entries == wire::EntryRange{2, 1});
  REQUIRE(node.save() != nullptr);
  CHECK(node.save()->at == LogPosition{1, 1});
}

TEST_CASE("a snapshot replaces commands that gathered, whose write is on its way by then") {
  GatheringLeader node;
  node.snapshot_from_n2(2, {7, 1});
  REQUIRE(node.write() != nullptr);
  CHECK(node.write()->entries == wire::EntryRange{2, 1});
  REQUIRE(node.save() != nullptr);
  const WriteId gathered = node.write()->id;
  const SaveId save = node.save()->id;
  // It and another one are under way when the log is exchanged.
  std::string entries;
  node.from_n2(append_after({2, 1}, entries));
  REQUIRE(node.write() != nullptr);
  const WriteId overtaken = node.write()->id;
  node.feed(Saved{save, {}});
  CHECK(node.replica().last() == LogPosition{7, 1});
  CHECK(node.replica().commit_index() == 7);
  CHECK(node.replica().durability().stable_index() == 7);
  REQUIRE(node.write() != nullptr);
  CHECK(node.write()->reset_to == std::optional<LogPosition>({7, 1}));
  CHECK(node.write()->entries.count == 0);
  const WriteId reset = node.write()->id;
  // What they bring is of a log that is no more, and says nothing of what comes now.
  node.from_n2(append_after({7, 1}, entries));
  REQUIRE(node.write() != nullptr);
  CHECK(node.write()->entries == wire::EntryRange{8, 1});
  const WriteId behind = node.write()->id;
  for (const WriteId done : {gathered, overtaken, reset}) {
    node.feed(Written{done, {}});
    CHECK(node.replica().durability().stable_index() == 7);
  }
  node.feed(Written{behind, {}});
  CHECK(node.replica().durability().stable_index() == 8);
}

}  // namespace ww::raft
