#include "controller/shrink/shrinker.hpp"

#include <algorithm>
#include <set>

namespace ww::shrink {

namespace {

using run::PlanFile;
using workloads::ScriptedCall;

/// A flat network that needs more explicit deliveries than these explains less than a seed.
constexpr std::size_t kMostFaults = 8;
/// How many other draws of the network a candidate gets: more where more is won.
constexpr std::uint64_t kManyNetworks = 64;
constexpr std::uint64_t kSomeNetworks = 6;
constexpr std::uint64_t kFewNetworks = 3;
/// Kept before the first thing that happens: a moment in which sessions and terms settle.
constexpr Duration kLeadIn = milliseconds(100);
/// A gap is closed for no less than this.
constexpr Duration kWorthClosing = milliseconds(10);
/// A cut comes so much after the violation.
constexpr Duration kAfterViolation = milliseconds(1);

class Shrinker {
 public:
  Shrinker(Lab& lab, const ShrinkOptions& options) : lab_(lab), options_(options) {
    lab_.on_better = [this, &options] {
      options.on_better(Progress{lab_.best(), pass_, lab_.executions()});
    };
  }

  /// True when a fixed point was reached.
  bool run() {
    pass("expand", &Shrinker::expand);
    pass("leap", &Shrinker::leap);
    do {
      round();
    } while (take_stock() && lab_.more());
    pass("network", &Shrinker::flatten);
    take_stock();
    return lab_.more() && !retreated_;
  }

  [[nodiscard]] const PlanFile& confirmed() const { return confirmed_.plan; }
  [[nodiscard]] bool any_confirmed() const { return any_confirmed_; }

 private:
  const PlanFile& best() const { return lab_.best(); }

  void pass(std::string_view name, void (Shrinker::*work)()) {
    pass_ = name;
    if (lab_.more()) (this->*work)();
    trim();
  }

  void round() {
    pass("faults", &Shrinker::drop_faults);
    pass("ops", &Shrinker::drop_ops);
    pass("time", &Shrinker::close_gaps);
    pass("cluster", &Shrinker::shrink_cluster);
    pass("forms", &Shrinker::simplify_faults);
    pass("values", &Shrinker::tidy);
  }

  /// Confirms the best, or goes back to what was confirmed last. Whether there is something new.
  bool take_stock() {
    if (any_confirmed_ && best() == confirmed_.plan) return false;
    if (lab_.confirm(best())) {
      note_confirmed();
      return true;
    }
    retreated_ = true;
    if (any_confirmed_) lab_.go_back(confirmed_);
    return false;
  }

  void note_confirmed() {
    confirmed_ = lab_.find();
    any_confirmed_ = true;
    options_.on_confirmed(confirmed_.plan);
  }

  // ---- the run as it was ----------------------------------------------------------------------

  void expand() {
    if (lab_.confirm(lab_.sighting().executed)) {
      lab_.try_plan(lab_.sighting().executed);
      note_confirmed();
    }
    trim();
    strike_by_time();
  }

  /// Events that faults wait for hang on everything before them; the moments at which the faults
  /// struck do not.
  void strike_by_time() {
    const PlanFile whole = best();
    const auto strikes = lab_.sighting().strikes;
    Subset waiting;
    for (std::size_t i = 0; i < whole.faults.faults.size(); ++i) {
      const faults::FaultSpec& fault = whole.faults.faults[i];
      const bool triggered = fault.trigger.event != faults::TriggerEvent::kNone;
      if (triggered && strikes.count(fault.id) > 0) waiting.push_back(i);
    }
    ddmin(
        waiting.size(),
        [&](const Subset& still) {
          PlanFile plan = whole;
          for (std::size_t w = 0; w < waiting.size(); ++w) {
            if (std::binary_search(still.begin(), still.end(), w)) continue;
            faults::FaultSpec& fault = plan.faults.faults[waiting[w]];
            const Sighting::Strike& strike = strikes.at(fault.id);
            fault.trigger = {};
            fault.at = Instant{strike.at};
            if (fault.target != faults::Target::kTrigger) continue;
            fault.target = faults::Target::kNamed;
            fault.nodes = strike.nodes;
          }
          std::stable_sort(plan.faults.faults.begin(), plan.faults.faults.end(),
                           [](const auto& a, const auto& b) { return a.at < b.at; });
          return lab_.try_anyhow(plan, kFewNetworks);
        },
        more_);
  }

  /// Leaves out what came after the violation, and ends the run right behind it.
  void trim() {
    const auto violation = lab_.sighting().violation;
    if (!violation) return;
    const Duration cut =
        (*violation + kAfterViolation) / milliseconds(1) * milliseconds(1) + milliseconds(1);
    PlanFile plan = until(best(), *violation + Duration{1});
    plan.test.cut = cut;
    const Duration limit = std::max<Duration>((cut / seconds(1) + 1) * seconds(1), seconds(1));
    plan.test.time_limit = limit;
    plan.faults.time_limit = limit;
    const bool less = best().test.cut == Duration{} || cut < best().test.cut ||
                      size_of(plan).faults < size_of(best()).faults ||
                      size_of(plan).ops < size_of(best()).ops;
    if (!less || lab_.try_plan(plan)) return;
    // Faults end with the time limit: an earlier one may heal them too soon.
    plan.test.time_limit = best().test.time_limit;
    plan.faults.time_limit = best().faults.time_limit;
    lab_.try_plan(plan);
  }

  void leap() {
    if (!best().ops || !lab_.sighting().violation) return;
    if (leap_to_one_fault()) return;
    const Duration end = *lab_.sighting().violation;
    for (Duration window = milliseconds(500); window < end && lab_.more(); window *= 2) {
      if (lab_.try_anyhow(from(best(), end - window), kManyNetworks)) return;
    }
  }

  /// Many a failure needs one fault alone; the last ones are the likeliest.
  bool leap_to_one_fault() {
    constexpr std::size_t kMostTried = 12;
    const std::size_t all = best().faults.faults.size();
    for (std::size_t i = all; i-- > all - std::min(all, kMostTried) && lab_.more();) {
      if (lab_.try_anyhow(around(best(), i), kFewNetworks)) return true;
    }
    return false;
  }

  // ---- less -----------------------------------------------------------------------------------

  void drop_faults() {
    const PlanFile whole = best();
    ddmin(
        whole.faults.faults.size(),
        [&](const Subset& kept) {
          return lab_.try_anyhow(with_faults(whole, kept), kManyNetworks);
        },
        more_);
  }

  void drop_ops() {
    if (!best().ops) return;
    keep_witness();
    drop_workers();
    const PlanFile whole = best();
    ddmin(
        whole.ops->size(),
        [&](const Subset& kept) { return lab_.try_anyhow(with_ops(whole, kept), kSomeNetworks); },
        more_);
  }

  /// What clients saw names the few ops that show it.
  void keep_witness() {
    const PlanFile whole = best();
    const History witness = lab_.sighting().witness;
    if (witness.empty()) return;
    if (lab_.try_anyhow(with_ops(whole, ops_of(whole, witness)), kManyNetworks)) return;
    lab_.try_anyhow(with_ops(whole, ops_on_key_of(whole, witness)), kSomeNetworks);
  }

  void drop_workers() {
    const PlanFile whole = best();
    std::set<std::uint32_t> seen;
    for (const ScriptedCall& call : *whole.ops) seen.insert(call.worker);
    const std::vector<std::uint32_t> workers(seen.begin(), seen.end());
    ddmin(
        workers.size(),
        [&](const Subset& kept) {
          Subset ops;
          for (std::size_t i = 0; i < whole.ops->size(); ++i) {
            const auto stays = [&](std::size_t w) { return workers[w] == (*whole.ops)[i].worker; };
            if (std::any_of(kept.begin(), kept.end(), stays)) ops.push_back(i);
          }
          return lab_.try_anyhow(with_ops(whole, ops), kSomeNetworks);
        },
        more_);
  }

  /// The longest gaps first: they cost most.
  void close_gaps() {
    const std::size_t gaps = moments(best()).size() - 1;
    for (std::size_t nth = 0; nth < gaps && lab_.more(); ++nth) {
      const std::vector<Duration> at = moments(best());
      std::vector<std::size_t> longest;
      for (std::size_t i = 0; i + 1 < at.size(); ++i) longest.push_back(i);
      std::stable_sort(longest.begin(), longest.end(), [&](std::size_t a, std::size_t b) {
        return at[a + 1] - at[a] > at[b + 1] - at[b];
      });
      if (nth >= longest.size()) return;
      const std::size_t i = longest[nth];
      close_gap(at[i], at[i + 1]);
    }
  }

  void close_gap(Duration begin, Duration end) {
    const PlanFile whole = best();
    for (const Duration left : {kLeadIn / 10, kLeadIn, 5 * kLeadIn, (end - begin) / 2}) {
      if (end - begin < left + kWorthClosing) continue;
      if (lab_.try_anyhow(closer(whole, begin, end, left), kFewNetworks)) return;
    }
  }

  void shrink_cluster() {
    if (best().network.deliveries.empty()) {
      for (const std::uint32_t nodes : {1U, 2U, 3U, 5U}) {
        if (nodes >= best().test.nodes || best().test.spares > 0) break;
        const auto fewer = with_nodes(best(), nodes);
        if (fewer && lab_.try_anyhow(*fewer, kManyNetworks)) break;
      }
      lab_.try_anyhow(with_few_clients(best()), kFewNetworks);
    }
    PlanFile plain = best();
    plain.test.follow_one_in = 0;
    lab_.try_anyhow(plain, kFewNetworks);
  }

  // ---- simpler --------------------------------------------------------------------------------

  void simplify_faults() {
    make_packets_explicit();
    for (std::size_t i = 0; i < best().faults.faults.size(); ++i) {
      while (simplify(i) && lab_.more()) {
      }
    }
  }

  bool simplify(std::size_t i) {
    for (faults::FaultSpec& form : simpler(best().faults.faults[i])) {
      PlanFile plan = best();
      plan.faults.faults[i] = std::move(form);
      if (lab_.try_anyhow(plan, kFewNetworks)) return true;
    }
    return false;
  }

  /// Packet rules against the messages that they changed, each by itself.
  void make_packets_explicit() {
    const auto is_packet = [](const faults::FaultSpec& f) { return f.kind == "packet"; };
    PlanFile plan = best();
    const Lab::Find before = lab_.find();
    if (std::erase_if(plan.faults.faults, is_packet) == 0) return;
    const auto seen = lab_.look_again(true);
    if (!seen) return;
    for (const run::SentMessage& message : seen->deliveries) {
      if (message.by_fault && !message.cut) plan.network.deliveries.push_back(message.delivery);
    }
    if (!lab_.try_plan(plan)) return;
    drop_deliveries();
    if (size_of(best()).faults > std::max(size_of(before.plan).faults, kMostFaults)) {
      lab_.go_back(before);
    }
  }

  void drop_deliveries() {
    const PlanFile whole = best();
    ddmin(
        whole.network.deliveries.size(),
        [&](const Subset& kept) { return lab_.try_plan(with_deliveries(whole, kept)); }, more_);
  }

  void tidy() {
    lab_.try_anyhow(with_small_values(best()), kFewNetworks);
    for (const Duration unit : {milliseconds(100), milliseconds(10), milliseconds(1)}) {
      if (lab_.try_anyhow(rounded(best(), unit), kFewNetworks)) break;
    }
  }

  /// Every latency at its middle value, but for the messages that decide.
  void flatten() {
    if (best().network.flat) return drop_deliveries();
    const Lab::Find before = lab_.find();
    PlanFile flat = before.plan;
    flat.network.flat = true;
    flat.network.seed.reset();
    if (lab_.try_plan(flat)) return drop_deliveries();
    const auto seen = lab_.look_again(true);
    if (!seen) return;
    for (const run::SentMessage& message : seen->deliveries) {
      const auto known = [&](const run::Delivery& d) {
        return d.message == message.delivery.message;
      };
      auto& all = flat.network.deliveries;
      if (!message.cut && std::none_of(all.begin(), all.end(), known)) {
        all.push_back(message.delivery);
      }
    }
    if (!lab_.try_plan(flat)) return;
    drop_deliveries();
    if (size_of(best()).faults > kMostFaults) lab_.go_back(before);
  }

  Lab& lab_;
  std::string_view pass_;
  const ShrinkOptions& options_;
  Lab::Find confirmed_;
  bool any_confirmed_ = false;
  bool retreated_ = false;  // what it had found last did not stand
  std::function<bool()> more_ = [this] { return lab_.more(); };
};

}  // namespace

Result<Shrunk> shrink(const PlanFile& plan, const Execute& execute, const ShrinkOptions& options) {
  Lab lab(execute, options.budget);
  if (auto begun = lab.begin(plan); !begun) return begun.error();
  Shrinker shrinker(lab, options);
  Shrunk out;
  out.before = size_of(lab.sighting().executed);
  out.finished = shrinker.run();
  if (!shrinker.any_confirmed()) {
    return Error{
        ErrorCode::kUsage, true,
        "the run fails, but not by its plan alone: without the planted bug it is not valid "
        "either, or a second execution ends otherwise"};
  }
  out.plan = shrinker.confirmed();
  out.signature = lab.signature();
  out.after = size_of(out.plan);
  out.executions = lab.executions();
  return out;
}

}  // namespace ww::shrink
