#include "faults/fault.hpp"

#include <algorithm>

#include "faults/targets.hpp"

namespace ww::faults {

std::string_view name_of(LossStyle style) {
  switch (style) {
    case LossStyle::kNothing:
      return "nothing";
    case LossStyle::kPrefix:
      return "prefix";
    case LossStyle::kTorn:
      return "torn";
  }
  return "?";
}

void KnownMembers::follow(const wire::trace::Event& event) {
  namespace trace = wire::trace;
  if (const auto* committed = std::get_if<trace::Committed>(&event)) {
    commit = committed->to.index;
  } else if (const auto* boot = std::get_if<trace::Boot>(&event)) {
    *this = {{}, {}, boot->snapshot.index};
  } else if (const auto* configured = std::get_if<trace::Configured>(&event)) {
    if (configured->act == trace::ConfigurationAct::kCommitted) return;
    configuration = configured->configuration;
    at = configured->at;
  } else if (const auto* snapshot = std::get_if<trace::Snapshot>(&event)) {
    if (snapshot->act == trace::SnapshotAct::kInstalled) {
      commit = std::max(commit, snapshot->at.index);
    }
  }
}

NodeId leader_of(const ClusterView& view) {
  NodeId leader = kNobody;
  Term term = 0;
  for (const NodeView& node : view.nodes) {
    const bool leads = node.alive && !node.paused && node.role == wire::Role::kLeader;
    if (leads && (leader == kNobody || node.term > term)) {
      leader = node.id;
      term = node.term;
    }
  }
  return leader;
}

bool Fault::hits(NodeId node) const {
  return std::find(nodes_.begin(), nodes_.end(), node) != nodes_.end();
}

std::vector<NodeId> Fault::resolve_among(bool settle, const ClusterView& view,
                                         const std::vector<NodeId>& candidates) const {
  const Rng rng = keyed(ports_.seed, "targets", spec_.id);
  if (spec_.target == Target::kNamed) {
    std::vector<NodeId> named = spec_.nodes;
    std::sort(named.begin(), named.end());
    return choose(Target::kAll, named, view, candidates);
  }
  const std::vector<NodeId> order = order_nodes(ports_.nodes, {}, rng);
  std::vector<NodeId> chosen = choose(spec_.target, order, view, candidates);
  if (chosen.empty() && spec_.target == Target::kPrimaries && settle) {
    chosen = choose(Target::kOne, order, view, candidates);
  }
  return chosen;
}

std::string describe_counts(const LinkCounts::ByType& counts) {
  std::string text;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    if (!text.empty()) text += ", ";
    text += std::to_string(counts[i]) + ' ';
    text += wire::name_of(static_cast<wire::MessageType>(i));
  }
  return text.empty() ? "nothing" : text;
}

}  // namespace ww::faults
