// A few replicas with a network and disks that do only what a test tells them to.
//
// Nothing happens by itself: a message arrives when it is delivered, a write is done when it is
// completed, and a crash loses what was not synced.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "nodes/raft/replica.hpp"

namespace ww::raft::testing {

/// What a disk holds for good. The log may lack what its snapshot covers, and may be another
/// history than its snapshot's until a start finds that out.
struct Disk {
  Term term = 0;
  NodeId vote;
  LogPosition base;
  std::vector<std::string> entries;  // encoded, from behind the base
  Snapshot snapshot;
  bool in_doubt = false;
  [[nodiscard]] Index last_index() const { return base.index + entries.size(); }
  /// 0 where there is no entry, nor the base.
  [[nodiscard]] Term term_at(Index index) const;
  /// REQUIRES: it is there.
  [[nodiscard]] const std::string& entry(Index index) const {
    return entries[static_cast<std::size_t>(index - base.index - 1)];
  }
  /// What a start makes of it: the log goes on from the snapshot.
  void recover();
};

/// A snapshot on its way to the disk.
struct DiskSave {
  SaveId id;
  Snapshot snapshot;
};

/// A write as the disk sees it.
struct DiskWrite {
  Write write;
  std::string entries;
};

struct Packet {
  NodeId from;
  NodeId to;
  MessageId id;
  wire::MessageType type{};
  std::string payload;
};

struct Member {
  NodeId id;
  Config config;
  std::optional<Replica> replica;  // nothing while crashed
  Disk disk;
  std::deque<DiskWrite> written;  // completed without a sync: a crash may lose them
  std::deque<DiskWrite> pending;  // issued, not completed
  std::optional<DiskSave> saving;
};

class Cluster {
 public:
  /// Sees each effect before it has any consequence.
  using Observer = std::function<void(const Member&, const Effect&)>;

  /// `config` gives everything but the node and the first voters, which are the first so many; 0:
  /// all.
  Cluster(std::size_t size, const Config& config, Observer observer, std::size_t voters = 0);

  void timer(NodeId node);  // when its deadline has come
  void request(NodeId node, const Request& request);
  void watch(NodeId node, const Watch& watch);
  /// Asks the node to hand its leadership over.
  void transfer(NodeId node, NodeId to);
  void change(NodeId node, const ChangeMembership& change);
  /// Delivers the packet at `place` in packets(), or loses it when its receiver is down.
  void deliver(std::size_t place);
  void drop(std::size_t place) { packets_.erase(packets_.begin() + static_cast<long>(place)); }
  void duplicate(std::size_t place) { packets_.push_back(packets_[place]); }
  /// Completes the oldest write. REQUIRES: the node is up and has one.
  void complete_write(NodeId node, const Result<void>& outcome = {});
  /// The same of the save. REQUIRES: the node is up and has one.
  void complete_save(NodeId node, const Result<void>& outcome = {});
  /// The process dies; of its unsynced writes the first `kept` reached the disk, and of a save all
  /// or nothing.
  void crash(NodeId node, std::size_t kept = 0, bool saved = false);
  void start(NodeId node);
  /// Of the disk of a node that is down nothing is left, which the node will know. REQUIRES: it is
  /// down.
  void wipe(NodeId node);
  /// Packets sent from now on between these two nodes are lost, or no longer.
  void cut(NodeId from, NodeId to, bool is_cut);

  [[nodiscard]] Instant now() const { return now_; }
  void advance_to(Instant now) { now_ = std::max(now_, now); }
  [[nodiscard]] const std::vector<Packet>& packets() const { return packets_; }
  [[nodiscard]] const std::vector<Member>& members() const { return members_; }
  [[nodiscard]] const Member& member(NodeId node) const { return members_[node.value - 1]; }
  [[nodiscard]] std::size_t size() const { return members_.size(); }

 private:
  Member& at(NodeId node) { return members_[node.value - 1]; }
  void step(Member& member, const Input& input);
  void carry_out(Member& member);
  [[nodiscard]] bool is_cut(NodeId from, NodeId to) const {
    return cuts_[from.value - 1][to.value - 1];
  }

  Observer observer_;
  Instant now_{};
  std::vector<Member> members_;
  std::vector<Packet> packets_;
  std::vector<std::vector<bool>> cuts_;
  Effects effects_;
  std::string checkpoint_;
};

}  // namespace ww::raft::testing
