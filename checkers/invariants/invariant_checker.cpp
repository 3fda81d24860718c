#include "checkers/invariants/invariant_checker.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "checkers/invariants/apply_rules.hpp"
#include "checkers/invariants/cluster_state.hpp"
#include "checkers/invariants/commit_rules.hpp"
#include "checkers/invariants/corrupt_rules.hpp"
#include "checkers/invariants/durability_rules.hpp"
#include "checkers/invariants/election_rules.hpp"
#include "checkers/invariants/findings.hpp"
#include "checkers/invariants/frame_rules.hpp"
#include "checkers/invariants/lease_rules.hpp"
#include "checkers/invariants/log_rules.hpp"
#include "checkers/invariants/membership_rules.hpp"
#include "checkers/invariants/merge.hpp"
#include "checkers/invariants/snapshot_rules.hpp"

namespace ww::checkers {

namespace invariants {
namespace {

namespace t = wire::trace;

/// How often, in records, the old part of the logs is forgotten.
constexpr std::uint64_t kPruneEvery = 4096;

/// Follows the cluster record by record, and asks the rules at each. Rules that judge a step by the
/// state before it are asked before that state moves on.
class Judge final : public CausalConsumer {
 public:
  explicit Judge(const InvariantOptions& options)
      : state_(options.voters, options.spares, options.store_evidence),
        keep_(options.keep_entries),
        judges_leases_(options.leases),
        elections_(state_, findings_, options.house_rules),
        logs_(state_, findings_),
        durability_(state_, findings_),
        commits_(state_, findings_, durability_),
        applies_(state_, findings_),
        snapshots_(state_, findings_),
        members_(state_, findings_, options.membership),
        leases_(findings_, options.lease_promise),
        corrupt_(state_, findings_),
        frames_(state_, findings_, {options.house_rules, !options.trace_ignored}) {}

  Findings& findings() { return findings_; }
  [[nodiscard]] std::size_t highest_node() const { return state_.nodes.size() - 1; }
  [[nodiscard]] bool knows(NodeId node) const { return state_.knows(node); }

  void see_frame(Instant time, const wire::Envelope& envelope, std::string_view payload) {
    Stamp at;
    at.node = wire::node_of(envelope.from);
    at.time = time;
    at.order = ++order_;
    frames_.on_frame(at, envelope, payload);
  }
  void see_damage(NodeId node, Incarnation incarnation) { frames_.on_damage(node, incarnation); }
  void see_op(const Op& op) { applies_.on_op(op); }

  /// Ends the evidence: nodes still alive have told all they will.
  void finish() {
    for (const NodeId id : state_.everyone) {
      if (state_.node(id).alive) frames_.on_end(state_.node(id), true);
    }
    applies_.finish();
  }
  [[nodiscard]] std::uint64_t orphans() const { return orphans_; }
  [[nodiscard]] std::uint64_t undecided() const { return frames_.undecided(); }
  [[nodiscard]] std::uint64_t records() const { return records_; }

  void consume_start(NodeId node, Incarnation incarnation, Instant) override {
    Node& n = state_.node(node);
    n.incarnation = incarnation;
    n.last_sequence = 0;
    n.alive = true;
    n.role = wire::Role::kFollower;
    n.commit = 0;
    n.applied = 0;
    n.followed_term = 0;
    n.leader_commit = 0;
    n.verified = 0;
    n.told.reset();
  }

  void consume_trace(NodeId node, Incarnation incarnation, const t::Record& record) override {
    Node& n = state_.node(node);
    const Stamp at{node, incarnation, record.sequence, record.time, ++order_};
    ++records_;
    frames_.on_sequence(n, at, n.last_sequence + 1);
    n.last_sequence = record.sequence;
    std::visit([&](const auto& event) { on(n, at, event); }, record.event);
    if (records_ % kPruneEvery == 0) {
      members_.remember_overruled();
      state_.prune(keep_);
      logs_.prune();
    }
  }

  void consume_death(NodeId node, Incarnation, Instant, Death how, bool torn) override {
    Node& n = state_.node(node);
    n.alive = false;
    n.power_lost = how == Death::kPowerLoss;
    n.damaged = how == Death::kDamage;
    frames_.on_end(n, torn);
  }

  void consume_disk(NodeId node, Instant time, const DiskImage& before,
                    const DiskImage& after) override {
    Node& n = state_.node(node);
    const Stamp at{node, n.incarnation, 0, time, ++order_};
    if (!state_.store_evidence) return;
    if (n.damaged) corrupt_.settle();
    // After damage as after a power loss: what is left is all that is durable.
    DiskAudit audit = n.disk.restart(before, after, n.power_lost || n.damaged, state_.snapshots);
    n.files_bad = audit.lost.has_value() && (n.damaged || n.files_bad);
    if (n.files_bad) {
      corrupt_.on_loss(n, at, *std::exchange(audit.lost, std::nullopt));
      elections_.on_loss(n);
    }
    durability_.on_disk(n, at, audit, n.power_lost);
  }

  bool was_sent(NodeId from, NodeId to, MessageId id) const override {
    return !state_.knows(from) || state_.link(from, to).last_sent() >= id;
  }
  bool is_over(NodeId from, MessageId id) const override {
    const Node& sender = state_.node(from);
    const Incarnation incarnation = incarnation_of(id);
    return incarnation < sender.incarnation || (incarnation == sender.incarnation && !sender.alive);
  }
  void note_orphan(NodeId, const t::Received& received) override {
    ++orphans_;
    // Else nobody sent it, which is for the rules to tell.
    if (frames_.may_miss(received.from)) state_.has_gaps = true;
  }

 private:
  void on(Node& n, const Stamp& at, const t::Boot& e) {
    elections_.on_boot(n, at, e);
    leases_.on_boot(n, at);
    durability_.on_boot(n, at, e);
    n.term = e.term;
    n.commit = e.snapshot.index;
    n.applied = e.snapshot.index;
    if (state_.sees_disk(n)) {
      n.log = n.disk.log();
      logs_.on_found(n, at);
    } else {
      // Nothing tells what was found but the node itself: its log as it was, up to where it says.
      n.log.truncate(e.last.index + 1);
      if (!n.log.holds(e.snapshot)) n.log.anchor(e.snapshot, state_.snapshots.chain(e.snapshot));
    }
    members_.on_other_log(n);
  }
  void on(Node& n, const Stamp& at, const t::RoleChange& e) {
    elections_.on_role(n, at, e);
    corrupt_.on_role(n, at, e);
    n.role = e.role;
    n.term = std::max(n.term, e.term);
    if (e.role != wire::Role::kLeader) return;
    commits_.on_leader(n, at, e.term);
    n.knowledge.assign(n.knowledge.size(), Knowledge{});
    members_.on_use(n, at);
  }
  void on(Node& n, const Stamp& at, const t::VoteCast& e) {
    corrupt_.on_vote(n, at, e);
    elections_.on_vote(n, at, e);
    leases_.on_vote(n, at, e);
  }
  void on(Node& n, const Stamp& at, const t::Appended& e) {
    corrupt_.on_appended(n, e);
    logs_.on_appended(n, at, e);
  }
  void on(Node& n, const Stamp& at, const t::Truncated& e) {
    logs_.on_truncated(n, at, e);
    members_.on_other_log(n);
  }
  void on(Node& n, const Stamp& at, const t::Synced& e) { durability_.on_synced(n, at, e); }
  void on(Node& n, const Stamp& at, const t::Committed& e) {
    corrupt_.on_committed(n, at, e);
    commits_.on_committed(n, at, e);
    if (n.role == wire::Role::kLeader) members_.on_use(n, at);
    if (judges_leases_ && n.role == wire::Role::kLeader) leases_.on_commit(n, at);
  }
  void on(Node& n, const Stamp& at, const t::Applied& e) { applies_.on_applied(n, at, e); }
  void on(Node& n, const Stamp& at, const t::Sent& e) {
    if (!state_.knows(e.to)) return;
    frames_.on_sent(n, at, e);
    corrupt_.on_sent(n, at, e);
    elections_.on_sent(n, at, e);
    durability_.on_sent(n, at, e);
  }
  void on(Node& n, const Stamp& at, const t::Received& e) {
    if (!state_.knows(e.from)) return;
    frames_.on_received(n, at, e);
    elections_.on_received(n, e);
    leases_.on_received(n, at, e);
    commits_.on_received(n, e);
    durability_.on_received(n, e);
    corrupt_.on_received(n, at, e);
  }
  void on(Node& n, const Stamp& at, const t::Client& e) {
    corrupt_.on_client(n, at, e);
    applies_.on_client(n, at, e);
  }
  void on(Node& n, const Stamp& at, const t::Store& e) {
    if (!state_.store_evidence || n.disk.lost_track()) return;
    const DiskNews news = n.disk.apply(e, at, state_.snapshots);
    if (news.regressed)
      elections_.on_disk_regress(n, at, news.regressed->first, news.regressed->second);
    if (news.removed) durability_.on_removed(n, at, *news.removed);
    if (news.malformed) durability_.on_malformed(n, at, *news.malformed);
    for (const DiskConfiguration& c : news.configurations) members_.on_written(n, at, c);
  }
  void on(Node& n, const Stamp& at, const t::Snapshot& e) {
    snapshots_.on_snapshot(n, at, e);
    if (e.act == t::SnapshotAct::kInstalled) members_.on_other_log(n);
  }
  void on(Node& n, const Stamp& at, const t::Configured& e) { members_.on_configured(n, at, e); }
  void on(Node&, const Stamp&, const t::Membership&) {}
  void on(Node& n, const Stamp& at, const t::Read& e) {
    if (judges_leases_ && e.basis == t::ReadBasis::kLease) leases_.on_read(n, at, e);
  }
  void on(Node&, const Stamp&, const t::Mark&) {}
  void on(Node&, const Stamp&, const t::ClockFlip&) {}
  void on(Node&, const Stamp&, const t::Stall&) {}
  void on(Node&, const Stamp&, const t::Halt&) {}
  void on(Node&, const Stamp&, const t::Transfer&) {}
  void on(Node&, const Stamp&, const t::Doubt&) {}
  void on(Node&, const Stamp&, const t::Disk&) {}

  ClusterState state_;
  Findings findings_;
  Index keep_;
  bool judges_leases_;
  ElectionRules elections_;
  LogRules logs_;
  DurabilityRules durability_;
  CommitRules commits_;
  ApplyRules applies_;
  SnapshotRules snapshots_;
  MembershipRules members_;
  LeaseRules leases_;
  CorruptRules corrupt_;
  FrameRules frames_;
  std::uint64_t order_ = 0;
  std::uint64_t records_ = 0;
  std::uint64_t orphans_ = 0;
};

}  // namespace
}  // namespace invariants

class InvariantChecker::Impl {
 public:
  explicit Impl(InvariantOptions given)
      : options(std::move(given)), judge(options), merger(judge, judge.highest_node()) {}

  const InvariantOptions options;
  invariants::Judge judge;
  invariants::CausalMerger merger;
  bool finished = false;
};

InvariantChecker::InvariantChecker(InvariantOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
InvariantChecker::~InvariantChecker() = default;
InvariantChecker::InvariantChecker(InvariantChecker&&) noexcept = default;
InvariantChecker& InvariantChecker::operator=(InvariantChecker&&) noexcept = default;

void InvariantChecker::on_start(NodeId node, Incarnation incarnation, Instant time) {
  if (impl_->options.trace_ignored || !impl_->judge.knows(node)) return;
  impl_->merger.start(node, incarnation, time);
}

void InvariantChecker::on_trace(NodeId node, Incarnation incarnation,
                                const wire::trace::Record& record) {
  if (impl_->options.trace_ignored || !impl_->judge.knows(node)) return;
  impl_->merger.trace(node, incarnation, record);
}

void InvariantChecker::on_death(NodeId node, Incarnation incarnation, Instant time, Death how,
                                bool torn) {
  // At once: frames do not wait for their turn among the traces.
  if (how == Death::kDamage && impl_->judge.knows(node)) {
    impl_->judge.see_damage(node, incarnation);
  }
  if (impl_->options.trace_ignored || !impl_->judge.knows(node)) return;
  impl_->merger.death(node, incarnation, time, how, torn);
}

void InvariantChecker::on_disk(NodeId node, Instant time, const DiskImage& before,
                               const DiskImage& after) {
  if (impl_->options.trace_ignored || !impl_->judge.knows(node)) return;
  impl_->merger.disk(node, time, before, after);
}

void InvariantChecker::on_frame(Instant time, const wire::Envelope& envelope,
                                std::string_view payload) {
  impl_->judge.see_frame(time, envelope, payload);
}

void InvariantChecker::on_op(const Op& op) {
  if (!impl_->options.trace_ignored) impl_->judge.see_op(op);
}

bool InvariantChecker::violated() const {
  return impl_->judge.findings().violated();
}

const Violation* InvariantChecker::first_violation() const {
  return impl_->judge.findings().first();
}

std::vector<CheckResult> InvariantChecker::finish() {
  WW_ASSERT(!impl_->finished, "the evidence ended before");
  impl_->finished = true;
  impl_->merger.finish();
  if (!impl_->options.trace_ignored) impl_->judge.finish();
  std::vector<CheckResult> results;
  for (const invariants::RuleRow& row : invariants::rule_table()) {
    const bool beyond_evidence =
        (impl_->options.trace_ignored && !row.frames) ||
        (!impl_->options.store_evidence && row.store) ||
        (!impl_->options.leases && row.rule == invariants::Rule::kLeaseDisjoint) ||
        (!impl_->options.lease_promise && row.rule == invariants::Rule::kLeasePromise);
    // One that is broken all the same is told: a run may have ended for it (violated()).
    if (beyond_evidence && impl_->judge.findings().count(row.rule) == 0) continue;
    results.push_back(impl_->judge.findings().take(row.rule));
    if (row.rule != invariants::Rule::kTraceTruth) continue;
    auto& numbers = results.back().numbers;
    numbers["records"] = static_cast<double>(impl_->judge.records());
    numbers["orphan receives"] = static_cast<double>(impl_->judge.orphans());
    numbers["frames not compared"] = static_cast<double>(impl_->judge.undecided());
    numbers["most records held"] = static_cast<double>(impl_->merger.most_held());
  }
  return results;
}

}  // namespace ww::checkers
