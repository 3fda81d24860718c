// What the nodes did over time, read from their traces: roles, outages, progress, rare paths.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/evidence.hpp"
#include "base/time.hpp"
#include "reports/run_report.hpp"

namespace ww::run {

/// Where a node stands, as its trace says.
struct NodeState {
  bool running = false;
  bool paused = false;
  Incarnation incarnation = 0;
  wire::Role role = wire::Role::kFollower;
  Term term = 0;
  LogPosition last;
  Index commit = 0;
  LogPosition applied;
  std::uint64_t digest = 0;
};

/// Follows the evidence; a regular value without clock.
class Timeline {
 public:
  explicit Timeline(std::uint32_t nodes);

  void on_start(NodeId node, Incarnation incarnation, Instant now);
  void on_trace(NodeId node, const wire::trace::Record& record);
  void on_death(NodeId node, Instant now, const std::string& cause);
  void on_paused(NodeId node, bool paused, Instant now);
  /// It refused to start on damaged files.
  void on_refused(NodeId node) { ++nodes_[node.value - 1].counts.refusals; }
  /// Closes every open span.
  void finish(Instant now);

  [[nodiscard]] const NodeState& state(NodeId node) const { return nodes_[node.value - 1].state; }
  /// Who leads in the highest term among the running; kNobody when nobody does.
  [[nodiscard]] NodeId leader() const;
  /// The same among those `members` only.
  [[nodiscard]] NodeId leader_of(const std::vector<NodeId>& members) const;
  /// Since when the node has its present role.
  [[nodiscard]] Instant role_since(NodeId node) const { return nodes_[node.value - 1].role_since; }
  [[nodiscard]] Term term() const;
  /// All `members` run and have the same last entry, applied to the end with equal digests.
  /// REQUIRES: there is one.
  [[nodiscard]] bool converged(const std::vector<NodeId>& members) const;

  [[nodiscard]] const std::vector<reports::RoleSpan>& roles() const { return roles_; }
  [[nodiscard]] const std::vector<reports::OutageSpan>& outages() const { return outages_; }
  [[nodiscard]] const std::vector<reports::LeaderChange>& leader_changes() const {
    return leader_changes_;
  }
  /// Sums over incarnations, by name.
  [[nodiscard]] std::map<std::string, std::uint64_t> marks() const;
  [[nodiscard]] std::vector<reports::NodeCounters> counters() const;
  [[nodiscard]] const std::vector<reports::MachineStall>& trace_stalls() const {
    return trace_stalls_;
  }

 private:
  struct Counts {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t applied = 0;
    std::uint64_t clock_flips = 0;
    std::uint64_t syncs = 0;
    std::uint64_t bytes_written = 0;
    std::uint64_t restarts = 0;
    std::uint64_t refusals = 0;
    std::uint64_t doubts = 0;
    std::uint64_t doubt_ms = 0;
  };
  struct Node {
    NodeState state;
    Instant role_since{};
    Instant down_since{};
    std::string down_cause;
    Instant paused_since{};
    std::optional<Instant> doubt_since;
    std::string doubt_cause;
    std::map<std::string, std::uint64_t> marks;          // of this incarnation
    std::map<std::string, std::uint64_t> earlier_marks;  // of those before
    Counts counts;
  };
  /// `node` when it leads in a term above `term`, which it then raises; else `best`.
  NodeId better_leader(NodeId best, Term& term, NodeId node) const;
  void close_role(NodeId id, Node& node, Instant now);
  void close_pause(NodeId id, Node& node, Instant now);
  void close_doubt(NodeId id, Node& node, Instant now);

  std::vector<Node> nodes_;
  std::vector<reports::RoleSpan> roles_;
  std::vector<reports::OutageSpan> outages_;
  std::vector<reports::LeaderChange> leader_changes_;
  std::vector<reports::MachineStall> trace_stalls_;
};

}  // namespace ww::run
