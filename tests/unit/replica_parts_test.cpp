// The values that a replica is made of: its log, its knowledge of the disk, its view of a peer.
#include <algorithm>
#include <catch2/catch.hpp>

#include "base/rng.hpp"
#include "nodes/raft/durability.hpp"
#include "nodes/raft/log.hpp"
#include "nodes/raft/progress.hpp"

namespace ww::raft {

namespace {

Log log_of(const std::vector<Term>& terms) {
  Log log;
  for (const Term term : terms) log.append({term, wire::EntryKind::kCommand, "payload"});
  return log;
}

/// The leader's search for where two logs meet; returns the number of refusals.
int refusals(const Log& leader, const Log& follower) {
  Progress peer(NodeId{2}, leader.last_index() + 1, Instant{});
  for (int count = 0;; ++count) {
    const LogPosition prev{peer.next_index() - 1, leader.term_at(peer.next_index() - 1)};
    if (follower.has(prev)) return count;
    LogPosition conflict{follower.last_index() + 1, 0};
    if (prev.index <= follower.last_index()) {
      conflict = {follower.first_of_same_term(prev.index), follower.term_at(prev.index)};
    }
    REQUIRE(peer.rejected(prev.index, conflict, leader));
  }
}

}  // namespace

TEST_CASE("a log gives back what was appended, as one piece of memory") {
  Log log;
  CHECK(log.last() == LogPosition{0, 0});
  CHECK(log.has({0, 0}));
  log.append({1, wire::EntryKind::kNoop, {}});
  log.append({2, wire::EntryKind::kCommand, "abc"});
  CHECK(log.last() == LogPosition{2, 2});
  CHECK(log.at(2) == wire::EntryView{2, wire::EntryKind::kCommand, "abc"});
  CHECK(log.hash_at(2) == wire::entry_hash(2, log.at(2)));
  CHECK(log.bytes_between(0, 2) == log.encoded({1, 2}).size());

  Log copy;
  REQUIRE(copy.load({}, 2, std::string(log.encoded({1, 2}))));
  CHECK(copy == log);
  copy.truncate(2);
  copy.append({3, wire::EntryKind::kCommand, "abc"});
  CHECK(copy.has({1, 1}));
  CHECK_FALSE(copy.has({2, 2}));
  CHECK_FALSE(copy.has({3, 3}));
}

TEST_CASE("a log refuses bytes that are no log and says which entry") {
  const Log log = log_of({2, 2});
  const std::string good(log.encoded({1, 2}));
  Log out;
  CHECK(out.load({}, 3, good).error().message == "log entry 3 is malformed");
  CHECK(out.load({}, 1, good).error().message == "bytes behind the last log entry");
  CHECK(out.load({}, 2, good.substr(0, good.size() - 1)).error().code == ErrorCode::kCorrupt);
  const std::string falling = good + std::string(log_of({1}).encoded({1, 1}));
  CHECK(out.load({}, 3, falling).error().message ==
        "log entry 3 has a lower term than the one before it");
  CHECK(out == Log());
}

TEST_CASE("a batch is capped by bytes but never empty where there is an entry") {
  const Log log = log_of({1, 1, 1, 1});
  const std::uint64_t one = log.bytes_between(0, 1);
  CHECK(log.batch_from(1, 4 * one) == wire::EntryRange{1, 4});
  CHECK(log.batch_from(1, 3 * one - 1) == wire::EntryRange{1, 2});
  CHECK(log.batch_from(2, 0) == wire::EntryRange{2, 1});
  CHECK(log.batch_from(5, one) == wire::EntryRange{5, 0});
}

TEST_CASE("finding where logs meet takes one refusal a divergent term at most") {
  struct Row {
    std::vector<Term> leader;
    std::vector<Term> follower;
    int refusals;
  };
  // The first three are figure 7's a, d and f; the rest are worse.
  const Row rows[] = {
      {{1, 1, 1, 4, 4, 5, 5, 6, 6, 6}, {1, 1, 1, 4, 4, 5, 5, 6, 6}, 1},
      {{1, 1, 1, 4, 4, 5, 5, 6, 6, 6}, {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7}, 0},
      {{1, 1, 1, 4, 4, 5, 5, 6, 6, 6}, {1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3}, 1},
      {{1, 1, 1, 4, 4, 4, 4}, {1, 1, 1, 2, 2, 3, 3}, 1},
      {{1, 2, 2, 2, 2, 5}, {1, 2, 3, 3, 4, 4}, 2},
      {{1, 1, 1, 1, 1, 1}, {1, 2, 2, 3, 3, 3}, 2},
      {{3, 3, 3}, {}, 1},
  };
  for (const Row& row : rows) {
    CHECK(refusals(log_of(row.leader), log_of(row.follower)) <= row.refusals);
  }
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    INFO("seed " << seed);
    Rng rng = keyed(seed, "logs");
    std::vector<Term> logs[2];
    for (auto& terms : logs) {
      Term term = 1;
      for (std::uint64_t i = rng.below(12); i > 0; --i) {
        term += rng.below(3) == 0 ? 1 + rng.below(2) : 0;
        terms.push_back(term);
      }
    }
    std::vector<Term> distinct = logs[1];
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    const int found = refusals(log_of(logs[0]), log_of(logs[1]));
    CHECK(found <= static_cast<int>(distinct.size()) + 1);
  }
}

TEST_CASE("a stale or repeated refusal moves nothing") {
  const Log log = log_of({1, 1, 1, 2, 2});
  Progress peer(NodeId{2}, 6, Instant{});
  REQUIRE(peer.rejected(5, {3, 0}, log));
  CHECK(peer.next_index() == 3);
  const Progress before = peer;
  CHECK_FALSE(peer.rejected(5, {3, 0}, log));
  CHECK_FALSE(peer.rejected(4, {1, 0}, log));
  CHECK(peer == before);
  CHECK(peer.accepted(4));
  CHECK(peer.match_index() == 4);
  CHECK_FALSE(peer.accepted(2));
  CHECK(peer.match_index() == 4);
  CHECK_FALSE(peer.rejected(4, {1, 0}, log));
  CHECK(peer.next_index() == 5);
}

TEST_CASE("appends to one peer are pipelined up to a bound, and acknowledgements make room") {
  Progress peer(NodeId{2}, 1, Instant{});
  CHECK(peer.has_room(kMaxInFlightAppends));
  peer.sent({1, 1});
  CHECK_FALSE(peer.has_room(kMaxInFlightAppends));  // A probe is under way.
  CHECK(peer.accepted(1));
  for (Index i = 2; i < 2 + kMaxInFlightAppends; ++i) {
    REQUIRE(peer.has_room(kMaxInFlightAppends));
    peer.sent({i, 1});
  }
  CHECK_FALSE(peer.has_room(kMaxInFlightAppends));
  CHECK(peer.accepted(3));
  CHECK(peer.has_room(kMaxInFlightAppends));
  CHECK(peer.next_index() == 2 + kMaxInFlightAppends);
}

TEST_CASE("a completed write counts only as far as its entries are still those of the log") {
  Durability d({1, NodeId{1}}, 3);
  const WriteId first = d.issue({1, NodeId{1}}, 6, true, Instant{});
  CHECK(d.needed_for(5) == first);
  d.truncated(5);
  const WriteId second = d.issue({2, kNobody}, 5, true, Instant{});
  CHECK(d.needed_for(4) == first);
  CHECK(d.needed_for(5) == second);
  CHECK(d.needed_for(HardState{2, kNobody}) == second);
  CHECK(d.complete(first, Instant{}).tail_replaced);
  CHECK(d.stable_index() == 4);
  CHECK(d.state() == HardState{1, NodeId{1}});
  CHECK_FALSE(d.complete(second, Instant{}).tail_replaced);
  CHECK(d.stable_index() == 5);
  CHECK(d.state() == HardState{2, kNobody});
}

TEST_CASE("an unsynced write makes nothing durable until a synced one follows") {
  Durability d({1, kNobody}, 0);
  const WriteId unsynced = d.issue({1, kNobody}, 2, false, Instant{});
  CHECK_FALSE(d.complete(unsynced, Instant{}).synced);
  CHECK(d.stable_index() == 0);
  const WriteId synced = d.issue({1, kNobody}, 3, true, Instant{});
  CHECK(d.needed_for(1) == synced);
  CHECK(d.complete(synced, Instant{}).synced);
  CHECK(d.stable_index() == 3);
}

}  // namespace ww::raft
