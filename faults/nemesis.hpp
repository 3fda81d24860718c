// The nemesis: runs a plan against a cluster, heals what it did, and keeps the evidence.
//
// It is a pure engine over the port of cluster.hpp and the LinkTable; worlds drive it by deadline()
// and advance(), and tell it what they saw. It holds no clock and no randomness of its own.
//
// Overlaps: a node that two faults keep down starts again when the last of them heals. A kill ends
// a pause of the same node. A fault whose targets are all down waits for one, within its patience,
// and is else skipped. A fault that turned out ineffective is dealt again later under a new id.
//
// A fault with a trigger is armed at its time and injected by note_trace, from within the world's
// step; it is skipped when its event does not come.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "faults/cluster.hpp"
#include "faults/links.hpp"
#include "faults/plan.hpp"

namespace ww::faults {

enum class Phase : std::uint8_t { kInject, kHeal, kSkip };
std::string_view name_of(Phase phase);

/// Something the nemesis did, for the history and the plots.
struct Mark {
  Instant time{};
  std::string fault;  // id
  std::string kind;
  Phase phase = Phase::kInject;
  std::vector<NodeId> nodes;
  std::string description;
};

/// What a power loss took from one node.
struct PowerLoss {
  std::uint64_t bytes = 0;       // written, never synced, gone
  std::uint64_t operations = 0;  // creations, renames, truncations undone
};

/// What became of the damage of a node's files.
struct DamageDone {
  bool done = false;  // there was something to damage
  std::string what;   // "log-0000000001.seg, offset 417: 2 bits flipped"
};

/// Who stays broken at the end of a run, while the others heal.
struct Rest {
  std::vector<NodeId> dead;
  std::vector<Link> cut;  // of those that live
};

/// What became of one fault of the plan.
struct FaultOutcome {
  FaultSpec spec;
  bool injected = false;
  bool effective = false;
  Instant injected_at{};
  Instant healed_at{};        // kNever while it lasts
  std::vector<NodeId> nodes;  // those that it hit
  std::string evidence;       // "blocked 31 appends and 4 votes"
};

/// Planned, injected, effective: faults of one kind.
struct KindTally {
  std::string kind;
  std::uint64_t planned = 0;
  std::uint64_t injected = 0;
  std::uint64_t effective = 0;
};

struct NemesisOptions {
  /// How long a fault waits for a leader before it takes any node instead.
  Duration leader_patience = milliseconds(1500);
  /// How long a fault waits for a node that is up before it is skipped.
  Duration target_patience = milliseconds(2500);
  Duration retry_every = milliseconds(25);
  /// How long after the heal evidence may still come in.
  Duration evidence_grace = milliseconds(300);
  /// A pause counts when it lasted at least this long: peers miss a heartbeat or a vote.
  Duration noticeable_pause = milliseconds(100);
  /// How often a fault is dealt again.
  std::uint32_t max_redeals = 3;
  /// No clock drifts more, however many faults skew it; 0: as far as they go together.
  std::int64_t most_drift_ppm = 0;
  /// The voters that the cluster begins with are n1 to this one, and how they are changed.
  std::uint32_t first_voters = 0;
  wire::MembershipMode membership = wire::MembershipMode::kJoint;
  /// How few the voters may become; 0: all nodes are voters, and stay it.
  std::uint32_t fewest_voters = 0;
  /// Whose files are never damaged: without them nobody could cover what is damaged.
  std::vector<NodeId> undamaged;
};

class Nemesis {
 public:
  /// `cluster` and `links` outlive the nemesis. REQUIRES: validate(plan).
  Nemesis(Plan plan, Cluster& cluster, LinkTable& links, std::function<void(const Mark&)> on_mark,
          NemesisOptions options = {});
  ~Nemesis();
  Nemesis(const Nemesis&) = delete;
  Nemesis& operator=(const Nemesis&) = delete;

  /// When advance() has something to do next; kNever after the last heal.
  [[nodiscard]] Instant deadline() const;
  /// Injects and heals whatever is due.
  void advance(Instant now);
  /// Heals everything at once and injects nothing any more; the end of a run, or an interrupt. The
  /// `rest` is then broken, for good.
  void heal_all(Instant now, const Rest& rest = {});
  /// Breaks the `rest`, for good. REQUIRES: heal_all() was called.
  void leave(const Rest& rest);
  /// Nothing is injected, and nothing is to come.
  [[nodiscard]] bool finished() const;

  /// The process of `node` is gone, for whatever reason.
  void node_died(NodeId node, Instant now);
  /// `node` has recovered and serves (again): its clock is skewed anew if it was.
  void node_serving(NodeId node, Instant now);
  /// The node confirmed these clocks.
  void note_clock_set(NodeId node, const ClockSkew& skew, Instant now);
  /// A deadline of the node was judged otherwise than true time would have.
  void note_clock_flip(NodeId node, Instant now);
  /// A record of the node's trace; whatever it sets off happens within the call. Nearly free while
  /// no fault waits for an event.
  void note_trace(NodeId node, const wire::trace::Event& what, Instant now);
  /// What the last power loss of `node` removed.
  void note_power_loss(NodeId node, const PowerLoss& loss, Instant now);
  /// What became of a change of members, and of a configuration at a node.
  void note_membership(NodeId node, const wire::trace::Membership& event);
  void note_configured(NodeId node, const wire::trace::Configured& event);
  /// A leader's transfer of its leadership came so far.
  void note_transfer(NodeId node, wire::trace::TransferPhase phase, Instant now);
  /// The node is about to hear that a sync of its disk ended, well or not, `late` longer than it
  /// took of itself.
  void note_sync(NodeId node, bool ok, Duration late, Instant now);
  /// The node's files are damaged, or there was nothing to damage.
  void note_damage(NodeId node, const DamageDone& damage, Instant now);
  /// The node refused to start on its damaged files; its disk is empty now.
  void node_refused(NodeId node, Instant now);
  /// The node says that it may have lost what it acknowledged, or that it is covered.
  void note_doubt(NodeId node, bool over, Instant now);
  /// The node's byte store did this.
  void note_store(NodeId node, const wire::trace::Store& op);

  /// One row a fault, those dealt again included, in order of their planned time.
  [[nodiscard]] std::vector<FaultOutcome> outcomes() const;
  /// One row a kind of the plan.
  [[nodiscard]] std::vector<KindTally> tally() const;
  /// Ids and kinds of what is injected now, for the progress line: "f3 partition".
  [[nodiscard]] std::vector<std::string> active() const;
  /// What really ran: at the times and on the nodes it hit; runnable, without dealing again. A
  /// fault with a trigger keeps it, and the time at which it was armed.
  [[nodiscard]] Plan executed() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ww::faults
