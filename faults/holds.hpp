// Who keeps which node down, paused or skewed, so that overlapping faults undo only their own part.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "faults/cluster.hpp"

namespace ww::faults {

/// Counts the faults that hold each node, and asks the cluster when the first one takes hold or the
/// last one lets go.
class NodeHolds {
 public:
  /// `most_drift_ppm`: no clock drifts more; 0: as far as the skews add up.
  explicit NodeHolds(Cluster& cluster, std::int64_t most_drift_ppm = 0)
      : cluster_(cluster), most_drift_ppm_(most_drift_ppm) {}

  [[nodiscard]] bool down(NodeId node) const;
  [[nodiscard]] bool paused(NodeId node) const;
  /// The sum of what the active clock faults do to the node.
  [[nodiscard]] ClockSkew skew(NodeId node) const;

  /// Notes that `fault` brings the node down; the fault itself asks for the death. Ends its pauses.
  void hold_down(NodeId node, const std::string& fault);
  /// The same of a node that ends by itself: it runs for that, if it was paused.
  void hold_ending(NodeId node, const std::string& fault);
  /// Starts the node when no other fault keeps it down.
  void let_up(NodeId node, const std::string& fault);
  void pause(NodeId node, const std::string& fault);
  /// Resumes the node when no other fault pauses it and it has not died meanwhile.
  void resume(NodeId node, const std::string& fault);
  /// Replaces the fault's part of the node's skew; {0, 0} takes it away.
  void set_skew(NodeId node, const std::string& fault, const ClockSkew& skew);
  /// Replaces the fault's part of what is wrong with the node's disk; {} takes it away. The slowest
  /// part counts, and one that hangs or fails makes all do so.
  void set_disk(NodeId node, const std::string& fault, const DiskTrouble& trouble);
  /// The fault is about to damage the node's files: until it serves without doubt, or is covered
  /// and has durably forgotten its doubt, it counts as damaged.
  void damage(NodeId node) { nodes_[node].damaged = true; }
  /// How many nodes are damaged.
  [[nodiscard]] std::size_t damaged() const;
  /// The node says that it is in doubt, or not any more.
  void doubt(NodeId node, bool over);
  /// The node's store did this.
  void stored(NodeId node, const wire::trace::Store& op);
  /// The node refused its files and has an empty disk: starts it unless a fault keeps it down.
  void refused(NodeId node);
  /// A dead process is not paused any more.
  void died(NodeId node);
  /// It is about to end, since its disk failed, and no fault holds it down for that; it is started
  /// when it has, unless one does so by then.
  void ends_by_disk(NodeId node) { nodes_[node].ends_by_disk = true; }
  /// A fresh process has true clocks: skews it as its machine is.
  void serving(NodeId node);

 private:
  struct Node {
    std::vector<std::string> down_by;
    std::vector<std::string> paused_by;
    std::map<std::string, ClockSkew> skews;
    std::map<std::string, DiskTrouble> troubles;
    bool damaged = false;
    bool ends_by_disk = false;
    bool in_doubt = false;
    bool forgets = false;  // it removed the mark of its doubt, maybe not durably
  };
  Cluster& cluster_;
  std::int64_t most_drift_ppm_;
  std::map<NodeId, Node> nodes_;
};

}  // namespace ww::faults
