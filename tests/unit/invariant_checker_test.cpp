// Correct evidence passes, in whatever order it is read.
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "checkers/invariants/rules.hpp"
#include "tests/unit/invariant_stories.hpp"

namespace ww::test {
namespace {

/// The same evidence with each node's trace read as late as may be: all of the last node's first,
/// then the one before; frames before or after all traces.
std::vector<Step> read_node_by_node(const std::vector<Step>& steps, bool frames_first) {
  std::vector<Step> out = steps;
  const auto rank = [&](const Step& step) -> int {
    if (step.kind == Step::Kind::kFrame) return frames_first ? -1000 : 1000;
    if (step.kind == Step::Kind::kOp) return 2000;
    return -static_cast<int>(step.node.value);
  };
  std::stable_sort(out.begin(), out.end(),
                   [&](const Step& a, const Step& b) { return rank(a) < rank(b); });
  // Processes are started before anything is heard of them.
  std::stable_partition(out.begin(), out.end(), [](const Step& step) {
    return step.kind == Step::Kind::kStart && step.incarnation == 1;
  });
  return out;
}

TEST_CASE("correct but hostile evidence passes every rule") {
  for (const Story& one : stories()) {
    INFO("story " << one.name);
    const auto results = tell(one.tell().steps, one.nodes);
    INFO(violations_of(results));
    for (const auto& [id, result] : results) {
      INFO(id);
      CHECK(result.verdict != Verdict::kInvalid);
    }
  }
}

TEST_CASE("correct evidence passes in whatever order the nodes' traces are read") {
  for (const Story& one : stories()) {
    for (const bool frames_first : {true, false}) {
      INFO("story " << one.name << ", frames first: " << frames_first);
      const auto steps = one.tell().steps;
      const auto in_order = tell(steps, one.nodes);
      const auto results = tell(read_node_by_node(steps, frames_first), one.nodes);
      INFO(violations_of(results));
      for (const auto& [id, result] : results) {
        INFO(id);
        CHECK(result.verdict != Verdict::kInvalid);
        // A frame that is read after its sender's disk was damaged is not held against anything.
        if (id == "LC" || one.name.starts_with("wiped")) continue;
        // Which of two leaders commits first is for the order to say.
        if (id == "CommitDurable" && one.name.starts_with("overruled")) continue;
        CHECK(result.evaluated == in_order.at(id).evaluated);
      }
      CHECK(results.at("TraceTruth").numbers.at("orphan receives") == 0);
    }
  }
}

TEST_CASE("the corpus evaluates every rule") {
  std::set<std::string> seen;
  for (const Story& one : stories()) {
    for (const auto& [id, result] : tell(one.tell().steps, one.nodes)) {
      if (result.evaluated > 0) seen.insert(id);
    }
  }
  for (const auto& row : checkers::invariants::rule_table()) {
    INFO(row.id);
    CHECK(seen.count(std::string(row.id)) == 1);
  }
}

TEST_CASE("without evidence every rule says that it was never evaluated") {
  const auto results = tell({}, 3);
  REQUIRE(results.size() == checkers::invariants::kRuleCount);
  for (const auto& [id, result] : results) {
    INFO(id);
    CHECK(result.verdict == Verdict::kUnknown);
    CHECK(result.evaluated == 0);
    CHECK(result.reason.rfind("never evaluated", 0) == 0);
  }
  CHECK(results.at("NoTrunc").numbers.at("rare") == 1);
  CHECK(results.at("ES").numbers.at("rare") == 0);
}

TEST_CASE("without store evidence no row about durability is decided") {
  const Story& one = story("power-loss");
  std::vector<Step> steps = one.tell().steps;
  // A foreign node's trace: no store operations, records numbered without them.
  std::map<std::uint32_t, std::uint64_t> sequence;
  std::vector<Step> foreign;
  for (Step& step : steps) {
    if (step.kind == Step::Kind::kDisk) continue;
    if (step.kind == Step::Kind::kStart) sequence[step.node.value] = 0;
    if (step.kind == Step::Kind::kTrace) {
      if (std::holds_alternative<wire::trace::Store>(step.record.event)) continue;
      step.record.sequence = ++sequence[step.node.value];
    }
    foreign.push_back(step);
  }
  const auto results = tell(foreign, one.nodes, {.voters = {}, .store_evidence = false});
  INFO(violations_of(results));
  CHECK(results.count("CommitDurable") == 0);
  CHECK(results.count("Restart") == 0);
  for (const auto& [id, result] : results) {
    INFO(id);
    CHECK(result.verdict != Verdict::kInvalid);
  }
}

TEST_CASE("with traces ignored only frames are judged") {
  const Story& one = story("divergent");
  const auto results = tell(one.tell().steps, one.nodes, {.voters = {}, .trace_ignored = true});
  INFO(violations_of(results));
  std::set<std::string> ids;
  for (const auto& [id, result] : results) {
    ids.insert(id);
    CHECK(result.verdict == Verdict::kValid);
  }
  CHECK(ids == std::set<std::string>{"ES", "Promise", "Term", "Vote1"});
}

TEST_CASE("a rule that is broken beyond what is judged is told, for a run may end for it") {
  checkers::InvariantChecker checker({.voters = {NodeId{1}, NodeId{2}}, .trace_ignored = true});
  std::string payload;
  wire::encode_peer(payload, NodeId{1}, NodeId{2}, MessageId{1}, wire::VoteReply{1, true}, {});
  const auto envelope = wire::peek_envelope(payload);
  REQUIRE(envelope);
  payload.pop_back();
  checker.on_frame(Instant{}, *envelope, payload);
  REQUIRE(checker.violated());
  std::set<std::string> broken;
  for (const CheckResult& row : checker.finish()) {
    if (row.verdict == Verdict::kInvalid) broken.insert(row.checker);
  }
  CHECK(broken == std::set<std::string>{"TraceTruth"});
}

TEST_CASE("old entries are forgotten, and replays are still compared at checkpoints") {
  Tale tale(3);
  tale.elect(1, 1, {2, 3});
  Index prev = 0;
  for (int round = 0; round < 700; ++round) {
    tale.append(1, {{1, "v" + std::to_string(round)}}).write_and_sync(1);
    tale.replicate_fully(1, 2, prev).replicate_fully(1, 3, prev);
    prev = tale.last(1).index;
    tale.commit(1, prev);
  }
  tale.replicate_fully(1, 2, prev).replicate_fully(1, 3, prev);
  tale.apply_to_commit(1);
  tale.die(2, Fate::kKilled).start(2);
  tale.replicate_fully(1, 2, prev);
  auto steps = tale.steps;
  const checkers::InvariantOptions options{.voters = {}, .keep_entries = 64};
  const auto valid = tell(steps, 3, options);
  INFO(violations_of(valid));
  for (const auto& [id, result] : valid) {
    INFO(id);
    CHECK(result.verdict != Verdict::kInvalid);
  }
  // The last record that applies index 512 is the replay of n2.
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    auto* applied = event_of<wire::trace::Applied>(*step, 2);
    if (applied == nullptr || applied->at.index != 512) continue;
    applied->digest ^= 1;
    break;
  }
  CHECK(tell(steps, 3, options).at("Apply").verdict == Verdict::kInvalid);
}

/// n3, leading term 2, takes the log of n2 and n4 on from index 3 until its beginning is forgotten.
/// Returns how to tell of that.
checkers::InvariantOptions go_on(Tale& tale) {
  tale.replicate_fully(3, 2, 3).replicate_fully(3, 4, 3);
  for (int round = 0; round < 300; ++round) {
    const Index prev = tale.last(3).index;
    tale.append(3, {{2, "v" + std::to_string(round)}}).write_and_sync(3);
    tale.replicate_fully(3, 2, prev).replicate_fully(3, 4, prev).commit(3, prev + 1);
  }
  return {.voters = {}, .keep_entries = 8};
}

TEST_CASE("that a configuration was overruled is known when what did so is forgotten") {
  for (const bool relied_on_before : {true, false}) {
    for (const bool by_that_configuration : {false, true}) {
      INFO("n1 is removed before the log is forgotten: " << relied_on_before);
      INFO("somebody wins by the overruled configuration then: " << by_that_configuration);
      Tale tale = story(relied_on_before ? "overruled-change" : "overruled-alone").tell();
      tale.die(1);
      const checkers::InvariantOptions options = go_on(tale);
      if (!relied_on_before) {
        const Index prev = tale.last(3).index;
        tale.configure(3, 2, {{NodeId{2}, NodeId{3}, NodeId{4}}, {}, {}}).write_and_sync(3);
        tale.replicate_fully(3, 2, prev).replicate_fully(3, 4, prev).commit(3, prev + 1);
      }
      if (by_that_configuration) {
        tale.start(1).elect(1, 3, {2});
      } else {
        tale.elect(4, 3, {3});
      }
      const auto results = tell(tale.steps, 4, options);
      INFO(violations_of(results));
      CHECK(results.at("CfgIntersect").violation_count == (by_that_configuration ? 1 : 0));
      CHECK(results.at("CfgIntersect").evaluated > 0);
      if (by_that_configuration) continue;
      for (const auto& [id, result] : results) {
        INFO(id);
        CHECK(result.verdict != Verdict::kInvalid);
      }
    }
  }
}

}  // namespace
}  // namespace ww::test
