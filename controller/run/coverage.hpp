// Which abstract states a cluster went through: a measure of how much a mix of faults still shows.
//
// The state of a cluster is abstracted to what decides in Raft: of each node whether it runs, its
// role, whether its term is behind, whether its log is as long as the furthest one, a part of it,
// or parts from it, and whether it has a tail that is not synced. Nodes have no names in it: two
// states that differ in who is who are one.
#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

#include "base/ids.hpp"
#include "base/wire/trace.hpp"

namespace ww::run {

class Coverage {
 public:
  explicit Coverage(std::uint32_t nodes) : nodes_(nodes) {}

  void on_start(NodeId node);
  void on_death(NodeId node);
  void on_event(NodeId node, const wire::trace::Event& event);

  /// Every state that was seen, once, sorted.
  [[nodiscard]] std::vector<std::uint64_t> states() const;

 private:
  struct Node {
    bool running = false;
    wire::Role role = wire::Role::kFollower;
    Term term = 0;
    std::vector<Term> log;  // the terms of its entries, from index 1; also of those it dropped
    Index synced = 0;
  };
  enum class Stand : std::uint64_t { kLevel, kBehind, kParted };
  static Stand stand_of(const std::vector<Term>& log, const std::vector<Term>& furthest);
  void adopt(Node& node, LogPosition at);
  void note();

  std::vector<Node> nodes_;
  std::uint64_t latest_ = 0;
  std::unordered_set<std::uint64_t> seen_;  // sorted before anybody sees it
  std::vector<std::uint64_t> words_;
};

}  // namespace ww::run
