#include "checkers/invariants/corrupt_rules.hpp"

#include <algorithm>

namespace ww::checkers::invariants {

namespace t = wire::trace;
using wire::MessageType;

void CorruptRules::settle() {
  for (bool news = true; news;) {
    news = false;
    for (Node& n : state_.nodes) {
      if (!n.loss) continue;
      note_holders(n);
      if (!is_covered(n)) continue;
      n.loss.reset();
      news = true;
    }
  }
}

void CorruptRules::on_appended(const Node& leader, const t::Appended& e) {
  if (leader.role != wire::Role::kLeader || e.entries.empty()) return;
  for (Node& n : state_.nodes) {
    if (n.loss && n.id != leader.id)
      n.loss->covers.try_emplace(leader.term, Cover{e.first, leader.configuration, {}});
  }
}

void CorruptRules::on_vote(Node& n, const Stamp& at, const t::VoteCast& e) {
  if (e.granted) judge(n, at, t::Event{e});
}

void CorruptRules::on_role(Node& n, const Stamp& at, const t::RoleChange& e) {
  if (e.role == wire::Role::kCandidate || e.role == wire::Role::kLeader) judge(n, at, t::Event{e});
}

void CorruptRules::on_sent(Node& n, const Stamp& at, const t::Sent& e) {
  const MessageType type = e.message.type;
  const bool acknowledges =
      type == MessageType::kAppendReply || type == MessageType::kInstallSnapshotReply;
  // In doubt it says so, and is counted for nothing.
  if (acknowledges && e.message.ok && e.message.count == 0) judge(n, at, t::Event{e});
}

void CorruptRules::on_client(Node& n, const Stamp& at, const t::Client& e) {
  if (e.answered && e.outcome == wire::Outcome::kOk) judge(n, at, t::Event{e});
}

void CorruptRules::judge(Node& n, const Stamp& at, const t::Event& act) {
  if (!n.loss) return;
  findings_.evaluated(Rule::kCorrupt);
  settle();
  if (!n.loss) return;
  findings_.breach(Rule::kCorrupt, at, [&](Account& a) {
    a.summary = name_of(n.id) + " " + describe(act) +
                " although its disk was damaged, and no leader has covered it: " + n.loss->what;
    a.fact(n.loss->at, "its disk is damaged: " + n.loss->what);
    for (const auto& [term, cover] : n.loss->covers) {
      std::string who;
      for (const NodeId id : cover.held) {
        who += " " + name_of(id) + (state_.node(id).loss ? "(lost since)" : "");
      }
      if (holds(n, {cover.index, term})) who += " and the node itself";
      a.fact(at, "entry " + show({cover.index, term}) +
                     ", the first that a leader appended since, is " +
                     (state_.committed.last() < cover.index ? "not committed" : "committed") +
                     ", and became durable at" + (who.empty() ? " nobody" : who));
    }
    a.fact(at, describe(act));
  });
}

void CorruptRules::note_holders(Node& n) {
  for (auto& [term, cover] : n.loss->covers) {
    for (const NodeId id : state_.everyone) {
      const Node& other = state_.node(id);
      if (id != n.id && !other.loss && holds(other, {cover.index, term})) cover.held.insert(id);
    }
  }
}

bool CorruptRules::is_covered(const Node& n) const {
  if (!state_.sees_disk(n)) return false;
  return std::any_of(n.loss->covers.begin(), n.loss->covers.end(), [&](const auto& cover) {
    const LogPosition at{cover.second.index, cover.first};
    if (!holds(n, at) || state_.committed.last() < at.index) return false;
    const CommittedLog::Entry* entry = state_.committed.find(at.index);
    if (entry != nullptr && entry->term != at.term) return false;
    return is_backed(at.term, cover.second);
  });
}

/// It counted by what was in force when it appended the entry, or by what it appended since:
/// entries of its term are its own.
bool CorruptRules::is_backed(Term term, const Cover& cover) const {
  const auto has_it = [&](NodeId id) { return cover.held.count(id) > 0; };
  const auto since = state_.configurations.lower_bound({cover.index, term});
  return is_quorum(cover.configuration, has_it) ||
         std::any_of(since, state_.configurations.end(), [&](const auto& later) {
           return later.first.term == term && is_quorum(later.second, has_it);
         });
}

void CorruptRules::on_received(Node& n, const Stamp& at, const t::Received& e) {
  const MessageType type = e.message.type;
  const bool tells =
      (type == MessageType::kAppendReply || type == MessageType::kInstallSnapshotReply) &&
      e.message.count != 0;
  if (!tells || n.role != wire::Role::kLeader || e.message.term != n.term) return;
  Knowledge& known = n.knowledge[e.from.value];
  const Incarnation doubt = incarnation_of(e.id);
  if (doubt <= known.doubt) return;
  known.doubt = doubt;
  known.cover = n.log.last() + 1;
  known.doubted_at = at;
}

/// If too few hold what is committed, whoever is in doubt, it is for CommitDurable to tell.
void CorruptRules::on_committed(const Node& n, const Stamp& at, const t::Committed& e) {
  const bool leads = n.role == wire::Role::kLeader;
  if (!leads || e.to.index <= n.commit || !state_.sees_disk(n) || state_.has_gaps) return;
  const auto is_doubted = [&](NodeId id) {
    const Knowledge& known = n.knowledge[id.value];
    return id != n.id && known.doubt != 0 && n.commit < known.cover;
  };
  const auto holds = [&](NodeId id) {
    const Index durable = id == n.id ? n.disk.durable_last() : n.knowledge[id.value].durable;
    return durable >= e.to.index;
  };
  std::vector<NodeId> counted;
  bool is_judged = false;
  for (const NodeId id : state_.everyone) {
    if (!is_voter(n.configuration, id)) continue;
    const bool unseen = n.knowledge[id.value].blind || !state_.sees_disk(state_.node(id));
    if (id != n.id && unseen) return;
    is_judged = is_judged || is_doubted(id);
    if (is_doubted(id) && holds(id)) counted.push_back(id);
  }
  if (!is_judged) return;
  findings_.evaluated(Rule::kCorrupt);
  const auto backs = [&](NodeId id) { return holds(id) && !is_doubted(id); };
  if (!is_quorum(n.configuration, holds) || is_quorum(n.configuration, backs)) return;
  findings_.breach(Rule::kCorrupt, at, [&](Account& a) {
    a.summary = name_of(n.id) + " committed index " + std::to_string(e.to.index) + " in term " +
                std::to_string(n.term) + " by counting nodes in doubt";
    for (const NodeId id : counted) {
      const Knowledge& known = n.knowledge[id.value];
      a.fact(known.doubted_at, "hears that " + name_of(id) + " is in doubt");
      a.fact(known.at, name_of(id) + " sends an acknowledgement up to " +
                           std::to_string(known.durable) + "; nothing from " +
                           std::to_string(known.cover) + " on, which would cover it, is committed");
      a.nodes.push_back(id);
    }
    a.fact(at, describe(t::Event{e}) + ", for which " + show(n.configuration) +
                   " has no quorum without them");
  });
}

/// Whether the entry is durable there, itself or within what a snapshot stands for.
bool CorruptRules::holds(const Node& n, LogPosition cover) {
  if (n.disk.durable_last() < cover.index) return false;
  const LogChain& log = n.disk.log();
  return !log.has(cover.index) || log.term(cover.index) == cover.term;
}

}  // namespace ww::checkers::invariants
