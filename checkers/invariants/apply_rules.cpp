#include "checkers/invariants/apply_rules.hpp"

#include <algorithm>

namespace ww::checkers::invariants {

namespace t = wire::trace;

namespace {

std::string command_text(SessionId session, std::uint64_t seq) {
  return "session " + std::to_string(session.value) + " seq " + std::to_string(seq);
}

}  // namespace

void ApplyRules::on_applied(Node& n, const Stamp& at, const t::Applied& e) {
  findings_.evaluated(Rule::kApply);
  const Index i = e.at.index;
  const bool unordered = i != n.applied + 1;
  const bool uncommitted = i > n.commit;
  const bool altered =
      n.log.has_entry(i) && (n.log.hash(i) != e.hash || n.log.term(i) != e.at.term);
  if (unordered || uncommitted || altered) {
    findings_.breach(Rule::kApply, at, [&](Account& a) {
      a.summary = name_of(n.id) + " applied " + show(e.at);
      if (unordered) a.summary += " right after index " + std::to_string(n.applied);
      if (uncommitted) a.summary += " while its commit index was " + std::to_string(n.commit);
      if (altered) a.summary += ", which is not what its log holds there";
      a.fact(at, describe(t::Event{e}));
    });
  }
  n.applied = i;
  if (unordered || uncommitted || altered) return;
  CommittedLog::Entry* entry = state_.committed.find(i);
  if (entry == nullptr) return;
  if (entry->applied) return check_again(n, at, e, *entry);
  entry->applied = true;
  entry->applied_node = n.id;
  entry->digest = e.digest;
  entry->session = e.session;
  entry->seq = e.seq;
  entry->execution = e.execution;
  entry->answer = e.answer;
  if (i != first_applied_ + 1) return;
  first_applied_ = i;
  check_first(at, e);
}

void ApplyRules::check_again(const Node& n, const Stamp& at, const t::Applied& e,
                             const CommittedLog::Entry& first) {
  if (first.digest != e.digest) {
    findings_.breach(Rule::kApply, at, [&](Account& a) {
      a.summary = name_of(first.applied_node) + " and " + name_of(n.id) +
                  " have different state machines after applying index " +
                  std::to_string(e.at.index);
      a.fact(at, describe(t::Event{e}));
      a.nodes = {first.applied_node};
    });
  }
  if (e.session.value == 0 && first.session.value == 0) return;
  findings_.evaluated(Rule::kSession);
  if (first.session == e.session && first.seq == e.seq && first.execution == e.execution &&
      first.answer == e.answer) {
    return;
  }
  findings_.breach(Rule::kSession, at, [&](Account& a) {
    a.summary = name_of(first.applied_node) + " and " + name_of(n.id) + " treated " +
                command_text(e.session, e.seq) + " at index " + std::to_string(e.at.index) +
                " differently: " + std::string(t::name_of(first.execution)) + " and " +
                std::string(t::name_of(e.execution));
    if (first.execution == e.execution) a.summary += ", with other answers";
    a.fact(at, describe(t::Event{e}));
    a.nodes = {first.applied_node};
  });
}

std::deque<ApplyRules::Session::Run>::iterator ApplyRules::Session::lower_bound(std::uint64_t seq) {
  if (executed.empty() || executed.back().seq < seq) return executed.end();
  return std::ranges::lower_bound(executed, seq, {}, &Run::seq);
}

void ApplyRules::check_first(const Stamp& at, const t::Applied& e) {
  if (e.session.value == 0 || e.seq == 0) return;
  if (e.execution == t::Execution::kNoop || e.execution == t::Execution::kRefused) return;
  findings_.evaluated(Rule::kSession);
  Session& session = sessions_[e.session];
  const auto before = session.lower_bound(e.seq);
  const bool known = before != session.executed.end() && before->seq == e.seq;
  const bool forgotten = e.seq <= session.forgotten;
  const bool executed = e.execution == t::Execution::kExecuted;
  if (executed ? known || forgotten : !forgotten && (!known || before->answer != e.answer)) {
    findings_.breach(Rule::kSession, at, [&](Account& a) {
      const std::string command = command_text(e.session, e.seq);
      if (executed) {
        a.summary = command + " was executed twice: at index " +
                    (known ? std::to_string(before->index) : "long before") + " and at index " +
                    std::to_string(e.at.index);
      } else if (known) {
        a.summary = command + " got one answer at index " + std::to_string(before->index) +
                    " and, repeated, another at index " + std::to_string(e.at.index);
      } else {
        a.summary = command + " was answered as a repetition at index " +
                    std::to_string(e.at.index) + ", but was never executed";
      }
      if (known) a.fact(before->at, "executes " + command);
      a.fact(at, describe(t::Event{e}));
    });
  }
  if (!executed) return;
  if (!known) session.executed.insert(before, {e.seq, e.at.index, e.answer, at});
  if (session.executed.size() <= kMaxExecuted) return;
  session.forgotten = session.executed.front().seq;
  session.executed.pop_front();
}

void ApplyRules::on_client(const Node& n, const Stamp& at, const t::Client& e) {
  if (!e.answered || e.outcome != wire::Outcome::kOk || e.at.index == 0) return;
  findings_.evaluated(Rule::kReplyTruth);
  const CommittedLog::Entry* entry = state_.committed.find(e.at.index);
  const bool other = entry != nullptr && entry->term != e.at.term;
  if (e.at.index <= n.applied && !other) return;
  findings_.breach(Rule::kReplyTruth, at, [&](Account& a) {
    a.summary = name_of(n.id) + " answered ok at " + show(e.at);
    a.summary += other ? ", but " + show({e.at.index, entry->term}) + " was committed there"
                       : " while it had applied only up to " + std::to_string(n.applied);
    a.fact(at, describe(t::Event{e}));
  });
}

void ApplyRules::on_op(const Op& op) {
  if (op.type == OpType::kOk && op.process != kNemesisProcess && op.at.index != 0) {
    awaited_.emplace(op.at.index, Awaited{op.index, op.time, op.at, op.node});
  }
  while (!awaited_.empty() && awaited_.begin()->first <= state_.committed.last()) {
    decide(awaited_.begin()->second);
    awaited_.erase(awaited_.begin());
  }
}

void ApplyRules::decide(const Awaited& awaited) {
  const CommittedLog::Entry* entry = state_.committed.find(awaited.at.index);
  // Too old to be known.
  if (entry == nullptr && awaited.at.index <= state_.committed.last()) return;
  findings_.evaluated(Rule::kReplyTruth);
  if (entry != nullptr && entry->term == awaited.at.term) return;
  Stamp at;
  at.node = awaited.node;
  at.time = instant_at(awaited.time);
  findings_.breach(Rule::kReplyTruth, at, [&](Account& a) {
    a.summary = "op " + std::to_string(awaited.op) + " is ok at " + show(awaited.at);
    a.summary += entry == nullptr
                     ? ", which nobody committed"
                     : ", but " + show({awaited.at.index, entry->term}) + " was committed there";
    a.fact(at, "answered op " + std::to_string(awaited.op) + " ok at " + show(awaited.at));
  });
}

void ApplyRules::finish() {
  for (const auto& [index, awaited] : awaited_) decide(awaited);
  awaited_.clear();
}

}  // namespace ww::checkers::invariants
