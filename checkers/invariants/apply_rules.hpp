// Apply, Session, ReplyTruth: state machines agree, sessions execute once, answers name the log.
#pragma once

#include <deque>
#include <map>
#include <string>

#include "base/op.hpp"
#include "checkers/invariants/cluster_state.hpp"
#include "checkers/invariants/findings.hpp"

namespace ww::checkers::invariants {

class ApplyRules {
 public:
  ApplyRules(ClusterState& state, Findings& findings) : state_(state), findings_(findings) {}

  /// Checks, and then raises `n.applied`.
  void on_applied(Node& n, const Stamp& at, const wire::trace::Applied& e);
  void on_client(const Node& n, const Stamp& at, const wire::trace::Client& e);
  void on_op(const Op& op);
  /// Decides the ops whose entries were awaited.
  void finish();

 private:
  /// What a session executed; the oldest are forgotten.
  struct Session {
    struct Run {
      std::uint64_t seq = 0;
      Index index = 0;
      std::uint64_t answer = 0;
      Stamp at;
    };
    /// The first with that sequence number or a higher one.
    [[nodiscard]] std::deque<Run>::iterator lower_bound(std::uint64_t seq);
    std::deque<Run> executed;     // ascending; nearly every one is added behind the others
    std::uint64_t forgotten = 0;  // the highest sequence number that was
  };
  struct Awaited {
    std::uint64_t op = 0;
    std::int64_t time = 0;
    LogPosition at;
    NodeId node;
  };
  static constexpr std::size_t kMaxExecuted = 256;

  void check_first(const Stamp& at, const wire::trace::Applied& e);
  void check_again(const Node& n, const Stamp& at, const wire::trace::Applied& e,
                   const CommittedLog::Entry& first);
  void decide(const Awaited& awaited);

  ClusterState& state_;
  Findings& findings_;
  std::map<SessionId, Session> sessions_;
  Index first_applied_ = 0;  // somebody applied up to here
  std::multimap<Index, Awaited> awaited_;
};

}  // namespace ww::checkers::invariants
