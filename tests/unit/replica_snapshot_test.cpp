// What a follower makes of another node's snapshot that was overtaken by what came meanwhile.
#include <catch2/catch.hpp>

#include "nodes/raft/replica.hpp"

namespace ww::raft {

namespace {

/// A follower of n2 in term 2 to which a snapshot comes in one piece, and that is asked to save it.
class Receiver {
 public:
  explicit Receiver(LogPosition at) : replica_(config(), Durable{}, Now{}, effects_) {
    append({0, 0}, {1, 1, 1, 1, 1});  // Of the term before.
    complete_writes();
    wire::Append heartbeat;
    heartbeat.term = 2;
    from_n2(heartbeat);  // So that the term is durable, and the save begins at once.
    complete_writes();
    const std::string bytes =
        encode_snapshot(config().voters, kv::Machine(kv::Limits{.max_sessions = 10}));
    wire::InstallSnapshot m;
    m.term = 2;
    m.at = at;
    m.total = bytes.size();
    m.size = static_cast<std::uint32_t>(bytes.size());
    m.data = bytes;
    from_n2(m);
  }

  /// Entries of these terms behind `prev`, from n2.
  void append(LogPosition prev, const std::vector<Term>& terms, Index commit = 0) {
    std::string entries;
    for (const Term term : terms) wire::append_entry(entries, {term, wire::EntryKind::kNoop, {}});
    wire::Append m;
    m.term = std::max(replica_.current_term(), terms.empty() ? Term{0} : terms.back());
    m.prev = prev;
    m.commit = commit;
    m.count = static_cast<std::uint32_t>(terms.size());
    m.entries = entries;
    from_n2(m);
  }
  void complete_writes() {
    while (done_ < replica_.durability().last_issued()) {
      feed(Written{WriteId{++done_.value}, {}});
    }
  }
  void saved() { feed(Saved{SaveId{1}, {}}); }
  void from_n2(const wire::PeerMessage& message) { feed(Received{NodeId{2}, message}); }

  /// What the last step said of the snapshot, and what it answered.
  [[nodiscard]] const wire::trace::Snapshot* told() const {
    for (const Effect& effect : effects_) {
      const auto* trace = std::get_if<Trace>(&effect);
      if (trace == nullptr) continue;
      if (const auto* found = std::get_if<wire::trace::Snapshot>(&trace->event)) return found;
    }
    return nullptr;
  }
  [[nodiscard]] const wire::InstallSnapshotReply* answered() const {
    for (const Effect& effect : effects_) {
      const auto* send = std::get_if<Send>(&effect);
      if (send == nullptr) continue;
      if (const auto* found = std::get_if<wire::InstallSnapshotReply>(&send->message)) return found;
    }
    return nullptr;
  }
  [[nodiscard]] const Replica& replica() const { return replica_; }

 private:
  static Config config() {
    Config config;
    config.self = NodeId{1};
    config.voters = {NodeId{1}, NodeId{2}, NodeId{3}};
    config.snapshots.trailing = 0;
    return config;
  }
  void feed(const Input& input) {
    effects_.clear();
    replica_.step(Now{}, input, effects_);
  }
  Effects effects_;
  Replica replica_;
  WriteId done_;
};

}  // namespace

TEST_CASE("a suffix that matches the snapshot is kept, though its very entry came after it") {
  Receiver node({7, 2});
  node.append({5, 1}, {2, 2, 2, 2});
  REQUIRE(node.replica().last() == LogPosition{9, 2});
  node.saved();
  REQUIRE(node.told() != nullptr);
  CHECK(node.told()->act == wire::trace::SnapshotAct::kInstalled);
  CHECK(node.told()->kept);
  CHECK(node.replica().commit_index() == 7);
  CHECK(node.replica().log().base() == LogPosition{7, 2});
  CHECK(node.replica().last() == LogPosition{9, 2});
  // What it says is durable: that much of the log, and not what is behind it.
  REQUIRE(node.answered() != nullptr);
  CHECK(node.answered()->success);
  CHECK(node.answered()->at == LogPosition{7, 2});
  CHECK(node.replica().durability().stable_index() == 7);
}

TEST_CASE("a suffix behind another entry than the snapshot's last is thrown away") {
  Receiver node({4, 2});
  REQUIRE(node.replica().last() == LogPosition{5, 1});
  node.saved();
  REQUIRE(node.told() != nullptr);
  CHECK(node.told()->act == wire::trace::SnapshotAct::kInstalled);
  CHECK_FALSE(node.told()->kept);
  CHECK(node.replica().commit_index() == 4);
  CHECK(node.replica().last() == LogPosition{4, 2});
  CHECK(node.replica().log().base() == LogPosition{4, 2});
}

TEST_CASE("a snapshot that the commit index has passed takes nothing back") {
  Receiver node({7, 2});
  node.append({5, 1}, {2, 2, 2, 2}, 8);
  REQUIRE(node.replica().last_applied() == 8);
  const std::uint64_t digest = node.replica().digest();
  node.saved();
  REQUIRE(node.told() != nullptr);
  CHECK(node.told()->act == wire::trace::SnapshotAct::kDurable);
  CHECK(node.replica().commit_index() == 8);
  CHECK(node.replica().last_applied() == 8);
  CHECK(node.replica().digest() == digest);
  CHECK(node.replica().last() == LogPosition{9, 2});
}

}  // namespace ww::raft
