// Changes of the cluster's members (Raft paper, section 6; dissertation, chapter 4).
//
// A configuration is in force at a node as soon as its entry is in that node's log, committed or
// not, and no longer when the entry is removed. A change goes through these:
//
//   C                    -> C with the new nodes as learners -> C_old,new -> C_new     (joint)
//   C                    -> C with the new node as a learner -> C_new                  (single)
//
// The next one is appended only when the one before is committed, by whoever leads then: nothing
// but the log says how far a change has come. What only the leader knows, that learners are to
// become voters, dies with its leadership, and they stay learners until the next change.
//
// Learners become voters when they have caught up: the log is brought to them in rounds, each as
// far as the leader's log went when it began, until one takes less than an election timeout
// (4.2.1). Whoever does not manage that is left out after a while. One that is in doubt (doubt.cpp)
// has not caught up; and no change begins, or goes on to C_new, while so many of C_new's voters are
// in doubt that the others are no quorum: nothing could be committed any more, and no doubt ended.
//
// Two changes of a single server can go wrong when leaders of two terms make them (Ongaro's mail to
// raft-dev of 2015): a leader makes none before an entry of its own term is committed, which leaves
// no uncommitted change of an earlier term alive. Joint consensus does not need that, but it is as
// well.
//
// A leader that is not in C_new leads until that is committed, without counting itself (4.2.2). A
// removed node that does not know goes on asking for pre-votes; nobody who hears a leader listens
// (4.2.3), and leaders do not take answers from outside their configuration.
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.hpp"
#include "nodes/raft/replica.hpp"

namespace ww::raft {

namespace trace = wire::trace;

namespace {

/// New nodes get so many rounds, and so many election timeouts, to catch up.
constexpr std::uint32_t kMostRounds = 10;
constexpr int kCatchUpTimeouts = 20;

std::vector<NodeId> difference(const std::vector<NodeId>& a, const std::vector<NodeId>& b) {
  std::vector<NodeId> out;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

}  // namespace

// At every node.

/// An entry was appended at `index`.
void Replica::adopt(Step& s, Index index, const wire::EntryView& entry) {
  if (entry.kind != wire::EntryKind::kConfiguration) return;
  auto decoded = wire::decode_configuration(entry.payload);
  WW_ASSERT(decoded.ok(), "a leader logs only configurations that decode");
  s.trace(trace::Configured{trace::ConfigurationAct::kAppended, {index, entry.term}, *decoded});
  configurations_.append(index, std::move(*decoded));
  if (as_leader() != nullptr) follow_configuration(s, index);
}

/// The entries from `from` on were removed.
void Replica::revert_configurations(Step& s, Index from) {
  Configuration removed = configuration();
  if (!configurations_.truncate(from)) return;
  if (config_.bugs.flips(bugs::Bug::kConfigRollbackLost, removed != configuration())) {
    configurations_.begin_with(configurations_.latest_index(), std::move(removed));
  }
  mark(s, RarePath::kConfigurationReverted);
  trace_configuration(s, trace::ConfigurationAct::kReverted);
}

bool Replica::is_quorum(const std::vector<NodeId>& granters) {
  const Configuration& now = configuration();
  const bool is = has_quorum(now, granters);
  if (config_.bugs.is_on(bugs::Bug::kJointOldMajority)) {
    const bool old = has_quorum(Configuration{now.voters, {}, {}}, granters);
    if (config_.bugs.flips(bugs::Bug::kJointOldMajority, old != is)) return old;
  }
  if (config_.bugs.is_on(bugs::Bug::kElectionPendingConf)) {
    const bool committed = has_quorum(configurations_.at(commit_index_), granters);
    if (config_.bugs.flips(bugs::Bug::kElectionPendingConf, committed != is)) return committed;
  }
  return is;
}

void Replica::trace_configuration(Step& s, trace::ConfigurationAct act) {
  const Index at = std::max(configurations_.latest_index(), log_.base().index);
  s.trace(trace::Configured{act, {at, log_.term_at(at)}, configuration()});
}

/// Who votes in no configuration that could be in force does not stand for election. One that its
/// latest configuration leaves out does, until that is committed: its log may be the longest there
/// is (dissertation, 4.2.2). A learner does not.
bool Replica::may_stand() const {
  return !is_learner(configuration(), config_.self) &&
         configurations_.may_count(config_.self, commit_index_);
}

/// Instead of standing for election.
void Replica::wait_for_leader(Step& s) {
  mark(s, RarePath::kNotStanding);
  role_ = Follower{};
  draw_timeout();
  restart_election_timer(s.now);
}

/// A node that was never told of any configuration does not know what its vote would be worth.
bool Replica::knows_members() const {
  return !configuration().voters.empty();
}

// At the leader.

/// Its peers are the other members. `next` is where new ones are probed.
void Replica::follow_configuration(Step& s, Index next) {
  Leader& leader = *as_leader();
  std::vector<Progress> peers;
  const auto find = [](std::vector<Progress>& in, NodeId id) {
    return std::find_if(in.begin(), in.end(), [id](const Progress& p) { return p.id == id; });
  };
  for (const NodeId id : members_of(configuration())) {
    if (id == config_.self) continue;
    if (const auto known = find(leader.peers, id); known != leader.peers.end()) {
      peers.push_back(*known);
      continue;
    }
    peers.emplace_back(id, next, s.now.mono);
    if (const auto gone = find(leader.doubted, id); gone != leader.doubted.end()) {
      peers.back().recall_doubt(*gone);
      leader.doubted.erase(gone);
    }
  }
  for (const Progress& peer : leader.peers) {
    const bool stays = find(peers, peer.id) != peers.end();
    if (!stays && peer.doubt() != 0) leader.doubted.push_back(peer);
  }
  leader.peers = std::move(peers);  // A piece that went out in this step keeps its snapshot.
  if (leader.transfer && !may_take_over(leader.transfer->to)) give_up_transfer(s);
}

/// Whether it comes from a node that is no member, as an answer.
bool Replica::is_strange(NodeId from, const wire::PeerMessage& message) const {
  const bool answer = std::holds_alternative<wire::PreVoteReply>(message) ||
                      std::holds_alternative<wire::VoteReply>(message) ||
                      std::holds_alternative<wire::AppendReply>(message) ||
                      std::holds_alternative<wire::InstallSnapshotReply>(message);
  return answer && !is_member(configuration(), from);
}

void Replica::on(Step& s, const ChangeMembership& input) {
  const auto refuse_change = [&](const char* reason) {
    s.trace(trace::Membership{trace::MembershipPhase::kRefused, input.mode, hard_.term,
                              input.voters, reason});
  };
  const Leader* leader = as_leader();
  if (leader == nullptr) return refuse_change("not a leader");
  const Configuration& now = configuration();
  if (input.voters.empty() || !wire::is_sound({input.voters, {}, {}})) {
    return refuse_change("not a set of voters");
  }
  if (leader->change || is_joint(now) || configurations_.latest_index() > commit_index_) {
    return refuse_change("another change is under way");
  }
  if (!is_voter(now, config_.self)) return refuse_change("about to step down");
  if (leader->transfer) return refuse_change("leadership is being handed over");
  const bool free = input.mode == wire::MembershipMode::kSingle && !own_term_committed() &&
                    config_.bugs.flips(bugs::Bug::kOneByOneNoBarrier, true);
  if (!free && !own_term_committed()) {
    mark(s, RarePath::kBarrier);
    return refuse_change("no entry of this term is committed yet");
  }
  const std::vector<NodeId> fresh = difference(input.voters, now.voters);
  const std::size_t differences = fresh.size() + difference(now.voters, input.voters).size();
  if (input.mode == wire::MembershipMode::kSingle && differences > 1) {
    return refuse_change("more than one voter at once");
  }
  const auto tell = [&](trace::MembershipPhase phase) {
    s.trace(trace::Membership{phase, input.mode, hard_.term, input.voters, {}});
  };
  if (differences == 0 && now.learners.empty()) return tell(trace::MembershipPhase::kDone);
  if (!could_commit(input.voters)) {
    mark(s, RarePath::kDoubtedChange);
    return refuse_change("too many of the voters are in doubt");
  }
  tell(trace::MembershipPhase::kBegan);
  const Configuration with_learners{now.voters, {}, fresh};
  if (now.learners != fresh) append_configuration(s, with_learners);
  as_leader()->change = MembershipChange{input.voters,
                                         input.mode,
                                         differences == 0,
                                         log_.last_index(),
                                         s.now.mono,
                                         1,
                                         s.now.mono + kCatchUpTimeouts * config_.election_timeout};
}

void Replica::append_configuration(Step& s, const Configuration& configuration) {
  std::string payload;
  wire::encode_configuration(payload, configuration);
  append_own(s, wire::EntryKind::kConfiguration, payload);
  // What is gathered is sent together.
  if (as_leader()->gather_due == kNever) replicate(s);
}

/// Takes a change as far as it goes: at the end of every step of a leader.
void Replica::advance_membership(Step& s) {
  Leader& leader = *as_leader();
  const Configuration& now = configuration();
  if (configurations_.latest_index() > commit_index_) return;
  if (is_joint(now)) {
    if (!own_term_committed()) return;
    const bool inherited = configurations_.latest_index() < leader.term_start;
    if (config_.bugs.flips(bugs::Bug::kJointNeverLeaves, inherited)) return;
    return append_configuration(s, Configuration{now.next, {}, {}});
  }
  if (leader.change && !leader.change->decided) return catch_up(s);
  if (leader.change) {
    const MembershipChange done = std::move(*leader.change);
    leader.change.reset();
    s.trace(
        trace::Membership{trace::MembershipPhase::kDone, done.mode, hard_.term, done.voters, {}});
  }
}

/// Steps down when C_new leaves this leader out and is committed; returns whether it did. That is
/// between two heartbeats, so that nothing that it sent in the same step is cut off.
bool Replica::leave(Step& s) {
  const bool left_out = !is_joint(configuration()) && !is_voter(configuration(), config_.self) &&
                        configurations_.latest_index() <= commit_index_;
  if (!left_out || as_leader()->gather_due != kNever) return false;
  mark(s, RarePath::kLeaderRemoved);
  become_follower(s, hard_.term, kNobody);
  return true;
}

/// Whether those of `voters` that count, new ones among them, are a quorum: a configuration that is
/// appended is in force, so what brings a node back from its doubt must be committed by it.
bool Replica::could_commit(const std::vector<NodeId>& voters) {
  std::vector<NodeId> counted;
  for (const NodeId id : voters) {
    const Progress* peer = id == config_.self ? nullptr : peer_of(id);
    if (peer == nullptr || peer->counts()) counted.push_back(id);
  }
  return has_quorum(Configuration{voters, {}, {}}, counted);
}

/// Makes voters of the learners once they have caught up, and gives them up when they take too
/// long.
void Replica::catch_up(Step& s) {
  MembershipChange& change = *as_leader()->change;
  const Configuration now = configuration();
  const bool there = std::all_of(now.learners.begin(), now.learners.end(), [&](NodeId id) {
    const Progress& learner = *peer_of(id);
    return learner.counts() && learner.match_index() >= change.round_end;
  });
  const bool ready = there && could_commit(change.voters);
  if (ready && s.now.mono - change.round_began < config_.election_timeout) {
    change.decided = true;
    const bool joint = change.mode == wire::MembershipMode::kJoint;
    return append_configuration(s, joint ? Configuration{now.voters, change.voters, {}}
                                         : Configuration{change.voters, {}, {}});
  }
  const bool out_of_rounds = ready && change.rounds == kMostRounds;
  if (out_of_rounds || s.now.mono >= change.give_up) {
    mark(s, RarePath::kCatchUpGivenUp);
    s.trace(trace::Membership{
        trace::MembershipPhase::kGivenUp, change.mode, hard_.term, change.voters, {}});
    as_leader()->change.reset();
    return append_configuration(s, Configuration{now.voters, {}, {}});
  }
  if (!ready) return;
  ++change.rounds;
  change.round_end = log_.last_index();
  change.round_began = s.now.mono;
}

/// REQUIRES: this node leads.
Progress* Replica::peer_of(NodeId node) {
  auto& peers = as_leader()->peers;
  const auto found =
      std::find_if(peers.begin(), peers.end(), [node](const Progress& p) { return p.id == node; });
  return found == peers.end() ? nullptr : &*found;
}

}  // namespace ww::raft
