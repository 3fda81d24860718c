// A replica's bytes are the replica. That every random schedule's replicas survive the way through
// them, step by step, is checked by the cluster of the random tests (raft_cluster.cpp).
#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "base/rng.hpp"
#include "nodes/raft/checkpoint.hpp"
#include "nodes/raft/describe.hpp"
#include "tests/unit/raft_cluster.hpp"
#include "tests/unit/test_seed.hpp"

namespace ww::raft::testing {

namespace {

/// A cluster of three whose n1 leads, has committed, and waits for more.
Cluster busy_cluster() {
  Config config;
  config.bugs.turn_on(bugs::Bug::kNoDedupe);
  Cluster cluster(3, config, {});
  const auto settle = [&cluster] {
    for (bool idle = false; !idle;) {
      idle = cluster.packets().empty();
      if (!idle) cluster.deliver(0);
      for (const Member& m : cluster.members()) {
        if (m.pending.empty()) continue;
        cluster.complete_write(m.id);
        idle = false;
      }
    }
  };
  cluster.advance_to(cluster.member(NodeId{1}).replica->deadline());
  cluster.timer(NodeId{1});
  settle();
  Request request{{ClientId{7}, 1}, wire::ReadMode::kIndex, {}};
  request.command.kind = wire::CommandKind::kOpenSession;
  cluster.request(NodeId{1}, request);
  settle();
  request.command.kind = wire::CommandKind::kWrite;
  request.command.key = "colour";
  request.command.value = "red";
  for (request.id.request = 2; request.id.request < 12; ++request.id.request) {
    cluster.request(NodeId{1}, request);
  }
  request.command.kind = wire::CommandKind::kRead;
  cluster.request(NodeId{1}, request);
  return cluster;
}

std::string bytes_of(const Replica& replica) {
  std::string out;
  encode_checkpoint(out, replica);
  return out;
}

const std::string* text_of(const std::vector<Fact>& facts, const std::string& name) {
  const auto found =
      std::find_if(facts.begin(), facts.end(), [&](const Fact& f) { return f.name == name; });
  return found == facts.end() ? nullptr : &found->text;
}

}  // namespace

TEST_CASE("a leader with work in hand comes back equal from its bytes, and goes on as it would") {
  const Cluster cluster = busy_cluster();
  const Replica& leader = *cluster.member(NodeId{1}).replica;
  REQUIRE(leader.role() == wire::Role::kLeader);
  const Result<Replica> back = decode_checkpoint(bytes_of(leader));
  REQUIRE(back);
  CHECK(*back == leader);
  CHECK(bytes_of(*back) == bytes_of(leader));
  Replica here = leader;
  Replica there = *back;
  Effects effects;
  for (int i = 0; i < 20; ++i) {
    const Now now{here.deadline(), here.deadline()};
    here.step(now, TimerDue{}, effects);
    there.step(now, TimerDue{}, effects);
    REQUIRE(here == there);
  }
}

TEST_CASE("a checkpoint of another version, cut short or lengthened is refused by name") {
  const Cluster cluster = busy_cluster();
  const std::string good = bytes_of(*cluster.member(NodeId{1}).replica);
  std::string other = good;
  other[0] = static_cast<char>(kCheckpointVersion + 1);
  const auto refused = decode_checkpoint(other);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kCorrupt);
  CHECK(refused.error().message.find("version " + std::to_string(kCheckpointVersion + 1)) !=
        std::string::npos);
  CHECK_FALSE(decode_checkpoint(good + "x"));
  for (std::size_t size = 0; size < good.size(); ++size) {
    REQUIRE_FALSE(decode_checkpoint(std::string_view(good).substr(0, size)));
  }
}

TEST_CASE("damaged checkpoints are refused, or are replicas that can be described and encoded") {
  INFO(test::repeat_with());
  const Cluster cluster = busy_cluster();
  const std::string good = bytes_of(*cluster.member(NodeId{1}).replica);
  Rng rng = keyed(test::seed(), "checkpoint.damage");
  std::size_t refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = good;
    for (std::uint64_t flips = rng.below(4) + 1; flips > 0; --flips) {
      bytes[rng.below(bytes.size())] = static_cast<char>(rng.next());
    }
    const auto decoded = decode_checkpoint(bytes);
    if (!decoded) {
      ++refused;
      continue;
    }
    REQUIRE_FALSE(describe(*decoded).empty());
    REQUIRE(decode_checkpoint(bytes_of(*decoded)));
  }
  CHECK(refused > 1000);
}

TEST_CASE("what a node starts from comes back, unless its log or its cluster makes no sense") {
  Config config;
  config.self = NodeId{2};
  config.voters = {NodeId{1}, NodeId{2}};
  config.seed = 77;
  Durable survived{4, NodeId{1}, {}, 1, {}, {}};
  wire::append_entry(survived.entries, {3, wire::EntryKind::kCommand, "x"});
  const auto encoded = [](const Config& c, const Durable& d) {
    std::string out;
    encode_start(out, c, d);
    return out;
  };
  const auto back = decode_start(encoded(config, survived));
  REQUIRE(back);
  CHECK(back->config == config);
  CHECK(back->survived.current_term == 4);
  CHECK(back->survived.entries == survived.entries);

  Config joining = config;
  joining.self = NodeId{3};
  CHECK(decode_start(encoded(joining, survived)));
  Config twice = config;
  twice.voters = {NodeId{2}, NodeId{2}};
  CHECK_FALSE(decode_start(encoded(twice, survived)));
  Durable nobody = survived;
  wire::append_entry(nobody.entries, {4, wire::EntryKind::kConfiguration, "nobody"});
  nobody.count = 2;
  CHECK_FALSE(decode_start(encoded(config, nobody)));
  Durable longer = survived;
  longer.count = 2;
  CHECK_FALSE(decode_start(encoded(config, longer)));
}

TEST_CASE("a description names every part of a leader's state, long lists cut short") {
  const Cluster cluster = busy_cluster();
  const Replica& leader = *cluster.member(NodeId{1}).replica;
  const std::vector<Fact> facts = describe(leader);
  const auto text = [&](const std::string& name) {
    INFO(name);
    const std::string* found = text_of(facts, name);
    REQUIRE(found != nullptr);
    return *found;
  };
  CHECK(text("role") == "leader");
  CHECK(text("current_term") == "1");
  CHECK(text("voted_for") == "n1");
  CHECK(text("commit_index") == "2");
  CHECK(text("last_applied") == "2");
  CHECK(text("log") == "12 entries: 1-12 of term 1");
  CHECK(text("peer n2").find("match_index 2") != std::string::npos);
  CHECK(text("writes").substr(0, 4) == "10: ");
  CHECK(text("writes").find(", ...") != std::string::npos);
  CHECK(text("batches").find("colour") != std::string::npos);
  CHECK(text("durability.stable_index") == "2");
  CHECK(text("machine.sessions").substr(0, 1) == "1");
  CHECK(text("config.bugs") == "no-dedupe (changed 0 decisions)");
  // A follower of the same cluster has other lines: what is remembered depends on the role.
  const std::vector<Fact> follower = describe(*cluster.member(NodeId{2}).replica);
  CHECK(*text_of(follower, "role") == "follower");
  CHECK(*text_of(follower, "leader") == "n1");
  CHECK(text_of(follower, "peer n1") == nullptr);
}

}  // namespace ww::raft::testing
