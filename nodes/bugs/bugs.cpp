#include "nodes/bugs/bugs.hpp"

namespace ww::bugs {

namespace {

constexpr std::array<BugRow, kBugCount> kRows = {{
    {Bug::kLocalRead, "local-read",
     "a leader answers reads from its own state without asking a quorum", "LIN",
     "jgroups-raft#208"},
    {Bug::kAckBeforeFsync, "ack-before-fsync",
     "entries count as stored before they are synced, at followers and at the leader", "DUR",
     "nats-server#7564, nats-server#7567, tikv#994"},
    {Bug::kVoteRamOnly, "vote-ram-only", "term and vote are never written to disk", "ES",
     "nodedb#161, raft-java#57"},
    {Bug::kNoDedupe, "no-dedupe", "a retried command of a session executes again", "EO",
     "curvine#676"},
    {Bug::kCommitOldTerm, "commit-old-term",
     "a leader commits entries of earlier terms by counting replicas", "LC",
     "logcabin#44, PySyncObj#169"},
    {Bug::kStaleGrantCounted, "stale-grant-counted",
     "a candidate counts votes that were granted to it in an earlier term", "ES",
     "xraft#33, little-raft#44"},
    {Bug::kTruncOnStaleAe, "trunc-on-stale-ae",
     "an append removes all that lies behind it, although nothing conflicts", "DUR",
     "willemt/raft#37, raftos#26, CCF#5991"},
    {Bug::kOneByOneNoBarrier, "one-by-one-no-barrier",
     "a leader changes a single voter before an entry of its own term is committed", "CF",
     "hydro#3192, jgroups-raft#38"},
    {Bug::kJointOldMajority, "joint-old-majority",
     "while a configuration is joint, a majority of the old voters decides alone", "CF",
     "Raft paper, section 6"},
    {Bug::kConfigRollbackLost, "config-rollback-lost",
     "a configuration stays in force although its entry was removed from the log", "CF",
     "scylladb#30984, canonical/raft#323"},
    {Bug::kElectionPendingConf, "election-pending-conf",
     "candidates count votes by the last committed configuration, not by the latest", "CF",
     "etcd#11284"},
    {Bug::kJointNeverLeaves, "joint-never-leaves",
     "only the leader that began joint consensus ends it", "LV", "etcd#12359"},
    {Bug::kWatchUncommitted, "watch-uncommitted",
     "a leader tells watchers of entries before they are committed", "WATCH",
     "horizontal-scaling-convex#146"},
    {Bug::kWatchResumeSkips, "watch-resume-skips",
     "a watch that resumes takes the first change that it missed for seen", "WATCH",
     "etcd#4502, python-etcd3#729, dotnet-etcd#310"},
    {Bug::kWatchResumeRepeats, "watch-resume-repeats",
     "a watch that resumes is told again of the change before its revision", "WATCH", "jetcd#946"},
    {Bug::kWatchSilentCompaction, "watch-silent-compaction",
     "a watch that asks for what is not kept any more begins with the oldest that is", "WATCH",
     "cilium#3011"},
    {Bug::kCorruptAsTornTail, "corrupt-as-torn-tail",
     "damage in the middle of the log is taken for a torn tail, and the node serves on", "LC",
     "camunda#6098, pebble#453"},
    {Bug::kAmnesiaVoter, "amnesia-voter",
     "a node that may have lost what it acknowledged, its disk wiped or its log's tail damaged, "
     "votes and counts",
     "LC", "dragonboat#256"},
    {Bug::kCommitUnmatchedTail, "commit-unmatched-tail",
     "a follower commits as far as its leader, also what was not compared with the leader's log",
     "SM", "scylladb#9965, copycat#265"},
    {Bug::kAckOwnLast, "ack-own-last",
     "a follower acknowledges its whole log, also what lies behind the append", "SM", "CCF#6001"},
    {Bug::kVoteLogCheckWrong, "vote-log-check-wrong",
     "the longer log is taken for the more up to date, whatever its last term", "LC",
     "influxdb#1663"},
    {Bug::kReadIndexEarly, "readindex-early",
     "a leader takes its commit index for a read index before an entry of its term is committed",
     "LIN", "etcd#7331, tikv#6340"},
    {Bug::kSnapStaleConfig, "snap-stale-config",
     "a node that goes on from a snapshot keeps the configuration that it had", "CF",
     "openraft#1808"},
    {Bug::kDedupeNotInSnapshot, "dedupe-not-in-snapshot",
     "snapshots are saved without the sessions", "EO", "dragonboat#60, openraft#2096"},
    {Bug::kLeaseVsTransfer, "lease-vs-transfer",
     "a leader that told another node to stand still reads by its lease", "LIN",
     "tikv#1593, raft-rs#234"},
    {Bug::kLeaseTimerLate, "lease-timer-late",
     "a lease runs from when a quorum's echoes came in, not from when their round was sent", "LIN",
     "sofa-jraft#34"},
    {Bug::kLeasePromiseLost, "lease-promise-lost",
     "a node that starts votes at once, though a lease may rest on what it answered before", "LIN",
     "dissertation, 6.4.1: nothing is said of restarts"},
}};

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].bug) != i) return false;
  }
  return true;
}
static_assert(rows_are_in_order());

}  // namespace

std::span<const BugRow> registry() {
  return kRows;
}

std::optional<Bug> bug_of(std::string_view name) {
  for (const BugRow& row : kRows) {
    if (row.name == name) return row.bug;
  }
  return std::nullopt;
}

}  // namespace ww::bugs
