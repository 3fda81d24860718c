#include "tests/unit/raft_torture.hpp"

#include <algorithm>
#include <iterator>
#include <vector>

#include "base/rng.hpp"
#include "tests/unit/raft_cluster.hpp"
#include "tests/unit/raft_oracle.hpp"

namespace ww::raft::testing {

namespace {

/// One run of one seed. Everything in it is decided by the seed.
class Torture {
 public:
  Torture(std::uint64_t seed, std::optional<bugs::Bug> bug)
      : rng_(key_of(seed, "torture")),
        bug_(bug),
        voters_(pick_size()),
        cluster_(voters_ + spares(seed), config(seed), observer(), voters_) {
    if (cluster_.size() > voters_ || keyed(seed, "torture.shrinks").below(4) == 0) {
      change_ppm_ = static_cast<std::uint32_t>(rng_.below(80'000));
    }
    wipes_ = keyed(seed, "torture.wipes").below(2) == 0;
    crash_ppm_ = static_cast<std::uint32_t>(rng_.below(30'000));
    loss_ppm_ = static_cast<std::uint32_t>(rng_.below(150'000));
    request_ppm_ = 30'000 + static_cast<std::uint32_t>(rng_.below(270'000));
    write_ppm_ = 100'000 + static_cast<std::uint32_t>(rng_.below(800'000));
  }

  TortureResult run(int steps) {
    for (int i = 0; i < steps && !oracle_.violation(); ++i) {
      act();
      for (const Member& member : cluster_.members()) oracle_.check_state(member);
    }
    TortureResult out;
    if (!oracle_.violation()) out.converged = converge();
    out.violation = oracle_.violation();
    out.committed = oracle_.committed();
    out.leaders = oracle_.leaders();
    out.reads = oracle_.reads_served();
    out.ok = oracle_.answered_ok();
    out.taken = oracle_.snapshots_taken();
    out.installed = oracle_.snapshots_installed();
    out.configured = oracle_.configurations();
    out.wiped = wiped_;
    for (const Member& m : cluster_.members()) {
      out.covered +=
          m.replica && m.config.incarnation > 1 && !m.disk.in_doubt && oracle_.was_wiped(m.id);
    }
    out.reached = reached_;
    if (bug_) {
      for (const Member& m : cluster_.members()) {
        if (m.replica) out.reached += m.replica->bugs().reached(*bug_);
      }
    }
    return out;
  }

 private:
  std::size_t pick_size() {
    constexpr std::size_t kSizes[] = {3, 3, 3, 5, 1, 2, 4};
    return kSizes[rng_.below(std::size(kSizes))];
  }

  static std::size_t spares(std::uint64_t seed) {
    Rng rng = keyed(seed, "torture.spares");
    return rng.below(2) == 0 ? 0 : 1 + rng.below(3);
  }

  Config config(std::uint64_t seed) {
    Config c;
    c.seed = seed;
    c.limits.max_append_bytes = rng_.below(2) == 0 ? 40 : 4096;
    c.limits.max_append_entries = rng_.below(4) == 0 ? 1 : 65536;
    c.limits.max_in_flight_appends = rng_.below(4) == 0 ? 1 : 8;
    c.gather = rng_.below(2) == 0;
    c.limits.max_pending_requests = 8;
    c.limits.max_uncommitted_bytes = 500;
    c.limits.machine = {Oracle::kMaxSessions, Oracle::kSessionEntries};
    c.leases = keyed(seed, "torture.leases").below(2) == 0;
    c.follower_reads = keyed(seed, "torture.follower-reads").below(3) == 0;
    const bool on = keyed(seed, "torture.snapshots").below(4) != 0;
    c.snapshots.entries = on ? 2 + keyed(seed, "torture.entries").below(6) : 0;
    c.snapshots.bytes = on && keyed(seed, "torture.bytes").below(3) == 0 ? 60 : 0;
    if (on && keyed(seed, "torture.interval").below(4) == 0) {
      c.snapshots.interval = milliseconds(50);
    }
    c.snapshots.trailing = keyed(seed, "torture.trailing").below(3);
    c.snapshots.piece_bytes =
        10 + static_cast<std::uint32_t>(keyed(seed, "torture.piece").below(200));
    if (bug_) c.bugs.turn_on(*bug_);
    return c;
  }

  Cluster::Observer observer() {
    return [this](const Member& member, const Effect& effect) {
      oracle_.see(cluster_, member, effect);
    };
  }

  NodeId random_node() {
    return NodeId{1 + static_cast<std::uint32_t>(rng_.below(cluster_.size()))};
  }
  const Member& random_member() { return cluster_.member(random_node()); }

  void act() {
    const std::uint64_t choice = rng_.below(1'000'000);
    if (choice < crash_ppm_) return crash_or_cut();
    if (choice < crash_ppm_ + request_ppm_) return request();
    if (choice < crash_ppm_ + request_ppm_ + 60'000) return expire_a_timer();
    if (choice < crash_ppm_ + request_ppm_ + 90'000) return restart();
    if (rng_.chance_ppm(change_ppm_)) return change_members();
    if (choice < crash_ppm_ + request_ppm_ + 97'000) return transfer();
    if (rng_.chance_ppm(write_ppm_) && complete_a_write()) return;
    message();
  }

  void crash_or_cut() {
    const Member& member = random_member();
    const NodeId other = random_node();
    switch (rng_.below(6)) {
      case 0:
      case 1:
        if (!member.replica) return;
        if (bug_) reached_ += member.replica->bugs().reached(*bug_);
        cluster_.crash(member.id, rng_.below(member.pending.size() + member.written.size() + 1),
                       rng_.below(2) == 0);
        oracle_.crashed(member.id);
        if (wipes_ && rng_.below(3) == 0) wipe(member);
        return;
      case 2:
        if (other != member.id) cluster_.cut(member.id, other, true);
        return;
      case 3:
        return isolate_a_leader();
      default:
        slow_ = kNobody;
        for (const Member& m : cluster_.members()) {
          for (const Member& n : cluster_.members()) cluster_.cut(m.id, n.id, rng_.below(5) == 0);
        }
    }
  }

  /// Loses its disk, unless some configuration in force needs it then.
  void wipe(const Member& member) {
    const auto enough = [&](const std::vector<NodeId>& voters) {
      return voters.empty() || is_sound_quorum(voters, member.id);
    };
    for (const auto& [node, configuration] : oracle_.in_force()) {
      if (!enough(configuration.voters) || !enough(configuration.next)) return;
    }
    oracle_.wiped(member);
    cluster_.wipe(member.id);
    ++wiped_;
  }

  /// Whether those of the voters that are in no doubt, `but` apart, are a majority.
  bool is_sound_quorum(const std::vector<NodeId>& voters, NodeId but = kNobody) {
    const auto sound = std::count_if(voters.begin(), voters.end(), [&](NodeId id) {
      const Member& m = cluster_.member(id);
      return id != but && !m.disk.in_doubt && !(m.replica && m.replica->in_doubt());
    });
    return 2 * static_cast<std::size_t>(sound) > voters.size();
  }

  void isolate_a_leader() {
    for (const Member& leader : cluster_.members()) {
      if (!leader.replica || leader.replica->role() != wire::Role::kLeader) continue;
      for (const Member& other : cluster_.members()) {
        if (other.id == leader.id) continue;
        cluster_.cut(leader.id, other.id, true);
        cluster_.cut(other.id, leader.id, true);
      }
      // With a slow clock it goes on believing that it leads, which only safe reads survive.
      if (rng_.below(2) == 0) slow_ = leader.id;
      return;
    }
  }

  void restart() {
    const Member& member = random_member();
    if (!member.replica) cluster_.start(member.id);
  }

  void transfer() {
    const Member& member = random_member();
    const NodeId to = rng_.below(2) == 0 ? random_node() : kNobody;
    if (member.replica) cluster_.transfer(member.id, to);
  }

  void request() {
    const Member& member = random_member();
    if (!member.replica) return;
    Request r;
    r.id = {ClientId{1}, ++requests_};
    r.read_mode = rng_.below(4) == 0 ? wire::ReadMode::kLog : wire::ReadMode::kIndex;
    r.command.key = std::string(1, static_cast<char>('a' + rng_.below(3)));
    const std::uint64_t kind = rng_.below(10);
    if (kind == 0) {
      r.command.kind = wire::CommandKind::kOpenSession;
    } else if (kind < 4) {
      r.command.kind = wire::CommandKind::kRead;
    } else if (kind < 7) {
      r.command.kind = wire::CommandKind::kWrite;
      r.command.value = "v" + std::to_string(requests_);
    } else {
      r.command.kind = static_cast<wire::CommandKind>(2 + rng_.below(4));
      r.command.value = "x";
      r.command.expected = "x";
      // Session numbers are log indices; guesses hit some, and retries abound.
      r.command.session = SessionId{2 + rng_.below(6)};
      r.command.seq = 1 + rng_.below(4);
    }
    oracle_.requested(member, r);
    cluster_.request(member.id, r);
  }

  /// Asks whoever leads, sometimes two, for other voters: some of the nodes, or one more or less.
  void change_members() {
    for (const Member& member : cluster_.members()) {
      if (!member.replica || member.replica->role() != wire::Role::kLeader) continue;
      ChangeMembership change;
      change.voters = member.replica->configuration().voters;
      if (rng_.below(2) == 0) {
        change.mode = wire::MembershipMode::kSingle;
        toggle(change.voters, random_node());
      } else {
        for (std::uint64_t i = 1 + rng_.below(4); i > 0; --i) toggle(change.voters, random_node());
      }
      // The leader may not know of a doubt yet, and what needs the doubtful can never be committed.
      if (is_sound_quorum(change.voters)) cluster_.change(member.id, change);
    }
  }

  static void toggle(std::vector<NodeId>& nodes, NodeId node) {
    const auto place = std::lower_bound(nodes.begin(), nodes.end(), node);
    if (place != nodes.end() && *place == node) {
      nodes.erase(place);
    } else {
      nodes.insert(place, node);
    }
  }

  void expire_a_timer() {
    // The earliest deadline mostly, but any node's clock may run ahead of its inputs.
    const Member* chosen = nullptr;
    for (const Member& m : cluster_.members()) {
      if (!m.replica || m.replica->deadline() == kNever || m.id == slow_) continue;
      if (chosen == nullptr || m.replica->deadline() < chosen->replica->deadline()) chosen = &m;
    }
    const Member& other = random_member();
    if (rng_.below(6) == 0 && other.replica && other.id != slow_) chosen = &other;
    if (chosen == nullptr || chosen->replica->deadline() == kNever) return;
    cluster_.advance_to(chosen->replica->deadline());
    cluster_.timer(chosen->id);
  }

  bool complete_a_write() {
    const Member& member = random_member();
    if (!member.replica) return false;
    if (member.saving && rng_.below(3) == 0) {
      cluster_.complete_save(member.id);
      return true;
    }
    if (member.pending.empty()) return false;
    const bool fails = rng_.chance_ppm(200);
    Result<void> outcome;
    if (fails) outcome = Error{ErrorCode::kIo, false, "injected"};
    cluster_.complete_write(member.id, outcome);
    return true;
  }

  void message() {
    if (cluster_.packets().empty()) return expire_a_timer();
    const std::size_t count = cluster_.packets().size();
    const std::size_t place = rng_.below(3) == 0 ? rng_.below(count) : 0;
    if (rng_.chance_ppm(loss_ppm_)) return cluster_.drop(place);
    if (rng_.chance_ppm(50'000)) cluster_.duplicate(place);
    cluster_.deliver(place);
  }

  /// Heals everything; then a leader must appear, all nodes agree, and every request be answered.
  bool converge() {
    for (const Member& m : cluster_.members()) {
      for (const Member& n : cluster_.members()) cluster_.cut(m.id, n.id, false);
      if (m.replica && m.replica->role() == wire::Role::kHalted) {
        cluster_.crash(m.id);
        oracle_.crashed(m.id);
      }
      if (!m.replica) cluster_.start(m.id);
    }
    for (int i = 0; i < 300 && !oracle_.violation(); ++i) {
      if (settle() && agree() && oracle_.all_answered(cluster_)) return true;
      const Member* first = nullptr;
      for (const Member& m : cluster_.members()) {
        if (first == nullptr || m.replica->deadline() < first->replica->deadline()) first = &m;
      }
      cluster_.advance_to(first->replica->deadline());
      cluster_.timer(first->id);
    }
    return false;
  }

  bool settle() {
    for (int i = 0; i < 20'000; ++i) {
      bool idle = cluster_.packets().empty();
      if (!idle) cluster_.deliver(0);
      for (const Member& m : cluster_.members()) {
        if (m.saving) {
          cluster_.complete_save(m.id);
          idle = false;
        }
        if (m.pending.empty()) continue;
        cluster_.complete_write(m.id);
        idle = false;
      }
      if (idle) return true;
    }
    return false;
  }

  bool agree() {
    const Member* leader = nullptr;
    for (const Member& m : cluster_.members()) {
      if (m.replica->role() != wire::Role::kLeader) continue;
      if (!leader || m.replica->current_term() > leader->replica->current_term()) leader = &m;
    }
    if (leader == nullptr || !leader->replica->configuration().next.empty()) return false;
    const Replica& first = *leader->replica;
    for (const NodeId id : first.configuration().voters) {
      const Replica& r = *cluster_.member(id).replica;
      if (r.leader() == kNobody || r.last() != first.last()) return false;
      if (r.commit_index() != r.last().index || r.digest() != first.digest()) return false;
    }
    return true;
  }

  Rng rng_;
  std::optional<bugs::Bug> bug_;
  Oracle oracle_;
  std::size_t voters_;  // the first
  Cluster cluster_;
  bool wipes_ = false;
  std::size_t wiped_ = 0;
  NodeId slow_;  // its timers do not fire
  std::uint64_t requests_ = 0;
  std::uint64_t reached_ = 0;
  std::uint32_t crash_ppm_ = 0;
  std::uint32_t loss_ppm_ = 0;
  std::uint32_t request_ppm_ = 0;
  std::uint32_t write_ppm_ = 0;
  std::uint32_t change_ppm_ = 0;
};

}  // namespace

TortureResult torture(std::uint64_t seed, int steps, std::optional<bugs::Bug> bug) {
  return Torture(seed, bug).run(steps);
}

}  // namespace ww::raft::testing
