// TraceTruth, and what frames alone decide of ES, Vote1, Promise and Term.
//
// A frame is what a proxy took off a node's connection: evidence that no node can bend. What a
// trace says was sent, and what a receiver says it got, must be equal to it.
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "checkers/invariants/cluster_state.hpp"
#include "checkers/invariants/findings.hpp"

namespace ww::checkers::invariants {

struct FrameOptions {
  bool house_rules = true;
  bool traces = true;  // frames are compared with traces
};

class FrameRules {
 public:
  FrameRules(ClusterState& state, Findings& findings, FrameOptions options)
      : state_(state), findings_(findings), options_(options), senders_(state.nodes.size()) {}

  void on_frame(const Stamp& at, const wire::Envelope& envelope, std::string_view payload);
  /// Notes the sending, and compares it with the frame if that came first.
  void on_sent(const Node& n, const Stamp& at, const wire::trace::Sent& e);
  void on_received(const Node& n, const Stamp& at, const wire::trace::Received& e);
  void on_sequence(const Node& n, const Stamp& at, std::uint64_t expected);
  /// The trace of the node's incarnation was consumed to its end; frames of it that nobody traced
  /// are told, unless the trace was torn.
  void on_end(const Node& n, bool torn);

  /// The node's disk was damaged after that incarnation: it may have forgotten what it told until
  /// then.
  void on_damage(NodeId node, Incarnation incarnation);

  /// Whether something that `node` did may be missing from the evidence: a trace of it was torn, or
  /// it still runs.
  [[nodiscard]] bool may_miss(NodeId node) const {
    return senders_[node.value].torn || state_.node(node).alive;
  }
  /// Frames that could not be compared: their sendings are no longer known, or the trace was torn.
  [[nodiscard]] std::uint64_t undecided() const { return undecided_; }

 private:
  struct Vote {
    NodeId candidate;
    Stamp at;
  };
  struct Promise {
    MessageId id;
    Term term = 0;
    Stamp at;
  };
  struct Sender {
    std::map<Term, Vote> votes;
    Promise granted;         // the highest term granted, and the message that said so
    Promise acknowledged;    // the newest success
    Promise spoken;          // the newest message that tells the sender's own term
    bool torn = false;       // its trace ended in the middle of a record
    Incarnation forgot = 0;  // what this incarnation and those before it told binds it no more
  };
  static constexpr std::size_t kMaxWaiting = 65536;
  static constexpr std::size_t kMaxVotes = 4096;

  void check_alone(const Stamp& at, NodeId from, NodeId to, MessageId id,
                   const wire::trace::Summary& m);
  void check_vote(const Stamp& at, NodeId from, NodeId candidate, Term term);
  void check_promise(const Stamp& at, NodeId from, MessageId id, const wire::trace::Summary& m);
  void check_order(const Stamp& at, NodeId from, MessageId id, const wire::trace::Summary& m);
  void check_writer(const Stamp& at, NodeId from, Term term);
  void compare(NodeId from, NodeId to, const Link::Frame& frame);
  void untraced(NodeId from, NodeId to, const Link::Frame& frame);

  ClusterState& state_;
  Findings& findings_;
  FrameOptions options_;
  std::vector<Sender> senders_;   // by node number
  std::map<Term, Vote> writers_;  // who sends the appends of a term
  std::uint64_t undecided_ = 0;
};

}  // namespace ww::checkers::invariants
