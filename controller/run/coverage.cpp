#include "controller/run/coverage.hpp"

#include <algorithm>
#include <utility>

#include "base/hash.hpp"

namespace ww::run {

namespace trace = wire::trace;

/// Logs with the same term at an index are the same up to there (Raft paper, 5.3): one look at the
/// end of the shorter one tells.
Coverage::Stand Coverage::stand_of(const std::vector<Term>& log,
                                   const std::vector<Term>& furthest) {
  const std::size_t both = std::min(log.size(), furthest.size());
  if (log.size() > furthest.size()) return Stand::kParted;
  if (both > 0 && log[both - 1] != furthest[both - 1]) return Stand::kParted;
  return log.size() < furthest.size() ? Stand::kBehind : Stand::kLevel;
}

/// The node's log is what a snapshot stands for now. Everything up to it is committed: whoever has
/// its last entry has the others.
void Coverage::adopt(Node& node, LogPosition at) {
  const auto size = static_cast<std::size_t>(at.index);
  const auto has = [&](const Node& other) {
    return size == 0 || (other.log.size() >= size && other.log[size - 1] == at.term);
  };
  const auto source = std::find_if(nodes_.begin(), nodes_.end(), has);
  if (!has(node) && source != nodes_.end()) node.log = source->log;
  node.log.resize(size, at.term);
}

void Coverage::on_start(NodeId id) {
  Node& node = nodes_[id.value - 1];
  std::vector<Term> log = std::move(node.log);
  node = Node{};
  node.log = std::move(log);
}

void Coverage::on_death(NodeId node) {
  nodes_[node.value - 1].running = false;
  note();
}

void Coverage::on_event(NodeId id, const trace::Event& event) {
  Node& node = nodes_[id.value - 1];
  if (const auto* boot = std::get_if<trace::Boot>(&event)) {
    node.running = true;
    node.term = boot->term;
    // What was found is what was written, less a tail; or a snapshot that came, and what matches.
    const auto snapshot = static_cast<std::size_t>(boot->snapshot.index);
    const bool known = snapshot == 0 || (node.log.size() >= snapshot &&
                                         node.log[snapshot - 1] == boot->snapshot.term);
    if (!known) adopt(node, boot->snapshot);
    node.log.resize(boot->last.index, boot->last.term);
    node.synced = boot->last.index;
  } else if (const auto* role = std::get_if<trace::RoleChange>(&event)) {
    node.role = role->role;
    node.term = role->term;
  } else if (const auto* appended = std::get_if<trace::Appended>(&event)) {
    if (appended->entries.empty()) return;
    node.log.resize(appended->first - 1);
    for (const trace::EntryMark& entry : appended->entries) node.log.push_back(entry.term);
  } else if (const auto* cut = std::get_if<trace::Truncated>(&event)) {
    node.log.resize(std::min<std::size_t>(node.log.size(), cut->from - 1));
    node.synced = std::min<Index>(node.synced, node.log.size());
  } else if (const auto* snapshot = std::get_if<trace::Snapshot>(&event)) {
    if (snapshot->act == trace::SnapshotAct::kTaken) return;
    if (!snapshot->kept) adopt(node, snapshot->at);
    node.synced = std::max(node.synced, snapshot->at.index);
  } else if (const auto* synced = std::get_if<trace::Synced>(&event)) {
    node.synced = synced->upto.index;
  } else {
    return;
  }
  note();
}

void Coverage::note() {
  Term term = 0;
  const std::vector<Term>* furthest = &nodes_.front().log;
  const auto end_of = [](const std::vector<Term>& log) {
    return std::pair(log.empty() ? 0 : log.back(), log.size());
  };
  for (const Node& node : nodes_) {
    term = std::max(term, node.term);
    if (end_of(node.log) > end_of(*furthest)) furthest = &node.log;
  }
  words_.clear();
  for (const Node& node : nodes_) {
    std::uint64_t word = node.running ? 1 : 0;
    word = word << 3 | static_cast<std::uint64_t>(node.role);
    word = word << 1 | static_cast<std::uint64_t>(node.term < term);
    word = word << 2 | static_cast<std::uint64_t>(stand_of(node.log, *furthest));
    word = word << 1 | static_cast<std::uint64_t>(node.synced < node.log.size());
    words_.push_back(word);
  }
  std::sort(words_.begin(), words_.end());
  std::uint64_t state = words_.size();
  for (const std::uint64_t word : words_) state = hash_combine(state, word);
  if (state == latest_) return;
  latest_ = state;
  seen_.insert(state);
}

std::vector<std::uint64_t> Coverage::states() const {
  std::vector<std::uint64_t> out(seen_.begin(), seen_.end());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace ww::run
