#include "checkers/invariants/log_rules.hpp"

#include <algorithm>

namespace ww::checkers::invariants {

namespace t = wire::trace;

LogRules::Cell* LogRules::find(Index index, Term term) {
  if (index <= floor_ || index > floor_ + cells_.size()) return nullptr;
  Cell& cell = cells_[static_cast<std::size_t>(index - floor_ - 1)];
  if (cell.term == term) return &cell;
  const auto other = more_.find({index, term});
  return other == more_.end() ? nullptr : &other->second;
}

void LogRules::add(Index index, const Cell& cell) {
  if (index <= floor_) return;
  if (index > floor_ + cells_.size()) {
    cells_.resize(static_cast<std::size_t>(index - floor_));
  }
  Cell& first = cells_[static_cast<std::size_t>(index - floor_ - 1)];
  if (first.term == 0) {
    first = cell;
  } else {
    more_.emplace(std::pair{index, cell.term}, cell);
  }
}

void LogRules::prune() {
  while (floor_ < state_.committed.floor()) {
    ++floor_;
    if (!cells_.empty()) cells_.pop_front();
  }
  while (!more_.empty() && more_.begin()->first.first <= floor_) more_.erase(more_.begin());
}

void LogRules::on_appended(Node& n, const Stamp& at, const t::Appended& e) {
  if (e.first != n.log.last() + 1) {
    findings_.breach(Rule::kLM, at, [&](Account& a) {
      a.summary = name_of(n.id) + " appended from index " + std::to_string(e.first) +
                  " on to a log that ends at " + std::to_string(n.log.last());
      a.fact(at, describe(t::Event{e}));
    });
    return;
  }
  Index index = e.first;
  for (const t::EntryMark& entry : e.entries) {
    findings_.evaluated(Rule::kTerm);
    if (entry.term < n.log.last_term() || entry.term == 0) {
      findings_.breach(Rule::kTerm, at, [&](Account& a) {
        a.summary = name_of(n.id) + " appended an entry of term " + std::to_string(entry.term) +
                    " at index " + std::to_string(index) + " behind one of term " +
                    std::to_string(n.log.last_term());
        a.fact(at, describe(t::Event{e}));
      });
    }
    check_writer(n, at, index, entry.term, find(index, entry.term));
    n.log.append(entry.term, entry.hash);
    check_match(n, at, index, entry.term);
    ++index;
  }
  if (n.role != wire::Role::kLeader) return;
  const auto own = state_.leaderships.find(n.term);
  if (own != state_.leaderships.end() && own->second.node == n.id) own->second.last = n.log.last();
}

void LogRules::check_writer(const Node& n, const Stamp& at, Index index, Term term,
                            const Cell* known) {
  if (state_.has_gaps || index <= floor_) return;
  findings_.evaluated(Rule::kOneWriter);
  const bool leads = n.role == wire::Role::kLeader;
  if (leads ? term == n.term : known != nullptr && known->by_leader) return;
  findings_.breach(Rule::kOneWriter, at, [&](Account& a) {
    const std::string entry = "entry " + show({index, term});
    if (leads) {
      a.summary = name_of(n.id) + ", leader in term " + std::to_string(n.term) + ", appended " +
                  entry + ", which is not of its term";
    } else {
      a.summary =
          name_of(n.id) + " appended " + entry + ", which the leader of that term never wrote";
    }
    const auto leader = state_.leaderships.find(term);
    if (leader != state_.leaderships.end()) {
      a.fact(leader->second.at, "becomes leader in term " + std::to_string(term));
    }
    a.fact(at, "appends " + entry);
  });
}

void LogRules::check_match(const Node& n, const Stamp& at, Index index, Term term) {
  if (index <= floor_ || !n.log.has(index)) return;
  findings_.evaluated(Rule::kLM);
  const std::uint64_t chain = n.log.chain(index);
  Cell* known = find(index, term);
  const bool by_leader = n.role == wire::Role::kLeader && term == n.term;
  if (known == nullptr) return add(index, Cell{term, chain, by_leader, at});
  if (known->chain == chain) {
    known->by_leader |= by_leader;
    return;
  }
  findings_.breach(Rule::kLM, at, [&](Account& a) {
    a.summary = name_of(known->at.node) + " and " + name_of(n.id) + " both have an entry of term " +
                std::to_string(term) + " at index " + std::to_string(index) +
                ", but their logs up to there differ";
    a.fact(known->at, "holds " + show({index, term}));
    a.fact(at, "holds " + show({index, term}) + " with another log up to there");
    a.nodes = {known->at.node};
  });
}

void LogRules::on_found(const Node& n, const Stamp& at) {
  for (Index i = floor_ + 1; i <= n.log.last(); ++i) {
    if (n.log.has(i)) check_match(n, at, i, n.log.term(i));
  }
}

void LogRules::on_truncated(Node& n, const Stamp& at, const t::Truncated& e) {
  findings_.evaluated(Rule::kOneWriter);
  if (n.role == wire::Role::kLeader) {
    findings_.breach(Rule::kOneWriter, at, [&](Account& a) {
      a.summary = name_of(n.id) + ", leader in term " + std::to_string(n.term) +
                  ", cut its own log from index " + std::to_string(e.from) + " on";
      a.fact(at, describe(t::Event{e}));
    });
  }
  // A leader of a term above this node's may have committed the entry meanwhile without it; such a
  // node will be given it again. What a leader of its term or below committed, it may not cut.
  findings_.evaluated(Rule::kNoTrunc);
  const CommittedLog::Entry* entry = state_.committed.find(e.from);
  const Term term = std::max(n.term, n.followed_term);
  const std::pair<Term, CommittedLog::LeaderCommit> by = state_.committed.committed_below(term + 1);
  // One that lost what tells it better may be cut by a leader long gone; it counts for nothing
  // then.
  if (!n.loss && entry != nullptr && by.second.index >= e.from && n.log.has_entry(e.from) &&
      n.log.chain(e.from) == entry->chain) {
    findings_.breach(Rule::kNoTrunc, at, [&](Account& a) {
      a.summary = name_of(n.id) + " cut entry " + show({e.from, entry->term}) +
                  " off its log, which was committed by then";
      a.fact(by.second.at, "commits up to " + std::to_string(by.second.index) +
                               " as leader of term " + std::to_string(by.first));
      a.fact(at, describe(t::Event{e}));
      a.nodes = {by.second.at.node};
    });
  }
  n.log.truncate(e.from);
}

}  // namespace ww::checkers::invariants
