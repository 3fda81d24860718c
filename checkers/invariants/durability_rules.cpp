#include "checkers/invariants/durability_rules.hpp"

#include <algorithm>

namespace ww::checkers::invariants {

namespace t = wire::trace;
using wire::MessageType;

namespace {

bool is_acknowledgement(const t::Summary& m) {
  return (m.type == MessageType::kAppendReply || m.type == MessageType::kInstallSnapshotReply) &&
         m.ok;
}

/// How far the log is acknowledged.
Index match_of(const t::Summary& m) {
  return m.type == MessageType::kAppendReply ? m.index : m.position.index;
}

void last_sync(Account& a, const Node& n) {
  if (n.disk.last_sync().order == 0) return;
  a.fact(n.disk.last_sync(), "last sync of its log");
}

}  // namespace

void DurabilityRules::on_sent(const Node& n, const Stamp& at, const t::Sent& e) {
  if (!is_acknowledgement(e.message) || !state_.sees_disk(n)) return;
  check_acknowledgement(n, at, e);
  Link::Acknowledgement worth;
  worth.id = e.id;
  worth.term = e.message.term;
  worth.durable = std::min(match_of(e.message), n.disk.durable_last());
  worth.at = at;
  const LogChain& disk = n.disk.log();
  if (disk.has(worth.durable)) worth.chain = disk.chain(worth.durable);
  state_.link(n.id, e.to).acknowledge(worth);
}

void DurabilityRules::check_acknowledgement(const Node& n, const Stamp& at, const t::Sent& e) {
  const Index match = match_of(e.message);
  const Term term = e.message.term;
  findings_.evaluated(Rule::kAckTruth);
  if (match > n.disk.durable_last()) {
    findings_.breach(Rule::kAckTruth, at, [&](Account& a) {
      a.summary = name_of(n.id) + " acknowledged the log up to " + std::to_string(match) + " to " +
                  name_of(e.to) + " in term " + std::to_string(term) +
                  " while its synced log reached only " + std::to_string(n.disk.durable_last());
      last_sync(a, n);
      a.fact(at, describe(t::Event{e}));
      a.nodes = {e.to};
    });
    return;
  }
  const LogChain& disk = n.disk.log();
  const auto leader = state_.leaderships.find(term);
  if (state_.has_gaps || match == 0 || leader == state_.leaderships.end() || !disk.has(match)) {
    return;
  }
  const Leadership& lead = leader->second;
  const bool theirs = lead.has(match, disk.term(match), term) != Leadership::Has::kNo;
  if (theirs && lead.node == e.to) return;
  findings_.breach(Rule::kAckTruth, at, [&](Account& a) {
    if (lead.node != e.to) {
      a.summary = name_of(n.id) + " acknowledged an append of term " + std::to_string(term) +
                  " to " + name_of(e.to) + ", but the leader of that term is " + name_of(lead.node);
    } else {
      a.summary = name_of(n.id) + " acknowledged the log up to " + std::to_string(match) + " to " +
                  name_of(e.to) + " in term " + std::to_string(term) + ", but its entry " +
                  show({match, disk.term(match)}) + " is not the leader's";
    }
    a.fact(lead.at, "becomes leader in term " + std::to_string(term));
    a.fact(at, describe(t::Event{e}));
    a.nodes = {e.to};
  });
}

void DurabilityRules::on_received(Node& n, const t::Received& e) {
  if (!state_.store_evidence || !is_acknowledgement(e.message)) return;
  if (n.role != wire::Role::kLeader || e.message.term != n.term) return;
  Knowledge& known = n.knowledge[e.from.value];
  if (match_of(e.message) <= known.durable) return;
  Link& link = state_.link(e.from, n.id);
  const Link::Worth worth = link.worth(e.id);
  if (worth.known == Link::Known::kForgotten) known.blind = true;
  if (worth.known != Link::Known::kFound || worth.acknowledgement->term != n.term) return;
  const Link::Acknowledgement& ack = *worth.acknowledgement;
  const bool equal = n.log.has(ack.durable) && n.log.chain(ack.durable) == ack.chain;
  if (equal && ack.durable > known.durable) {
    known.durable = ack.durable;
    known.at = ack.at;
  }
  link.settle_acknowledgements(n.term, known.durable);
}

void DurabilityRules::on_first_commit(const Node& n, const Stamp& at, Index index) {
  if (!state_.sees_disk(n) || state_.has_gaps) return;
  std::vector<NodeId> voters;
  std::size_t holders = 0;
  const auto holds = [&](NodeId voter) {
    if (!state_.knows(voter)) return false;
    const Index durable = voter == n.id ? n.disk.durable_last() : n.knowledge[voter.value].durable;
    return durable >= index;
  };
  for (const NodeId voter : state_.everyone) {
    if (!is_voter(n.configuration, voter)) continue;
    if (voter != n.id && n.knowledge[voter.value].blind) return;
    voters.push_back(voter);
    if (holds(voter)) ++holders;
  }
  findings_.evaluated(Rule::kCommitDurable);
  if (is_quorum(n.configuration, holds)) return;
  findings_.breach(Rule::kCommitDurable, at, [&](Account& a) {
    a.summary = name_of(n.id) + " committed index " + std::to_string(index) + " in term " +
                std::to_string(n.term) + ", which " + std::to_string(holders) + " of " +
                std::to_string(voters.size()) + " voters of " + show(n.configuration) +
                " held in synced bytes:";
    for (const NodeId voter : voters) {
      const Knowledge& known = n.knowledge[voter.value];
      const Index durable = voter == n.id ? n.disk.durable_last() : known.durable;
      a.summary += " " + name_of(voter) + " up to " + std::to_string(durable);
      if (voter != n.id && known.at.order != 0) {
        a.fact(known.at, "sends an acknowledgement; its synced log reaches " +
                             std::to_string(durable) + " of what it acknowledges");
      }
      a.nodes.push_back(voter);
    }
    last_sync(a, n);
    a.fact(at, "commits index " + std::to_string(index) + " as leader");
  });
}

void DurabilityRules::on_synced(const Node& n, const Stamp& at, const t::Synced& e) {
  if (!e.ok || !state_.sees_disk(n)) return;
  findings_.evaluated(Rule::kTraceTruth);
  const VoteState& durable = n.disk.durable();
  const bool state_lie = e.term > durable.term ||
                         (e.term == durable.term && e.vote != kNobody && e.vote != durable.vote);
  // A later write may have replaced the tail that this one wrote; then there is nothing to compare.
  const LogChain& disk = n.disk.log();
  const bool log_lie = e.upto.index > disk.last() ||
                       (e.upto.index > n.disk.durable_last() && disk.has(e.upto.index) &&
                        disk.term(e.upto.index) == e.upto.term);
  if (!state_lie && !log_lie) return;
  findings_.breach(Rule::kTraceTruth, at, [&](Account& a) {
    a.summary = name_of(n.id) + " takes its log for synced up to " + show(e.upto) + " with term " +
                std::to_string(e.term) + " and a vote for " + name_of(e.vote) +
                ", but its store synced up to index " + std::to_string(n.disk.durable_last()) +
                " with term " + std::to_string(durable.term) + " and a vote for " +
                name_of(durable.vote);
    last_sync(a, n);
    a.fact(at, describe(t::Event{e}));
  });
}

void DurabilityRules::on_disk(const Node& n, const Stamp& at, const DiskAudit& audit, bool power) {
  if (!state_.store_evidence) return;
  const char* crash = power ? "power loss" : "crash";
  findings_.evaluated(Rule::kRestart);
  if (audit.lost) {
    findings_.breach(Rule::kRestart, at, [&](Account& a) {
      a.summary = "after a " + std::string(crash) + " of " + name_of(n.id) + ", " + *audit.lost;
      last_sync(a, n);
      a.fact(at, "the files as its next start will find them: " + *audit.lost);
    });
  }
  findings_.evaluated(Rule::kTraceTruth);
  if (!audit.differs) return;
  findings_.breach(Rule::kTraceTruth, at, [&](Account& a) {
    a.summary = "after a " + std::string(crash) + " of " + name_of(n.id) + ", " + *audit.differs;
    last_sync(a, n);
    a.fact(at, "the files as the crash left them");
  });
}

void DurabilityRules::on_malformed(const Node& n, const Stamp& at, const std::string& what) {
  findings_.breach(Rule::kTraceTruth, at, [&](Account& a) {
    a.summary = "the byte store's log of " + name_of(n.id) + " makes no sense: it " + what;
    a.fact(at, what);
  });
}

void DurabilityRules::on_removed(const Node& n, const Stamp& at, const std::string& what) {
  findings_.breach(Rule::kRestart, at, [&](Account& a) {
    a.summary = name_of(n.id) + " threw durable records away: it " + what;
    a.fact(at, what);
  });
}

void DurabilityRules::on_boot(const Node& n, const Stamp& at, const t::Boot& e) {
  if (!state_.sees_disk(n)) return;
  findings_.evaluated(Rule::kRestart);
  const LogChain& log = n.disk.log();
  const VoteState& state = n.disk.state();
  const LogPosition last{log.last(), log.last_term()};
  const LogPosition snapshot = n.disk.snapshot().at;
  // Where nothing tells the chain, nothing tells the terms.
  const bool same_last = log.has(last.index) ? e.last == last : e.last.index == last.index;
  const bool gap = e.first > e.snapshot.index + 1;
  const bool same = VoteState{e.term, e.vote} == state && same_last && e.snapshot == snapshot;
  if (same && !gap) return;
  findings_.breach(Rule::kRestart, at, [&](Account& a) {
    a.summary = name_of(n.id) + " started with term " + std::to_string(e.term) + ", vote " +
                name_of(e.vote) + ", a snapshot up to " + show(e.snapshot) + " and a log from " +
                std::to_string(e.first) + " up to " + show(e.last) + ", but its files held term " +
                std::to_string(state.term) + ", vote " + name_of(state.vote) +
                ", a snapshot up to " + show(snapshot) + " and a log up to " + show(last);
    last_sync(a, n);
    a.fact(at, describe(t::Event{e}));
  });
}

}  // namespace ww::checkers::invariants
