#include "checkers/vacuity.hpp"

#include <algorithm>
#include <map>

#include "checkers/key_history.hpp"

namespace ww::checkers {

namespace {

/// The times in which a key has both a read and a write in flight, as one would see them on a plot.
/// Requires: `pairs` ordered by invocation. A pair without an end lasts forever.
std::vector<std::pair<std::int64_t, std::int64_t>> contention(const History& history,
                                                              std::span<const OpPair> pairs) {
  std::vector<std::pair<std::int64_t, std::int64_t>> out;
  // What is in flight longest decides: of the reads so far, and of the writes.
  std::int64_t read_until = -1;
  std::int64_t write_until = -1;
  for (const OpPair& pair : pairs) {
    const Op& invoke = history[pair.invoke];
    const Op* end = pair.complete == kNoLine ? nullptr : &history[pair.complete];
    if (end != nullptr && end->type == OpType::kFail) continue;
    if (invoke.f == Func::kWatch) continue;
    const bool ok = end != nullptr && end->type == OpType::kOk;
    const bool read = invoke.f == Func::kRead;
    // A read without an answer saw nothing; a write without one may take effect at any time.
    if (read && !ok) continue;
    const std::int64_t until = ok ? end->time : kForever;
    const std::int64_t other = read ? write_until : read_until;
    if (other >= invoke.time) out.emplace_back(invoke.time, std::min(until, other));
    std::int64_t& own = read ? read_until : write_until;
    own = std::max(own, until);
  }
  return out;
}

class Shortfalls {
 public:
  explicit Shortfalls(CheckResult& result) : result_(result) {}

  void need(std::uint64_t minimum, std::uint64_t got, const std::string& what) {
    if (minimum == 0) return;
    ++result_.evaluated;
    if (got >= minimum) return;
    add(std::to_string(got) + " " + what + ", at least " + std::to_string(minimum) + " wanted");
  }
  void add(const std::string& text) {
    result_.verdict = Verdict::kUnknown;
    result_.reason += (result_.reason.empty() ? "vacuous: " : "; ") + text;
  }

 private:
  CheckResult& result_;
};

void check_faults(const RunFacts& facts, const VacuityLimits& limits, CheckResult& result,
                  Shortfalls& shortfalls) {
  std::size_t kinds = 0;
  std::vector<std::string> idle;
  bool told = false;
  for (const FaultFacts& fault : facts.faults) {
    if (fault.planned == 0) continue;
    result.numbers["planned." + fault.kind] = static_cast<double>(fault.planned);
    result.numbers["injected." + fault.kind] = static_cast<double>(fault.injected);
    result.numbers["effective." + fault.kind] = static_cast<double>(fault.effective);
    if (limits.effective_per_fault == 0) continue;
    ++kinds;
    const bool is_idle = fault.effective < limits.effective_per_fault;
    if (is_idle) idle.push_back(fault.kind);
    if (fault.planned < limits.faults_to_judge_a_kind) continue;
    told = told || is_idle;
    shortfalls.need(limits.effective_per_fault, fault.effective,
                    "effective faults of kind " + fault.kind + " (" +
                        std::to_string(fault.injected) + " of " + std::to_string(fault.planned) +
                        " planned were injected)");
  }
  if (kinds == 0) return;
  ++result.evaluated;
  const auto effective = static_cast<double>(kinds - idle.size());
  if (told || effective >= limits.kind_share * static_cast<double>(kinds)) return;
  std::string names;
  for (const std::string& kind : idle) names += (names.empty() ? "" : ", ") + kind;
  shortfalls.add("too few effective faults of " + std::to_string(idle.size()) + " of " +
                 std::to_string(kinds) + " kinds: " + names);
}

void check_windows(const RunFacts& facts, const VacuityLimits& limits, CheckResult& result,
                   Shortfalls& shortfalls) {
  if (limits.window_ok_ops == 0 && limits.window_info_ops == 0 &&
      limits.window_contended_keys == 0) {
    return;
  }
  struct Tally {
    std::uint64_t all = 0;
    std::uint64_t counting = 0;
  };
  std::map<std::string, Tally> tallies;
  for (const WindowFacts& window : facts.windows) {
    Tally& tally = tallies[window.kind];
    ++tally.all;
    if (window.ok_ops >= limits.window_ok_ops && window.info_ops >= limits.window_info_ops &&
        window.contended_keys >= limits.window_contended_keys) {
      ++tally.counting;
    }
  }
  Tally total;
  for (const auto& [kind, tally] : tallies) {
    ++result.evaluated;
    result.numbers["windows." + kind] = static_cast<double>(tally.all);
    result.numbers["windows-busy." + kind] = static_cast<double>(tally.counting);
    total.all += tally.all;
    total.counting += tally.counting;
    if (tally.counting > 0 || tally.all < limits.windows_to_judge_a_kind) continue;
    shortfalls.add("none of " + std::to_string(tally.all) + " windows of " + kind +
                   " saw enough client ops");
  }
  if (total.all == 0) return;
  const double share = static_cast<double>(total.counting) / static_cast<double>(total.all);
  if (share >= limits.window_share) return;
  shortfalls.add("only " + std::to_string(total.counting) + " of " + std::to_string(total.all) +
                 " fault windows saw enough client ops");
}

}  // namespace

void add_history_facts(RunFacts& facts, const History& history) {
  const KeyGroups groups = group_by_key(history);
  facts.ok_ops = facts.info_ops = facts.contended_keys = 0;
  for (WindowFacts& window : facts.windows) {
    window.ok_ops = window.info_ops = window.contended_keys = 0;
  }
  for (const OpPair& pair : groups.pairs) {
    if (pair.complete == kNoLine) continue;
    const Op& end = history[pair.complete];
    if (end.type != OpType::kOk && end.type != OpType::kInfo) continue;
    // A watch that was told of nothing may have asked a node that knows of nothing.
    if (end.f == Func::kWatch && end.changes.empty()) continue;
    const bool ok = end.type == OpType::kOk;
    ++(ok ? facts.ok_ops : facts.info_ops);
    for (WindowFacts& window : facts.windows) {
      if (end.time < window.from || end.time > window.to) continue;
      ++(ok ? window.ok_ops : window.info_ops);
    }
  }
  for (std::size_t g = 0; g < groups.keys.size(); ++g) {
    const auto spans = contention(history, groups.group(g));
    if (!spans.empty()) ++facts.contended_keys;
    for (WindowFacts& window : facts.windows) {
      const bool inside = std::any_of(spans.begin(), spans.end(), [&](const auto& span) {
        return span.first <= window.to && span.second >= window.from;
      });
      if (inside) ++window.contended_keys;
    }
  }
}

CheckResult check_vacuity(const RunFacts& facts, const VacuityLimits& limits) {
  CheckResult result;
  result.checker = "vacuity";
  result.title = "enough happened for a verdict to mean something";
  result.verdict = Verdict::kValid;
  Shortfalls shortfalls(result);
  shortfalls.need(limits.leader_changes, facts.leader_changes, "leader changes");
  shortfalls.need(limits.blocked_messages, facts.blocked_messages, "blocked messages");
  shortfalls.need(limits.ok_ops, facts.ok_ops, "ops that succeeded");
  shortfalls.need(limits.info_ops, facts.info_ops, "indeterminate ops");
  shortfalls.need(limits.contended_keys, facts.contended_keys,
                  "keys with reads and writes at the same time");
  check_faults(facts, limits, result, shortfalls);
  check_windows(facts, limits, result, shortfalls);
  result.numbers["leader-changes"] = static_cast<double>(facts.leader_changes);
  result.numbers["blocked-messages"] = static_cast<double>(facts.blocked_messages);
  result.numbers["ok-ops"] = static_cast<double>(facts.ok_ops);
  result.numbers["info-ops"] = static_cast<double>(facts.info_ops);
  result.numbers["contended-keys"] = static_cast<double>(facts.contended_keys);
  if (result.evaluated == 0) shortfalls.add("every minimum is switched off");
  return result;
}

}  // namespace ww::checkers
