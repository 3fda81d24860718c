#include "checkers/invariants/membership_rules.hpp"

#include <algorithm>
#include <iterator>
#include <string>

#include "base/wire/peer.hpp"

namespace ww::checkers::invariants {

namespace t = wire::trace;

namespace {

using Nodes = std::vector<NodeId>;

std::size_t common(const Nodes& a, const Nodes& b) {
  Nodes both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both.size();
}

/// Whether every majority of one meets every majority of the other: else each could be filled
/// without what the other needs of the common nodes.
bool majorities_meet(const Nodes& a, const Nodes& b) {
  const std::size_t shared = common(a, b);
  const auto needed = [shared](const Nodes& half) {
    const std::size_t majority = half.size() / 2 + 1;
    const std::size_t alone = half.size() - shared;
    return majority > alone ? majority - alone : 0;
  };
  return needed(a) + needed(b) > shared;
}

/// A quorum of a joint configuration holds a majority of each half, so it is enough that some half
/// of one meets some half of the other.
bool quorums_meet(const wire::Configuration& a, const wire::Configuration& b) {
  const auto meet = [](const Nodes& x, const Nodes& y) {
    return !x.empty() && !y.empty() && majorities_meet(x, y);
  };
  return meet(a.voters, b.voters) || meet(a.voters, b.next) || meet(a.next, b.voters) ||
         meet(a.next, b.next);
}

}  // namespace

void MembershipRules::on_configured(Node& n, const Stamp& at, const t::Configured& e) {
  switch (e.act) {
    case t::ConfigurationAct::kAppended:
      check_entry(n, at, e);
      if (n.role == wire::Role::kLeader) check_serial(n, at, e);
      state_.note_configuration(e.at, e.configuration);
      n.told = e.configuration;
      if (n.log.has(e.at.index)) return on_other_log(n);
      n.configuration = e.configuration;
      n.configured_at = e.at;
      break;
    case t::ConfigurationAct::kCommitted:
      check_entry(n, at, e);
      check_committed(n, at, e);
      break;
    case t::ConfigurationAct::kReverted:
    case t::ConfigurationAct::kLoaded:
      n.told = e.configuration;
      check_in_force(n, at, e);
      break;
  }
}

void MembershipRules::on_other_log(Node& n) {
  const ClusterState::InForce now = state_.configuration_of(n);
  n.configuration = now.configuration;
  n.configured_at = now.at;
}

void MembershipRules::on_written(Node& n, const Stamp& at, const DiskConfiguration& written) {
  const auto& known = state_.configurations;
  const bool is_forgotten =
      known.size() == ClusterState::kMaxConfigurations && written.at < known.begin()->first;
  if (known.count(written.at) > 0 || is_forgotten) return;
  findings_.breach(Rule::kTraceTruth, at, [&](Account& a) {
    a.summary = name_of(n.id) + " wrote the configuration " + show(written.configuration) + " at " +
                show(written.at) + ", of which nobody had told";
    a.fact(at, "writes the entry " + show(written.at) + ", " + show(written.configuration));
  });
  state_.note_configuration(written.at, written.configuration);
  on_other_log(n);
}

/// It is what the entry says.
void MembershipRules::check_entry(const Node& n, const Stamp& at, const t::Configured& e) {
  if (!n.log.has_entry(e.at.index)) return;
  findings_.evaluated(Rule::kTraceTruth);
  std::string payload;
  wire::encode_configuration(payload, e.configuration);
  const wire::EntryView entry{e.at.term, wire::EntryKind::kConfiguration, payload};
  if (n.log.hash(e.at.index) == wire::entry_hash(e.at.index, entry)) return;
  findings_.breach(Rule::kTraceTruth, at, [&](Account& a) {
    a.summary = name_of(n.id) + " tells of a configuration at " + show(e.at) +
                " that the entry of its log there does not hold";
    a.fact(at, describe(t::Event{e}));
  });
}

/// What is ordered by it was decided.
void MembershipRules::check_committed(const Node& n, const Stamp& at, const t::Configured& e) {
  findings_.evaluated(Rule::kTraceTruth);
  const CommittedLog::Entry* entry = state_.committed.find(e.at.index);
  const bool is_committed =
      e.at.index <= state_.committed.last() && (entry == nullptr || entry->term == e.at.term);
  if (is_committed) {
    state_.committed_configurations.try_emplace(e.at.index, e.at.term, e.configuration);
    return;
  }
  findings_.breach(Rule::kTraceTruth, at, [&](Account& a) {
    a.summary = name_of(n.id) + " tells of a configuration committed at " + show(e.at) +
                (entry == nullptr
                     ? ", where nothing is committed"
                     : ", where an entry of term " + std::to_string(entry->term) + " is committed");
    a.fact(at, describe(t::Event{e}));
  });
}

void MembershipRules::check_serial(const Node& n, const Stamp& at, const t::Configured& e) {
  findings_.evaluated(Rule::kCfgSerial);
  const wire::Configuration& before = n.configuration;
  const wire::Configuration& now = e.configuration;
  const auto wrong = [&](const std::string& what) {
    findings_.breach(Rule::kCfgSerial, at, [&](Account& a) {
      a.summary = name_of(n.id) + ", leader in term " + std::to_string(n.term) + ", appended " +
                  show(now) + " at index " + std::to_string(e.at.index) + " after " + show(before) +
                  ": " + what;
      a.fact(at, describe(t::Event{e}));
    });
  };
  if (n.configured_at.index > n.commit) {
    return wrong("that one, of index " + std::to_string(n.configured_at.index) +
                 ", is not committed there yet");
  }
  if (!before.next.empty()) {
    if (now.voters != before.next || !now.next.empty()) wrong("joint consensus ends in C_new");
    return;
  }
  if (!now.next.empty()) {
    if (mode_ == wire::MembershipMode::kSingle) wrong("this cluster changes one voter at a time");
    if (now.voters != before.voters) wrong("C_old is not what was in force");
    return;
  }
  const std::size_t same = common(before.voters, now.voters);
  const std::size_t differences = before.voters.size() + now.voters.size() - 2 * same;
  if (differences == 0) return;
  if (mode_ == wire::MembershipMode::kJoint) {
    return wrong("this cluster exchanges no voter without joint consensus");
  }
  if (differences > 1) return wrong("more than one voter is exchanged without joint consensus");
  const bool own = n.log.has(n.commit) && n.log.term(n.commit) == n.term;
  if (n.log.has(n.commit) && !own) {
    wrong("no entry of that term was committed before a change of a single voter");
  }
}

/// A node takes for its configuration the last in its snapshot and its log.
void MembershipRules::check_in_force(Node& n, const Stamp& at, const t::Configured& e) {
  const ClusterState::InForce expected = state_.configuration_of(n);
  // A node that joins knows nothing before somebody tells it.
  const bool joins =
      expected.at.index == 0 && !state_.is_first_voter(n.id) &&
      (e.configuration == wire::Configuration{} || e.configuration == state_.first());
  n.configuration = joins ? e.configuration : expected.configuration;
  n.configured_at = expected.at;
  // A start tells first what it begins with, and then what its log says.
  const bool begins = e.act == t::ConfigurationAct::kLoaded && e.at.index < expected.at.index;
  if (begins || joins || e.configuration == expected.configuration) return;
  findings_.breach(Rule::kSnapPrefix, at, [&](Account& a) {
    a.summary = name_of(n.id) + " goes by " + show(e.configuration) + ", but the last in its log " +
                "and snapshot is " + show(expected.configuration) + " of index " +
                std::to_string(expected.at.index);
    a.fact(at, describe(t::Event{e}));
  });
}

/// A node that wins or commits goes by what is in force there.
void MembershipRules::check_told(const Node& n, const Stamp& at) {
  if (!n.told || *n.told == n.configuration) return;
  findings_.breach(Rule::kSnapPrefix, at, [&](Account& a) {
    a.summary = name_of(n.id) + " leads by " + show(*n.told) + ", but the last in its log " +
                "and snapshot is " + show(n.configuration) + " of index " +
                std::to_string(n.configured_at.index);
    a.fact(at, "wins or commits by " + show(*n.told));
  });
}

bool MembershipRules::ordered(Index a, Index b) const {
  const auto between = state_.committed_configurations.upper_bound(std::min(a, b));
  return between != state_.committed_configurations.end() && between->first < std::max(a, b);
}

/// Whether what is committed differs from the log that has the configuration, at its entry or
/// below. By LM it is enough to look at one place in the log of a leader that relied on it.
bool MembershipRules::is_overruled(const Use& use) const {
  const Index both = std::min(use.entry.index, state_.committed.last());
  const CommittedLog::Entry* entry = state_.committed.find(both);
  const auto leader = state_.leaderships.find(use.first.term);
  return entry != nullptr && leader != state_.leaderships.end() &&
         leader->second.has(both, entry->term, use.first.term) == Leadership::Has::kNo;
}

void MembershipRules::on_use(const Node& n, const Stamp& at) {
  check_told(n, at);
  const auto known = std::find_if(uses_.begin(), uses_.end(), [&n](const Use& use) {
    return use.entry == n.configured_at && use.configuration == n.configuration;
  });
  const bool is_new = known == uses_.end();
  if (!is_new && known->first.term <= n.term && n.term <= known->last.term) return;
  const Reliance now{n.term, at};
  Use mine{n.configured_at, n.configuration, now, now, !is_new && known->overruled};
  for (Use& use : uses_) {
    if (!is_new && &use == &*known) continue;
    if (ordered(use.entry.index, n.configured_at.index)) continue;
    if (is_new) findings_.evaluated(Rule::kCfgIntersect);
    if (!quorums_meet(use.configuration, n.configuration)) check_terms(n, mine, use);
  }
  if (!is_new) {
    known->overruled = mine.overruled;
    (n.term < known->first.term ? known->first : known->last) = now;
    return;
  }
  if (uses_.size() == kMaxUses) uses_.erase(uses_.begin());
  uses_.push_back(std::move(mine));
}

void MembershipRules::remember_overruled() {
  for (Use& use : uses_) use.overruled = use.overruled || is_overruled(use);
}

/// A leader may have counted by a configuration that leaders of later terms never had, as long as
/// what it committed was below: then the first of theirs committed something in its place. (If that
/// very commit is the wrong one, it is for CfgSerial and CommitAgree to tell.) That is remembered,
/// for what is committed is forgotten in the end.
void MembershipRules::check_terms(const Node& n, Use& mine, Use& use) {
  mine.overruled = mine.overruled || is_overruled(mine);
  use.overruled = use.overruled || is_overruled(use);
  const Reliance& now = mine.first;
  const auto excused = [&](Term other) {
    return (other < now.term && use.overruled) || (now.term < other && mine.overruled);
  };
  if (excused(use.first.term) && excused(use.last.term)) return;
  const Reliance& other = excused(use.first.term) ? use.last : use.first;
  findings_.breach(Rule::kCfgIntersect, now.at, [&](Account& a) {
    a.summary = name_of(other.at.node) + " relied on a quorum of " + show(use.configuration) +
                " (index " + std::to_string(use.entry.index) + ") and " + name_of(n.id) +
                " on one of " + show(n.configuration) + " (index " +
                std::to_string(n.configured_at.index) +
                "), which need not meet, with no configuration committed between them";
    a.fact(other.at, "wins or commits by " + show(use.configuration) + " in term " +
                         std::to_string(other.term));
    a.fact(now.at,
           "wins or commits by " + show(n.configuration) + " in term " + std::to_string(now.term));
    a.nodes = {other.at.node};
  });
}

}  // namespace ww::checkers::invariants
