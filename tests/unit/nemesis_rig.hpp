// A nemesis among nodes that obey at once, for its tests.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "faults/nemesis.hpp"

namespace ww::faults::testing {

inline Instant at(Duration d) {
  return Instant{} + d;
}

/// Nodes that obey at once, and a log of what was asked of them.
class FakeCluster final : public Cluster {
 public:
  explicit FakeCluster(std::uint32_t nodes) {
    for (std::uint32_t i = 1; i <= nodes; ++i) {
      view_.nodes.push_back({.id = NodeId{i}, .alive = true, .serving = true});
    }
    lead(1);
  }
  void attach(Nemesis& nemesis) { nemesis_ = &nemesis; }
  /// What every node takes for the configuration, committed.
  void set_members(const wire::Configuration& configuration) {
    for (NodeView& v : view_.nodes) v.members.configuration = configuration;
  }
  void lead(std::uint32_t node) {
    for (NodeView& v : view_.nodes) v.role = wire::Role::kFollower;
    if (node != 0) of(NodeId{node}).role = wire::Role::kLeader;
  }
  NodeView& of(NodeId node) { return view_.nodes[node.value - 1]; }

  void kill(NodeId node) override {
    log.push_back("kill " + ww::name_of(node));
    die(node);
  }
  void start(NodeId node) override {
    log.push_back("start " + ww::name_of(node));
    NodeView& v = of(node);
    v.alive = v.serving = true;
    nemesis_->node_serving(node, now);
  }
  void pause(NodeId node) override {
    log.push_back("pause " + ww::name_of(node));
    of(node).paused = true;
  }
  void resume(NodeId node) override {
    log.push_back("resume " + ww::name_of(node));
    of(node).paused = false;
  }
  void set_clock(NodeId node, const ClockSkew& skew) override {
    log.push_back("clock " + ww::name_of(node) + ' ' +
                  std::to_string(skew.wall_offset / milliseconds(1)) + ' ' +
                  std::to_string(skew.rate_ppm));
    clocks[node] = skew;
    nemesis_->note_clock_set(node, skew, now);
  }
  void transfer(NodeId leader, NodeId to) override {
    log.push_back("transfer " + ww::name_of(leader) +
                  (to == kNobody ? std::string() : " to " + ww::name_of(to)));
  }
  void change_membership(NodeId leader, const std::vector<NodeId>& voters,
                         wire::MembershipMode mode) override {
    log.push_back("members " + ww::name_of(leader) + ' ' + name_of(voters) + ' ' +
                  std::string(wire::name_of(mode)));
  }
  void power_loss(const std::vector<NodeId>& nodes, std::uint64_t key, LossStyle style) override {
    log.push_back("power-loss " + name_of(nodes) + ' ' + std::string(name_of(style)));
    keys.push_back(key);
    for (const NodeId node : nodes) {
      die(node);
      if (unsynced > 0) nemesis_->note_power_loss(node, {.bytes = unsynced}, now);
    }
  }
  void let_out(NodeId node, std::uint32_t actions) override {
    log.push_back("let out " + ww::name_of(node) + ' ' + std::to_string(actions));
  }
  void damage(NodeId node, std::uint64_t /*key*/, Damage damage) override {
    log.push_back("damage " + ww::name_of(node) + ' ' + std::string(faults::name_of(damage)));
    die(node);
  }
  void set_disk(NodeId node, const DiskTrouble& trouble) override {
    log.push_back("disk " + ww::name_of(node) + ' ' +
                  std::to_string(trouble.sync / milliseconds(1)) + (trouble.hangs ? " hangs" : "") +
                  (trouble.fails != DiskFailure::kNone ? " fails" : ""));
    disks[node] = trouble;
  }
  [[nodiscard]] ClusterView view() const override { return view_; }
  /// The node's process ends by itself.
  void die(NodeId node) {
    CHECK(of(node).alive);  // the nemesis never kills the dead
    of(node) = NodeView{.id = node};
    clocks.erase(node);  // the next process has true ones
    nemesis_->node_died(node, now);
  }

  std::vector<std::string> log;
  std::map<NodeId, DiskTrouble> disks;
  std::map<NodeId, ClockSkew> clocks;
  std::vector<std::uint64_t> keys;
  std::uint64_t unsynced = 512;
  Instant now{};

 private:
  ClusterView view_;
  Nemesis* nemesis_ = nullptr;
};

inline FaultSpec fault(std::string id, std::string kind, std::string shape, Duration when,
                       Duration lasts, Target target) {
  FaultSpec spec;
  spec.id = std::move(id);
  spec.kind = std::move(kind);
  spec.shape = std::move(shape);
  spec.at = at(when);
  spec.duration = lasts;
  spec.target = target;
  return spec;
}

inline FaultSpec on(FaultSpec spec, std::vector<NodeId> nodes) {
  spec.target = Target::kNamed;
  spec.nodes = std::move(nodes);
  return spec;
}

inline FaultSpec when(FaultSpec spec, TriggerEvent event, NodeId node, std::uint32_t nth,
                      std::uint32_t actions = 0) {
  spec.trigger = {event, node, nth, actions};
  return spec;
}

inline wire::trace::Event a_vote(bool granted = true, bool pre = false) {
  return wire::trace::VoteCast{3, NodeId{2}, granted, pre, {}, {}};
}
inline wire::trace::Event an_append() {
  return wire::trace::Appended{1, {{1, 7}}};
}
inline wire::trace::Event a_role(wire::Role role) {
  return wire::trace::RoleChange{role, 3, {}};
}
inline wire::trace::Event a_sync(bool ok = true) {
  return wire::trace::Synced{WriteId{1}, {}, 1, kNobody, ok};
}

/// A cluster, its links, and the nemesis of one plan.
struct Rig {
  explicit Rig(std::vector<FaultSpec> faults, bool redeal = false, std::uint64_t seed = 7)
      : Rig(make(std::move(faults), redeal, seed)) {}
  explicit Rig(Plan plan, const NemesisOptions& options = {})
      : cluster(plan.nodes),
        links(plan.seed, plan.nodes),
        nemesis(
            plan, cluster, links, [this](const Mark& mark) { marks.push_back(mark); }, options) {
    const Result<void> valid = validate(plan);
    INFO((valid.ok() ? "" : valid.error().message));
    REQUIRE(valid.ok());
    cluster.attach(nemesis);
  }
  static Plan make(std::vector<FaultSpec> faults, bool redeal, std::uint64_t seed) {
    Plan plan;
    plan.seed = seed;
    plan.nodes = 5;
    plan.time_limit = seconds(40);
    plan.redeal = redeal;
    plan.faults = std::move(faults);
    return plan;
  }

  /// Lets time pass as an event loop does; messages between all nodes every 10 ms.
  void run_until(Instant end) {
    while (true) {
      const Instant next = std::min({nemesis.deadline(), traffic, end});
      cluster.now = std::max(cluster.now, next);
      if (next == traffic) {
        talk();
        traffic += milliseconds(10);
      }
      nemesis.advance(cluster.now);
      if (next >= end) return;
    }
  }
  void talk() {
    for (std::uint32_t from = 1; from <= 5; ++from) {
      for (std::uint32_t to = 1; to <= 5 && chatty; ++to) {
        if (from == to) continue;
        links.decide({.from = wire::endpoint_of(NodeId{from}),
                      .to = wire::endpoint_of(NodeId{to}),
                      .type = wire::MessageType::kAppend,
                      .term = 1,
                      .id = MessageId{++messages},
                      .content = messages});
      }
    }
  }
  void tell(std::uint32_t node, const wire::trace::Event& what) {
    nemesis.note_trace(NodeId{node}, what, cluster.now);
  }
  void sync(std::uint32_t node, bool ok, Duration late) {
    nemesis.note_sync(NodeId{node}, ok, late, cluster.now);
  }
  [[nodiscard]] FaultOutcome outcome(std::string_view id) const {
    for (const FaultOutcome& row : nemesis.outcomes()) {
      if (row.spec.id == id) return row;
    }
    FAIL("no outcome of " << id);
    return {};
  }
  [[nodiscard]] bool all_run() const {
    const ClusterView view = cluster.view();
    return std::all_of(view.nodes.begin(), view.nodes.end(),
                       [](const NodeView& v) { return v.alive && !v.paused; });
  }
  [[nodiscard]] bool clocks_true() const {
    return std::all_of(cluster.clocks.begin(), cluster.clocks.end(),
                       [](const auto& clock) { return clock.second == ClockSkew{}; });
  }

  FakeCluster cluster;
  LinkTable links;
  std::vector<Mark> marks;
  Nemesis nemesis;
  Instant traffic{};
  std::uint64_t messages = 0;
  bool chatty = true;
};

using Log = std::vector<std::string>;

}  // namespace ww::faults::testing
