// When the first voters count as the members again at the end of a run.
#include "controller/run/restoration.hpp"

#include <catch2/catch.hpp>

#include "faults/membership.hpp"
#include "tests/unit/nemesis_rig.hpp"

namespace ww::run {
namespace {

using faults::testing::at;
using Lines = std::vector<std::string>;

const NodeId n1{1};
const NodeId n2{2};
const NodeId n3{3};
const NodeId n4{4};
const wire::Configuration kFirstVoters{{n1, n2, n3}, {}, {}};

/// Three voters, a spare, and n1 leads.
TestSpec three_and_a_spare() {
  TestSpec spec;
  spec.nodes = 3;
  spec.spares = 1;
  return spec;
}

/// `configuration` is in force at all of `nodes`, and committed there.
void settle(faults::testing::FakeCluster& cluster, const std::vector<NodeId>& nodes,
            const wire::Configuration& configuration) {
  for (const NodeId node : nodes) cluster.of(node).members = {configuration, {5, 1}, 5};
}

TEST_CASE("the first voters are back when all of them are settled, not the leader alone") {
  struct Row {
    const char* what;
    faults::KnownMembers n2;
  };
  const Row rows[] = {
      {"another configuration, which nobody committed, is in force at n2",
       {{{n2, n4}, {}, {}}, {6, 2}, 5}},
      {"n2 is on the way to another one", {{{n1, n2, n3}, {n2, n4}, {}}, {6, 2}, 5}},
      {"n2 does not know that the first voters are committed", {kFirstVoters, {5, 1}, 4}},
      {"n2 has a learner", {{{n1, n2, n3}, {}, {n4}}, {5, 1}, 5}},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    faults::testing::FakeCluster cluster(4);
    settle(cluster, {n1, n3}, kFirstVoters);
    cluster.of(n2).members = row.n2;
    // What the spare takes for the members is its own affair.
    settle(cluster, {n4}, {{n2, n4}, {}, {}});
    Restoration restoration(three_and_a_spare());
    restoration.advance(at(seconds(1)), cluster);
    CHECK_FALSE(restoration.done());
    settle(cluster, {n2}, kFirstVoters);
    restoration.advance(at(seconds(2)), cluster);
    CHECK(restoration.done());
    CHECK_FALSE(restoration.failed(at(seconds(100))));
    // n1 has them already: there was nothing to ask it for.
    CHECK(cluster.log.empty());
  }
}

TEST_CASE(
    "whoever leads is asked for the first voters twice an election timeout until it has them") {
  TestSpec spec = three_and_a_spare();
  spec.election_timeout = milliseconds(200);
  faults::testing::FakeCluster cluster(4);
  settle(cluster, {n1, n2, n3, n4}, {{n2, n4}, {}, {}});
  SECTION("at once, where consensus is joint") {
    Restoration restoration(spec);
    restoration.advance(at(milliseconds(10)), cluster);
    restoration.advance(at(milliseconds(109)), cluster);
    CHECK(cluster.log == Lines{"members n1 n1,n2,n3 joint"});
    cluster.lead(2);
    restoration.advance(at(milliseconds(110)), cluster);
    cluster.lead(0);
    restoration.advance(at(milliseconds(210)), cluster);
    CHECK(cluster.log == Lines{"members n1 n1,n2,n3 joint", "members n2 n1,n2,n3 joint"});
    CHECK_FALSE(restoration.done());
  }
  SECTION("voter by voter else") {
    spec.membership = "single";
    Restoration restoration(spec);
    restoration.advance(at(milliseconds(10)), cluster);
    settle(cluster, {n1, n2, n3, n4}, {{n1, n2, n3, n4}, {}, {}});
    restoration.advance(at(milliseconds(110)), cluster);
    CHECK(cluster.log == Lines{"members n1 n1,n2,n4 single", "members n1 n1,n2,n3 single"});
  }
}

TEST_CASE("first voters that are not back within the limit are told") {
  TestSpec spec = three_and_a_spare();
  spec.recovery_limit = seconds(3);
  faults::testing::FakeCluster cluster(4);
  cluster.lead(0);
  Restoration restoration(spec);
  CHECK_FALSE(restoration.failed(at(seconds(50))));  // it has not begun
  restoration.advance(at(seconds(50)), cluster);
  CHECK_FALSE(restoration.failed(at(milliseconds(52'999))));
  CHECK(restoration.failed(at(seconds(53))));
}

}  // namespace
}  // namespace ww::run
