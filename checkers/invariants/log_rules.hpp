// LM, OneWriter, NoTrunc: what a log may hold, and who writes and cuts it. (Raft paper, 5.3.)
#pragma once

#include <deque>
#include <map>
#include <utility>

#include "checkers/invariants/cluster_state.hpp"
#include "checkers/invariants/findings.hpp"

namespace ww::checkers::invariants {

class LogRules {
 public:
  LogRules(ClusterState& state, Findings& findings) : state_(state), findings_(findings) {}

  /// Check, and then carry out on `n.log`.
  void on_appended(Node& n, const Stamp& at, const wire::trace::Appended& e);
  void on_truncated(Node& n, const Stamp& at, const wire::trace::Truncated& e);
  /// The log that a start found on disk.
  void on_found(const Node& n, const Stamp& at);
  void prune();

 private:
  /// The first that was seen of an entry of one index and term.
  struct Cell {
    Term term = 0;
    std::uint64_t chain = 0;
    bool by_leader = false;  // its leader wrote it
    Stamp at;
  };
  Cell* find(Index index, Term term);
  void add(Index index, const Cell& cell);
  void check_match(const Node& n, const Stamp& at, Index index, Term term);
  void check_writer(const Node& n, const Stamp& at, Index index, Term term, const Cell* known);

  ClusterState& state_;
  Findings& findings_;
  Index floor_ = 0;         // what is at and below is forgotten
  std::deque<Cell> cells_;  // one an index: usually there is no other; term 0: none yet
  std::map<std::pair<Index, Term>, Cell> more_;
};

}  // namespace ww::checkers::invariants
