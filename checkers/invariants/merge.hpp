// Puts the traces of all nodes into causal order.
//
// Each node has a queue. A `Received` waits until the matching `Sent` of its sender was consumed; a
// trace is written before its message leaves, so that wait is finite. What can be consumed is
// consumed at once and is not copied.
#pragma once

#include <deque>
#include <string>
#include <variant>
#include <vector>

#include "base/evidence.hpp"

namespace ww::checkers::invariants {

/// Consumes evidence in causal order, and knows which messages it saw leave.
class CausalConsumer {
 public:
  virtual ~CausalConsumer() = default;
  virtual void consume_start(NodeId node, Incarnation incarnation, Instant time) = 0;
  virtual void consume_trace(NodeId node, Incarnation incarnation,
                             const wire::trace::Record& record) = 0;
  virtual void consume_death(NodeId node, Incarnation incarnation, Instant time, Death how,
                             bool torn) = 0;
  virtual void consume_disk(NodeId node, Instant time, const DiskImage& before,
                            const DiskImage& after) = 0;
  /// Whether the sending of message `id` was consumed.
  [[nodiscard]] virtual bool was_sent(NodeId from, NodeId to, MessageId id) const = 0;
  /// Whether it never will be: the trace that should tell it was consumed to its end.
  [[nodiscard]] virtual bool is_over(NodeId from, MessageId id) const = 0;
  /// A receive whose sending never came is consumed next.
  virtual void note_orphan(NodeId node, const wire::trace::Received& received) = 0;
};

class CausalMerger {
 public:
  /// REQUIRES: `consumer` outlives this. Nodes are 1..`nodes`.
  CausalMerger(CausalConsumer& consumer, std::size_t nodes)
      : consumer_(consumer), lanes_(nodes + 1) {}

  void start(NodeId node, Incarnation incarnation, Instant time);
  void trace(NodeId node, Incarnation incarnation, const wire::trace::Record& record);
  void death(NodeId node, Incarnation incarnation, Instant time, Death how, bool torn);
  void disk(NodeId node, Instant time, const DiskImage& before, const DiskImage& after);
  /// Consumes what still waits, lowest node first, as if every trace had ended.
  void finish();

  /// The most records that ever waited.
  [[nodiscard]] std::size_t most_held() const { return most_held_; }

 private:
  struct Start {
    Incarnation incarnation = 0;
    Instant time{};
  };
  struct Trace {
    Incarnation incarnation = 0;
    wire::trace::Record record;
  };
  struct Ended {
    Incarnation incarnation = 0;
    Instant time{};
    Death how{};
    bool torn = false;
  };
  struct Disk {
    Instant time{};
    DiskImage before;
    DiskImage after;
  };
  using Item = std::variant<Start, Trace, Ended, Disk>;
  using Lane = std::deque<Item>;

  [[nodiscard]] bool must_wait(NodeId node, const wire::trace::Record& record) const;
  void hold(NodeId node, Item item);
  void consume(NodeId node, const Item& item);
  void consume_record(NodeId node, Incarnation incarnation, const wire::trace::Record& record);
  /// Consumes from all lanes until none can go on.
  void settle();
  bool advance(NodeId node);

  CausalConsumer& consumer_;
  std::vector<Lane> lanes_;
  std::size_t held_ = 0;
  std::size_t most_held_ = 0;
};

}  // namespace ww::checkers::invariants
