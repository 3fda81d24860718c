#include "checkers/invariants/snapshot_rules.hpp"

#include <algorithm>

namespace ww::checkers::invariants {

namespace t = wire::trace;

void SnapshotRules::breach(const Stamp& at, const t::Snapshot& e, const std::string& what) {
  findings_.breach(Rule::kSnapPrefix, at, [&](Account& a) {
    a.summary = what;
    a.fact(at, describe(t::Event{e}));
  });
}

void SnapshotRules::on_snapshot(Node& n, const Stamp& at, const t::Snapshot& e) {
  findings_.evaluated(Rule::kSnapPrefix);
  check_content(n, at, e);
  switch (e.act) {
    case t::SnapshotAct::kTaken:
      check_taken(n, at, e);
      break;
    case t::SnapshotAct::kDurable:
      check_durable(n, at, e);
      break;
    case t::SnapshotAct::kInstalled:
      check_durable(n, at, e);
      install(n, at, e);
      break;
    case t::SnapshotAct::kLoaded:
      break;
  }
}

/// Term, digest and configuration are those of the committed entry where it stands.
void SnapshotRules::check_content(const Node& n, const Stamp& at, const t::Snapshot& e) {
  const std::string whose = name_of(n.id) + " has a snapshot up to " + show(e.at);
  if (e.at.index > state_.committed.last()) {
    return breach(at, e,
                  whose + ", but the cluster committed only up to " +
                      std::to_string(state_.committed.last()));
  }
  if (e.voters != state_.voters) breach(at, e, whose + " with another configuration");
  const CommittedLog::Entry* entry = state_.committed.find(e.at.index);
  if (entry != nullptr && entry->term != e.at.term) {
    return breach(
        at, e, whose + ", but the entry committed there is of term " + std::to_string(entry->term));
  }
  const SnapshotPoints::Point* point = state_.snapshots.find(e.at);
  const bool other_state = (entry != nullptr && entry->applied && entry->digest != e.digest) ||
                           (point != nullptr && point->digest != e.digest);
  if (other_state) {
    breach(at, e, whose + " of another state than the log up to there leads to");
  }
}

void SnapshotRules::check_taken(const Node& n, const Stamp& at, const t::Snapshot& e) {
  if (e.at.index > n.applied) {
    return breach(at, e,
                  name_of(n.id) + " took a snapshot up to " + show(e.at) +
                      ", but had applied only up to " + std::to_string(n.applied));
  }
  const CommittedLog::Entry* entry = state_.committed.find(e.at.index);
  if (n.log.has(e.at.index) && n.log.term(e.at.index) == e.at.term) {
    state_.snapshots.add(e.at, {n.log.chain(e.at.index), e.digest});
  } else if (entry != nullptr) {
    state_.snapshots.add(e.at, {entry->chain, e.digest});
  }
}

/// What it says is durable is so, and is that snapshot.
void SnapshotRules::check_durable(const Node& n, const Stamp& at, const t::Snapshot& e) {
  if (e.first > e.at.index + 1) {
    breach(at, e,
           name_of(n.id) + " dropped its log up to " + std::to_string(e.first - 1) +
               ", beyond its snapshot up to " + show(e.at));
  }
  if (!state_.sees_disk(n)) return;
  const DiskSnapshot& durable = n.disk.durable_snapshot();
  if (durable.at != e.at) {
    return breach(at, e,
                  name_of(n.id) + " takes its snapshot up to " + show(e.at) +
                      " for durable, but its store made one durable up to " + show(durable.at));
  }
  if (durable.digest == e.digest && durable.voters == e.voters) return;
  breach(at, e, name_of(n.id) + " has another snapshot on its disk than it says");
}

void SnapshotRules::install(Node& n, const Stamp& at, const t::Snapshot& e) {
  if (e.at.index <= n.applied) {
    breach(at, e,
           name_of(n.id) + " went back from index " + std::to_string(n.applied) +
               " to a snapshot up to " + show(e.at));
  }
  const bool known = n.log.has(e.at.index);
  const bool matches = known && n.log.term(e.at.index) == e.at.term;
  if (e.kept && !matches && (known || e.at.index > n.log.last())) {
    breach(at, e,
           name_of(n.id) + " kept its log behind a snapshot up to " + show(e.at) + ", but " +
               (known ? "has " + show({e.at.index, n.log.term(e.at.index)}) + " there"
                      : "its log ends at " + std::to_string(n.log.last())));
  }
  if (!e.kept && matches && n.log.last() > e.at.index) {
    breach(at, e,
           name_of(n.id) + " threw its log behind " + show(e.at) +
               " away, although it has that very entry of the snapshot");
  }
  if (!e.kept) n.log.anchor(e.at, state_.snapshots.chain(e.at));
  n.commit = std::max(n.commit, e.at.index);
  n.applied = e.at.index;
}

}  // namespace ww::checkers::invariants
