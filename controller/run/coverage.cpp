#include "controller/run/coverage.hpp"

#include <algorithm>

#include "base/hash.hpp"

namespace ww::run {

namespace trace = wire::trace;

namespace {

/// How a log stands beside the longest one of the latest term: as long, a part of it as far as its
/// last entry tells, or one that an older term ended.
enum class Stand : std::uint64_t { kLevel, kBehind, kOlder };

Stand stand_of(const LogPosition& last, const LogPosition& furthest) {
  if (last.term < furthest.term) return Stand::kOlder;
  return last.index < furthest.index ? Stand::kBehind : Stand::kLevel;
}

}  // namespace

void Coverage::on_start(NodeId node) {
  nodes_[node.value - 1] = Node{};
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
    node.last = boot->last;
    node.synced = boot->last.index;
  } else if (const auto* role = std::get_if<trace::RoleChange>(&event)) {
    node.role = role->role;
    node.term = role->term;
  } else if (const auto* appended = std::get_if<trace::Appended>(&event)) {
    if (appended->entries.empty()) return;
    node.last = {appended->first + appended->entries.size() - 1, appended->entries.back().term};
  } else if (const auto* cut = std::get_if<trace::Truncated>(&event)) {
    node.last = {cut->from - 1, 0};
    node.synced = std::min(node.synced, node.last.index);
  } else if (const auto* snapshot = std::get_if<trace::Snapshot>(&event)) {
    if (snapshot->act == trace::SnapshotAct::kTaken) return;
    if (!snapshot->kept) node.last = snapshot->at;
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
  LogPosition furthest;
  const auto earlier = [](const LogPosition& a, const LogPosition& b) {
    return a.term != b.term ? a.term < b.term : a.index < b.index;
  };
  for (const Node& node : nodes_) {
    term = std::max(term, node.term);
    furthest = std::max(furthest, node.last, earlier);
  }
  words_.clear();
  for (const Node& node : nodes_) {
    std::uint64_t word = node.running ? 1 : 0;
    word = word << 3 | static_cast<std::uint64_t>(node.role);
    word = word << 1 | static_cast<std::uint64_t>(node.term < term);
    word = word << 2 | static_cast<std::uint64_t>(stand_of(node.last, furthest));
    word = word << 1 | static_cast<std::uint64_t>(node.synced < node.last.index);
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
