#include "checkers/invariants/cluster_state.hpp"

#include <algorithm>
#include <utility>

namespace ww::checkers::invariants {

Leadership::Has Leadership::has(Index index, Term entry_term, Term own_term) const {
  if (index > last) return Has::kNo;
  Term there = own_term;
  if (index <= last_at_election) {
    const auto next = std::upper_bound(runs.begin(), runs.end(), index,
                                       [](Index i, const TermRun& run) { return i < run.first; });
    if (next == runs.begin()) return Has::kUnknown;
    there = std::prev(next)->term;
  }
  return there == entry_term ? Has::kYes : Has::kNo;
}

const CommittedLog::Entry* CommittedLog::find(Index i) const {
  if (i > floor_ && i <= last()) return &entries_[static_cast<std::size_t>(i - floor_ - 1)];
  const auto at = sparse_.find(i);
  return at == sparse_.end() ? nullptr : &at->second;
}

void CommittedLog::prune(Index below) {
  while (!entries_.empty() && floor_ + 1 < below) {
    ++floor_;
    if (floor_ % kSparse == 0) sparse_.emplace(floor_, entries_.front());
    entries_.pop_front();
  }
}

void CommittedLog::note_leader_commit(Term term, Index index, const Stamp& at) {
  // Kept: terms whose leader committed further than every leader before it.
  const auto next = by_term_.upper_bound(term);
  if (next != by_term_.begin() && std::prev(next)->second.index >= index) return;
  by_term_[term] = {index, at};
  for (auto it = by_term_.upper_bound(term); it != by_term_.end() && it->second.index <= index;) {
    it = by_term_.erase(it);
  }
}

std::pair<Term, CommittedLog::LeaderCommit> CommittedLog::committed_below(Term term) const {
  const auto next = by_term_.lower_bound(term);
  if (next == by_term_.begin()) return {};
  return *std::prev(next);
}

bool is_voter(const wire::Configuration& c, NodeId id) {
  return std::binary_search(c.voters.begin(), c.voters.end(), id) ||
         std::binary_search(c.next.begin(), c.next.end(), id);
}

ClusterState::ClusterState(std::vector<NodeId> first_voters, const std::vector<NodeId>& spares,
                           bool store_evidence_in)
    : everyone(first_voters), store_evidence(store_evidence_in) {
  first_.voters = std::move(first_voters);
  std::sort(first_.voters.begin(), first_.voters.end());
  everyone.insert(everyone.end(), spares.begin(), spares.end());
  std::sort(everyone.begin(), everyone.end());
  const std::size_t count = everyone.empty() ? 1 : everyone.back().value + std::size_t{1};
  nodes.resize(count);
  links.resize(count * count);
  for (std::size_t i = 0; i < count; ++i) {
    nodes[i].id = NodeId{static_cast<std::uint32_t>(i)};
    nodes[i].knowledge.resize(count);
    if (is_first_voter(nodes[i].id)) nodes[i].configuration = first_;
  }
}

bool ClusterState::is_first_voter(NodeId id) const {
  return is_voter(first_, id);
}

void ClusterState::note_configuration(LogPosition at, const wire::Configuration& c) {
  configurations.try_emplace(at, c);
  if (configurations.size() > kMaxConfigurations) configurations.erase(configurations.begin());
  if (committed_configurations.size() > kMaxConfigurations) {
    committed_configurations.erase(committed_configurations.begin());
  }
}

ClusterState::InForce ClusterState::configuration_of(const Node& n) const {
  for (auto it = configurations.rbegin(); it != configurations.rend(); ++it) {
    const LogPosition at = it->first;
    if (at.index > n.log.last()) continue;
    const auto settled = committed_configurations.find(at.index);
    const bool there = n.log.has(at.index) ? n.log.term(at.index) == at.term
                                           : settled != committed_configurations.end() &&
                                                 settled->second.first == at.term;
    if (there) return {at, it->second};
  }
  return {{}, is_first_voter(n.id) ? first_ : wire::Configuration{}};
}

const wire::Configuration& ClusterState::committed_configuration(Index index) const {
  const auto next = committed_configurations.upper_bound(index);
  return next == committed_configurations.begin() ? first_ : std::prev(next)->second.second;
}

void ClusterState::prune(Index keep) {
  Index lowest = committed.last();
  for (const NodeId id : everyone) {
    Node& n = node(id);
    if (n.alive) lowest = std::min(lowest, n.commit);
    if (n.commit <= keep) continue;
    // A correct node never cuts its log below its own commit index.
    n.log.prune(n.commit - keep);
    const Index settled = std::min(n.commit, n.disk.durable_last());
    if (settled > keep) n.disk.prune(settled - keep);
  }
  if (lowest > keep) committed.prune(lowest - keep);
  while (leaderships.size() > kMaxLeaderships) leaderships.erase(leaderships.begin());
}

}  // namespace ww::checkers::invariants
