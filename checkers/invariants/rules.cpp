#include "checkers/invariants/rules.hpp"

#include <array>

namespace ww::checkers::invariants {

namespace {

constexpr std::array<RuleRow, kRuleCount> kRules = {{
    {Rule::kES, "ES", "at most one leader a term", false, true, false},
    {Rule::kVote1, "Vote1", "one vote a term and node, also across crashes", false, true, false},
    {Rule::kPromise, "Promise", "no success for a term below a granted vote's", false, true, false},
    {Rule::kWin, "Win", "a leader's granters are a quorum that really voted for it", false, false,
     false},
    {Rule::kUpToDate, "UpToDate", "votes go to logs at least as up to date", false, false, false},
    {Rule::kTerm, "Term", "terms never fall and are durable before they are spoken", false, true,
     false},
    {Rule::kLM, "LM", "equal index and term mean equal logs up to there", false, false, false},
    {Rule::kOneWriter, "OneWriter", "entries of a term come from its leader, which only appends",
     false, false, false},
    {Rule::kCommitMono, "CommitMono", "the commit index never decreases", false, false, false},
    {Rule::kCommitAgree, "CommitAgree", "nodes commit the same entry at an index", false, false,
     false},
    {Rule::kCommitDurable, "CommitDurable", "a committed entry is synced on a quorum", false, false,
     true},
    {Rule::kOwnTerm, "OwnTerm", "a leader commits through an entry of its own term", false, false,
     false},
    {Rule::kFollowerBound, "FollowerBound",
     "a follower commits only what its leader committed and it verified", false, false, false},
    {Rule::kNoTrunc, "NoTrunc", "committed entries are not truncated", true, false, false},
    {Rule::kLC, "LC", "a leader has every entry committed in earlier terms", true, false, false},
    {Rule::kAckTruth, "AckTruth", "an acknowledged log is synced and equal to the leader's", false,
     false, true},
    {Rule::kApply, "Apply", "entries are applied in order, with equal results everywhere", false,
     false, false},
    {Rule::kRestart, "Restart", "a crash loses nothing that was synced", true, false, true},
    {Rule::kSnapPrefix, "SnapPrefix",
     "a snapshot is the committed state where it stands, and replaces no other history", true,
     false, false},
    {Rule::kCfgSerial, "CfgSerial",
     "a configuration follows a committed one, jointly or by one voter", true, false, false},
    {Rule::kCfgIntersect, "CfgIntersect",
     "quorums that were relied on meet, unless a commit orders their configurations", true, false,
     false},
    {Rule::kSession, "Session", "a session's command is executed once, and answered alike", true,
     false, false},
    {Rule::kLeaseDisjoint, "LeaseDisjoint",
     "a read by a lease comes before anything that a later leader commits", true, false, false},
    {Rule::kLeasePromise, "LeasePromise",
     "who heard from a leader or started votes for nobody as long as a lease may rest on it", true,
     false, false},
    {Rule::kCorrupt, "Corrupt",
     "a node that lost durable bytes neither votes nor counts nor serves until a leader covers it",
     true, false, true},
    {Rule::kReplyTruth, "ReplyTruth", "an op that is ok is committed where its answer says", true,
     false, false},
    {Rule::kTraceTruth, "TraceTruth", "traces agree with frames, store operations and files", false,
     false, false},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kRuleCount; ++i) {
    if (static_cast<std::size_t>(kRules[i].rule) != i) return false;
  }
  return true;
}
static_assert(in_order(), "the table is indexed by Rule");

}  // namespace

std::span<const RuleRow> rule_table() {
  return kRules;
}
const RuleRow& row_of(Rule rule) {
  return kRules[static_cast<std::size_t>(rule)];
}

}  // namespace ww::checkers::invariants
