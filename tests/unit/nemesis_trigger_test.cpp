// Faults that wait for an event, disks that fail, and the rest that stays broken.
#include <catch2/catch.hpp>

#include "faults/membership.hpp"
#include "tests/unit/nemesis_rig.hpp"

namespace ww::faults::testing {
namespace {

TEST_CASE("a fault with a trigger strikes within the call that tells the nth event of its node") {
  FaultSpec kill = fault("f1", "kill", "", seconds(1), seconds(1), Target::kTrigger);
  Rig rig({when(kill, TriggerEvent::kVoteGranted, NodeId{2}, 2, 3)});
  rig.tell(2, a_vote());  // before it is armed
  rig.run_until(at(seconds(5)));
  rig.tell(2, a_vote());
  rig.tell(3, a_vote());            // another node's
  rig.tell(2, a_vote(false));       // a refusal
  rig.tell(2, a_vote(true, true));  // a pre-vote
  rig.tell(2, an_append());
  CHECK(rig.cluster.log.empty());
  rig.tell(2, a_vote());
  CHECK(rig.cluster.log == Log{"let out n2 3", "kill n2"});
  rig.run_until(at(seconds(7)));
  CHECK(rig.cluster.log == Log{"let out n2 3", "kill n2", "start n2"});
  const FaultOutcome outcome = rig.outcome("f1");
  CHECK(outcome.effective);
  CHECK(outcome.injected_at == at(seconds(5)));
  CHECK(outcome.healed_at == at(seconds(6)));
}

TEST_CASE("triggers know their events, of any node where none is named") {
  using wire::Role;
  const std::vector<wire::trace::Event> events = {a_vote(),
                                                  an_append(),
                                                  wire::trace::Truncated{3},
                                                  a_sync(),
                                                  a_role(Role::kLeader),
                                                  wire::trace::Committed{{1, 1}},
                                                  wire::trace::Snapshot{}};
  const std::vector<std::string_view> names = trigger_event_names();
  REQUIRE(names.size() == events.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    const TriggerEvent event = trigger_event_of(names[i]);
    REQUIRE(event != TriggerEvent::kNone);
    for (std::size_t j = 0; j < events.size(); ++j) CHECK(matches(event, events[j]) == (i == j));
  }
  CHECK_FALSE(matches(TriggerEvent::kSynced, a_sync(false)));
  CHECK_FALSE(matches(TriggerEvent::kElectionWon, a_role(Role::kCandidate)));
  wire::trace::Snapshot loaded;
  loaded.act = wire::trace::SnapshotAct::kLoaded;
  CHECK_FALSE(matches(TriggerEvent::kSnapshot, loaded));
  CHECK_FALSE(matches(TriggerEvent::kNone, a_sync()));

  FaultSpec cut =
      fault("f1", "partition", "isolate-leader", seconds(1), seconds(1), Target::kTrigger);
  Rig rig({when(cut, TriggerEvent::kElectionWon, kNobody, 2)});
  rig.run_until(at(seconds(2)));
  rig.tell(4, a_role(Role::kLeader));
  rig.tell(5, a_role(Role::kLeader));
  CHECK(rig.links.is_cut(wire::Endpoint{5}, wire::Endpoint{1}));
  CHECK(rig.links.is_cut(wire::Endpoint{1}, wire::Endpoint{5}));
  CHECK_FALSE(rig.links.is_cut(wire::Endpoint{4}, wire::Endpoint{1}));
  CHECK(rig.outcome("f1").nodes == std::vector<NodeId>{NodeId{5}});
}

TEST_CASE("a trigger whose fault finds nobody waits for the next event") {
  FaultSpec pause =
      on(fault("f2", "pause", "", seconds(1), seconds(1), Target::kNamed), {NodeId{2}});
  Rig rig({on(fault("f1", "kill", "", seconds(1), seconds(2), Target::kNamed), {NodeId{2}}),
           when(pause, TriggerEvent::kCommit, kNobody, 1)});
  rig.run_until(at(seconds(2)));
  rig.tell(1, wire::trace::Committed{{5, 1}});
  CHECK_FALSE(rig.outcome("f2").injected);
  rig.run_until(at(seconds(4)));
  CHECK(rig.cluster.log == Log{"kill n2", "start n2"});
  rig.tell(1, wire::trace::Committed{{6, 1}});
  CHECK(rig.cluster.log == Log{"kill n2", "start n2", "pause n2"});
}

TEST_CASE("a trigger whose event does not come is skipped at the time limit") {
  Rig rig({when(fault("f1", "kill", "", seconds(1), seconds(1), Target::kOne),
                TriggerEvent::kTruncate, kNobody, 1)},
          true);
  rig.run_until(at(seconds(41)));
  CHECK(rig.nemesis.finished());
  CHECK_FALSE(rig.outcome("f1").injected);
  REQUIRE(rig.marks.size() == 1);
  CHECK(rig.marks[0].phase == Phase::kSkip);
  rig.tell(1, wire::trace::Truncated{1});
  CHECK(rig.cluster.log.empty());

  Rig stopped({when(fault("f1", "kill", "", seconds(1), seconds(1), Target::kOne),
                    TriggerEvent::kTruncate, kNobody, 1)});
  stopped.run_until(at(seconds(3)));
  stopped.nemesis.heal_all(at(seconds(3)));
  stopped.tell(1, wire::trace::Truncated{1});
  CHECK(stopped.cluster.log.empty());
}

TEST_CASE("an executed plan keeps its triggers and does the same again") {
  FaultSpec kill = fault("f1", "kill", "", seconds(1), seconds(3), Target::kTrigger);
  FaultSpec loss = fault("f2", "power-loss", "torn", seconds(2), seconds(1), Target::kMajority);
  const std::vector<FaultSpec> faults = {when(kill, TriggerEvent::kAppend, kNobody, 2, 1),
                                         when(loss, TriggerEvent::kAppend, NodeId{4}, 2)};
  const auto play = [](Rig& rig) {
    for (std::uint32_t i = 0; i < 8; ++i) {
      rig.run_until(at(milliseconds(2500 + 400 * i)));
      rig.tell(2 + i % 3, an_append());
    }
    rig.run_until(at(seconds(41)));
  };
  Rig first(faults);
  play(first);
  const Plan executed = first.nemesis.executed();
  REQUIRE(executed.faults.size() == 2);
  CHECK(executed.faults[0].trigger == faults[0].trigger);
  CHECK(executed.faults[0].at == at(seconds(1)));
  CHECK(executed.faults[0].target == Target::kTrigger);
  CHECK(executed.faults[1].nodes.size() == 3);
  const Result<Plan> read = parse_plan(to_json(executed), "plan.json");
  REQUIRE(read.ok());
  Rig second(*read);
  play(second);
  CHECK(second.cluster.log == first.cluster.log);
  CHECK(second.nemesis.executed() == executed);
}

TEST_CASE("a slow disk counts when a write became durable late, and heals") {
  FaultSpec slow =
      on(fault("f1", "disk", "slow", seconds(1), seconds(2), Target::kNamed), {NodeId{3}});
  slow.params["sync_ms"] = 40;
  FaultSpec slower =
      on(fault("f2", "disk", "slow", seconds(2), seconds(2), Target::kNamed), {NodeId{3}});
  slower.params["sync_ms"] = 90;
  Rig rig({slow, slower});
  rig.run_until(at(milliseconds(1040)));
  rig.sync(3, true, Duration{0});  // was under way
  CHECK_FALSE(rig.outcome("f1").effective);
  rig.sync(4, true, milliseconds(39));
  CHECK_FALSE(rig.outcome("f1").effective);
  rig.tell(3, a_sync());  // what the node says is no evidence
  CHECK_FALSE(rig.outcome("f1").effective);
  rig.sync(3, true, milliseconds(39));
  CHECK(rig.outcome("f1").effective);
  CHECK(rig.outcome("f1").evidence == "1 syncs were late, by up to 39 ms");
  rig.run_until(at(seconds(5)));
  CHECK(rig.cluster.log == Log{"disk n3 40", "disk n3 90", "disk n3 90", "disk n3 0"});
  CHECK_FALSE(rig.outcome("f2").effective);
}

TEST_CASE("a node whose write failed stays down until its disk is replaced") {
  Rig rig(
      {on(fault("f1", "disk", "write-error", seconds(1), seconds(3), Target::kNamed), {NodeId{1}}),
       on(fault("f2", "kill", "", seconds(2), milliseconds(500), Target::kNamed), {NodeId{1}}),
       on(fault("f3", "disk", "write-error", seconds(6), seconds(1), Target::kNamed),
          {NodeId{2}})});
  rig.run_until(at(milliseconds(1500)));
  rig.tell(1, a_sync(false));
  CHECK_FALSE(rig.outcome("f1").effective);
  rig.sync(1, false, Duration{0});
  rig.cluster.die(NodeId{1});
  rig.run_until(at(seconds(5)));
  CHECK(rig.cluster.log == Log{"disk n1 0 fails", "disk n1 0", "start n1", "kill n1", "start n1"});
  CHECK(rig.outcome("f1").evidence == "a write of n1 failed");
  rig.run_until(at(seconds(9)));
  CHECK_FALSE(rig.outcome("f3").effective);  // nothing was written
  CHECK(rig.all_run());
}

TEST_CASE("a paused node whose disk failed runs on, to its end") {
  Rig rig(
      {on(fault("f1", "disk", "sync-error", seconds(1), seconds(3), Target::kNamed), {NodeId{1}}),
       on(fault("f2", "pause", "", seconds(2), seconds(1), Target::kNamed), {NodeId{1}})});
  rig.run_until(at(milliseconds(2500)));
  rig.sync(1, false, Duration{0});  // from before the pause, and heard of now
  CHECK(rig.cluster.log == Log{"disk n1 0 fails", "pause n1", "resume n1"});
  rig.cluster.die(NodeId{1});
  rig.run_until(at(seconds(5)));
  CHECK(rig.cluster.log ==
        Log{"disk n1 0 fails", "pause n1", "resume n1", "disk n1 0", "start n1"});
}

TEST_CASE("a node whose disk failed before the heal starts again, however late that is told") {
  for (const bool at_the_end : {false, true}) {
    INFO("after all is healed: " << at_the_end);
    Rig rig({on(fault("f1", "disk", "sync-error", seconds(1), seconds(1), Target::kNamed),
                {NodeId{1}})});
    rig.run_until(at(seconds(3)));
    if (at_the_end) rig.nemesis.heal_all(at(seconds(3)));
    rig.sync(1, false, Duration{0});
    rig.cluster.die(NodeId{1});
    CHECK(rig.cluster.log == Log{"disk n1 0 fails", "disk n1 0", "start n1"});
  }
}

TEST_CASE("what hung counts when it ends, by the heal") {
  Rig rig({on(fault("f1", "disk", "hung", seconds(1), seconds(3), Target::kNamed), {NodeId{2}})});
  rig.run_until(at(milliseconds(4100)));
  CHECK_FALSE(rig.outcome("f1").effective);
  rig.sync(2, true, milliseconds(2900));
  CHECK(rig.outcome("f1").effective);
  CHECK(rig.outcome("f1").evidence == "1 syncs were late, by up to 2.9 s");
  CHECK(rig.cluster.log == Log{"disk n2 0 hangs", "disk n2 0"});
}

TEST_CASE("damage keeps to a minority until what was damaged is covered") {
  // Five nodes: two may be damaged at a time.
  Rig rig(
      {on(fault("f1", "disk", "wipe", seconds(1), seconds(1), Target::kNamed),
          {NodeId{1}, NodeId{2}, NodeId{3}}),
       on(fault("f2", "disk", "wipe", seconds(6), milliseconds(500), Target::kNamed),
          {NodeId{4}, NodeId{5}}),
       on(fault("f3", "disk", "wipe", seconds(11), milliseconds(500), Target::kNamed), {NodeId{4}}),
       on(fault("f4", "disk", "flip-log", seconds(15), milliseconds(500), Target::kNamed),
          {NodeId{4}})});
  rig.run_until(at(milliseconds(1500)));
  const std::vector<NodeId> hit = rig.outcome("f1").nodes;
  REQUIRE(hit.size() == 2);
  for (const NodeId node : hit) {
    rig.nemesis.note_damage(node, {true, "wiped"}, rig.cluster.now);
    rig.nemesis.note_doubt(node, false, rig.cluster.now);
  }
  CHECK(rig.outcome("f1").effective);
  rig.run_until(at(seconds(11)));
  CHECK_FALSE(rig.outcome("f2").injected);
  // Covered, but as long as the disk does not know, a start would be in doubt again.
  const auto store = [&](wire::trace::StoreOp op, const char* file) {
    for (const NodeId node : hit) {
      wire::trace::Store event;
      event.op = op;
      event.file = file;
      rig.nemesis.note_store(node, event);
    }
  };
  for (const NodeId node : hit) rig.nemesis.note_doubt(node, true, rig.cluster.now);
  store(wire::trace::StoreOp::kSyncDir, "");  // of something else
  store(wire::trace::StoreOp::kUnlink, "doubt");
  rig.run_until(at(seconds(14)));
  CHECK_FALSE(rig.outcome("f3").injected);
  store(wire::trace::StoreOp::kSyncDir, "");
  rig.run_until(at(milliseconds(15600)));
  CHECK(rig.outcome("f4").injected);
  // It refuses, and starts again on an empty disk.
  rig.cluster.die(NodeId{4});
  rig.nemesis.node_refused(NodeId{4}, rig.cluster.now);
  CHECK(rig.cluster.log.back() == "start n4");
  CHECK(rig.all_run());
}

TEST_CASE("damage that may not be done says why") {
  NemesisOptions options;
  options.fewest_voters = 2;
  Rig rig(Rig::make({on(fault("f1", "disk", "wipe", seconds(1), seconds(1), Target::kNamed),
                        {NodeId{1}})},
                    false, 7),
          options);
  rig.run_until(at(seconds(9)));
  CHECK(rig.cluster.log.empty());
  REQUIRE(rig.marks.size() == 1);
  CHECK(rig.marks.front().description.ends_with("none may be damaged"));
}

TEST_CASE("named voters count for how many may be left") {
  Plan plan = Rig::make({}, false, 7);
  CHECK(fewest_voters(plan, 5) == 5);
  plan.faults = {fault("f1", "membership", "shrink", seconds(1), seconds(1), Target::kByShape)};
  CHECK(fewest_voters(plan, 5) == 3);
  plan.faults.push_back(
      on(fault("f2", "membership", "shrink", seconds(3), seconds(1), Target::kNamed),
         {NodeId{1}, NodeId{4}}));
  CHECK(fewest_voters(plan, 5) == 2);
}

TEST_CASE("at the end the rest stays dead or cut, and everything else heals") {
  Rig rig({fault("f1", "power-loss", "nothing", seconds(1), seconds(9), Target::kAll),
           fault("f2", "partition", "halves", seconds(1), seconds(9), Target::kByShape)});
  rig.run_until(at(seconds(2)));
  const Link deaf{NodeId{1}, NodeId{5}};
  rig.nemesis.heal_all(at(seconds(2)), {.dead = {NodeId{4}}, .cut = {deaf}});
  CHECK(rig.cluster.log ==
        Log{"power-loss n1,n2,n3,n4,n5 nothing", "start n1", "start n2", "start n3", "start n5"});
  for (std::uint32_t i = 1; i <= 5; ++i) {
    for (std::uint32_t j = 1; j <= 5; ++j) {
      if (i == j) continue;
      CHECK(rig.links.is_cut(wire::Endpoint{i}, wire::Endpoint{j}) == (i == 1 && j == 5));
    }
  }
  Rig alive(std::vector<FaultSpec>{});
  alive.nemesis.heal_all(at(seconds(1)), {.dead = {NodeId{2}}, .cut = {}});
  CHECK(alive.cluster.log == Log{"kill n2"});
}

}  // namespace
}  // namespace ww::faults::testing
