// CfgSerial and CfgIntersect: the configurations of a log follow each other as they may, and no two
// that somebody relied on could have agreed on different things. (Raft paper, section 6;
// dissertation, 4.1 and 4.3.)
//
// Which configuration is in force at a node follows from its log. What the node says of it is
// compared with that; what an entry says is compared with the hash that its log has there.
#pragma once

#include <optional>
#include <vector>

#include "checkers/invariants/cluster_state.hpp"
#include "checkers/invariants/findings.hpp"

namespace ww::checkers::invariants {

class MembershipRules {
 public:
  /// `mode`: how the cluster changes its voters; nothing: in either way.
  MembershipRules(ClusterState& state, Findings& findings, std::optional<wire::MembershipMode> mode)
      : state_(state), findings_(findings), mode_(mode) {}

  /// Checks, and of an appended or committed one notes it in the state.
  void on_configured(Node& n, const Stamp& at, const wire::trace::Configured& e);
  /// The log of `n` is another than before: by a start, a truncation or a snapshot.
  void on_other_log(Node& n);
  /// `n` won an election or committed by the configuration in force there.
  void on_use(const Node& n, const Stamp& at);

 private:
  struct Reliance {
    Term term = 0;  // that the node led
    Stamp at;
  };
  struct Use {
    LogPosition entry;  // the configuration's
    wire::Configuration configuration;
    Reliance first;  // by term
    Reliance last;
  };
  void check_entry(const Node& n, const Stamp& at, const wire::trace::Configured& e);
  void check_serial(const Node& n, const Stamp& at, const wire::trace::Configured& e);
  void check_in_force(Node& n, const Stamp& at, const wire::trace::Configured& e);
  /// Whether a configuration between the two was committed.
  [[nodiscard]] bool ordered(Index a, Index b) const;
  [[nodiscard]] bool is_overruled(const Use& use) const;
  void check_terms(const Node& n, const Reliance& now, const Use& use);

  /// Older ones are forgotten.
  static constexpr std::size_t kMaxUses = 64;
  ClusterState& state_;
  Findings& findings_;
  const std::optional<wire::MembershipMode> mode_;
  std::vector<Use> uses_;
};

}  // namespace ww::checkers::invariants
