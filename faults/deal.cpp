// Dealing a schedule: decks of kinds, shapes and targets, shuffled by the seed and used up before
// they are shuffled again. So a short run still meets every kind, and each kind goes through all of
// its shapes; independent draws would leave one out in most runs.
#include <algorithm>
#include <array>

#include "base/log_uniform.hpp"
#include "faults/disk_damage.hpp"
#include "faults/membership.hpp"
#include "faults/plan.hpp"
#include "faults/registry.hpp"

namespace ww::faults {

namespace {

/// Cards that are dealt without replacement. The n-th shuffle is keyed by the deck's name and n.
class Deck {
 public:
  Deck(std::uint64_t seed, std::string name) : seed_(seed), name_(std::move(name)) {}

  void add(std::size_t card, std::uint32_t copies) { cards_.insert(cards_.end(), copies, card); }
  [[nodiscard]] bool empty() const { return cards_.empty(); }
  std::size_t deal() {
    if (next_ == 0) {
      std::sort(cards_.begin(), cards_.end());
      keyed(seed_, "deck", name_, round_++).shuffle(std::span(cards_));
    }
    const std::size_t card = cards_[next_];
    next_ = (next_ + 1) % cards_.size();
    return card;
  }

 private:
  std::uint64_t seed_;
  std::string name_;
  std::vector<std::size_t> cards_;
  std::size_t next_ = 0;
  std::uint64_t round_ = 0;
};

Duration whole_ms(Duration duration) {
  return milliseconds(duration / milliseconds(1));
}

/// Sets of message types that a packet fault may be limited to; the empty one is all.
std::vector<wire::MessageType> type_group(std::size_t card) {
  using enum wire::MessageType;
  switch (card) {
    case 1:
      return {kAppend, kAppendReply};
    case 2:
      return {kPreVote, kPreVoteReply, kVote, kVoteReply};
    case 3:
      return {kPreVoteReply, kVoteReply, kAppendReply};
    case 4:
      return {kClientRequest, kClientReply, kWatch, kWatchFrame};
    case 5:
      return {kVote, kVoteReply};
    case 6:
      return {kInstallSnapshot, kInstallSnapshotReply};
    default:
      return {};
  }
}

bool only_elections(const std::vector<wire::MessageType>& types) {
  using enum wire::MessageType;
  return !types.empty() && std::all_of(types.begin(), types.end(), [](wire::MessageType type) {
    return type == kPreVote || type == kPreVoteReply || type == kVote || type == kVoteReply;
  });
}

/// The type that a fault on single messages is dealt for.
wire::MessageType single_type(Rng rng) {
  using enum wire::MessageType;
  constexpr std::array kCards = {
      kVoteReply,    kVoteReply,     kVoteReply,   kVoteReply,       kVoteReply,
      kVote,         kVote,          kAppend,      kAppend,          kAppend,
      kAppend,       kAppendReply,   kAppendReply, kAppendReply,     kPreVote,
      kPreVoteReply, kClientRequest, kClientReply, kInstallSnapshot, kInstallSnapshotReply,
      kTimeoutNow,   kTimeoutNow,    kReadIndex,   kReadIndexReply};
  return kCards[rng.below(kCards.size())];
}

/// What a fault may be made to wait for, how often, and up to which number: rare events have small
/// ones.
struct TriggerCard {
  TriggerEvent event;
  std::uint32_t weight;
  std::int64_t most;
};
constexpr std::array<TriggerCard, 7> kTriggerCards = {{{TriggerEvent::kVoteGranted, 3, 8},
                                                       {TriggerEvent::kAppend, 3, 64},
                                                       {TriggerEvent::kTruncate, 1, 4},
                                                       {TriggerEvent::kSynced, 3, 64},
                                                       {TriggerEvent::kElectionWon, 3, 4},
                                                       {TriggerEvent::kCommit, 3, 64},
                                                       {TriggerEvent::kSnapshot, 3, 32}}};

/// Makes the fault wait for an event, and mostly hit the node whose event it is.
void deal_trigger(std::uint64_t seed, std::uint32_t nodes, const KindInfo& kind, FaultSpec& spec) {
  constexpr std::int64_t kMostActions = 3;
  const auto draw = [&](std::string_view what) { return keyed(seed, "trigger", spec.id, what); };
  std::uint64_t weights = 0;
  for (const TriggerCard& card : kTriggerCards) weights += card.weight;
  std::uint64_t place = draw("event").below(weights);
  const TriggerCard* card = kTriggerCards.begin();
  for (; place >= card->weight; ++card) place -= card->weight;
  spec.trigger.event = card->event;
  spec.trigger.nth = static_cast<std::uint32_t>(log_uniform(draw("nth"), 1, card->most));
  // A vote is what a single message of an election goes with.
  if (spec.types == std::vector{wire::MessageType::kVoteReply} ||
      spec.types == std::vector{wire::MessageType::kVote}) {
    spec.trigger.event = TriggerEvent::kVoteGranted;
  }
  if (draw("one node").below(2) == 0) {
    spec.trigger.node = NodeId{static_cast<std::uint32_t>(1 + draw("node").below(nodes))};
  }
  if (kind.kills) {
    const std::int64_t actions = draw("actions").between(std::int64_t{0}, kMostActions);
    spec.trigger.actions = static_cast<std::uint32_t>(actions);
  }
  if (draw("target").below(4) != 0) spec.target = Target::kTrigger;
}

/// The decks of one kind.
struct KindDecks {
  const KindInfo* kind = nullptr;
  Deck shapes;
  Deck targets;
  Deck types;
};

/// Whether there is a minority to be damaged, of however few voters the plan may leave.
bool may_damage(const PlanOptions& options) {
  const std::uint32_t voters = options.nodes - std::min(options.spares, options.nodes);
  const bool changes =
      std::find(options.kinds.begin(), options.kinds.end(), "membership") != options.kinds.end();
  return most_damaged(changes ? fewest_voters(voters) : voters) > 0;
}

/// Whether it makes sense in such a cluster.
bool is_dealt(const ShapeInfo& shape, const PlanOptions& options) {
  return shape.min_nodes <= options.nodes && (options.spares > 0 || !shape.needs_spare) &&
         !(shape.needs_doubt && (options.foreign || !may_damage(options)));
}

KindDecks decks_of(std::uint64_t seed, const KindInfo& kind, const PlanOptions& options) {
  const std::string name(kind.name);
  KindDecks decks{&kind, Deck(seed, name + ".shape"), Deck(seed, name + ".target"),
                  Deck(seed, name + ".types")};
  for (std::size_t i = 0; i < kind.shapes.size(); ++i) {
    if (is_dealt(kind.shapes[i], options)) decks.shapes.add(i, kind.shapes[i].weight);
  }
  for (std::size_t i = 0; i < kind.targets.size(); ++i) {
    decks.targets.add(i, kind.targets[i].weight);
  }
  constexpr std::uint32_t kTypeWeights[] = {4, 2, 1, 1, 2, 2, 1};
  for (std::size_t i = 0; i < std::size(kTypeWeights); ++i) decks.types.add(i, kTypeWeights[i]);
  return decks;
}

FaultSpec deal_fault(std::uint64_t seed, KindDecks& decks, std::string id, Duration at,
                     const PlanOptions& options) {
  const KindInfo& kind = *decks.kind;
  const ShapeInfo& shape = kind.shapes[decks.shapes.deal()];
  FaultSpec spec;
  spec.id = std::move(id);
  spec.kind = kind.name;
  spec.shape = shape.name;
  spec.at = Instant{at};
  if (kind.takes_types) {
    const std::vector<wire::MessageType> group = type_group(decks.types.deal());
    spec.types = shape.one_type ? std::vector{single_type(keyed(seed, "single", spec.id))} : group;
  }
  // What meets single messages, or elections only, harms nobody meanwhile.
  const bool rare = shape.one_type || only_elections(spec.types);
  const Duration bound = rare ? kind.longest : std::min(kind.longest, options.longest);
  const Duration least = bound < kind.longest
                             ? std::clamp<Duration>(bound / 8, milliseconds(1), kind.shortest)
                             : kind.shortest;
  spec.duration = milliseconds(log_uniform(keyed(seed, "duration", spec.id),
                                           least / milliseconds(1), bound / milliseconds(1)));
  if (!decks.targets.empty()) spec.target = kind.targets[decks.targets.deal()].target;
  for (const ParamInfo& info : shape.params) {
    if (info.draw_high == 0) continue;
    Rng rng = keyed(seed, "param", spec.id, info.name);
    const bool negate = info.either_sign && rng.below(2) == 1;
    std::int64_t low = info.draw_low;
    std::int64_t high = info.draw_high;
    if (info.name == "rate_ppm" && options.most_drift_ppm != 0) {
      high = std::min(high, options.most_drift_ppm);
      low = std::min(low, std::max<std::int64_t>(1, high / 4));
    }
    const std::int64_t size = log_uniform(rng, low, high);
    spec.params.emplace(info.name, negate ? -size : size);
  }
  return spec;
}

Error usage(std::string message) {
  return Error{ErrorCode::kUsage, true, std::move(message)};
}

Result<void> check_options(const PlanOptions& options) {
  if (options.nodes == 0 || options.nodes > kMaxPlanNodes) {
    return usage("a cluster of " + std::to_string(options.nodes) + " nodes; 1 to " +
                 std::to_string(kMaxPlanNodes) + " are possible");
  }
  if (options.interval_min < milliseconds(1) || options.interval_max < options.interval_min) {
    return usage("the nemesis interval must be a range of at least 1 ms");
  }
  if (options.longest < milliseconds(1)) {
    return usage("faults must be allowed to last for at least 1 ms");
  }
  if (options.time_limit < seconds(1)) {
    return usage("a time limit of " + human(options.time_limit) + "; at least 1 s is needed");
  }
  return {};
}

}  // namespace

Result<Plan> make_plan(std::uint64_t seed, const PlanOptions& options) {
  if (Result<void> checked = check_options(options); !checked) return checked.error();
  Plan plan;
  plan.seed = seed;
  plan.nodes = options.nodes;
  plan.time_limit = options.time_limit;
  std::vector<KindDecks> kinds;
  Deck order(seed, "kinds");
  std::int64_t cards = 0;
  for (const std::string& name : options.kinds) {
    const KindInfo* kind = find_kind(name);
    if (kind == nullptr) return usage("there is no fault '" + name + "'");
    // A partition of a single node is nothing; the other kinds go on.
    if (kind->min_nodes > options.nodes) continue;
    order.add(kinds.size(), kind->cards);
    cards += kind->cards;
    kinds.push_back(decks_of(seed, *kind, options));
  }
  if (kinds.empty()) return plan;

  // The first round of kinds has to begin within four fifths of the run.
  Duration low = options.interval_min;
  Duration high = options.interval_max;
  const Duration round = high * cards;
  if (const Duration room = options.time_limit / 5 * 4; round > room) {
    high = std::max<Duration>(milliseconds(1), room / cards);
    low = std::min(low, high / 2);
  }
  Duration at{};
  for (std::uint64_t i = 1; plan.faults.size() < kMaxPlanFaults; ++i) {
    at += std::max<Duration>(milliseconds(1),
                             whole_ms(keyed(seed, "interval", i).between(low, high)));
    const Duration left = options.time_limit - at;
    if (left < milliseconds(100)) break;
    FaultSpec spec = deal_fault(seed, kinds[order.deal()], "f" + std::to_string(i), at, options);
    spec.duration = std::min(spec.duration, left);
    // The first of each kind does not depend on events or messages that may never come.
    const bool first = std::none_of(plan.faults.begin(), plan.faults.end(),
                                    [&](const FaultSpec& f) { return f.kind == spec.kind; });
    if (first) spec.types.clear();
    if (!first && keyed(seed, "triggered", spec.id).chance_ppm(options.trigger_ppm)) {
      deal_trigger(seed, options.nodes, *find_kind(spec.kind), spec);
    }
    plan.faults.push_back(std::move(spec));
  }
  return plan;
}

}  // namespace ww::faults
