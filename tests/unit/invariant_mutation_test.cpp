// One field of correct evidence is changed; the rule that it breaks must say so.
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <set>
#include <string>

#include "base/hash.hpp"
#include "tests/unit/invariant_stories.hpp"

namespace ww::test {
namespace {

namespace t = wire::trace;
using wire::MessageType;

/// Changes one field of the first step that fits; false when the step does not.
using Change = std::function<bool(Step&)>;

struct Mutation {
  std::string_view rule;
  std::string_view what;
  std::string_view story;
  Change change;
};

/// The `skip`-th `T` of node `n` that satisfies `fits` is changed by `change`.
template <class T>
Change in(int n, std::function<bool(const T&)> fits, std::function<void(T&)> change, int skip = 0) {
  return [=, left = skip](Step& step) mutable {
    T* event = event_of<T>(step, n);
    if (event == nullptr || !fits(*event)) return false;
    if (left-- > 0) return false;
    change(*event);
    return true;
  };
}

bool is_leader(const t::RoleChange& e) {
  return e.role == wire::Role::kLeader;
}
bool is_ack(const t::Sent& e) {
  return e.message.type == MessageType::kAppendReply && e.message.ok;
}
template <class T>
bool any(const T&) {
  return true;
}

Change at_frame(int n, MessageType type, std::function<void(wire::PeerMessage&)> change) {
  return [=](Step& step) {
    if (step.kind != Step::Kind::kFrame || step.node.value != static_cast<std::uint32_t>(n) ||
        wire::type_of(step.message) != type) {
      return false;
    }
    change(step.message);
    return true;
  };
}

Change at_disk(std::function<void(Step&)> change) {
  return [=](Step& step) {
    if (step.kind != Step::Kind::kDisk) return false;
    change(step);
    return true;
  };
}

std::vector<Mutation> snapshot_mutations() {
  using Act = t::SnapshotAct;
  const auto with = [](Act act) { return [act](const t::Snapshot& e) { return e.act == act; }; };
  const auto store_op = [](t::StoreOp op) {
    return [op](const t::Store& e) { return e.op == op && e.file.starts_with("snap-"); };
  };
  return {
      {"SnapPrefix", "a snapshot beyond what was applied", "snapshot",
       in<t::Snapshot>(1, with(Act::kTaken), [](t::Snapshot& e) { e.at.index = 4; })},
      {"SnapPrefix", "a snapshot of another term", "snapshot",
       in<t::Snapshot>(1, with(Act::kTaken), [](t::Snapshot& e) { e.at.term = 2; })},
      {"SnapPrefix", "a snapshot of another state", "snapshot",
       in<t::Snapshot>(1, with(Act::kTaken), [](t::Snapshot& e) { e.digest ^= 1; })},
      {"SnapPrefix", "a snapshot with a voter less", "snapshot",
       in<t::Snapshot>(1, with(Act::kTaken),
                       [](t::Snapshot& e) { e.configuration.voters.pop_back(); })},
      {"SnapPrefix", "a snapshot that is durable under its temporary name only", "snapshot",
       in<t::Snapshot>(1, with(Act::kDurable), [](t::Snapshot& e) { e.at.index = 2; })},
      {"SnapPrefix", "a snapshot whose file was not synced before it got its name", "snapshot",
       in<t::Store>(1, store_op(t::StoreOp::kSyncFile), [](t::Store& e) { e.ok = false; })},
      {"SnapPrefix", "a gap from the snapshot to the log", "snapshot",
       in<t::Snapshot>(1, with(Act::kDurable), [](t::Snapshot& e) { e.first = 5; })},
      {"SnapPrefix", "a snapshot installed with another digest", "snapshot",
       in<t::Snapshot>(3, with(Act::kInstalled), [](t::Snapshot& e) { e.digest ^= 1; })},
      {"SnapPrefix", "a log kept that the snapshot's entry is not in", "snapshot",
       in<t::Snapshot>(3, with(Act::kInstalled), [](t::Snapshot& e) { e.kept = true; })},
      {"SnapPrefix", "a log thrown away that has the snapshot's entry", "snapshot-of-a-known-log",
       in<t::Snapshot>(3, with(Act::kInstalled), [](t::Snapshot& e) { e.kept = false; })},
      {"SnapPrefix", "a start with another state", "snapshot",
       in<t::Snapshot>(3, with(Act::kLoaded), [](t::Snapshot& e) { e.digest ^= 1; })},
      {"AckTruth", "a snapshot acknowledged before its file is synced", "snapshot",
       in<t::Store>(3, store_op(t::StoreOp::kSyncFile), [](t::Store& e) { e.ok = false; })},
      {"AckTruth", "a snapshot acknowledged beyond its end", "snapshot",
       in<t::Sent>(
           3, [](const t::Sent& e) { return e.message.type == MessageType::kInstallSnapshotReply; },
           [](t::Sent& e) { e.message.position.index = 4; })},
      {"Promise", "a snapshot acknowledged in a term before a vote", "snapshot",
       in<t::Sent>(
           3, [](const t::Sent& e) { return e.message.type == MessageType::kInstallSnapshotReply; },
           [](t::Sent& e) { e.message.term = 0; })},
      {"FollowerBound", "a commit beyond the snapshot and what was verified", "snapshot",
       in<t::Received>(
           3,
           [](const t::Received& e) {
             return e.message.type == MessageType::kAppend && e.message.index == 4;
           },
           [](t::Received& e) { e.message.index = 3; })},
      {"Apply", "an application that does not follow the snapshot", "snapshot",
       in<t::Snapshot>(3, with(Act::kInstalled), [](t::Snapshot& e) { e.act = Act::kLoaded; })},
      {"Restart", "a start without its snapshot", "snapshot",
       in<t::Boot>(
           3, any<t::Boot>, [](t::Boot& e) { e.snapshot = {}; }, 1)},
      {"Restart", "a start whose log begins behind its snapshot", "snapshot",
       in<t::Boot>(
           3, any<t::Boot>, [](t::Boot& e) { e.first = 5; }, 1)},
      {"Restart", "a power loss that takes the snapshot", "snapshot",
       at_disk([](Step& step) { step.after.erase("snap-0000000003.snap"); })},
      {"ES", "a piece of a snapshot from another in term 1", "snapshot",
       at_frame(3, MessageType::kInstallSnapshotReply,
                [](wire::PeerMessage& m) {
                  const auto reply = std::get<wire::InstallSnapshotReply>(m);
                  wire::InstallSnapshot piece;
                  piece.term = reply.term;
                  piece.at = reply.at;
                  m = piece;
                })},
  };
}

std::vector<Mutation> membership_mutations() {
  const auto at = [](Index index) {
    return [index](const t::Configured& e) {
      return e.at.index == index && e.act == t::ConfigurationAct::kAppended;
    };
  };
  return {
      {"CfgSerial", "joint consensus that ends in another configuration", "joint",
       in<t::Configured>(1, at(3), [](t::Configured& e) { e.configuration.voters = {NodeId{1}}; })},
      {"CfgSerial", "joint consensus from another configuration", "joint",
       in<t::Configured>(1, at(2), [](t::Configured& e) { e.configuration.voters.pop_back(); })},
      {"CfgSerial", "a change while the one before is not committed", "joint",
       in<t::Committed>(
           1, [](const t::Committed& e) { return e.to.index == 2; },
           [](t::Committed& e) { e.to.index = 1; })},
      {"CfgSerial", "two voters removed at once", "one-voter-less",
       in<t::Configured>(1, at(2), [](t::Configured& e) { e.configuration.voters.pop_back(); })},
      {"CfgSerial", "a change before an entry of the own term is committed", "two-changes",
       in<t::Committed>(
           2, [](const t::Committed& e) { return e.to.index == 2; },
           [](t::Committed& e) {
             e.to = {1, 1};
           })},
      {"CfgIntersect", "a commit by a quorum that need not meet the one before", "one-voter-less",
       in<t::Configured>(1, at(2), [](t::Configured& e) { e.configuration.voters = {NodeId{2}}; })},
      {"CommitDurable", "a commit by a majority of C_new alone", "joint",
       in<t::Configured>(1, at(2),
                         [](t::Configured& e) {
                           e.configuration.next = e.configuration.voters;
                           e.configuration.voters = {NodeId{3}};
                         })},
      {"TraceTruth", "a configuration that is logged and not told", "joint",
       [at](Step& step) {
         const auto* configured = event_of<t::Configured>(step, 1);
         if (configured == nullptr || !at(2)(*configured)) return false;
         step.record.event = t::Mark{"silence", 1};
         return true;
       }},
      {"TraceTruth", "a configuration told as committed that is not", "joint",
       in<t::Configured>(2, at(2),
                         [](t::Configured& e) { e.act = t::ConfigurationAct::kCommitted; })},
      {"TraceTruth", "a configuration that its entry does not hold", "joint",
       in<t::Configured>(2, at(2), [](t::Configured& e) { e.configuration.next.pop_back(); })},
  };
}

std::vector<Mutation> election_mutations() {
  const auto in_term = [](Term term) {
    return [term](const t::VoteCast& e) { return e.term == term && e.granted; };
  };
  return {
      {"ES", "a second leader in term 1", "divergent",
       in<t::RoleChange>(2, is_leader, [](t::RoleChange& e) { e.term = 1; })},
      {"ES", "a frame of an append by another in term 1", "divergent",
       [](Step& step) {
         auto* append = std::get_if<wire::Append>(&step.message);
         if (step.kind != Step::Kind::kFrame || step.node != NodeId{2}) return false;
         if (append == nullptr || append->count > 0) return false;
         append->term = 1;
         return true;
       }},
      {"Vote1", "a second vote in term 1", "divergent",
       in<t::VoteCast>(3, in_term(2), [](t::VoteCast& e) { e.term = 1; })},
      {"Vote1", "a granted vote whose sync failed", "steady",
       in<t::Store>(
           2, [](const t::Store& e) { return e.op == t::StoreOp::kSyncFile; },
           [](t::Store& e) { e.ok = false; }, 1)},
      {"Vote1", "a vote forgotten across a restart", "power-loss",
       [](Step& step) {
         auto* boot = event_of<t::Boot>(step, 2);
         if (boot == nullptr || step.incarnation != 2) return false;
         boot->vote = NodeId{3};
         return true;
       }},
      {"Vote1", "a vote frame for another candidate in term 1", "divergent",
       at_frame(3, MessageType::kVoteReply,
                [](wire::PeerMessage& m) { std::get<wire::VoteReply>(m).term = 2; })},
      {"Promise", "an acknowledgement of term 1 after a vote in term 2", "divergent",
       in<t::Sent>(3, is_ack, [](t::Sent& e) { e.message.term = 1; })},
      {"Win", "a granter less", "steady",
       in<t::RoleChange>(1, is_leader, [](t::RoleChange& e) { e.granters.resize(1); })},
      {"Win", "a granter that voted for another", "divergent",
       in<t::RoleChange>(2, is_leader, [](t::RoleChange& e) { e.granters.back() = NodeId{1}; })},
      {"UpToDate", "a candidate with a shorter log", "restarted-leader",
       in<t::VoteCast>(1, in_term(2), [](t::VoteCast& e) { e.candidate_last.index = 1; })},
      {"UpToDate", "an own log that is not there", "divergent",
       in<t::VoteCast>(3, in_term(2),
                       [](t::VoteCast& e) {
                         e.own_last = {1, 1};
                       })},
      {"Term", "a role in an earlier term", "divergent",
       in<t::RoleChange>(
           3, [](const t::RoleChange& e) { return e.term == 2; },
           [](t::RoleChange& e) { e.term = 0; })},
      {"Term", "a message of a term that is not durable", "steady",
       in<t::Sent>(
           1, [](const t::Sent& e) { return e.message.type == MessageType::kAppend; },
           [](t::Sent& e) { e.message.term = 2; })},
      {"Term", "an entry of an earlier term behind a later one", "divergent",
       in<t::Appended>(
           1, [](const t::Appended& e) { return e.entries[0].term == 2; },
           [](t::Appended& e) { e.entries[0].term = 0; })},
  };
}

std::vector<Mutation> log_mutations() {
  return {
      {"LM", "another entry under the same index and term", "steady",
       in<t::Appended>(2, any<t::Appended>, [](t::Appended& e) { e.entries[0].hash ^= 1; })},
      {"LM", "a gap", "steady",
       in<t::Appended>(2, any<t::Appended>, [](t::Appended& e) { e.first += 1; })},
      {"OneWriter", "an entry that no leader wrote", "steady",
       in<t::Appended>(2, any<t::Appended>, [](t::Appended& e) { e.entries[0].term = 2; })},
      {"OneWriter", "a leader's entry of another term", "steady",
       in<t::Appended>(1, any<t::Appended>, [](t::Appended& e) { e.entries[0].term = 2; })},
      {"NoTrunc", "a committed entry is cut", "divergent",
       in<t::Truncated>(1, any<t::Truncated>, [](t::Truncated& e) { e.from = 1; })},
  };
}

std::vector<Mutation> commit_mutations() {
  return {
      {"CommitMono", "a lower commit index", "steady",
       in<t::Committed>(
           1, [](const t::Committed& e) { return e.to.index == 4; },
           [](t::Committed& e) { e.to.index = 1; })},
      {"CommitAgree", "a commit of another entry", "steady",
       in<t::Committed>(2, any<t::Committed>, [](t::Committed& e) { e.to.term = 2; })},
      {"CommitAgree", "a commit beyond the log", "steady",
       in<t::Committed>(3, any<t::Committed>, [](t::Committed& e) { e.to.index = 99; })},
      {"CommitDurable", "the sync behind a counted acknowledgement failed", "steady",
       in<t::Store>(
           2, [](const t::Store& e) { return e.op == t::StoreOp::kSyncFile; },
           [](t::Store& e) { e.ok = false; }, 2)},
      {"CommitDurable", "a commit before anybody acknowledged", "late-and-twice",
       in<t::Received>(
           1,
           [](const t::Received& e) {
             return e.message.type == MessageType::kAppendReply && e.message.index == 2;
           },
           [](t::Received& e) { e.message.term = 0; })},
      {"OwnTerm", "a commit through an entry of an earlier term", "divergent",
       in<t::Committed>(2, any<t::Committed>,
                        [](t::Committed& e) {
                          e.to = {1, 1};
                        })},
      {"FollowerBound", "an append without that commit index", "steady",
       in<t::Received>(
           2, [](const t::Received& e) { return e.message.index == 2; },
           [](t::Received& e) { e.message.index = 0; })},
      {"LC", "a commit that the next leader lacks", "divergent",
       in<t::Committed>(1, any<t::Committed>,
                        [](t::Committed& e) {
                          e.to = {2, 1};
                        })},
      {"AckTruth", "an acknowledgement of more than there is", "steady",
       in<t::Sent>(2, is_ack, [](t::Sent& e) { e.message.index += 1; })},
      {"AckTruth", "an acknowledgement to one who does not lead", "late-and-twice",
       in<t::Sent>(2, is_ack, [](t::Sent& e) { e.to = NodeId{3}; })},
  };
}

std::vector<Mutation> machine_mutations() {
  const auto applied = [](Index i) { return [i](const t::Applied& e) { return e.at.index == i; }; };
  return {
      {"Apply", "another state after the same entries", "steady",
       in<t::Applied>(2, applied(2), [](t::Applied& e) { e.digest ^= 1; })},
      {"Apply", "an entry left out", "steady",
       in<t::Applied>(2, applied(2), [](t::Applied& e) { e.at.index = 3; })},
      {"Apply", "another entry than the log's", "steady",
       in<t::Applied>(3, applied(2), [](t::Applied& e) { e.hash ^= 1; })},
      {"Apply", "another state when a restart replays", "killed-follower",
       in<t::Applied>(
           2, applied(1), [](t::Applied& e) { e.digest ^= 1; }, 1)},
      {"Session", "a retry is executed again", "steady",
       in<t::Applied>(1, applied(3), [](t::Applied& e) { e.execution = t::Execution::kExecuted; })},
      {"Session", "a retry is answered otherwise", "steady",
       in<t::Applied>(1, applied(3), [](t::Applied& e) { e.answer ^= 1; })},
      {"Session", "a replica answers otherwise", "steady",
       in<t::Applied>(2, applied(2), [](t::Applied& e) { e.answer ^= 1; })},
      {"Session", "a repetition of what never was", "steady",
       in<t::Applied>(1, applied(2), [](t::Applied& e) { e.execution = t::Execution::kRepeated; })},
      {"LeaseDisjoint", "a read judged after a later leader had committed", "paused-lease",
       in<t::Read>(
           1, any<t::Read>, [](t::Read& e) { e.checked += seconds(1); }, 1)},
      {"LeaseDisjoint", "such a read that is told before the commit", "paused-lease",
       in<t::Read>(1, any<t::Read>, [](t::Read& e) { e.checked += seconds(1); })},
      {"ReplyTruth", "ok in another term than was committed", "steady",
       in<t::Client>(1, any<t::Client>, [](t::Client& e) { e.at.term = 7; })},
      {"ReplyTruth", "ok before it was applied", "steady",
       in<t::Client>(1, any<t::Client>, [](t::Client& e) { e.at.index = 4; })},
      {"ReplyTruth", "an op where nothing was committed", "steady",
       [](Step& step) {
         if (step.kind != Step::Kind::kOp) return false;
         step.op.at.index = 77;
         return true;
       }},
      {"ReplyTruth", "an op in a term that did not commit there", "steady",
       [](Step& step) {
         if (step.kind != Step::Kind::kOp) return false;
         step.op.at.term = 3;
         return true;
       }},
  };
}

std::vector<Mutation> disk_mutations() {
  return {
      {"Corrupt", "an acknowledgement after a loss that claims to count", "wiped",
       in<t::Sent>(
           3, [](const t::Sent& e) { return is_ack(e) && e.message.count == 1; },
           [](t::Sent& e) { e.message.count = 0; })},
      {"Corrupt", "the entry that covers the node is not durable on a quorum", "wiped",
       in<t::Store>(
           2, [](const t::Store& e) { return e.op == t::StoreOp::kSyncFile; },
           [](t::Store& e) { e.ok = false; }, 3)},
      {"Corrupt", "it is not durable on one of those, who is wiped then",
       "wiped-one-after-the-other",
       in<t::Store>(
           2, [](const t::Store& e) { return e.op == t::StoreOp::kSyncFile; },
           [](t::Store& e) { e.ok = false; }, 3)},
      {"Restart", "what is lost without damage", "wiped",
       [](Step& step) {
         if (step.kind != Step::Kind::kDeath) return false;
         step.how = Death::kPowerLoss;
         return true;
       }},
      {"Restart", "a synced segment is gone", "power-loss",
       at_disk([](Step& s) { s.after.erase("log-0000000001.seg"); })},
      {"Restart", "synced bytes are cut off", "power-loss",
       at_disk([](Step& s) { s.after["log-0000000001.seg"].resize(30); })},
      {"Restart", "a synced byte is flipped", "power-loss",
       at_disk([](Step& s) { s.after["log-0000000001.seg"][50] ^= 1; })},
      {"Restart", "the node boots with another log than its files hold", "killed-follower",
       in<t::Boot>(
           2, any<t::Boot>, [](t::Boot& e) { e.last.index -= 1; }, 1)},
      {"Restart", "the node boots in another term than its files hold", "killed-follower",
       in<t::Boot>(
           2, any<t::Boot>, [](t::Boot& e) { e.term = 0; }, 1)},
      {"TraceTruth", "files that no reported write made", "killed-follower", at_disk([](Step& s) {
         s.before["log-0000000001.seg"].resize(90);
         s.after = s.before;
       })},
      {"TraceTruth", "a sync that its store does not know of", "steady",
       in<t::Store>(
           3, [](const t::Store& e) { return e.op == t::StoreOp::kSyncFile; },
           [](t::Store& e) { e.ok = false; }, 2)},
      {"TraceTruth", "a claim to be synced further", "steady",
       in<t::Synced>(2, any<t::Synced>,
                     [](t::Synced& e) {
                       e.upto = {5, 1};
                     })},
      {"TraceTruth", "a claim to have synced a later term", "steady",
       in<t::Synced>(2, any<t::Synced>, [](t::Synced& e) { e.term = 9; })},
      {"TraceTruth", "bytes overwritten", "steady",
       in<t::Store>(
           1, [](const t::Store& e) { return e.op == t::StoreOp::kWrite && e.offset > 30; },
           [](t::Store& e) { e.offset = 24; })},
      {"TraceTruth", "bytes that are no record", "steady",
       in<t::Store>(
           1, [](const t::Store& e) { return e.op == t::StoreOp::kWrite && e.offset > 30; },
           [](t::Store& e) { e.data.back() = static_cast<char>(e.data.back() ^ 1); })},
      {"TraceTruth", "another message than the proxy saw", "steady",
       in<t::Sent>(
           1, [](const t::Sent& e) { return e.message.type == MessageType::kAppend; },
           [](t::Sent& e) { e.message.round += 1; })},
      {"TraceTruth", "another frame than was traced", "steady",
       at_frame(2, MessageType::kAppendReply,
                [](wire::PeerMessage& m) { std::get<wire::AppendReply>(m).round += 1; })},
      {"TraceTruth", "a frame nobody traced", "late-and-twice",
       [](Step& step) {
         if (step.kind != Step::Kind::kFrame || step.node != NodeId{2}) return false;
         step.to = NodeId{3};
         step.id.value = (std::uint64_t{1} << 44) | 1;
         return true;
       }},
      {"TraceTruth", "a received message that says otherwise", "steady",
       in<t::Received>(3, any<t::Received>, [](t::Received& e) { e.message.round += 1; })},
      {"TraceTruth", "a received message that nobody sent", "late-and-twice",
       in<t::Received>(
           1, any<t::Received>, [](t::Received& e) { e.id.value += 500; }, 3)},
      {"TraceTruth", "a record is missing", "steady",
       [](Step& step) {
         if (event_of<t::Applied>(step, 3) == nullptr) return false;
         step.record.sequence += 1;
         return true;
       }},
  };
}

void expect(const Mutation& mutation) {
  INFO(mutation.rule << ": " << mutation.what << ", in " << mutation.story);
  const Story& one = story(mutation.story);
  std::vector<Step> steps = one.tell().steps;
  Change change = mutation.change;
  const bool changed =
      std::any_of(steps.begin(), steps.end(), [&](Step& step) { return change(step); });
  REQUIRE(changed);
  const auto results = tell(steps, one.nodes);
  INFO(violations_of(results));
  const CheckResult& result = results.at(std::string(mutation.rule));
  CHECK(result.verdict == Verdict::kInvalid);
  REQUIRE_FALSE(result.violations.empty());
  CHECK(result.violation_count >= result.violations.size());
  for (const Violation& violation : result.violations) {
    CHECK(violation.property == mutation.rule);
    CHECK_FALSE(violation.summary.empty());
    CHECK_FALSE(violation.evidence.empty());
    CHECK_FALSE(violation.nodes.empty());
  }
}

TEST_CASE("a changed vote, leader or term breaks its rule") {
  for (const Mutation& mutation : election_mutations()) expect(mutation);
}

TEST_CASE("a changed configuration breaks its rule") {
  for (const Mutation& mutation : membership_mutations()) expect(mutation);
}

TEST_CASE("a changed snapshot breaks its rule") {
  for (const Mutation& mutation : snapshot_mutations()) expect(mutation);
}

TEST_CASE("a changed log entry or cut breaks its rule") {
  for (const Mutation& mutation : log_mutations()) expect(mutation);
}

TEST_CASE("a changed commit or acknowledgement breaks its rule") {
  for (const Mutation& mutation : commit_mutations()) expect(mutation);
}

TEST_CASE("a changed state machine, session or answer breaks its rule") {
  for (const Mutation& mutation : machine_mutations()) expect(mutation);
}

TEST_CASE("where leases are not judged, nothing is said of them") {
  const Story& one = story("paused-lease");
  std::vector<Step> steps = one.tell().steps;
  for (Step& step : steps) {
    if (auto* read = event_of<t::Read>(step, 1)) read->checked += seconds(1);
  }
  CHECK(tell(steps, one.nodes, {.voters = {}, .leases = true}).at("LeaseDisjoint").violation_count >
        0);
  const auto results = tell(steps, one.nodes, {.voters = {}, .leases = false});
  CHECK(results.count("LeaseDisjoint") == 0);
  CHECK(violations_of(results).empty());
}

TEST_CASE("a vote within the time for which a lease may rest on the voter breaks its rule") {
  const Story& one = story("paused-lease");
  std::vector<Step> steps = one.tell().steps;
  // n2 and n3 hear from n1, the leader; then n2 stands, and n3 votes for it.
  const auto gap_of = [&](int n) {
    Instant heard{};
    Duration gap{};
    for (Step& step : steps) {
      const auto* received = event_of<t::Received>(step, n);
      if (received != nullptr && received->message.type == MessageType::kAppend &&
          gap == Duration{})
        heard = step.record.time;
      const auto* cast = event_of<t::VoteCast>(step, n);
      if (cast != nullptr && cast->term == 2 && cast->granted) gap = step.record.time - heard;
    }
    REQUIRE(gap > Duration{});
    return gap;
  };
  const Duration own = gap_of(2);
  const Duration other = gap_of(3);
  REQUIRE(own < other);
  const auto told = [&](const std::vector<Step>& some, Duration promise) {
    return tell(some, one.nodes, {.voters = {}, .lease_promise = promise}).at("LeasePromise");
  };
  const CheckResult kept = told(steps, own);
  CHECK(kept.verdict == Verdict::kValid);
  CHECK(kept.evaluated > 0);
  const CheckResult broken = told(steps, own + nanoseconds(1));
  REQUIRE(broken.violation_count == 1);
  CHECK(broken.violations.front().summary.find("n2 voted for n2 in term 2 ") == 0);
  CHECK(broken.violations.front().summary.find(" after it heard from a leader") !=
        std::string::npos);
  CHECK(told(steps, other + nanoseconds(1)).violation_count == 2);
  CHECK(told(steps, seconds(2)).violation_count == 2);  // the first starts promise nothing

  // Who was asked for a vote, or to stand, because the leader wanted it broke nothing.
  const auto asked = [&](int n, std::function<void(t::Summary&)> change) {
    std::vector<Step> some = steps;
    Step* last = nullptr;
    for (Step& step : some) {
      const auto* cast = event_of<t::VoteCast>(step, n);
      if (cast != nullptr && cast->term == 2) {
        REQUIRE(last != nullptr);
        change(std::get<t::Received>(last->record.event).message);
        last->record.time = step.record.time;  // one step is one moment
        break;
      }
      if (event_of<t::Received>(step, n) != nullptr) last = &step;
    }
    return told(some, seconds(2)).violation_count;
  };
  CHECK(asked(3, [](t::Summary&) {}) == 2);
  CHECK(asked(3, [](t::Summary& vote) { vote.count = 1; }) == 1);
  CHECK(asked(2, [](t::Summary& m) { m.type = MessageType::kTimeoutNow; }) == 1);
  CHECK(tell(steps, one.nodes, {.voters = {}, .leases = true}).count("LeasePromise") == 0);
}

TEST_CASE("a node that starts again has promised") {
  std::set<std::string> says;
  for (const Story& one : stories()) {
    const auto results = tell(one.tell().steps, one.nodes,
                              {.voters = {}, .leases = true, .lease_promise = seconds(1000)});
    for (const Violation& violation : results.at("LeasePromise").violations) {
      const bool start = violation.summary.find(" us after it started, ") != std::string::npos;
      says.insert(start ? "started" : "heard");
    }
  }
  CHECK(says == std::set<std::string>{"heard", "started"});
}

TEST_CASE("who leads by a configuration that a later leader's overruled is told") {
  const NodeId n1{1};
  const NodeId n2{2};
  const NodeId n3{3};
  const NodeId n4{4};
  for (const bool relied_on_before : {false, true}) {
    INFO("n1 commits by its configuration in term 1: " << relied_on_before);
    Tale tale(4);
    tale.elect(1, 1, {2, 3});
    tale.replicate_fully(1, 2, 0).replicate_fully(1, 3, 0);
    tale.configure(1, 1, {{n1, n2, n3}, {}, {}}).write_and_sync(1);
    if (relied_on_before) tale.commit(1, 1).apply_to_commit(1);
    tale.elect(2, 2, {4, 3});
    // No entry of term 2 is committed before the change, which is what is wrong.
    tale.configure(2, 2, {{n2, n3, n4}, {}, {}}).write_and_sync(2);
    tale.replicate_fully(2, 4, 0);
    tale.commit(2, 3).apply_to_commit(2);
    CHECK(tell(tale.steps, 4).at("CfgIntersect").violation_count == 0);
    tale.elect(1, 3, {3});
    const auto results = tell(tale.steps, 4);
    INFO(violations_of(results));
    CHECK(results.at("CfgIntersect").violation_count == 1);
  }
}

TEST_CASE("a configuration that a start forgets is in force all the same") {
  const wire::Configuration all{{NodeId{1}, NodeId{2}, NodeId{3}}, {}, {}};
  for (const bool forgets : {false, true}) {
    INFO("n2 forgets the configuration in its log: " << forgets);
    Tale tale = story("one-voter-less").tell();
    tale.die(2).start(2).begin_with(2, all);
    if (!forgets) {
      tale.tell_appended(2, 2).elect(2, 2, {1});
    } else {
      // By which n3 has a vote.
      tale.elect(2, 2, {3});
    }
    const auto results = tell(tale.steps, 3);
    INFO(violations_of(results));
    CHECK((results.at("Win").violation_count > 0) == forgets);
    CHECK((results.at("SnapPrefix").violation_count > 0) == forgets);
  }
}

TEST_CASE("how voters change is judged by the way that the cluster has") {
  const auto breaches = [](const char* name, wire::MembershipMode mode) {
    const Story& one = story(name);
    const auto results = tell(one.tell().steps, one.nodes, {.voters = {}, .membership = mode});
    return results.at("CfgSerial").violation_count;
  };
  CHECK(breaches("joint", wire::MembershipMode::kJoint) == 0);
  CHECK(breaches("joint", wire::MembershipMode::kSingle) > 0);
  CHECK(breaches("one-voter-less", wire::MembershipMode::kSingle) == 0);
  CHECK(breaches("one-voter-less", wire::MembershipMode::kJoint) > 0);
}

TEST_CASE("changed files, store operations or frames break their rule") {
  for (const Mutation& mutation : disk_mutations()) expect(mutation);
}

TEST_CASE("the account of two leaders names both, the term and the votes") {
  const Story& one = story("divergent");
  std::vector<Step> steps = one.tell().steps;
  for (Step& step : steps) {
    auto* role = event_of<t::RoleChange>(step, 2);
    if (role != nullptr && is_leader(*role)) role->term = 1;
  }
  const auto results = tell(steps, one.nodes);
  const CheckResult& result = results.at("ES");
  REQUIRE(result.violations.size() == 1);
  const Violation& violation = result.violations.front();
  CHECK(violation.summary == "n1 and n2 both became leader in term 1");
  CHECK(violation.nodes == std::vector<std::string>{"n2", "n1"});
  CHECK(violation.evidence.size() >= 3);
  CHECK(result.reason == violation.summary);
}

TEST_CASE("only the first violations of a rule are kept, and all are counted") {
  const Story& one = story("steady");
  std::vector<Step> steps = one.tell().steps;
  std::uint64_t changed = 0;
  for (int copy = 0; copy < 20; ++copy) {
    for (int n = 1; n <= 3; ++n) {
      Step step;
      step.node = NodeId{static_cast<std::uint32_t>(n)};
      step.incarnation = 1;
      step.record = {1, Instant{seconds(1)}, t::Mark{"x", 1}};
      steps.push_back(step);
      ++changed;
    }
  }
  const auto results = tell(steps, one.nodes);
  const CheckResult& result = results.at("TraceTruth");
  CHECK(result.violations.size() == kMaxViolations);
  CHECK(result.violation_count >= changed - 3);
}

TEST_CASE("the first violation is known while the evidence still comes") {
  const Story& one = story("steady");
  checkers::InvariantChecker checker(
      checkers::InvariantOptions{.voters = {NodeId{1}, NodeId{2}, NodeId{3}}});
  for (Step& step : one.tell().steps) {
    if (step.kind == Step::Kind::kStart) {
      checker.on_start(step.node, step.incarnation, step.record.time);
    }
    if (step.kind != Step::Kind::kTrace) continue;
    auto* role = event_of<t::RoleChange>(step, 1);
    const bool wins = role != nullptr && is_leader(*role);
    if (wins) role->granters.resize(1);
    CHECK_FALSE(checker.violated());
    checker.on_trace(step.node, step.incarnation, step.record);
    if (wins) break;
  }
  REQUIRE(checker.violated());
  REQUIRE(checker.first_violation() != nullptr);
  CHECK(checker.first_violation()->property == "Win");
}

}  // namespace
}  // namespace ww::test
