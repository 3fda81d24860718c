// One fault while it lasts: what a kind implements, and what the nemesis runs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "faults/cluster.hpp"
#include "faults/holds.hpp"
#include "faults/links.hpp"
#include "faults/nemesis.hpp"
#include "faults/plan.hpp"

namespace ww::faults {

/// What a fault may touch.
struct Ports {
  Cluster& cluster;
  LinkTable& links;
  NodeHolds& holds;
  std::uint64_t seed = 0;
  std::uint32_t nodes = 0;
  const NemesisOptions& options;
};

/// Injected once, healed once. Randomness is keyed by the plan's seed and the fault's id.
class Fault {
 public:
  Fault(const FaultSpec& spec, Ports& ports) : spec_(spec), ports_(ports) {}
  virtual ~Fault() = default;
  Fault(const Fault&) = delete;
  Fault& operator=(const Fault&) = delete;

  /// Acts on the targets, or returns false when there are none now. `settle`: a fault that wants
  /// the leader has waited long enough and takes another node.
  virtual bool inject(Instant now, bool settle) = 0;
  /// Why inject returned false, in words.
  [[nodiscard]] virtual std::string obstacle() const { return "no node fit to be hit"; }
  /// Undoes it. Called once, after inject returned true.
  virtual void heal(Instant now) = 0;
  /// A fault that acts repeatedly says when, and is then advanced.
  [[nodiscard]] virtual Instant deadline() const { return kNever; }
  virtual void advance(Instant /*now*/) {}

  /// Whether a decision of the cluster could differ because of it, by what was seen so far.
  [[nodiscard]] virtual bool effective() const = 0;
  /// What was seen, in words.
  [[nodiscard]] virtual std::string evidence() const = 0;
  /// What the injection did, beyond the plan's words; for the mark.
  [[nodiscard]] virtual std::string details() const { return name_of(nodes_); }

  // What worlds report about nodes, while the fault lasts and a little longer.
  virtual void on_death(NodeId /*node*/, Instant /*now*/) {}
  virtual void on_clock_set(NodeId /*node*/, const ClockSkew& /*skew*/) {}
  virtual void on_clock_flip(NodeId /*node*/) {}
  virtual void on_power_loss(NodeId /*node*/, const PowerLoss& /*loss*/) {}
  virtual void on_transfer(NodeId /*node*/, wire::trace::TransferPhase /*phase*/) {}
  virtual void on_membership(NodeId /*node*/, const wire::trace::Membership& /*event*/) {}
  virtual void on_configured(NodeId /*node*/, const wire::trace::Configured& /*event*/) {}
  virtual void on_sync(NodeId /*node*/, bool /*ok*/, Duration /*late*/) {}
  virtual void on_damage(NodeId /*node*/, const DamageDone& /*damage*/) {}
  virtual void on_refused(NodeId /*node*/) {}
  virtual void on_doubt(NodeId /*node*/) {}

  [[nodiscard]] const FaultSpec& spec() const { return spec_; }
  /// The nodes that it hit.
  [[nodiscard]] const std::vector<NodeId>& nodes() const { return nodes_; }
  /// The order that decided whom it hit: named in a plan, it makes the same choice again. Empty:
  /// the choice is made anew then.
  [[nodiscard]] virtual std::vector<NodeId> resolved() const { return nodes_; }

 protected:
  [[nodiscard]] bool hits(NodeId node) const;
  /// Resolves the target among the nodes that satisfy `usable`, sorted; empty when there are none,
  /// or when a leader is wanted, none is known, and `settle` is false.
  template <class Usable>
  [[nodiscard]] std::vector<NodeId> resolve(bool settle, Usable usable) const {
    const ClusterView view = ports_.cluster.view();
    std::vector<NodeId> candidates;
    for (const NodeView& node : view.nodes) {
      if (usable(node)) candidates.push_back(node.id);
    }
    return resolve_among(settle, view, candidates);
  }

  const FaultSpec spec_;
  Ports& ports_;
  std::vector<NodeId> nodes_;

 private:
  [[nodiscard]] std::vector<NodeId> resolve_among(bool settle, const ClusterView& view,
                                                  const std::vector<NodeId>& candidates) const;
};

/// "31 appends, 4 votes", or "nothing".
std::string describe_counts(const LinkCounts::ByType& counts);

}  // namespace ww::faults
