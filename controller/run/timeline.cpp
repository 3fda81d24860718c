#include "controller/run/timeline.hpp"

#include <algorithm>
#include <utility>

namespace ww::run {

namespace trace = wire::trace;

Timeline::Timeline(std::uint32_t nodes) : nodes_(nodes) {
  for (Node& node : nodes_) node.down_cause = "not started";
}

void Timeline::on_start(NodeId id, Incarnation incarnation, Instant now) {
  Node& node = nodes_[id.value - 1];
  if (incarnation > 1 && now > node.down_since) {
    outages_.push_back(
        {id, to_ns(node.down_since), to_ns(now), reports::Outage::kDead, node.down_cause});
  }
  for (const auto& [name, value] : node.marks) node.earlier_marks[name] += value;
  node.marks.clear();
  node.state = NodeState{};
  node.state.running = true;
  node.state.incarnation = incarnation;
  node.role_since = now;
  if (incarnation > 1) ++node.counts.restarts;
}

void Timeline::on_death(NodeId id, Instant now, const std::string& cause) {
  Node& node = nodes_[id.value - 1];
  close_role(id, node, now);
  close_pause(id, node, now);
  close_doubt(id, node, now);
  node.state.running = false;
  node.down_since = now;
  node.down_cause = cause;
}

void Timeline::close_role(NodeId id, Node& node, Instant now) {
  if (!node.state.running || now <= node.role_since) return;
  roles_.push_back({id, to_ns(node.role_since), to_ns(now), node.state.role, node.state.term});
  node.role_since = now;
}

void Timeline::close_pause(NodeId id, Node& node, Instant now) {
  if (!node.state.paused) return;
  node.state.paused = false;
  outages_.push_back({id, to_ns(node.paused_since), to_ns(now), reports::Outage::kPaused, "pause"});
}

void Timeline::close_doubt(NodeId id, Node& node, Instant now) {
  if (!node.doubt_since) return;
  const Instant since = *std::exchange(node.doubt_since, std::nullopt);
  node.counts.doubt_ms += static_cast<std::uint64_t>((now - since) / milliseconds(1));
  outages_.push_back({id, to_ns(since), to_ns(now), reports::Outage::kDoubt, node.doubt_cause});
}

void Timeline::on_paused(NodeId id, bool paused, Instant now) {
  Node& node = nodes_[id.value - 1];
  if (!paused) return close_pause(id, node, now);
  node.state.paused = true;
  node.paused_since = now;
}

void Timeline::on_trace(NodeId id, const trace::Record& record) {
  Node& node = nodes_[id.value - 1];
  NodeState& state = node.state;
  Counts& counts = node.counts;
  const auto& event = record.event;
  // What is most frequent is asked for first: this is called for every event of every node.
  if (std::holds_alternative<trace::Sent>(event)) {
    ++counts.sent;
  } else if (std::holds_alternative<trace::Received>(event)) {
    ++counts.received;
  } else if (const auto* applied = std::get_if<trace::Applied>(&event)) {
    ++counts.applied;
    state.applied = applied->at;
    state.digest = applied->digest;
  } else if (const auto* store = std::get_if<trace::Store>(&event)) {
    counts.syncs += store->op == trace::StoreOp::kSyncFile ? 1 : 0;
    counts.bytes_written += store->op == trace::StoreOp::kWrite ? store->data.size() : 0;
  } else if (const auto* commit = std::get_if<trace::Committed>(&event)) {
    state.commit = commit->to.index;
  } else if (const auto* appended = std::get_if<trace::Appended>(&event)) {
    if (appended->entries.empty()) return;
    state.last = {appended->first + appended->entries.size() - 1, appended->entries.back().term};
  } else if (const auto* cut = std::get_if<trace::Truncated>(&event)) {
    // The term below the cut is not in the record; the append that follows a cut sets both.
    state.last = {cut->from - 1, 0};
  } else if (const auto* boot = std::get_if<trace::Boot>(&event)) {
    state.term = boot->term;
    state.last = boot->last;
    state.commit = boot->snapshot.index;
    state.applied = boot->snapshot;
  } else if (const auto* snapshot = std::get_if<trace::Snapshot>(&event)) {
    const bool loaded = snapshot->act == trace::SnapshotAct::kLoaded;
    if (!loaded && snapshot->act != trace::SnapshotAct::kInstalled) return;
    state.applied = snapshot->at;
    state.digest = snapshot->digest;
    state.commit = std::max(state.commit, snapshot->at.index);
    if (!snapshot->kept) state.last = snapshot->at;
  } else if (const auto* role = std::get_if<trace::RoleChange>(&event)) {
    close_role(id, node, record.time);
    state.role = role->role;
    state.term = role->term;
    if (role->role == wire::Role::kLeader) {
      leader_changes_.push_back({to_ns(record.time), id, role->term});
    }
  } else if (const auto* doubt = std::get_if<trace::Doubt>(&event)) {
    if (doubt->over) return close_doubt(id, node, record.time);
    ++counts.doubts;
    node.doubt_since = record.time;
    node.doubt_cause = trace::name_of(doubt->cause);
  } else if (const auto* mark = std::get_if<trace::Mark>(&event)) {
    node.marks[mark->name] = mark->count;
  } else if (std::holds_alternative<trace::ClockFlip>(event)) {
    ++counts.clock_flips;
  } else if (const auto* stall = std::get_if<trace::Stall>(&event)) {
    trace_stalls_.push_back(
        {to_ns(record.time), stall->blocked.count(), "trace pipe of " + name_of(id)});
  }
}

void Timeline::finish(Instant now) {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const NodeId id{static_cast<std::uint32_t>(i + 1)};
    close_role(id, nodes_[i], now);
    close_pause(id, nodes_[i], now);
    close_doubt(id, nodes_[i], now);
  }
}

NodeId Timeline::leader() const {
  NodeId best = kNobody;
  Term term = 0;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    best = better_leader(best, term, NodeId{static_cast<std::uint32_t>(i + 1)});
  }
  return best;
}

NodeId Timeline::leader_of(const std::vector<NodeId>& members) const {
  NodeId best = kNobody;
  Term term = 0;
  for (const NodeId node : members) best = better_leader(best, term, node);
  return best;
}

NodeId Timeline::better_leader(NodeId best, Term& term, NodeId node) const {
  const NodeState& s = state(node);
  if (!s.running || s.role != wire::Role::kLeader || s.term <= term) return best;
  term = s.term;
  return node;
}

Term Timeline::term() const {
  Term term = 0;
  for (const Node& node : nodes_) term = std::max(term, node.state.term);
  return term;
}

bool Timeline::converged(const std::vector<NodeId>& members) const {
  const NodeState& first = state(members.front());
  return std::all_of(members.begin(), members.end(), [&](NodeId node) {
    const NodeState& s = state(node);
    return s.running && !s.paused && s.last.index == first.last.index &&
           s.applied.index == s.last.index && s.digest == first.digest;
  });
}

std::map<std::string, std::uint64_t> Timeline::marks() const {
  std::map<std::string, std::uint64_t> out;
  for (const Node& node : nodes_) {
    for (const auto& [name, value] : node.marks) out[name] += value;
    for (const auto& [name, value] : node.earlier_marks) out[name] += value;
  }
  return out;
}

std::vector<reports::NodeCounters> Timeline::counters() const {
  std::vector<reports::NodeCounters> out;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Counts& counts = nodes_[i].counts;
    reports::NodeCounters row{NodeId{static_cast<std::uint32_t>(i + 1)}, {}};
    for (const auto& [name, value] :
         {std::pair{"sent", counts.sent}, std::pair{"received", counts.received},
          std::pair{"applied", counts.applied}, std::pair{"clock flips", counts.clock_flips},
          std::pair{"syncs", counts.syncs}, std::pair{"bytes written", counts.bytes_written},
          std::pair{"restarts", counts.restarts}, std::pair{"refusals", counts.refusals},
          std::pair{"doubts", counts.doubts}, std::pair{"ms in doubt", counts.doubt_ms}}) {
      if (value > 0) row.counts[name] = value;
    }
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace ww::run
