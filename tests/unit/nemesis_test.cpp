#include "faults/nemesis.hpp"

#include <catch2/catch.hpp>
#include <set>

#include "faults/membership.hpp"
#include "tests/unit/nemesis_rig.hpp"

namespace ww::faults::testing {
namespace {

TEST_CASE("a kill is injected at its time, seen as effective, and healed by a start") {
  Rig rig({on(fault("f1", "kill", "", seconds(2), seconds(1), Target::kNamed), {NodeId{3}})});
  CHECK(rig.nemesis.deadline() == at(seconds(2)));
  rig.run_until(at(milliseconds(1999)));
  CHECK(rig.cluster.log.empty());
  rig.run_until(at(milliseconds(2500)));
  CHECK(rig.cluster.log == Log{"kill n3"});
  CHECK(rig.nemesis.active() == std::vector<std::string>{"f1 kill"});
  rig.run_until(at(seconds(5)));
  CHECK(rig.cluster.log == Log{"kill n3", "start n3"});
  CHECK(rig.nemesis.finished());
  CHECK(rig.nemesis.deadline() == kNever);
  const FaultOutcome outcome = rig.outcome("f1");
  CHECK(outcome.effective);
  CHECK(outcome.injected_at == at(seconds(2)));
  CHECK(outcome.healed_at == at(seconds(3)));
  CHECK(outcome.evidence == "n3 died while serving");
  REQUIRE(rig.marks.size() == 2);
  CHECK(rig.marks[0].phase == Phase::kInject);
  CHECK(rig.marks[1].phase == Phase::kHeal);
  CHECK(rig.marks[1].nodes == std::vector<NodeId>{NodeId{3}});
}

TEST_CASE("a node that two faults keep down starts when the last of them heals") {
  Rig rig({on(fault("f1", "kill", "", seconds(1), seconds(3), Target::kNamed), {NodeId{1}}),
           fault("f2", "power-loss", "nothing", seconds(2), seconds(4), Target::kAll)});
  rig.run_until(at(seconds(5)));
  // n1 was down already: the power loss takes the others.
  CHECK(rig.cluster.log == Log{"kill n1", "power-loss n2,n3,n4,n5 nothing", "start n1"});
  rig.run_until(at(seconds(7)));
  CHECK(rig.all_run());
  CHECK(rig.outcome("f2").effective);
}

TEST_CASE("a kill of a paused node ends the pause, and nothing resumes the fresh process") {
  Rig rig(
      {on(fault("f1", "pause", "", seconds(1), seconds(3), Target::kNamed), {NodeId{2}}),
       on(fault("f2", "kill", "", seconds(2), milliseconds(500), Target::kNamed), {NodeId{2}})});
  rig.run_until(at(seconds(6)));
  CHECK(rig.cluster.log == Log{"pause n2", "kill n2", "start n2"});
  CHECK(rig.outcome("f1").effective);  // it stood still for a second before it died
  CHECK(rig.outcome("f2").effective);
}

TEST_CASE("a pause waits for a node that is down, and is skipped when it stays down") {
  Rig rig({on(fault("f1", "kill", "", seconds(1), seconds(2), Target::kNamed), {NodeId{2}}),
           on(fault("f2", "pause", "", seconds(2), seconds(1), Target::kNamed), {NodeId{2}})});
  rig.run_until(at(seconds(6)));
  CHECK(rig.cluster.log == Log{"kill n2", "start n2", "pause n2", "resume n2"});
  CHECK(rig.outcome("f2").injected_at >= at(seconds(3)));

  Rig longer({on(fault("f1", "kill", "", seconds(1), seconds(9), Target::kNamed), {NodeId{2}}),
              on(fault("f2", "pause", "", seconds(2), seconds(1), Target::kNamed), {NodeId{2}})});
  longer.run_until(at(seconds(12)));
  CHECK(longer.cluster.log == Log{"kill n2", "start n2"});
  CHECK_FALSE(longer.outcome("f2").injected);
  CHECK(std::any_of(longer.marks.begin(), longer.marks.end(),
                    [](const Mark& m) { return m.phase == Phase::kSkip && m.fault == "f2"; }));
}

TEST_CASE("a fault on the leader waits for one, then takes another node") {
  Rig rig({fault("f1", "kill", "", seconds(1), seconds(1), Target::kPrimaries)});
  rig.cluster.lead(0);
  rig.run_until(at(milliseconds(1800)));
  CHECK(rig.cluster.log.empty());
  rig.cluster.lead(4);
  rig.run_until(at(milliseconds(2000)));
  CHECK(rig.cluster.log == Log{"kill n4"});

  Rig never({fault("f1", "kill", "", seconds(1), seconds(1), Target::kPrimaries)});
  never.cluster.lead(0);
  never.run_until(at(seconds(5)));
  CHECK(never.cluster.log.size() == 2);
  CHECK(never.outcome("f1").injected_at >= at(milliseconds(2500)));
}

TEST_CASE("leader-deaf cuts what the leader hears, and only that") {
  Rig rig({fault("f1", "partition", "leader-deaf", seconds(1), seconds(1), Target::kByShape)});
  rig.cluster.lead(3);
  rig.run_until(at(milliseconds(1500)));
  for (std::uint32_t i = 1; i <= 5; ++i) {
    for (std::uint32_t j = 1; j <= 5; ++j) {
      if (i == j) continue;
      const bool cut = rig.links.is_cut(wire::Endpoint{i}, wire::Endpoint{j});
      CHECK(cut == (j == 3));
    }
  }
  rig.run_until(at(seconds(3)));
  CHECK(rig.links.healed());
  CHECK(rig.outcome("f1").effective);
  CHECK(rig.outcome("f1").nodes == std::vector<NodeId>{NodeId{3}});
}

TEST_CASE("a partition that blocked nothing is dealt again under a new id, within limits") {
  Rig rig({fault("f1", "partition", "halves", seconds(1), seconds(1), Target::kByShape)}, true);
  rig.chatty = false;
  rig.run_until(at(seconds(4)));
  rig.chatty = true;
  rig.run_until(at(seconds(39)));
  CHECK_FALSE(rig.outcome("f1").effective);
  const FaultOutcome again = rig.outcome("f1b");
  CHECK(again.spec.duration == seconds(1));
  CHECK(again.spec.at > at(seconds(2)));
  const std::vector<FaultOutcome> rows = rig.nemesis.outcomes();
  CHECK(rows.back().effective);
  CHECK(rows.size() <= 3);

  Rig silent({fault("f1", "partition", "halves", seconds(1), seconds(1), Target::kByShape)}, true);
  silent.chatty = false;
  silent.run_until(at(seconds(39)));
  CHECK(silent.nemesis.outcomes().size() == 4);  // the first, and three more
  REQUIRE(silent.nemesis.tally().size() == 1);
  CHECK(silent.nemesis.tally()[0].planned == 4);
  CHECK(silent.nemesis.tally()[0].injected == 4);
  CHECK(silent.nemesis.tally()[0].effective == 0);
}

TEST_CASE("a power loss that removed nothing is not effective") {
  Rig rig({fault("f1", "power-loss", "torn", seconds(1), seconds(1), Target::kMajority)});
  rig.cluster.unsynced = 0;
  rig.run_until(at(seconds(3)));
  CHECK_FALSE(rig.outcome("f1").effective);
  CHECK(rig.outcome("f1").nodes.size() == 3);
}

TEST_CASE("a kill of a node that did not serve yet is not effective") {
  Rig rig({on(fault("f1", "kill", "", seconds(1), seconds(1), Target::kNamed), {NodeId{1}})});
  rig.cluster.of(NodeId{1}).serving = false;
  rig.run_until(at(seconds(3)));
  CHECK(rig.outcome("f1").injected);
  CHECK_FALSE(rig.outcome("f1").effective);
}

TEST_CASE("drift counts only when it flipped a deadline, a bump when it was confirmed") {
  FaultSpec drift = on(fault("f1", "clock", "drift", seconds(1), seconds(2), Target::kNamed),
                       {NodeId{1}, NodeId{2}});
  drift.params["rate_ppm"] = 200'000;
  FaultSpec bump =
      on(fault("f2", "clock", "bump", seconds(2), seconds(2), Target::kNamed), {NodeId{2}});
  bump.params["offset_ms"] = -5000;
  Rig rig({drift, bump});
  rig.run_until(at(milliseconds(2500)));
  CHECK(rig.cluster.log == Log{"clock n1 0 200000", "clock n2 0 200000", "clock n2 -5000 200000"});
  CHECK_FALSE(rig.outcome("f1").effective);
  CHECK(rig.outcome("f2").effective);
  rig.nemesis.note_clock_flip(NodeId{5}, rig.cluster.now);
  CHECK_FALSE(rig.outcome("f1").effective);
  rig.nemesis.note_clock_flip(NodeId{2}, rig.cluster.now);
  CHECK(rig.outcome("f1").effective);
  rig.run_until(at(seconds(6)));
  CHECK(rig.clocks_true());
}

TEST_CASE("drifts that add up are held to the most that is allowed") {
  FaultSpec drift =
      on(fault("f1", "clock", "drift", seconds(1), seconds(2), Target::kNamed), {NodeId{1}});
  drift.params["rate_ppm"] = -40'000;
  FaultSpec more = drift;
  more.id = "f2";
  more.at = at(milliseconds(1500));
  NemesisOptions options;
  options.most_drift_ppm = 47'619;
  Rig rig(Rig::make({drift, more}, false, 7), options);
  rig.run_until(at(seconds(2)));
  CHECK(rig.cluster.log == Log{"clock n1 0 -40000", "clock n1 0 -47619"});
  rig.run_until(at(seconds(5)));
  CHECK(rig.clocks_true());
}

TEST_CASE("whoever leads is asked for its leadership, again and again, until the heal") {
  using wire::trace::TransferPhase;
  FaultSpec transfer =
      fault("f1", "transfer", "caught-up", seconds(1), milliseconds(900), Target::kPrimaries);
  transfer.params["every_ms"] = 400;
  Rig rig({transfer});
  rig.run_until(at(milliseconds(1100)));
  CHECK(rig.cluster.log == Log{"transfer n1"});
  rig.nemesis.note_transfer(NodeId{1}, TransferPhase::kBegan, rig.cluster.now);
  CHECK_FALSE(rig.outcome("f1").effective);
  rig.nemesis.note_transfer(NodeId{3}, TransferPhase::kTimeoutNow, rig.cluster.now);
  CHECK_FALSE(rig.outcome("f1").effective);  // nobody asked that one
  rig.nemesis.note_transfer(NodeId{1}, TransferPhase::kTimeoutNow, rig.cluster.now);
  CHECK(rig.outcome("f1").effective);
  rig.cluster.lead(4);
  rig.run_until(at(seconds(3)));
  CHECK(rig.cluster.log == Log{"transfer n1", "transfer n4", "transfer n4"});
  CHECK(rig.outcome("f1").nodes == std::vector{NodeId{1}, NodeId{4}});
  CHECK(rig.outcome("f1").healed_at == at(milliseconds(1900)));
}

TEST_CASE("a transfer to anybody names another node, a transfer that is given up counts") {
  FaultSpec transfer =
      fault("f1", "transfer", "anybody", seconds(1), milliseconds(900), Target::kPrimaries);
  transfer.params["every_ms"] = 1;
  Rig rig({transfer});
  rig.run_until(at(milliseconds(1100)));
  std::set<std::string> asked(rig.cluster.log.begin(), rig.cluster.log.end());
  CHECK(asked == std::set<std::string>{"transfer n1 to n2", "transfer n1 to n3",
                                       "transfer n1 to n4", "transfer n1 to n5"});
  rig.nemesis.note_transfer(NodeId{1}, wire::trace::TransferPhase::kGivenUp, rig.cluster.now);
  CHECK(rig.outcome("f1").effective);
}

TEST_CASE("whoever leads is asked for other members, and at the heal for the first ones") {
  using wire::trace::ConfigurationAct;
  using wire::trace::MembershipPhase;
  const auto nodes = first_voters;
  FaultSpec shrink =
      fault("f1", "membership", "shrink", seconds(1), milliseconds(900), Target::kByShape);
  shrink.params["every_ms"] = 5000;
  NemesisOptions options;
  options.first_voters = 5;
  Rig rig(Rig::make({shrink}, false, 7), options);
  rig.run_until(at(milliseconds(1500)));
  CHECK(rig.cluster.log.empty());  // nobody says who the members are
  rig.cluster.set_members({nodes(5), {}, {}});
  rig.run_until(at(milliseconds(1700)));
  REQUIRE(rig.cluster.log.size() == 1);
  CHECK(rig.cluster.log[0].find("members n1 n") == 0);
  CHECK(rig.cluster.log[0].find(" joint") != std::string::npos);
  const wire::Configuration three{{NodeId{1}, NodeId{2}, NodeId{4}}, {}, {}};
  rig.nemesis.note_membership(NodeId{1}, {MembershipPhase::kBegan, {}, 1, three.voters, {}});
  CHECK_FALSE(rig.outcome("f1").effective);
  rig.nemesis.note_configured(NodeId{1}, {ConfigurationAct::kAppended, {7, 1}, three});
  rig.nemesis.note_configured(NodeId{2}, {ConfigurationAct::kAppended, {7, 1}, three});
  CHECK(rig.outcome("f1").effective);
  CHECK(rig.outcome("f1").evidence.find("1 configurations came into force") != std::string::npos);
  rig.cluster.set_members(three);
  rig.run_until(at(seconds(4)));
  CHECK(rig.cluster.log.size() == 2);
  CHECK(rig.cluster.log.back() == "members n1 n1,n2,n3,n4,n5 joint");
}

TEST_CASE("a leader is removed, nodes join up to the last, and named voters are asked for") {
  const auto asked_in_turn = [](FaultSpec spec, const wire::Configuration& members, bool single) {
    spec.params["every_ms"] = 100;
    NemesisOptions options;
    options.first_voters = 3;
    if (single) options.membership = wire::MembershipMode::kSingle;
    Rig rig(Rig::make({std::move(spec)}, false, 7), options);
    rig.cluster.set_members(members);
    rig.run_until(at(milliseconds(1900)));
    return rig.cluster.log;
  };
  const auto asked = [&](FaultSpec spec, const wire::Configuration& members, bool single) {
    const auto log = asked_in_turn(std::move(spec), members, single);
    return std::set<std::string>(log.begin(), log.end());
  };
  const wire::Configuration three{first_voters(3), {}, {}};
  const auto spec = [](const char* shape) {
    return fault("f1", "membership", shape, seconds(1), milliseconds(900), Target::kByShape);
  };
  const std::set<std::string> gone = asked(spec("remove-leader"), three, true);
  CHECK(gone.count("members n1 n2,n3 single") == 1);
  const std::set<std::string> grown = asked(spec("grow"), three, false);
  CHECK(grown.count("members n1 n1,n2,n3,n4,n5 joint") == 1);
  CHECK(grown.size() == 3);  // one of the two, the other, both
  // All at once, which must be refused, and at once the first step of it.
  const auto replaced = asked_in_turn(spec("replace"), three, true);
  REQUIRE(replaced.size() > 4);
  for (std::size_t i = 0; i < replaced.size(); ++i) {
    const std::string& ask = replaced[i];
    INFO(ask);
    const bool step =
        ask == "members n1 n1,n2,n3,n4 single" || ask == "members n1 n1,n2,n3,n5 single";
    CHECK(step == (i % 2 == 1));
    if (!step) CHECK(ask.find("n1,n2,n3") == std::string::npos);
  }
  FaultSpec named = spec("grow");
  named.target = Target::kNamed;
  named.nodes = {NodeId{5}, NodeId{2}, NodeId{1}};
  CHECK(asked(named, three, false) == std::set<std::string>{"members n1 n1,n2,n5 joint"});
  named.params["leader"] = 2;
  CHECK(asked(named, three, false).empty());  // n2 does not lead
}

TEST_CASE("members change one by one, those that come first") {
  const auto set = [](std::initializer_list<std::uint32_t> list) {
    std::vector<NodeId> out;
    for (const std::uint32_t n : list) out.push_back(NodeId{n});
    return out;
  };
  const auto single = wire::MembershipMode::kSingle;
  CHECK(step_towards(set({1, 2, 3}), set({3, 4, 5}), wire::MembershipMode::kJoint) ==
        set({3, 4, 5}));
  std::vector<NodeId> now = set({1, 2, 3});
  for (const auto& expected : {set({1, 2, 3, 4}), set({1, 2, 3, 4, 5}), set({2, 3, 4, 5}),
                               set({3, 4, 5}), set({3, 4, 5})}) {
    now = step_towards(now, set({3, 4, 5}), single);
    CHECK(now == expected);
  }
}

TEST_CASE("a strobe leaps to and fro until it heals") {
  FaultSpec strobe = on(
      fault("f1", "clock", "strobe", seconds(1), milliseconds(450), Target::kNamed), {NodeId{1}});
  strobe.params["delta_ms"] = 70;
  strobe.params["period_ms"] = 100;
  Rig rig({strobe});
  rig.run_until(at(seconds(3)));
  CHECK(rig.cluster.log == Log{"clock n1 70 0", "clock n1 0 0", "clock n1 70 0", "clock n1 0 0",
                               "clock n1 70 0", "clock n1 0 0"});
  CHECK(rig.outcome("f1").effective);
}

TEST_CASE("a node that restarts keeps the skew of its machine") {
  FaultSpec drift =
      on(fault("f1", "clock", "drift", seconds(1), seconds(5), Target::kNamed), {NodeId{1}});
  drift.params["rate_ppm"] = -100'000;
  Rig rig(
      {drift, on(fault("f2", "kill", "", seconds(2), seconds(1), Target::kNamed), {NodeId{1}})});
  rig.run_until(at(seconds(4)));
  CHECK(rig.cluster.log == Log{"clock n1 0 -100000", "kill n1", "start n1", "clock n1 0 -100000"});
}

TEST_CASE("heal_all ends everything, at any moment, and nothing comes after it") {
  for (std::uint64_t seed = 0; seed < 24; ++seed) {
    INFO("seed " << seed);
    PlanOptions options;
    options.kinds = parse_kinds("all").value();
    options.interval_min = milliseconds(300);
    options.interval_max = milliseconds(900);
    Rig rig(make_plan(seed, options).value());
    const Instant end = at(milliseconds(1000 + 1300 * static_cast<std::int64_t>(seed)));
    rig.run_until(end);
    rig.nemesis.heal_all(end);
    CHECK(rig.nemesis.finished());
    CHECK(rig.links.healed());
    CHECK(rig.all_run());
    CHECK(rig.clocks_true());
    CHECK(rig.nemesis.active().empty());
    const std::size_t asked = rig.cluster.log.size();
    rig.run_until(end + seconds(20));
    CHECK(rig.cluster.log.size() == asked);
  }
}

TEST_CASE("a whole plan heals by itself within the time limit") {
  for (std::uint64_t seed = 100; seed < 110; ++seed) {
    INFO("seed " << seed);
    PlanOptions options;
    options.kinds = parse_kinds("all").value();
    Rig rig(make_plan(seed, options).value());
    rig.run_until(at(seconds(40)));
    CHECK(rig.links.healed());
    CHECK(rig.all_run());
    CHECK(rig.clocks_true());
    for (const FaultOutcome& outcome : rig.nemesis.outcomes()) {
      if (outcome.injected) CHECK(outcome.healed_at <= at(seconds(40)));
    }
    const auto of_phase = [&](Phase phase) {
      return std::count_if(rig.marks.begin(), rig.marks.end(),
                           [&](const Mark& m) { return m.phase == phase; });
    };
    CHECK(of_phase(Phase::kInject) == of_phase(Phase::kHeal));
  }
}

TEST_CASE("the executed plan is valid and does the same again") {
  for (std::uint64_t seed = 200; seed < 215; ++seed) {
    INFO("seed " << seed);
    PlanOptions options;
    options.kinds = parse_kinds("all").value();
    Rig first(make_plan(seed, options).value());
    first.run_until(at(seconds(41)));
    const Result<Plan> read = parse_plan(to_json(first.nemesis.executed()), "plan.json");
    INFO((read.ok() ? "" : read.error().message));
    REQUIRE(read.ok());
    Rig second(*read);
    second.run_until(at(seconds(41)));
    CHECK(second.cluster.log == first.cluster.log);
    CHECK(second.cluster.keys == first.cluster.keys);
    CHECK(second.nemesis.executed() == *read);
  }
}

TEST_CASE("deleting a fault leaves the choices of the others as they were") {
  for (std::uint64_t seed = 300; seed < 306; ++seed) {
    INFO("seed " << seed);
    PlanOptions options;
    options.kinds = parse_kinds("partition,packet").value();
    Plan whole = make_plan(seed, options).value();
    whole.redeal = false;
    Plan less = whole;
    less.faults.erase(less.faults.begin() + 2);
    Rig a(whole);
    Rig b(less);
    a.run_until(at(seconds(41)));
    b.run_until(at(seconds(41)));
    for (const FaultSpec& spec : less.faults) {
      CHECK(a.outcome(spec.id).nodes == b.outcome(spec.id).nodes);
      CHECK(a.outcome(spec.id).injected_at == b.outcome(spec.id).injected_at);
    }
  }
}

}  // namespace
}  // namespace ww::faults::testing
