#include "faults/holds.hpp"

#include <algorithm>
#include <utility>

namespace ww::faults {

namespace {

/// The file that says that a node is in doubt (docs/log-format.md).
constexpr std::string_view kDoubtFile = "doubt";

/// Removes `fault`; true when it was the last one there.
bool release(std::vector<std::string>& holders, const std::string& fault) {
  const auto at = std::find(holders.begin(), holders.end(), fault);
  if (at == holders.end()) return false;
  holders.erase(at);
  return holders.empty();
}

}  // namespace

bool NodeHolds::down(NodeId node) const {
  const auto at = nodes_.find(node);
  return at != nodes_.end() && !at->second.down_by.empty();
}

bool NodeHolds::paused(NodeId node) const {
  const auto at = nodes_.find(node);
  return at != nodes_.end() && !at->second.paused_by.empty();
}

ClockSkew NodeHolds::skew(NodeId node) const {
  ClockSkew sum;
  const auto at = nodes_.find(node);
  if (at == nodes_.end()) return sum;
  for (const auto& [fault, part] : at->second.skews) {
    sum.wall_offset += part.wall_offset;
    sum.rate_ppm += part.rate_ppm;
  }
  // Two slow clocks must not add up to one that stands still or runs backwards.
  sum.rate_ppm = std::clamp<std::int64_t>(sum.rate_ppm, -900'000, 9'000'000);
  if (most_drift_ppm_ != 0) {
    sum.rate_ppm = std::clamp(sum.rate_ppm, -most_drift_ppm_, most_drift_ppm_);
  }
  return sum;
}

void NodeHolds::hold_down(NodeId node, const std::string& fault) {
  nodes_[node].down_by.push_back(fault);
  nodes_[node].paused_by.clear();
}

void NodeHolds::hold_ending(NodeId node, const std::string& fault) {
  if (paused(node)) cluster_.resume(node);
  hold_down(node, fault);
}

void NodeHolds::let_up(NodeId node, const std::string& fault) {
  if (release(nodes_[node].down_by, fault)) cluster_.start(node);
}

void NodeHolds::pause(NodeId node, const std::string& fault) {
  auto& holders = nodes_[node].paused_by;
  holders.push_back(fault);
  if (holders.size() == 1) cluster_.pause(node);
}

void NodeHolds::resume(NodeId node, const std::string& fault) {
  if (release(nodes_[node].paused_by, fault)) cluster_.resume(node);
}

void NodeHolds::set_skew(NodeId node, const std::string& fault, const ClockSkew& skew) {
  if (skew == ClockSkew{}) {
    nodes_[node].skews.erase(fault);
  } else {
    nodes_[node].skews[fault] = skew;
  }
  if (!down(node)) cluster_.set_clock(node, this->skew(node));
}

void NodeHolds::set_disk(NodeId node, const std::string& fault, const DiskTrouble& trouble) {
  auto& troubles = nodes_[node].troubles;
  if (trouble == DiskTrouble{}) {
    troubles.erase(fault);
  } else {
    troubles[fault] = trouble;
  }
  DiskTrouble whole;
  for (const auto& [name, part] : troubles) {
    whole.sync = std::max(whole.sync, part.sync);
    whole.hangs = whole.hangs || part.hangs;
    whole.fails = std::max(whole.fails, part.fails);
    whole.full = whole.full || part.full;
  }
  cluster_.set_disk(node, whole);
}

std::size_t NodeHolds::damaged() const {
  return static_cast<std::size_t>(std::count_if(
      nodes_.begin(), nodes_.end(), [](const auto& node) { return node.second.damaged; }));
}

void NodeHolds::doubt(NodeId node, bool over) {
  nodes_[node].in_doubt = !over;
  // When it is over, a start would be in doubt again until the disk knows, which may hang.
  if (!over) nodes_[node].damaged = true;
}

void NodeHolds::stored(NodeId node, const wire::trace::Store& op) {
  using wire::trace::StoreOp;
  if (op.op == StoreOp::kUnlink && op.file == kDoubtFile) {
    nodes_[node].forgets = true;
  } else if (op.op == StoreOp::kSyncDir && op.ok) {
    Node& n = nodes_[node];
    if (std::exchange(n.forgets, false) && !n.in_doubt) n.damaged = false;
  }
}

void NodeHolds::refused(NodeId node) {
  nodes_[node].damaged = true;
  if (!down(node)) cluster_.start(node);
}

void NodeHolds::died(NodeId node) {
  nodes_[node].paused_by.clear();
  nodes_[node].in_doubt = false;
  nodes_[node].forgets = false;
  if (std::exchange(nodes_[node].ends_by_disk, false) && !down(node)) cluster_.start(node);
}

void NodeHolds::serving(NodeId node) {
  if (!nodes_[node].in_doubt) nodes_[node].damaged = false;
  const ClockSkew now = skew(node);
  if (now != ClockSkew{}) cluster_.set_clock(node, now);
}

}  // namespace ww::faults
