// CfgSerial and CfgIntersect: the configurations of a log follow each other as they may, and no two
// that somebody relied on could have agreed on different things. (Raft paper, section 6;
// dissertation, 4.1 and 4.3.)
//
// Which configuration is in force at a node follows from its log, whatever the node says of it:
// what it says is compared with that when it says so after a cut or a snapshot, and when it wins or
// commits by it. What an entry holds is told by whoever appends it, and compared with the hash that
// the log has there; one that is written and was never told is a breach. A node that joins an
// existing cluster is believed what it knows of its members before anybody told it.
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
  /// An entry with a configuration is written to the disk of `n`.
  void on_written(Node& n, const Stamp& at, const DiskConfiguration& written);
  /// The log of `n` is another than before: by a start, a truncation or a snapshot.
  void on_other_log(Node& n);
  /// `n` won an election or committed by the configuration in force there.
  void on_use(const Node& n, const Stamp& at);
  /// Called before what is committed is forgotten.
  void remember_overruled();

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
    bool overruled = false;  // what is committed differs from the log that has it
  };
  void check_entry(const Node& n, const Stamp& at, const wire::trace::Configured& e);
  void check_serial(const Node& n, const Stamp& at, const wire::trace::Configured& e);
  void check_committed(const Node& n, const Stamp& at, const wire::trace::Configured& e);
  void check_told(const Node& n, const Stamp& at);
  void check_in_force(Node& n, const Stamp& at, const wire::trace::Configured& e);
  /// Whether a configuration between the two was committed.
  [[nodiscard]] bool ordered(Index a, Index b) const;
  [[nodiscard]] bool is_overruled(const Use& use) const;
  void check_terms(const Node& n, Use& mine, Use& use);

  /// Older ones are forgotten.
  static constexpr std::size_t kMaxUses = 64;
  ClusterState& state_;
  Findings& findings_;
  const std::optional<wire::MembershipMode> mode_;
  std::vector<Use> uses_;
};

}  // namespace ww::checkers::invariants
