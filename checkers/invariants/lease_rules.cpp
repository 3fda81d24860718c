#include "checkers/invariants/lease_rules.hpp"

#include <string>

namespace ww::checkers::invariants {

namespace t = wire::trace;

void LeaseRules::on_read(const Node& n, const Stamp& at, const t::Read& e) {
  const Moment read{e.checked, at};
  for (auto later = first_commits_.upper_bound(n.term); later != first_commits_.end(); ++later) {
    findings_.evaluated(Rule::kLeaseDisjoint);
    if (later->second.time < read.time) {
      breach(n.term, read, later->first, later->second);
      break;
    }
  }
  // Records of different nodes come in causal order only: an earlier commit may yet be told.
  Moment& last = last_reads_.try_emplace(n.term, read).first->second;
  if (last.time < read.time) last = read;
  if (last_reads_.size() > kMaxTerms) last_reads_.erase(last_reads_.begin());
}

void LeaseRules::on_commit(const Node& n, const Stamp& at) {
  const auto [first, fresh] = first_commits_.try_emplace(n.term, Moment{at.time, at});
  if (!fresh) return;
  for (auto earlier = last_reads_.begin(); earlier != last_reads_.end() && earlier->first < n.term;
       ++earlier) {
    findings_.evaluated(Rule::kLeaseDisjoint);
    if (at.time < earlier->second.time)
      breach(earlier->first, earlier->second, n.term, first->second);
  }
  if (first_commits_.size() > kMaxTerms) first_commits_.erase(first_commits_.begin());
}

void LeaseRules::on_boot(const Node& n, const Stamp& at) {
  // A node's first process has answered nobody before.
  if (n.incarnation > 1) promised_[n.id] = {at, true, std::nullopt};
}

void LeaseRules::on_received(const Node& n, const Stamp& at, const t::Received& e) {
  if (!promise_ || e.message.term < n.term) return;
  const wire::MessageType type = e.message.type;
  Promised& promised = promised_[n.id];
  const bool asks = type == wire::MessageType::kTimeoutNow ||
                    (type == wire::MessageType::kVote && e.message.count != 0);
  if (asks) promised.asked_for = at.time;
  const bool of_leader =
      type == wire::MessageType::kAppend || type == wire::MessageType::kInstallSnapshot;
  if (of_leader) promised = {at, false, std::nullopt};
}

void LeaseRules::on_vote(const Node& n, const Stamp& at, const t::VoteCast& e) {
  if (!promise_ || !e.granted || e.pre) return;
  const auto found = promised_.find(n.id);
  if (found == promised_.end() || !found->second.at) return;
  const Promised& promised = found->second;
  if (promised.asked_for == at.time) return;  // within the same step
  findings_.evaluated(Rule::kLeasePromise);
  const Duration since = at.time - promised.at->time;
  if (since >= *promise_) return;
  findings_.breach(Rule::kLeasePromise, at, [&](Account& a) {
    a.summary = name_of(n.id) + " voted for " + name_of(e.candidate) + " in term " +
                std::to_string(e.term) + " " + std::to_string(since / microseconds(1)) +
                " us after it " + (promised.by_starting ? "started" : "heard from a leader") +
                ", and a lease may rest on it for " + std::to_string(*promise_ / microseconds(1)) +
                " us";
    a.fact(*promised.at, promised.by_starting ? "starts" : "hears from a leader");
    a.fact(at, describe(t::Event{e}));
  });
}

void LeaseRules::breach(Term read_term, const Moment& read, Term commit_term,
                        const Moment& commit) {
  findings_.breach(Rule::kLeaseDisjoint, read.at, [&](Account& a) {
    a.summary =
        name_of(read.at.node) + " served a read by its lease of term " + std::to_string(read_term) +
        " " + std::to_string((read.time - commit.time) / microseconds(1)) + " us after " +
        name_of(commit.at.node) + " had committed as leader of term " + std::to_string(commit_term);
    a.fact(commit.at, "commits as leader of term " + std::to_string(commit_term));
    a.fact(read.at, "serves a read by its lease of term " + std::to_string(read_term));
    a.nodes = {commit.at.node};
  });
}

}  // namespace ww::checkers::invariants
