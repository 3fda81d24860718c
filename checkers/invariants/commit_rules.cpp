#include "checkers/invariants/commit_rules.hpp"

#include <algorithm>

namespace ww::checkers::invariants {

namespace t = wire::trace;

void CommitRules::on_committed(Node& n, const Stamp& at, const t::Committed& e) {
  findings_.evaluated(Rule::kCommitMono);
  if (e.to.index < n.commit) {
    findings_.breach(Rule::kCommitMono, at, [&](Account& a) {
      a.summary = name_of(n.id) + " lowered its commit index from " + std::to_string(n.commit) +
                  " to " + std::to_string(e.to.index);
      a.fact(at, describe(t::Event{e}));
    });
    return;
  }
  if (!n.log.has(n.commit)) return;  // broken earlier, and told there
  if (!check_in_log(n, at, e)) return;
  check_term(n, at, e);
  const bool agrees = check_agreement(n, at, e.to.index);
  if (agrees && n.log.has_entry(state_.committed.last() + 1) &&
      e.to.index > state_.committed.last()) {
    if (n.role == wire::Role::kLeader) durability_.on_first_commit(n, at, e.to.index);
    for (Index i = state_.committed.last() + 1; i <= e.to.index; ++i) {
      CommittedLog::Entry entry;
      entry.term = n.log.term(i);
      entry.chain = n.log.chain(i);
      entry.first_node = n.id;
      entry.first_time = at.time;
      state_.committed.append(entry);
    }
  }
  n.commit = e.to.index;
  if (agrees && n.role == wire::Role::kLeader) note_leader_commit(n, at, e.to.index);
}

bool CommitRules::check_in_log(const Node& n, const Stamp& at, const t::Committed& e) {
  findings_.evaluated(Rule::kCommitAgree);
  if (!n.log.has(e.to.index)) {
    if (e.to.index <= n.log.last()) return false;  // too old to be known
    findings_.breach(Rule::kCommitAgree, at, [&](Account& a) {
      a.summary = name_of(n.id) + " committed index " + std::to_string(e.to.index) +
                  ", but its log ends at " + std::to_string(n.log.last());
      a.fact(at, describe(t::Event{e}));
    });
    return false;
  }
  if (n.log.term(e.to.index) == e.to.term) return true;
  findings_.breach(Rule::kCommitAgree, at, [&](Account& a) {
    a.summary = name_of(n.id) + " committed " + show(e.to) + ", but its log has " +
                show({e.to.index, n.log.term(e.to.index)}) + " there";
    a.fact(at, describe(t::Event{e}));
  });
  return false;
}

void CommitRules::check_term(const Node& n, const Stamp& at, const t::Committed& e) {
  if (n.role == wire::Role::kLeader) {
    findings_.evaluated(Rule::kOwnTerm);
    if (e.to.term == n.term) return;
    findings_.breach(Rule::kOwnTerm, at, [&](Account& a) {
      a.summary = name_of(n.id) + ", leader in term " + std::to_string(n.term) +
                  ", committed by counting copies of " + show(e.to) + ", an entry of term " +
                  std::to_string(e.to.term);
      const auto own = state_.leaderships.find(n.term);
      if (own != state_.leaderships.end()) {
        a.fact(own->second.at, "becomes leader in term " + std::to_string(n.term));
      }
      a.fact(at, describe(t::Event{e}));
    });
    return;
  }
  findings_.evaluated(Rule::kFollowerBound);
  const Index bound = std::min(n.leader_commit, n.verified);
  if (e.to.index <= bound) return;
  findings_.breach(Rule::kFollowerBound, at, [&](Account& a) {
    a.summary = name_of(n.id) + " committed index " + std::to_string(e.to.index) +
                " as a follower, but the appends of term " + std::to_string(n.followed_term) +
                " that it received had a commit index of " + std::to_string(n.leader_commit) +
                " and verified its log up to " + std::to_string(n.verified);
    a.fact(at, describe(t::Event{e}));
  });
}

bool CommitRules::check_agreement(const Node& n, const Stamp& at, Index to) {
  const Index both = std::min(to, state_.committed.last());
  const CommittedLog::Entry* entry = state_.committed.find(both);
  if (entry == nullptr || !n.log.has(both)) return true;
  findings_.evaluated(Rule::kCommitAgree);
  if (n.log.chain(both) == entry->chain) return true;
  // The chains say that they differ at or below `both`; the first such place says it best.
  Index first = both;
  const CommittedLog::Entry* there = entry;
  for (Index i = both; i > 0; --i) {
    const CommittedLog::Entry* lower = state_.committed.find(i);
    if (lower == nullptr || !n.log.has(i) || n.log.chain(i) == lower->chain) break;
    first = i;
    there = lower;
  }
  findings_.breach(Rule::kCommitAgree, at, [&](Account& a) {
    a.summary = name_of(n.id) + " and " + name_of(there->first_node) +
                " committed different entries at index " + std::to_string(first) + ": of terms " +
                std::to_string(n.log.term(first)) + " and " + std::to_string(there->term);
    Stamp other;
    other.node = there->first_node;
    other.time = there->first_time;
    a.fact(other, "commits " + show({first, there->term}));
    a.fact(at, "commits up to " + std::to_string(to) + ", with " +
                   show({first, n.log.term(first)}) + " in its log");
    a.nodes = {there->first_node};
  });
  return false;
}

void CommitRules::note_leader_commit(const Node& n, const Stamp& at, Index to) {
  state_.committed.note_leader_commit(n.term, to, at);
  // Leaders of later terms that were elected while this commit was still on its way to us.
  const Term entry_term = n.log.term(to);
  for (auto it = state_.leaderships.upper_bound(n.term); it != state_.leaderships.end(); ++it) {
    const Leadership& later = it->second;
    findings_.evaluated(Rule::kLC);
    if (later.has(to, entry_term, it->first) != Leadership::Has::kNo) continue;
    const Term later_term = it->first;
    findings_.breach(Rule::kLC, at, [&](Account& a) {
      a.summary = name_of(later.node) + " became leader in term " + std::to_string(later_term) +
                  " without entry " + show({to, entry_term}) + ", which " + name_of(n.id) +
                  " committed as leader of term " + std::to_string(n.term);
      a.fact(later.at, "becomes leader in term " + std::to_string(later_term) +
                           ", its log ending at index " + std::to_string(later.last_at_election));
      a.fact(at, "commits up to " + std::to_string(to) + " as leader of term " +
                     std::to_string(n.term));
      a.nodes = {later.node};
    });
  }
}

void CommitRules::on_received(Node& n, const t::Received& e) {
  if (e.message.type != wire::MessageType::kAppend || e.message.term < n.term) return;
  if (e.message.term > n.followed_term) {
    n.followed_term = e.message.term;
    n.leader_commit = 0;
    n.verified = 0;
  }
  if (e.message.term < n.followed_term) return;
  const LogPosition prev = e.message.position;
  const bool matches =
      prev.index == 0 ||
      (n.log.has(prev.index) ? n.log.term(prev.index) == prev.term : prev.index <= n.commit);
  if (!matches) return;
  n.leader_commit = std::max(n.leader_commit, e.message.index);
  n.verified = std::max(n.verified, prev.index + e.message.count);
}

void CommitRules::on_leader(const Node& n, const Stamp& at, Term term) {
  const std::pair<Term, CommittedLog::LeaderCommit> before = state_.committed.committed_below(term);
  const Index index = before.second.index;
  if (index == 0) return;
  findings_.evaluated(Rule::kLC);
  const CommittedLog::Entry* entry = state_.committed.find(index);
  if (entry == nullptr) return;
  if (n.log.has(index) && n.log.chain(index) == entry->chain) return;
  if (index <= n.log.last() && !n.log.has(index)) return;
  findings_.breach(Rule::kLC, at, [&](Account& a) {
    a.summary = name_of(n.id) + " became leader in term " + std::to_string(term) +
                " without entry " + show({index, entry->term}) + ", which " +
                name_of(before.second.at.node) + " committed as leader of term " +
                std::to_string(before.first);
    a.fact(before.second.at, "commits up to " + std::to_string(index) + " as leader of term " +
                                 std::to_string(before.first));
    a.fact(at, "becomes leader in term " + std::to_string(term) + ", its log ending at " +
                   show({n.log.last(), n.log.last_term()}));
    a.nodes = {before.second.at.node};
  });
}

}  // namespace ww::checkers::invariants
