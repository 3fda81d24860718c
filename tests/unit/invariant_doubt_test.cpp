// Corrupt: by whom a damaged node is covered, and who counts it before that.
#include <catch2/catch.hpp>

#include "tests/unit/invariant_tale.hpp"

namespace ww::test {
namespace {

const wire::Configuration kWithoutN3{{NodeId{1}, NodeId{2}, NodeId{4}}, {}, {}};
const wire::Configuration kWithoutN4{{NodeId{1}, NodeId{2}, NodeId{3}}, {}, {}};

/// How many of its breaches of Corrupt name `node` first; every other rule holds.
std::size_t breaches_of(const Tale& tale, const std::string& node, std::uint32_t nodes) {
  const auto results = tell(tale.steps, nodes);
  INFO(violations_of(results));
  std::size_t count = 0;
  for (const auto& [id, result] : results) {
    INFO(id);
    if (id != "Corrupt") CHECK(result.verdict != Verdict::kInvalid);
    for (const Violation& violation : result.violations) {
      count += violation.property == "Corrupt" && violation.nodes.front() == node ? 1U : 0U;
    }
  }
  CHECK(results.at("Corrupt").evaluated > 0);
  return count;
}

/// n3 removed n4 at index 4, which nobody else has. n1 leads term 2 in its place, and has heard
/// that n4 lost its disk; its entry 3 is to cover n4.
Tale damaged_n4() {
  Tale tale(4);
  tale.elect(3, 1, {1, 2});
  for (const int n : {1, 2, 4}) tale.replicate_fully(3, n, 0);
  tale.commit(3, 1).apply_to_commit(3);
  tale.append(3, {{1, "x"}, {1, "y"}});
  tale.configure(3, 1, kWithoutN4).write_and_sync(3);
  tale.elect(1, 2, {2, 4});
  tale.replicate_fully(1, 2, 1).replicate_fully(1, 4, 1);
  tale.commit(1, 2).apply_to_commit(1);
  tale.die(4, Fate::kWiped).start(4);
  tale.receive(1, 4, tale.replicate(1, 4, 0, true));
  tale.append(1, {{2, ""}}).write_and_sync(1);
  tale.replicate_fully(1, 2, 2);
  tale.receive(1, 4, tale.replicate(1, 4, 2, true));
  return tale;
}

TEST_CASE("what covers a node is held by a quorum of its leader's configuration, or a later one") {
  Tale tale = damaged_n4();
  SECTION("in force when it was appended") {
    tale.replicate_fully(1, 3, 1).commit(1, 3).apply_to_commit(1).replicate_fully(1, 4, 3);
    CHECK(breaches_of(tale, "n4", 4) == 0);
  }
  SECTION("appended since") {
    tale.configure(1, 2, kWithoutN3).write_and_sync(1).replicate_fully(1, 2, 3);
    tale.commit(1, 4).apply_to_commit(1).replicate_fully(1, 4, 3);
    CHECK(breaches_of(tale, "n4", 4) == 0);
  }
  SECTION("not by one of n3's, which did not append it") {
    tale.commit(1, 3).apply_to_commit(1).replicate_fully(1, 4, 3);
    CHECK(breaches_of(tale, "n4", 4) == 1);
  }
}

/// n1 leads term 1, and n3, which lost its disk, says in its answers that it is in doubt. What n1
/// appends then, entry 2, is at n1 and n3.
Tale doubted_n3() {
  Tale tale(3);
  tale.elect(1, 1, {2, 3});
  tale.replicate_fully(1, 2, 0).replicate_fully(1, 3, 0);
  tale.commit(1, 1).apply_to_commit(1);
  tale.die(3, Fate::kWiped).start(3);
  tale.receive(1, 3, tale.replicate(1, 3, 0, true));
  tale.append(1, {{1, ""}}).write_and_sync(1);
  tale.receive(1, 3, tale.replicate(1, 3, 1, true));
  return tale;
}

TEST_CASE("a leader that counts a node in doubt is told") {
  Tale tale = doubted_n3();
  SECTION("at once") {
    tale.commit(1, 2).apply_to_commit(1);
    CHECK(breaches_of(tale, "n1", 3) == 1);
  }
  SECTION("but not for one that it covered, nor for what that acknowledged meanwhile") {
    tale.append(1, {{1, "a"}}).write_and_sync(1);
    tale.receive(1, 3, tale.replicate(1, 3, 2, true));
    tale.replicate(1, 2, 1);
    tale.receive(1, 2, tale.send(2, 1, wire::AppendReply{1, true, 2, {}, 1}));
    tale.commit(1, 2).apply_to_commit(1).commit(1, 3).apply_to_commit(1);
    CHECK(breaches_of(tale, "n1", 3) == 0);
  }
  SECTION("one that is in doubt anew") {
    tale.replicate_fully(1, 2, 1).commit(1, 2).apply_to_commit(1).replicate_fully(1, 3, 2);
    tale.die(3, Fate::kWiped).start(3);
    tale.append(1, {{1, "a"}}).write_and_sync(1);
    tale.receive(1, 3, tale.replicate(1, 3, 0, true));
    tale.commit(1, 3).apply_to_commit(1);
    CHECK(breaches_of(tale, "n1", 3) == 1);
  }
}

TEST_CASE("an acknowledgement from before the loss counts until the leader hears of the doubt") {
  for (const bool heard : {false, true}) {
    INFO("the leader heard of it: " << heard);
    Tale tale(3);
    tale.elect(1, 1, {2, 3});
    const MessageId before = tale.replicate(1, 3, 0);
    tale.die(3, Fate::kWiped).start(3).set_term(3, 1, 0).role(3, wire::Role::kFollower, 1);
    tale.write_and_sync(3);
    const MessageId doubt = tale.send(3, 1, wire::AppendReply{1, false, 1, {1, 0}, 1, 2});
    if (heard) tale.receive(1, 3, doubt);
    tale.receive(1, 3, before).commit(1, 1).apply_to_commit(1);
    if (!heard) {
      // The next is another matter.
      tale.receive(1, 3, doubt).append(1, {{1, "a"}}).write_and_sync(1);
      tale.replicate_fully(1, 2, 0).commit(1, 2).apply_to_commit(1);
    }
    CHECK(breaches_of(tale, "n1", 3) == (heard ? 1 : 0));
  }
}

}  // namespace
}  // namespace ww::test
