// What a world tells the run while it goes on.
#pragma once

#include <cstdint>
#include <string>

#include "base/evidence.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "base/wire/kv.hpp"
#include "base/wire/watch.hpp"
#include "faults/cluster.hpp"
#include "faults/nemesis.hpp"

namespace ww::worlds {

/// Evidence for the checkers, replies for the clients, and confirmations for the nemesis.
class Observer : public EvidenceSink {
 public:
  // Clients.
  virtual void on_connected(ClientId client, NodeId node, Instant now) = 0;
  /// `refused`: nothing that was sent on it reached anybody.
  virtual void on_connection_lost(ClientId client, NodeId node, Instant now, bool refused) = 0;
  virtual void on_reply(ClientId client, const wire::ClientReply& reply, Instant now) = 0;
  virtual void on_watch_frame(ClientId client, const wire::WatchFrame& frame, Instant now) = 0;

  // Nodes.
  virtual void on_serving(NodeId node, Instant now) = 0;
  /// A node ended although nobody asked it to; `what` says how, and its last words.
  virtual void on_crash(NodeId node, Instant now, const std::string& what) = 0;
  virtual void on_clock_set(NodeId node, const faults::ClockSkew& skew, Instant true_time,
                            const Now& shown) = 0;
  virtual void on_power_loss(NodeId node, const faults::PowerLoss& loss, Instant now) = 0;
  /// A sync of the node's disk ended, or it failed, or a write did, and the node is about to hear
  /// of it: `late` is how much longer than of itself it took, for the trouble that the disk has.
  virtual void on_sync(NodeId node, bool ok, Duration late, Instant now) = 0;
  /// The dead node's files are damaged as was asked, or there was nothing to damage.
  virtual void on_damage(NodeId node, const faults::DamageDone& damage, Instant now) = 0;
  /// The node refused to start on files that were damaged; its next start finds an empty disk.
  virtual void on_refused(NodeId node, Instant now) = 0;
  virtual void on_paused(NodeId node, bool paused, Instant now) = 0;
  /// The files on disk are not what the logged operations should have left.
  virtual void on_disk_disagreement(NodeId node, Instant now, const Error& error) = 0;
  /// Something that the world could not do; the run cannot be trusted any more.
  virtual void on_world_error(const Error& error) = 0;
};

}  // namespace ww::worlds
