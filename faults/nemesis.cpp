#include "faults/nemesis.hpp"

#include <algorithm>
#include <optional>

#include "base/rng.hpp"
#include "faults/fault.hpp"
#include "faults/holds.hpp"
#include "faults/registry.hpp"

namespace ww::faults {

namespace {

/// Less time than this is not worth an injection.
constexpr Duration kLeastDuration = milliseconds(50);

// A fault waits for its time, maybe for an event, lasts, and is then watched a little longer, for
// late evidence.
enum class State : std::uint8_t { kPlanned, kArmed, kActive, kGrace, kDone };

/// What the faults that the end of a run leaves behind are called on the links.
const std::string kRest = "rest";

struct Entry {
  FaultSpec spec;
  std::string root;           // the id in the plan: "f7" of "f7b"
  std::uint32_t redealt = 0;  // how often the root was dealt again before this one
  State state = State::kPlanned;
  Instant due{};  // planned: the next try; armed: when it is given up; active: the heal; grace:
                  // its end
  std::unique_ptr<Fault> fault;
  bool injected = false;
  Instant injected_at{};
  Instant healed_at = kNever;
  std::uint32_t events = 0;  // that its trigger has seen
  [[nodiscard]] bool triggered() const { return spec.trigger.event != TriggerEvent::kNone; }
};

}  // namespace

std::string_view name_of(Phase phase) {
  switch (phase) {
    case Phase::kInject:
      return "inject";
    case Phase::kHeal:
      return "heal";
    case Phase::kSkip:
      return "skip";
  }
  return "?";
}

struct Nemesis::Impl {
  Impl(Plan plan, Cluster& cluster, LinkTable& links, std::function<void(const Mark&)> mark,
       NemesisOptions the_options)
      : seed(plan.seed),
        nodes(plan.nodes),
        time_limit(plan.time_limit),
        redeal(plan.redeal),
        options(the_options),
        on_mark(std::move(mark)),
        holds(cluster, the_options.most_drift_ppm),
        ports{cluster, links, holds, plan.seed, plan.nodes, options} {
    for (FaultSpec& spec : plan.faults) enter(std::move(spec), "", 0);
  }

  void enter(FaultSpec spec, const std::string& root, std::uint32_t redealt) {
    auto entry = std::make_unique<Entry>();
    entry->root = root.empty() ? spec.id : root;
    entry->redealt = redealt;
    entry->due = spec.at;
    entry->spec = std::move(spec);
    entries.push_back(std::move(entry));
  }

  static Instant deadline_of(const Entry& entry) {
    if (entry.state == State::kDone) return kNever;
    if (entry.state == State::kActive) return std::min(entry.due, entry.fault->deadline());
    return entry.due;
  }

  /// Of faults that heal together, the one injected first does so first: in the executed plan too,
  /// which lists them in that order.
  static bool sooner(const Entry& a, const Entry& b) {
    const Instant a_due = deadline_of(a);
    const Instant b_due = deadline_of(b);
    return a_due != b_due ? a_due < b_due : a.injected_at < b.injected_at;
  }

  void step(Entry& entry, Instant now) {
    switch (entry.state) {
      case State::kPlanned:
        return entry.triggered() ? arm(entry, now) : try_inject(entry, now);
      case State::kArmed:
        --armed;
        return skip(entry, now, "its event did not come");
      case State::kActive:
        if (now >= entry.due) return heal(entry, now);
        return entry.fault->advance(now);
      case State::kGrace:
        entry.state = State::kDone;
        if (!entry.fault->effective()) deal_again(entry, now);
        return;
      case State::kDone:
        return;
    }
  }

  void try_inject(Entry& entry, Instant now) {
    if (time_left(entry, now) == Duration{0}) return skip(entry, now, "no time is left");
    if (!entry.fault) entry.fault = kind_of(entry).make(entry.spec, ports);
    if (inject(entry, now, now >= entry.spec.at + options.leader_patience)) return;
    entry.state = State::kPlanned;
    if (now >= entry.spec.at + options.target_patience) {
      return skip(entry, now, entry.fault->obstacle());
    }
    entry.due = now + options.retry_every;
  }

  static const KindInfo& kind_of(const Entry& entry) {
    const KindInfo* kind = find_kind(entry.spec.kind);
    WW_ASSERT(kind != nullptr, "the plan was not validated");
    return *kind;
  }

  /// How long a fault that begins now would last; 0 when that is not worth it.
  [[nodiscard]] Duration time_left(const Entry& entry, Instant now) const {
    const Duration left = std::min(entry.spec.duration, Instant{time_limit} - now);
    return left < std::min(entry.spec.duration, kLeastDuration) ? Duration{0} : left;
  }

  bool inject(Entry& entry, Instant now, bool settle) {
    // Set before the verbs: a world may report a death from within the kill.
    entry.state = State::kActive;
    entry.injected_at = now;
    entry.due = now + time_left(entry, now);
    if (!entry.fault->inject(now, settle)) return false;
    entry.injected = true;
    mark(entry, Phase::kInject, now, describe(entry.spec) + "; hits " + entry.fault->details());
    return true;
  }

  void arm(Entry& entry, Instant now) {
    if (time_left(entry, now) == Duration{0}) return skip(entry, now, "no time is left");
    entry.state = State::kArmed;
    entry.due = Instant{time_limit};
    ++armed;
  }

  void on_trace(NodeId node, const wire::trace::Event& what, Instant now) {
    // By number: an injection may make the world report more, and so more entries.
    for (std::size_t i = 0; i < entries.size(); ++i) {
      Entry& entry = *entries[i];
      if (entry.state != State::kArmed) continue;
      const Trigger& trigger = entry.spec.trigger;
      if (trigger.node != kNobody && trigger.node != node) continue;
      if (matches(trigger.event, what) && ++entry.events >= trigger.nth) set_off(entry, node, now);
    }
  }

  /// The event of an armed fault came. A fault that cannot be injected now waits for the next one.
  void set_off(Entry& entry, NodeId node, Instant now) {
    next.reset();
    if (time_left(entry, now) == Duration{0}) return;
    FaultSpec spec = entry.spec;
    if (spec.target == Target::kTrigger) {
      spec.target = Target::kNamed;
      spec.nodes = {node};
    }
    const KindInfo& kind = kind_of(entry);
    entry.fault = kind.make(spec, ports);
    if (kind.kills) ports.cluster.let_out(node, spec.trigger.actions);
    --armed;
    if (inject(entry, now, true)) return;
    entry.fault.reset();
    entry.state = State::kArmed;
    entry.due = Instant{time_limit};
    ++armed;
  }

  void skip(Entry& entry, Instant now, const std::string& why) {
    entry.state = State::kDone;
    mark(entry, Phase::kSkip, now, describe(entry.spec) + "; skipped: " + why);
    deal_again(entry, now);
  }

  void heal(Entry& entry, Instant now) {
    entry.fault->heal(now);
    entry.healed_at = now;
    entry.state = State::kGrace;
    entry.due = now + options.evidence_grace;
    mark(entry, Phase::kHeal, now, entry.spec.kind + " healed; " + entry.fault->evidence());
  }

  void kill_for_good(const Rest& rest) {
    for (const NodeView& node : ports.cluster.view().nodes) {
      if (std::find(rest.dead.begin(), rest.dead.end(), node.id) == rest.dead.end()) continue;
      holds.hold_down(node.id, kRest);  // so that no heal starts it
      if (node.alive) ports.cluster.kill(node.id);
    }
  }

  void deal_again(const Entry& entry, Instant now) {
    if (!redeal || stopped || entry.redealt >= options.max_redeals) return;
    FaultSpec spec = entry.spec;
    spec.id = free_id(entry.root, entry.redealt + 1);
    // What left its first target cold is tried on the leader, who always has something to decide.
    const std::vector<TargetInfo>& targets = kind_of(entry).targets;
    if (spec.target != Target::kNamed && spec.target != Target::kTrigger &&
        std::any_of(targets.begin(), targets.end(),
                    [](const TargetInfo& t) { return t.target == Target::kPrimaries; })) {
      spec.target = Target::kPrimaries;
    }
    spec.types.clear();  // the messages that it waited for did not come
    spec.at = now + keyed(seed, "redeal", spec.id).between(milliseconds(100), milliseconds(900));
    const Duration left = Instant{time_limit} - spec.at;
    if (left < kLeastDuration) return;
    spec.duration = std::min(spec.duration, left);
    enter(std::move(spec), entry.root, entry.redealt + 1);
  }

  /// "f7", then "f7b", "f7c", ...; a letter that the plan uses itself is passed over.
  [[nodiscard]] std::string free_id(const std::string& root, std::uint32_t times) const {
    std::string id;
    const auto taken = [&](const auto& entry) { return entry->spec.id == id; };
    do {
      id = root + (times < 26 ? std::string(1, static_cast<char>('a' + times))
                              : "-" + std::to_string(times));
      ++times;
    } while (std::any_of(entries.begin(), entries.end(), taken));
    return id;
  }

  void mark(const Entry& entry, Phase phase, Instant now, std::string description) const {
    if (!on_mark) return;
    const bool hit = entry.fault != nullptr;
    on_mark(Mark{now, entry.spec.id, entry.spec.kind, phase,
                 hit ? entry.fault->nodes() : std::vector<NodeId>{}, std::move(description)});
  }

  /// Calls `report` on the faults that are active or were so a moment ago.
  template <class Report>
  void tell(Report report) {
    for (const auto& entry : entries) {
      if (entry->state == State::kActive || entry->state == State::kGrace) report(*entry->fault);
    }
  }

  const std::uint64_t seed;
  const std::uint32_t nodes;
  const Duration time_limit;
  const bool redeal;
  const NemesisOptions options;
  const std::function<void(const Mark&)> on_mark;
  NodeHolds holds;
  Ports ports;
  std::vector<std::unique_ptr<Entry>> entries;  // addresses stay when a fault is dealt again
  std::optional<Instant> next;                  // deadline(), unless something changed
  std::uint32_t armed = 0;                      // entries that wait for an event
  bool stopped = false;
};

Nemesis::Nemesis(Plan plan, Cluster& cluster, LinkTable& links,
                 std::function<void(const Mark&)> on_mark, NemesisOptions options)
    : impl_(std::make_unique<Impl>(std::move(plan), cluster, links, std::move(on_mark), options)) {}

Nemesis::~Nemesis() = default;

Instant Nemesis::deadline() const {
  if (impl_->stopped) return kNever;
  if (!impl_->next) {
    Instant next = kNever;
    for (const auto& entry : impl_->entries) next = std::min(next, Impl::deadline_of(*entry));
    impl_->next = next;
  }
  return *impl_->next;
}

void Nemesis::advance(Instant now) {
  // One at a time, earliest first, so that a late call does what calls in time would have done.
  while (deadline() <= now) {
    Entry* next = nullptr;
    for (const auto& entry : impl_->entries) {
      if (Impl::deadline_of(*entry) > now) continue;
      if (next == nullptr || Impl::sooner(*entry, *next)) next = entry.get();
    }
    WW_ASSERT(next != nullptr, "a deadline of nobody");
    impl_->step(*next, now);
    impl_->next.reset();
  }
}

void Nemesis::heal_all(Instant now, const Rest& rest) {
  Impl& impl = *impl_;
  impl.stopped = true;
  impl.kill_for_good(rest);
  for (const auto& entry : impl.entries) {
    if (entry->state == State::kActive) impl.heal(*entry, now);
  }
  if (!rest.cut.empty()) impl.ports.links.cut(kRest, rest.cut);
}

void Nemesis::leave(const Rest& rest) {
  Impl& impl = *impl_;
  WW_ASSERT(impl.stopped, "only what is healed is left broken");
  impl.kill_for_good(rest);
  if (!rest.cut.empty()) impl.ports.links.cut(kRest, rest.cut);
}

bool Nemesis::finished() const {
  return impl_->stopped || std::all_of(impl_->entries.begin(), impl_->entries.end(),
                                       [](const auto& e) { return e->state == State::kDone; });
}

void Nemesis::node_died(NodeId node, Instant now) {
  impl_->holds.died(node);
  impl_->tell([&](Fault& fault) { fault.on_death(node, now); });
}

void Nemesis::node_serving(NodeId node, Instant /*now*/) {
  impl_->holds.serving(node);
}

void Nemesis::note_trace(NodeId node, const wire::trace::Event& what, Instant now) {
  if (impl_->stopped || impl_->armed == 0 || !can_trigger(what)) return;
  impl_->on_trace(node, what, now);
}

void Nemesis::note_clock_set(NodeId node, const ClockSkew& skew, Instant /*now*/) {
  impl_->tell([&](Fault& fault) { fault.on_clock_set(node, skew); });
}

void Nemesis::note_clock_flip(NodeId node, Instant /*now*/) {
  impl_->tell([&](Fault& fault) { fault.on_clock_flip(node); });
}

void Nemesis::note_power_loss(NodeId node, const PowerLoss& loss, Instant /*now*/) {
  impl_->tell([&](Fault& fault) { fault.on_power_loss(node, loss); });
}

void Nemesis::note_transfer(NodeId node, wire::trace::TransferPhase phase, Instant /*now*/) {
  impl_->tell([&](Fault& fault) { fault.on_transfer(node, phase); });
}

void Nemesis::note_membership(NodeId node, const wire::trace::Membership& event) {
  impl_->tell([&](Fault& fault) { fault.on_membership(node, event); });
}

void Nemesis::note_configured(NodeId node, const wire::trace::Configured& event) {
  impl_->tell([&](Fault& fault) { fault.on_configured(node, event); });
}

void Nemesis::note_sync(NodeId node, bool ok, Duration late, Instant /*now*/) {
  impl_->tell([&](Fault& fault) { fault.on_sync(node, ok, late); });
  // It may be told long after the heal: a node that is paused hears of its disk when it goes on.
  if (!ok && !impl_->holds.down(node)) impl_->holds.ends_by_disk(node);
}

void Nemesis::note_damage(NodeId node, const DamageDone& damage, Instant /*now*/) {
  impl_->tell([&](Fault& fault) { fault.on_damage(node, damage); });
}

void Nemesis::node_refused(NodeId node, Instant /*now*/) {
  impl_->tell([&](Fault& fault) { fault.on_refused(node); });
  impl_->holds.refused(node);
}

void Nemesis::note_doubt(NodeId node, bool over, Instant /*now*/) {
  impl_->holds.doubt(node, over);
  if (!over) impl_->tell([&](Fault& fault) { fault.on_doubt(node); });
}

void Nemesis::note_store(NodeId node, const wire::trace::Store& op) {
  impl_->holds.stored(node, op);
}

std::vector<FaultOutcome> Nemesis::outcomes() const {
  std::vector<FaultOutcome> rows;
  for (const auto& entry : impl_->entries) {
    FaultOutcome row;
    row.spec = entry->spec;
    row.injected = entry->injected;
    row.healed_at = entry->healed_at;
    if (entry->injected) {
      row.injected_at = entry->injected_at;
      row.effective = entry->fault->effective();
      row.nodes = entry->fault->nodes();
      row.evidence = entry->fault->evidence();
    } else {
      row.evidence = "not injected";
    }
    rows.push_back(std::move(row));
  }
  std::stable_sort(rows.begin(), rows.end(), [](const FaultOutcome& a, const FaultOutcome& b) {
    return a.spec.at < b.spec.at;
  });
  return rows;
}

std::vector<KindTally> Nemesis::tally() const {
  std::vector<KindTally> rows;
  for (const KindInfo& kind : registry()) {
    KindTally row;
    row.kind = kind.name;
    for (const FaultOutcome& outcome : outcomes()) {
      if (outcome.spec.kind != kind.name) continue;
      ++row.planned;
      row.injected += outcome.injected ? 1 : 0;
      row.effective += outcome.effective ? 1 : 0;
    }
    if (row.planned > 0) rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<std::string> Nemesis::active() const {
  std::vector<std::string> names;
  for (const auto& entry : impl_->entries) {
    if (entry->state == State::kActive) names.push_back(entry->spec.id + ' ' + entry->spec.kind);
  }
  return names;
}

Plan Nemesis::executed() const {
  Plan plan;
  plan.seed = impl_->seed;
  plan.nodes = impl_->nodes;
  plan.time_limit = impl_->time_limit;
  plan.redeal = false;
  for (const auto& entry : impl_->entries) {
    if (!entry->injected) continue;
    FaultSpec spec = entry->spec;
    if (!entry->triggered()) spec.at = entry->injected_at;
    if (entry->healed_at != kNever) {
      spec.duration = std::max<Duration>(milliseconds(1), entry->healed_at - entry->injected_at);
    }
    const std::vector<NodeId> nodes = entry->fault->resolved();
    if (spec.target != Target::kTrigger && !nodes.empty()) {
      spec.target = Target::kNamed;
      spec.nodes = nodes;
    }
    plan.faults.push_back(std::move(spec));
  }
  std::stable_sort(plan.faults.begin(), plan.faults.end(),
                   [](const FaultSpec& a, const FaultSpec& b) { return a.at < b.at; });
  return plan;
}

}  // namespace ww::faults
