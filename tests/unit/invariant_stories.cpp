#include "tests/unit/invariant_stories.hpp"

#include "base/assert.hpp"

namespace ww::test {

namespace {

using wire::Role;

/// n1 leads term 1; session commands are committed everywhere, one of them retried.
Tale steady() {
  Tale tale(3);
  tale.elect(1, 1, {2, 3});
  tale.append(1, {{1, "s1.1=a"}}).write_and_sync(1);
  tale.replicate_fully(1, 2, 0);
  tale.commit(1, 2).apply_to_commit(1).client_ok(1, {2, 1}).op_ok({2, 1});
  tale.replicate_fully(1, 3, 0);
  tale.append(1, {{1, "s1.1=a"}, {1, "s1.2=b"}}).write_and_sync(1);
  tale.replicate_fully(1, 2, 2);
  tale.commit(1, 4).apply_to_commit(1).op_ok({2, 1}).op_ok({4, 1});
  tale.replicate_fully(1, 3, 2);
  tale.replicate_fully(1, 2, 4);
  return tale;
}

/// n1 is deposed with an entry that only it has; n2 leads at the same time in a later term, and n1
/// later gives its tail up.
Tale divergent() {
  Tale tale(3);
  tale.elect(1, 1, {2, 3});
  tale.replicate_fully(1, 2, 0);
  tale.append(1, {{1, "s9.1=lost"}}).write_and_sync(1);
  tale.commit(1, 1).apply_to_commit(1);
  tale.elect(2, 2, {3});
  // n1 does not know yet, and speaks as the leader it thinks it is.
  const MessageId late = tale.send(1, 3, wire::Append{1, {1, 1}, 1, 2, 1, {}});
  tale.receive(3, 1, late);
  tale.send(3, 1, wire::AppendReply{2, false, 1, {1, 0}, 2});
  tale.replicate_fully(2, 3, 0);
  tale.commit(2, 2).apply_to_commit(2);
  tale.replicate_fully(2, 1, 1);
  tale.replicate_fully(2, 3, 2);
  return tale;
}

/// n3, whose disk was wiped, takes the log in doubt; n1 covers it by an entry that n2 has too; then
/// it acknowledges, votes and is told of a new term as ever.
Tale wiped() {
  Tale tale(3);
  tale.elect(1, 1, {2, 3});
  tale.append(1, {{1, "s1.1=a"}}).write_and_sync(1);
  tale.replicate_fully(1, 2, 0);
  tale.replicate_fully(1, 3, 0);
  tale.commit(1, 2).apply_to_commit(1);
  tale.die(3, Fate::kWiped);
  tale.start(3);
  tale.receive(1, 3, tale.replicate(1, 3, 0, true));
  tale.append(1, {{1, ""}}).write_and_sync(1);
  tale.replicate_fully(1, 2, 2);
  tale.commit(1, 3).apply_to_commit(1);
  tale.receive(1, 3, tale.replicate(1, 3, 2, true));
  tale.replicate_fully(1, 3, 3);
  tale.elect(2, 2, {3});
  return tale;
}

/// n3's entry that is to cover n1, whose disk was wiped, is committed on n2, n3 and n4. Then n2's
/// disk is wiped too, and only now n1 has the entry, is covered and votes.
Tale wiped_one_after_the_other() {
  Tale tale(5);
  tale.elect(3, 1, {1, 2, 4, 5});
  for (const int n : {1, 2, 4}) tale.replicate_fully(3, n, 0);
  tale.commit(3, 1).apply_to_commit(3);
  tale.die(1, Fate::kWiped).start(1);
  tale.receive(3, 1, tale.replicate(3, 1, 0, true));
  tale.append(3, {{1, ""}}).write_and_sync(3);
  tale.replicate_fully(3, 2, 1).replicate_fully(3, 4, 1);
  tale.commit(3, 2).apply_to_commit(3);
  tale.die(2, Fate::kWiped);
  tale.receive(3, 1, tale.replicate(3, 1, 1, true));
  tale.replicate_fully(3, 1, 2);
  tale.elect(4, 2, {1, 3});
  return tale;
}

/// Answers come twice and in the wrong order, an old append comes after a newer one.
Tale late_and_twice() {
  Tale tale(3);
  tale.elect(1, 1, {2, 3});
  const MessageId old = tale.send(1, 2, wire::Append{1, {0, 0}, 0, 1, 1, {}});
  const MessageId first = tale.replicate(1, 2, 0);
  tale.append(1, {{1, "x"}}).write_and_sync(1);
  const MessageId second = tale.replicate(1, 2, 1);
  tale.receive(1, 2, second).commit(1, 2).apply_to_commit(1);
  tale.receive(1, 2, first).receive(1, 2, second);
  tale.receive(2, 1, old);
  const MessageId short_answer = tale.send(2, 1, wire::AppendReply{1, true, 1, {}, 1});
  tale.receive(1, 2, short_answer).receive(1, 2, short_answer);
  tale.die(2);
  return tale;
}

/// A follower is killed in the middle, restarts with its page cache, and replays its log.
Tale killed_follower() {
  Tale tale(3);
  tale.elect(1, 1, {2, 3});
  tale.append(1, {{1, "s1.1=a"}}).write_and_sync(1);
  tale.replicate_fully(1, 2, 0).replicate_fully(1, 3, 0);
  tale.commit(1, 2).apply_to_commit(1);
  tale.replicate_fully(1, 2, 2);
  tale.append(1, {{1, "s1.2=b"}}).write_and_sync(1);
  const MessageId sent = tale.send(1, 2, wire::Append{1, {2, 1}, 2, 3, 1, {}});
  tale.receive(2, 1, sent).append(2, {{1, "s1.2=b"}}).write(2);
  tale.die(2, Fate::kKilled).start(2);
  tale.replicate_fully(1, 2, 3);
  tale.commit(1, 3).apply_to_commit(1);
  tale.replicate_fully(1, 2, 3);
  return tale;
}

/// Power loss takes a written but unsynced entry; the node was never counted for it.
Tale power_loss() {
  Tale tale(3);
  tale.elect(1, 1, {2, 3});
  tale.replicate_fully(1, 2, 0).replicate_fully(1, 3, 0);
  tale.append(1, {{1, "a"}}).write_and_sync(1);
  const MessageId sent = tale.send(1, 2, wire::Append{1, {1, 1}, 0, 2, 1, {}});
  tale.receive(2, 1, sent).append(2, {{1, "a"}}).write(2);
  tale.die(2, Fate::kPowerLossOfAll).start(2);
  tale.replicate_fully(1, 3, 1);
  tale.commit(1, 2).apply_to_commit(1);
  tale.replicate_fully(1, 2, 1);
  tale.die(1, Fate::kPowerLossOfNothing).start(1);
  tale.elect(3, 2, {1});
  return tale;
}

/// A vote that a power loss took before it left binds nobody: the node may vote otherwise.
Tale forgotten_vote() {
  Tale tale(3);
  tale.elect(1, 1, {2, 3});
  tale.replicate_fully(1, 2, 0).replicate_fully(1, 3, 0);
  tale.set_term(2, 2, 2).role(2, Role::kCandidate, 2).vote(2, 2, 2, {1, 1}).write_and_sync(2);
  const MessageId asked = tale.send(2, 3, wire::Vote{2, {1, 1}});
  tale.receive(3, 2, asked).role(3, Role::kFollower, 2).vote(3, 2, 2, {1, 1}).write(3);
  tale.die(3, Fate::kPowerLossOfAll).start(3);
  // n1 stands in the same term, and gets that vote.
  tale.elect(1, 2, {3});
  return tale;
}

/// A leader is stopped between judging its lease and telling of the read. Meanwhile another one was
/// elected and has committed, but after that judgement.
Tale paused_lease() {
  Tale tale(3);
  tale.elect(1, 1, {2, 3});
  tale.replicate_fully(1, 2, 0).replicate_fully(1, 3, 0);
  tale.commit(1, 1).apply_to_commit(1);
  tale.replicate_fully(1, 2, 1);
  tale.lease_read(1, tale.now());
  const Instant judged = tale.now();
  tale.elect(2, 2, {3});
  tale.replicate_fully(2, 3, 1);
  tale.commit(2, 2).apply_to_commit(2);
  tale.lease_read(1, judged).lease_read(2, tale.now());
  tale.replicate_fully(2, 1, 1);
  return tale;
}

/// Two nodes stand in a term and split it; a later term decides. Pre-votes bind nobody.
Tale split_vote() {
  Tale tale(3);
  for (const int n : {1, 2}) {
    tale.vote(3, n, 1, {0, 0}, true, true);
    tale.set_term(n, 1, n).role(n, Role::kCandidate, 1).vote(n, n, 1, {0, 0}).write_and_sync(n);
  }
  const MessageId refused = tale.send(1, 2, wire::Vote{1, {0, 0}});
  tale.receive(2, 1, refused).vote(2, 1, 1, {0, 0}, false);
  tale.send(2, 1, wire::VoteReply{1, false});
  tale.elect(1, 2, {3, 2});
  tale.replicate_fully(1, 2, 0).commit(1, 1).apply_to_commit(1);
  return tale;
}

/// n4, leading term 4, makes n5 cut an entry that n1 commits in term 5 meanwhile, with a quorum to
/// which n5 does not belong. Nothing is lost: n4 cannot commit what it wrote.
Tale cut_of_a_later_commit() {
  Tale tale(5);
  tale.elect(1, 1, {2, 3, 4, 5});
  for (const int n : {2, 3, 4, 5}) tale.replicate_fully(1, n, 0);
  tale.commit(1, 1).apply_to_commit(1);
  tale.elect(1, 2, {2, 3});
  tale.replicate_fully(1, 5, 1);
  tale.elect(4, 3, {2, 3});
  tale.elect(4, 4, {5, 3});
  tale.elect(1, 5, {2, 3});
  tale.replicate_fully(1, 2, 1).replicate_fully(1, 3, 1);
  tale.commit(1, 3).apply_to_commit(1);
  tale.replicate(4, 5, 1);
  tale.elect(1, 6, {2, 3, 4, 5});
  tale.replicate_fully(1, 5, 1).replicate_fully(1, 4, 1);
  return tale;
}

/// A trace ends in the middle of a record; what it would have told was not done.
Tale torn_trace() {
  Tale tale(3);
  tale.elect(1, 1, {2, 3});
  tale.replicate_fully(1, 2, 0).replicate_fully(1, 3, 0);
  tale.die(1, Fate::kKilled, true);
  tale.elect(2, 2, {3});
  tale.replicate_fully(2, 3, 1);
  tale.commit(2, 2).apply_to_commit(2);
  tale.start(1);
  tale.replicate_fully(2, 1, 1);
  return tale;
}

/// A leader restarts, and leads again in a later term with what it had.
Tale restarted_leader() {
  Tale tale(3);
  tale.elect(1, 1, {2, 3});
  tale.append(1, {{1, "a"}}).write_and_sync(1);
  tale.replicate_fully(1, 2, 0);
  tale.commit(1, 2).apply_to_commit(1);
  tale.die(1, Fate::kPowerLossOfAll).start(1);
  tale.elect(1, 2, {3});
  tale.replicate_fully(1, 3, 0).replicate_fully(1, 2, 2);
  tale.commit(1, 3).apply_to_commit(1);
  tale.replicate_fully(1, 2, 3).replicate_fully(1, 3, 3);
  return tale;
}

/// n3 hears nothing until the leader has dropped what it needs; it is given the snapshot, goes on
/// from it, restarts with it, and leads.
Tale snapshot() {
  Tale tale(3);
  tale.elect(1, 1, {2, 3});
  tale.append(1, {{1, "s1.1=a"}, {1, "s1.2=b"}}).write_and_sync(1);
  tale.replicate_fully(1, 2, 0);
  tale.commit(1, 3).apply_to_commit(1).snapshot(1);
  tale.install(3, 1, false);
  tale.append(1, {{1, "s1.3=c"}}).write_and_sync(1);
  tale.replicate_fully(1, 3, 3);
  tale.commit(1, 4).apply_to_commit(1);
  tale.replicate_fully(1, 3, 4);
  tale.replicate_fully(1, 2, 3);
  tale.die(3).start(3).die(3, Fate::kPowerLossOfAll).start(3);
  tale.elect(3, 2, {2});
  tale.replicate_fully(3, 2, 4);
  tale.commit(3, 5).apply_to_commit(3).snapshot(3);
  return tale;
}

/// n3 has the log, and more, but cannot know what of it is committed; the snapshot tells it, and
/// what is behind stays.
Tale snapshot_of_a_known_log() {
  Tale tale(3);
  tale.elect(1, 1, {2, 3});
  tale.append(1, {{1, "x"}, {1, "y"}}).write_and_sync(1);
  tale.replicate_fully(1, 2, 0);
  const MessageId lost = tale.replicate(1, 3, 0);
  tale.commit(1, 2).apply_to_commit(1).snapshot(1);
  tale.install(3, 1, true);
  tale.receive(1, 3, lost);
  tale.commit(1, 3).apply_to_commit(1);
  tale.replicate_fully(1, 3, 3);
  return tale;
}

/// n3 is removed by joint consensus: C_old,new is held by n2, which is enough for both halves.
Tale joint() {
  const NodeId n1{1};
  const NodeId n2{2};
  const NodeId n3{3};
  Tale tale(3);
  tale.elect(1, 1, {2, 3}).write_and_sync(1);
  tale.replicate_fully(1, 2, 0).replicate_fully(1, 3, 0);
  tale.commit(1, 1).apply_to_commit(1);
  tale.configure(1, 1, {{n1, n2, n3}, {n1, n2}, {}}).write_and_sync(1);
  tale.replicate_fully(1, 2, 1);
  tale.commit(1, 2).apply_to_commit(1);
  tale.configure(1, 1, {{n1, n2}, {}, {}}).write_and_sync(1);
  tale.replicate_fully(1, 2, 2);
  tale.commit(1, 3).apply_to_commit(1);
  return tale;
}

/// n3 is removed on its own, after an entry of the leader's term was committed.
Tale one_voter_less() {
  Tale tale(3);
  tale.elect(1, 1, {2, 3}).write_and_sync(1);
  tale.replicate_fully(1, 2, 0);
  tale.commit(1, 1).apply_to_commit(1);
  tale.configure(1, 1, {{NodeId{1}, NodeId{2}}, {}, {}}).write_and_sync(1);
  tale.replicate_fully(1, 2, 1);
  tale.commit(1, 2).apply_to_commit(1);
  return tale;
}

/// Two leaders, each with an uncommitted change of a single voter; the later one's is committed.
Tale two_changes() {
  const NodeId n1{1};
  const NodeId n2{2};
  const NodeId n3{3};
  const NodeId n4{4};
  Tale tale(4);
  tale.elect(1, 1, {2, 3}).write_and_sync(1);
  tale.replicate_fully(1, 2, 0).replicate_fully(1, 3, 0);
  tale.commit(1, 1).apply_to_commit(1).replicate_fully(1, 2, 1);
  tale.configure(1, 1, {{n1, n2, n3}, {}, {}}).write_and_sync(1);
  tale.elect(2, 2, {3, 4}).write_and_sync(2);
  tale.replicate_fully(2, 3, 1).replicate_fully(2, 4, 0);
  tale.commit(2, 2).apply_to_commit(2);
  tale.configure(2, 2, {{n2, n3, n4}, {}, {}}).write_and_sync(2);
  tale.replicate_fully(2, 3, 2);
  tale.commit(2, 3).apply_to_commit(2);
  return tale;
}

/// n1, leading term 1, removed n4, and nobody else has that; n3, which has n1's answer on the way
/// for what is before it, leads term 2 and commits its no-op in the place of that configuration.
/// Returns the answer.
MessageId overrule(Tale& tale) {
  tale.elect(1, 1, {2, 3});
  for (const int n : {2, 3, 4}) tale.replicate_fully(1, n, 0);
  tale.commit(1, 1).apply_to_commit(1);
  tale.append(1, {{1, "x"}}).write_and_sync(1);
  const MessageId answer = tale.replicate(1, 3, 1);
  tale.configure(1, 1, {{NodeId{1}, NodeId{2}, NodeId{3}}, {}, {}}).write_and_sync(1);
  return answer;
}
void lead_without_n1(Tale& tale) {
  tale.elect(3, 2, {2, 4});
  tale.replicate_fully(3, 2, 1).replicate_fully(3, 4, 1);
  tale.commit(3, 3).apply_to_commit(3);
}
void remove_n1(Tale& tale) {
  tale.configure(3, 2, {{NodeId{2}, NodeId{3}, NodeId{4}}, {}, {}}).write_and_sync(3);
}

/// n1 commits by a configuration what is below it; then the leader of a later term, who never had
/// that configuration, removes n1. Their quorums need not meet, and neither could harm the other.
Tale overruled_change() {
  Tale tale(4);
  tale.receive(1, 3, overrule(tale));
  tale.commit(1, 2).apply_to_commit(1);
  lead_without_n1(tale);
  remove_n1(tale);
  tale.replicate_fully(3, 4, 3);
  tale.commit(3, 4).apply_to_commit(3);
  return tale;
}

/// The same, but n3 removes nobody as yet.
Tale overruled_alone() {
  Tale tale(4);
  tale.receive(1, 3, overrule(tale));
  tale.commit(1, 2).apply_to_commit(1);
  lead_without_n1(tale);
  return tale;
}

/// The same, but n1 hears that it may commit when all the rest is over.
Tale overruled_change_late() {
  Tale tale(4);
  const MessageId answer = overrule(tale);
  lead_without_n1(tale);
  remove_n1(tale);
  tale.replicate_fully(3, 4, 3);
  tale.commit(3, 4).apply_to_commit(3);
  tale.receive(1, 3, answer).commit(1, 2).apply_to_commit(1);
  return tale;
}

/// The same, but where n1 has its configuration nothing is committed yet, only below; and somebody
/// wins by the other one.
Tale overruled_below() {
  Tale tale(4);
  tale.elect(1, 1, {2, 3});
  for (const int n : {2, 3, 4}) tale.replicate_fully(1, n, 0);
  tale.commit(1, 1).apply_to_commit(1);
  tale.append(1, {{1, "x"}}).write_and_sync(1);
  const MessageId answer = tale.replicate(1, 3, 1);
  tale.append(1, {{1, "y"}}).write_and_sync(1);
  tale.configure(1, 1, {{NodeId{1}, NodeId{2}, NodeId{3}}, {}, {}}).write_and_sync(1);
  tale.receive(1, 3, answer).commit(1, 2).apply_to_commit(1);
  lead_without_n1(tale);
  remove_n1(tale);
  tale.replicate(3, 4, 3);
  tale.elect(4, 3, {2});
  return tale;
}

}  // namespace

const std::vector<Story>& stories() {
  static const std::vector<Story> kStories = {
      {"steady", 3, steady},
      {"divergent", 3, divergent},
      {"late-and-twice", 3, late_and_twice},
      {"killed-follower", 3, killed_follower},
      {"power-loss", 3, power_loss},
      {"wiped", 3, wiped},
      {"wiped-one-after-the-other", 5, wiped_one_after_the_other},
      {"forgotten-vote", 3, forgotten_vote},
      {"split-vote", 3, split_vote},
      {"paused-lease", 3, paused_lease},
      {"cut-of-a-later-commit", 5, cut_of_a_later_commit},
      {"torn-trace", 3, torn_trace},
      {"restarted-leader", 3, restarted_leader},
      {"snapshot", 3, snapshot},
      {"snapshot-of-a-known-log", 3, snapshot_of_a_known_log},
      {"joint", 3, joint},
      {"one-voter-less", 3, one_voter_less},
      {"two-changes", 4, two_changes},
      {"overruled-change", 4, overruled_change},
      {"overruled-alone", 4, overruled_alone},
      {"overruled-change-late", 4, overruled_change_late},
      {"overruled-below", 4, overruled_below},
  };
  return kStories;
}

const Story& story(std::string_view name) {
  for (const Story& one : stories()) {
    if (one.name == name) return one;
  }
  WW_ASSERT(false, "no story of that name");
  return stories().front();
}

}  // namespace ww::test
