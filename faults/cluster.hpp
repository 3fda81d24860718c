// What the faults need of a world: verbs on nodes, and a look at the cluster.
//
// Network faults need no verb: they live in the LinkTable (faults/links.hpp), which every message
// of every world passes.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "base/wire/configuration.hpp"
#include "base/wire/trace.hpp"

namespace ww::faults {

/// What a node's clocks do beside true time: mono runs at (1 + rate_ppm/10^6) of it, and wall shows
/// mono + wall_offset. {0, 0} is a healed clock; the lead that drift gave to mono stays.
struct ClockSkew {
  Duration wall_offset{};
  std::int64_t rate_ppm = 0;
  friend bool operator==(const ClockSkew&, const ClockSkew&) = default;
};

/// Which operations of a disk fail.
enum class DiskFailure : std::uint8_t { kNone, kWrites, kSyncs };

/// What is wrong with a node's disk; {} is a sound one.
struct DiskTrouble {
  Duration sync{};     // a sync that begins now takes so long, if it would be shorter of itself
  bool hangs = false;  // no sync ends
  DiskFailure fails = DiskFailure::kNone;
  bool full = false;  // what fails does so for want of space (ENOSPC), else with EIO
  friend bool operator==(const DiskTrouble&, const DiskTrouble&) = default;
};

/// What is done to the files of a node that is down.
enum class Damage : std::uint8_t {
  kFlipLog,       // bits of a record of the log, behind which another says that it was synced
  kFlipTail,      // power is lost as in LossStyle::kNothing, and bits of the last record flip
  kFlipSnapshot,  // bits of the snapshot
  kTornWrite,     // of the last write that was not synced a first part survives; all else does
  kWipe,          // nothing is left
};
/// "flip-log", "flip-tail", ...: the shapes of the disk fault.
std::string_view name_of(Damage damage);

/// Which of the permitted disk states a power loss leaves.
enum class LossStyle : std::uint8_t {
  kNothing,  // nothing that was not synced survives
  kPrefix,   // the first few unsynced operations survive, whole
  kTorn,     // every unsynced 512-byte sector and directory entry survives or vanishes by itself
};
/// "nothing", "prefix", "torn": the shapes of the power-loss fault.
std::string_view name_of(LossStyle style);

/// What a node's trace says of the members of its cluster.
struct KnownMembers {
  wire::Configuration configuration;  // in force there; of nobody: it was never told
  LogPosition at;                     // of that configuration's entry
  Index commit = 0;
  void follow(const wire::trace::Event& event);
  /// Whether `voters` and nobody else are members, and that is committed.
  [[nodiscard]] bool settled_on(const std::vector<NodeId>& voters) const {
    return commit >= at.index && configuration == wire::Configuration{voters, {}, {}};
  }
  /// The voters that there are, or that there will be once a joint configuration is left.
  [[nodiscard]] const std::vector<NodeId>& lasting_voters() const {
    return configuration.next.empty() ? configuration.voters : configuration.next;
  }
};

/// A node as the world saw it last.
struct NodeView {
  NodeId id;
  bool alive = false;    // the process exists, paused or not
  bool serving = false;  // it has recovered and takes part
  bool paused = false;
  wire::Role role = wire::Role::kFollower;
  Term term = 0;
  NodeId leader = kNobody;  // whom it follows, as far as the world knows
  KnownMembers members = {};
};

struct ClusterView {
  std::vector<NodeView> nodes;  // n1, n2, ... in this order
};

/// The node that leads in the highest term among those that run, or kNobody.
NodeId leader_of(const ClusterView& view);

/// The verbs that a world implements.
///
/// Verbs return at once and may take effect a little later; the world then tells the nemesis
/// (node_died, node_serving, note_clock_set, note_power_loss, note_sync, note_damage, node_refused,
/// note_transfer, note_membership, note_configured), also from within the verb.
class Cluster {
 public:
  virtual ~Cluster() = default;

  /// SIGKILL. Asked only for nodes that the nemesis believes alive; paused ones included.
  virtual void kill(NodeId node) = 0;
  /// Starts a node that was killed or lost power, on the disk that this left.
  virtual void start(NodeId node) = 0;
  /// SIGSTOP and SIGCONT. A node that is gone ignores them.
  virtual void pause(NodeId node) = 0;
  virtual void resume(NodeId node) = 0;
  /// Replaces the node's skew. Asked again after every node_serving while it is not {0, 0}.
  virtual void set_clock(NodeId node, const ClockSkew& skew) = 0;
  /// Asks the node to hand its leadership to `to`, or to whom it thinks best (kNobody). One that
  /// does not lead does nothing; what a leader does is told by note_transfer.
  virtual void transfer(NodeId leader, NodeId to) = 0;
  /// Asks the node to make `voters`, sorted, the voters. What comes of it is told by
  /// note_membership and note_configured.
  virtual void change_membership(NodeId leader, const std::vector<NodeId>& voters,
                                 wire::MembershipMode mode) = 0;
  /// Kills all of `nodes` at the same moment, then leaves each a permitted disk state of `style`,
  /// chosen by `key` and the node's id. What was lost is told later, by note_power_loss.
  virtual void power_loss(const std::vector<NodeId>& nodes, std::uint64_t key, LossStyle style) = 0;

  /// Kills the node, and damages its files, where and how chosen by `key`; told by note_damage. A
  /// node that is down already is left alone. One that then refuses to start on them gets an empty
  /// disk, which is told by node_refused; it is started as one that has run before.
  virtual void damage(NodeId node, std::uint64_t key, Damage damage) = 0;

  /// Within the step of `node` that is under way: its next death comes only after `actions` more
  /// writes, messages and answers of that step have left. A world without steps has no such moment.
  virtual void let_out(NodeId /*node*/, std::uint32_t /*actions*/) {}

  /// Replaces what is wrong with the node's disk; it stays so while the node is down, and for its
  /// next process. A write or sync that fails fails each of the writes that wait for it: the node
  /// is told, the files keep what was handed to the system, of a failed write maybe a part, nothing
  /// of it counts as synced. The correct node halts and ends; since it was made to, the world tells
  /// on_death (kByItself), but no on_crash. A sync that hangs ends when the disk is set anew, and
  /// then like any other. A paused node hears of its syncs when it goes on. Recovery is spared, and
  /// so is, where syncs fail, a write that needs none. A world with steps spares also what the
  /// store syncs within a step (a new segment, the removal of the mark of a doubt), and of a failed
  /// write keeps all. The world tells of what is late or failed by note_sync.
  virtual void set_disk(NodeId node, const DiskTrouble& trouble) = 0;

  [[nodiscard]] virtual ClusterView view() const = 0;
};

}  // namespace ww::faults
