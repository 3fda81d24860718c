#include "checkers/invariants/election_rules.hpp"

#include <algorithm>

namespace ww::checkers::invariants {

namespace t = wire::trace;

namespace {

std::string term_text(Term term) {
  return "term " + std::to_string(term);
}

/// The election restriction compares last terms first, then lengths (section 5.4.1).
bool up_to_date(LogPosition candidate, LogPosition own) {
  if (candidate.term != own.term) return candidate.term > own.term;
  return candidate.index >= own.index;
}

bool is_pre_vote(wire::MessageType type) {
  return type == wire::MessageType::kPreVote || type == wire::MessageType::kPreVoteReply;
}

}  // namespace

ElectionRules::ElectionRules(ClusterState& state, Findings& findings, bool house_rules)
    : state_(state), findings_(findings), voters_(state.nodes.size()), house_rules_(house_rules) {}

void ElectionRules::on_boot(const Node& n, const Stamp& at, const t::Boot& e) {
  Voter& voter = voters_[n.id.value];
  voter.decided_term = 0;
  voter.asked.clear();
  const auto ballot = voter.ballots.find(voter.left_term);
  if (voter.left_term == 0 || ballot == voter.ballots.end()) return;
  findings_.evaluated(Rule::kVote1);
  const Ballot& given = ballot->second;
  if (e.term > voter.left_term || (e.term == voter.left_term && e.vote == given.candidate)) return;
  findings_.breach(Rule::kVote1, at, [&](Account& a) {
    a.summary = name_of(n.id) + " forgot a vote: it had voted for " + name_of(given.candidate) +
                " in " + term_text(voter.left_term) + ", and restarted in " + term_text(e.term) +
                " with its vote for " + (e.vote == kNobody ? "nobody" : name_of(e.vote));
    a.fact(given.at, "its vote for " + name_of(given.candidate) + " in " +
                         term_text(voter.left_term) + " left");
    a.fact(at, describe(t::Event{e}));
    a.nodes = {given.candidate};
  });
}

/// They stay known, for they may make a leader yet.
void ElectionRules::on_loss(const Node& n) {
  Voter& voter = voters_[n.id.value];
  for (auto& [term, ballot] : voter.ballots) ballot.lost = true;
  voter.left_term = 0;
  voter.decided_term = 0;
}

void ElectionRules::on_role(const Node& n, const Stamp& at, const t::RoleChange& e) {
  findings_.evaluated(Rule::kTerm);
  if (e.term < n.term) {
    findings_.breach(Rule::kTerm, at, [&](Account& a) {
      a.summary = name_of(n.id) + " went back from " + term_text(n.term) + " to " +
                  term_text(e.term) + " within one incarnation";
      a.fact(at, describe(t::Event{e}));
    });
  }
  if (e.role == wire::Role::kLeader) {
    check_leader(n, at, e);
    check_win(n, at, e);
  }
}

void ElectionRules::check_leader(const Node& n, const Stamp& at, const t::RoleChange& e) {
  findings_.evaluated(Rule::kES);
  Leadership now;
  now.node = n.id;
  now.incarnation = n.incarnation;
  now.at = at;
  now.runs = n.log.runs();
  now.last_at_election = n.log.last();
  now.last = n.log.last();
  const auto [there, fresh] = state_.leaderships.try_emplace(e.term, now);
  if (fresh) return;
  const Leadership& other = there->second;
  findings_.breach(Rule::kES, at, [&](Account& a) {
    if (other.node == n.id) {
      a.summary = name_of(n.id) + " became leader twice in " + term_text(e.term) +
                  ": in incarnations " + std::to_string(other.incarnation) + " and " +
                  std::to_string(n.incarnation);
    } else {
      a.summary = name_of(other.node) + " and " + name_of(n.id) + " both became leader in " +
                  term_text(e.term);
    }
    a.fact(other.at, "becomes leader in " + term_text(e.term));
    a.fact(at, describe(t::Event{e}));
    for (const NodeId granter : e.granters) {
      if (!state_.knows(granter)) continue;
      const Voter& voter = voters_[granter.value];
      const auto ballot = voter.ballots.find(e.term);
      if (ballot == voter.ballots.end()) continue;
      a.fact(ballot->second.at,
             "votes for " + name_of(ballot->second.candidate) + " in " + term_text(e.term));
    }
    a.nodes = {other.node};
  });
}

void ElectionRules::check_win(const Node& n, const Stamp& at, const t::RoleChange& e) {
  if (state_.has_gaps) return;
  findings_.evaluated(Rule::kWin);
  std::vector<NodeId> counted;
  for (const NodeId granter : e.granters) {
    if (!is_voter(n.configuration, granter)) continue;
    auto& ballots = voters_[granter.value].ballots;
    const auto ballot = ballots.find(e.term);
    const bool real = ballot != ballots.end() && ballot->second.candidate == n.id &&
                      (granter == n.id || ballot->second.left);
    if (real) {
      if (std::find(counted.begin(), counted.end(), granter) == counted.end()) {
        counted.push_back(granter);
      }
      // Who leads by its own vote has let it out.
      if (granter == n.id) {
        ballot->second.left = true;
        voters_[n.id.value].left_term = std::max(voters_[n.id.value].left_term, e.term);
      }
      continue;
    }
    findings_.breach(Rule::kWin, at, [&](Account& a) {
      a.summary = name_of(n.id) + " became leader in " + term_text(e.term) +
                  " counting a vote of " + name_of(granter) + " that " + name_of(granter) +
                  " did not give in that term";
      a.fact(at, describe(t::Event{e}));
      if (ballot != ballots.end()) {
        a.fact(ballot->second.at,
               "votes for " + name_of(ballot->second.candidate) + " in " + term_text(e.term));
      }
      a.nodes = {granter};
    });
    return;
  }
  const bool wins = is_quorum(n.configuration, [&counted](NodeId id) {
    return std::find(counted.begin(), counted.end(), id) != counted.end();
  });
  if (wins) return;
  findings_.breach(Rule::kWin, at, [&](Account& a) {
    a.summary = name_of(n.id) + " became leader in " + term_text(e.term) + " with " +
                std::to_string(counted.size()) + " votes of the voters of " +
                show(n.configuration) + ", which is no quorum";
    a.fact(at, describe(t::Event{e}));
  });
}

void ElectionRules::on_vote(const Node& n, const Stamp& at, const t::VoteCast& e) {
  if (!e.granted) return;
  findings_.evaluated(Rule::kUpToDate);
  const char* kind = e.pre ? "its pre-vote" : "its vote";
  if (!up_to_date(e.candidate_last, e.own_last)) {
    findings_.breach(Rule::kUpToDate, at, [&](Account& a) {
      a.summary = name_of(n.id) + " gave " + kind + " in " + term_text(e.term) + " to " +
                  name_of(e.candidate) + ", whose log ends at " + show(e.candidate_last) +
                  ", behind its own, which ends at " + show(e.own_last);
      a.fact(at, describe(t::Event{e}));
      a.nodes = {e.candidate};
    });
  }
  const LogPosition own{n.log.last(), n.log.last_term()};
  if (n.log.has(n.log.last()) && e.own_last != own) {
    findings_.breach(Rule::kUpToDate, at, [&](Account& a) {
      a.summary = name_of(n.id) + " judged a candidate by a log that ends at " + show(e.own_last) +
                  ", but its log ends at " + show(own);
      a.fact(at, describe(t::Event{e}));
    });
  }
  const auto& asked = voters_[n.id.value].asked;
  const auto request = asked.find(e.candidate);
  if (e.candidate != n.id && request != asked.end() && request->second != e.candidate_last) {
    findings_.breach(Rule::kUpToDate, at, [&](Account& a) {
      a.summary = name_of(n.id) + " judged " + name_of(e.candidate) + " by a log that ends at " +
                  show(e.candidate_last) + ", but its request said " + show(request->second);
      a.fact(at, describe(t::Event{e}));
      a.nodes = {e.candidate};
    });
  }
  if (e.pre) return;
  cast(n, at, e.term, e.candidate, false);
  Voter& voter = voters_[n.id.value];
  voter.decided_term = std::max(voter.decided_term, e.term);
}

void ElectionRules::on_received(const Node& n, const t::Received& e) {
  if (e.message.type == wire::MessageType::kVote || e.message.type == wire::MessageType::kPreVote) {
    voters_[n.id.value].asked[e.from] = e.message.position;
  }
}

void ElectionRules::cast(const Node& n, const Stamp& at, Term term, NodeId candidate, bool leaves) {
  Voter& voter = voters_[n.id.value];
  findings_.evaluated(Rule::kVote1);
  const auto [there, fresh] =
      voter.ballots.try_emplace(term, Ballot{candidate, n.incarnation, leaves, at, false});
  Ballot& ballot = there->second;
  if (!fresh && ballot.candidate != candidate && !ballot.lost &&
      (ballot.left || ballot.incarnation == n.incarnation)) {
    findings_.breach(Rule::kVote1, at, [&](Account& a) {
      a.summary = name_of(n.id) + " voted twice in " + term_text(term) + ": for " +
                  name_of(ballot.candidate) + " and for " + name_of(candidate);
      if (ballot.incarnation != n.incarnation) a.summary += ", with a restart between";
      a.fact(ballot.at, "votes for " + name_of(ballot.candidate) + " in " + term_text(term));
      a.fact(at, "votes for " + name_of(candidate) + " in " + term_text(term));
      a.nodes = {ballot.candidate, candidate};
    });
  }
  if (!fresh && (!ballot.left || ballot.lost))
    ballot = Ballot{candidate, n.incarnation, leaves, at, false};
  if (leaves) voter.left_term = std::max(voter.left_term, term);
  if (voter.ballots.size() > kMaxBallots) voter.ballots.erase(voter.ballots.begin());
}

void ElectionRules::on_sent(const Node& n, const Stamp& at, const t::Sent& e) {
  using wire::MessageType;
  check_sent_term(n, at, e);
  if (e.message.type == MessageType::kVoteReply && e.message.ok) {
    cast(n, at, e.message.term, e.to, true);
    check_durable_vote(n, at, e.message.term, e.to);
  }
  if (e.message.type == MessageType::kVote) {
    cast(n, at, e.message.term, n.id, true);
    check_durable_vote(n, at, e.message.term, n.id);
  }
  const bool success = e.message.type == MessageType::kAppendReply ||
                       e.message.type == MessageType::kInstallSnapshotReply;
  if (!success || !e.message.ok) return;
  findings_.evaluated(Rule::kPromise);
  const Voter& voter = voters_[n.id.value];
  const Term promised = std::max(voter.left_term, voter.decided_term);
  if (e.message.term >= promised) return;
  findings_.breach(Rule::kPromise, at, [&](Account& a) {
    a.summary = name_of(n.id) + " acknowledged an append of " + term_text(e.message.term) +
                " after it had voted in " + term_text(promised);
    const auto ballot = voter.ballots.find(promised);
    if (ballot != voter.ballots.end()) {
      a.fact(ballot->second.at,
             "votes for " + name_of(ballot->second.candidate) + " in " + term_text(promised));
    }
    a.fact(at, describe(t::Event{e}));
    a.nodes = {e.to};
  });
}

void ElectionRules::check_durable_vote(const Node& n, const Stamp& at, Term term,
                                       NodeId candidate) {
  if (!state_.sees_disk(n)) return;
  findings_.evaluated(Rule::kVote1);
  const VoteState& durable = n.disk.durable();
  if (durable.term > term || (durable.term == term && durable.vote == candidate)) return;
  findings_.breach(Rule::kVote1, at, [&](Account& a) {
    a.summary = name_of(n.id) + " let its vote for " + name_of(candidate) + " in " +
                term_text(term) + " out before it was durable: its disk has " +
                term_text(durable.term) + " and a vote for " +
                (durable.vote == kNobody ? "nobody" : name_of(durable.vote));
    if (n.disk.last_sync().order != 0) a.fact(n.disk.last_sync(), "last sync of its log");
    a.fact(at, "lets out its vote for " + name_of(candidate) + " in " + term_text(term));
    a.nodes = {candidate};
  });
}

void ElectionRules::check_sent_term(const Node& n, const Stamp& at, const t::Sent& e) {
  if (!state_.sees_disk(n) || is_pre_vote(e.message.type)) return;
  const bool promise = e.message.ok;  // a grant or a success
  if (!promise && !house_rules_) return;
  findings_.evaluated(Rule::kTerm);
  if (e.message.term <= n.disk.durable().term) return;
  findings_.breach(Rule::kTerm, at, [&](Account& a) {
    a.summary = name_of(n.id) + " sent " + name_of(e.to) + " a message of " +
                term_text(e.message.term) + " while its durable term was " +
                std::to_string(n.disk.durable().term);
    if (n.disk.last_sync().order != 0) a.fact(n.disk.last_sync(), "last sync of its log");
    a.fact(at, describe(t::Event{e}));
  });
}

void ElectionRules::on_disk_regress(const Node& n, const Stamp& at, const VoteState& before,
                                    const VoteState& now) {
  const Rule rule = now.term < before.term ? Rule::kTerm : Rule::kVote1;
  findings_.breach(rule, at, [&](Account& a) {
    a.summary = name_of(n.id) + " wrote " + term_text(now.term) + " with its vote for " +
                (now.vote == kNobody ? "nobody" : name_of(now.vote)) + " to disk after " +
                term_text(before.term) + " with its vote for " +
                (before.vote == kNobody ? "nobody" : name_of(before.vote));
    a.fact(at, "writes that batch");
  });
}

}  // namespace ww::checkers::invariants
