#include "faults/plan.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "faults/registry.hpp"

namespace ww::faults {

namespace {

constexpr std::size_t kMaxIdLength = 64;

Error usage(std::string message) {
  return Error{ErrorCode::kUsage, true, std::move(message)};
}

template <class Rows>
std::vector<std::string_view> names_of(const Rows& rows) {
  std::vector<std::string_view> names;
  for (const auto& row : rows) names.push_back(row.name);
  return names;
}

bool is_id(std::string_view id) {
  const auto permitted = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  };
  return !id.empty() && id.size() <= kMaxIdLength && std::all_of(id.begin(), id.end(), permitted);
}

constexpr std::array kTriggerEvents = {TriggerEvent::kVoteGranted, TriggerEvent::kAppend,
                                       TriggerEvent::kTruncate,    TriggerEvent::kSynced,
                                       TriggerEvent::kElectionWon, TriggerEvent::kCommit,
                                       TriggerEvent::kSnapshot};

/// "1st", "2nd", "3rd", "11th".
std::string ordinal(std::uint32_t n) {
  const std::uint32_t last = n % 10;
  const bool teen = n / 10 % 10 == 1;
  const char* ending = "th";
  if (!teen && last == 1) ending = "st";
  if (!teen && last == 2) ending = "nd";
  if (!teen && last == 3) ending = "rd";
  return std::to_string(n) + ending;
}

/// "at the 3rd vote-granted of n2, 1 action later".
std::string describe(const Trigger& trigger) {
  std::string text = "at the " + ordinal(trigger.nth) + ' ' + std::string(name_of(trigger.event));
  text += trigger.node == kNobody ? " of any node" : " of " + ww::name_of(trigger.node);
  if (trigger.actions == 0) return text;
  return text + ", " + std::to_string(trigger.actions) +
         (trigger.actions == 1 ? " action later" : " actions later");
}

/// Checks one fault; errors name the field, the caller adds the fault.
class Check {
 public:
  Check(const Plan& plan, const FaultSpec& spec) : plan_(plan), spec_(spec) {}

  Result<void> all() const {
    kind_ = find_kind(spec_.kind);
    if (kind_ == nullptr) {
      return usage("kind: there is no fault '" + spec_.kind + "'" +
                   suggestion(spec_.kind, names_of(registry())));
    }
    shape_ = find_shape(*kind_, spec_.shape);
    for (const auto check : {&Check::shape, &Check::times, &Check::target, &Check::trigger,
                             &Check::params, &Check::types}) {
      if (Result<void> checked = (this->*check)(); !checked) return checked;
    }
    return {};
  }

 private:
  Result<void> shape() const {
    if (shape_ == nullptr && spec_.shape.empty()) {
      std::string text = "shape: " + spec_.kind + " needs one of";
      for (const std::string_view name : names_of(kind_->shapes)) text += " " + std::string(name);
      return usage(std::move(text));
    }
    if (shape_ == nullptr) {
      return usage("shape: " + spec_.kind + " has no shape '" + spec_.shape + "'" +
                   suggestion(spec_.shape, names_of(kind_->shapes)));
    }
    const std::uint32_t least = std::max(kind_->min_nodes, shape_->min_nodes);
    if (plan_.nodes < least) {
      return usage("shape: " + spec_.kind + " " + spec_.shape + " needs at least " +
                   std::to_string(least) + " nodes; this cluster has " +
                   std::to_string(plan_.nodes));
    }
    return {};
  }

  Result<void> times() const {
    if (spec_.at < Instant{}) return usage("at_ms: must not be negative");
    if (spec_.at >= Instant{} + plan_.time_limit) {
      return usage("at_ms: " + human(spec_.at - Instant{}) + " is not before the time limit of " +
                   human(plan_.time_limit));
    }
    if (spec_.duration <= Duration{0}) return usage("duration_ms: must be above 0");
    return {};
  }

  Result<void> target() const {
    const bool by_shape = kind_->targets.empty();
    if (spec_.target != Target::kNamed && !spec_.nodes.empty()) {
      return usage("targets: nodes are named, yet the target is " +
                   std::string(name_of(spec_.target)));
    }
    if (spec_.target == Target::kTrigger && spec_.trigger.event == TriggerEvent::kNone) {
      return usage("targets: trigger means the node of the trigger, and this fault has none");
    }
    if (by_shape && spec_.target != Target::kByShape && spec_.target != Target::kNamed &&
        spec_.target != Target::kTrigger) {
      return usage("targets: the shape of a " + spec_.kind +
                   " says whom it hits; name nodes or leave it out");
    }
    if (!by_shape && spec_.target == Target::kByShape) {
      return usage(
          "targets: missing; one, minority, majority, primaries, all, trigger or a list of nodes");
    }
    if (spec_.target == Target::kNamed && spec_.nodes.empty()) {
      return usage("targets: an empty list of nodes");
    }
    std::set<NodeId> seen;
    for (const NodeId node : spec_.nodes) {
      if (Result<void> known = member("targets", node); !known) return known;
      if (!seen.insert(node).second) return usage("targets: " + ww::name_of(node) + " twice");
    }
    if (spec_.shape == "link" && spec_.nodes.size() == 1) {
      return usage("targets: a link has two ends");
    }
    return {};
  }

  Result<void> member(const char* field, NodeId node) const {
    if (node != kNobody && node.value <= plan_.nodes) return {};
    return usage(std::string(field) + ": there is no node " + ww::name_of(node) +
                 "; the cluster has n1 to n" + std::to_string(plan_.nodes));
  }

  Result<void> trigger() const {
    const Trigger& trigger = spec_.trigger;
    if (trigger.event == TriggerEvent::kNone) {
      if (trigger == Trigger{}) return {};
      return usage("trigger: no event");
    }
    if (trigger.node != kNobody) {
      if (Result<void> known = member("trigger.node", trigger.node); !known) return known;
    }
    if (trigger.nth == 0 || trigger.nth > kMaxTriggerCount) {
      return usage("trigger.nth: " + std::to_string(trigger.nth) + " is not in 1 to " +
                   std::to_string(kMaxTriggerCount));
    }
    if (trigger.actions > kMaxTriggerActions) {
      return usage("trigger.actions: more than " + std::to_string(kMaxTriggerActions));
    }
    if (trigger.actions > 0 && !kind_->kills) {
      return usage("trigger.actions: a " + spec_.kind +
                   " strikes at the event itself; only a death can wait for the node's actions");
    }
    return {};
  }

  Result<void> params() const {
    for (const auto& [name, value] : spec_.params) {
      const ParamInfo* info = find_param(*shape_, name);
      if (info == nullptr) {
        return usage("params: " + spec_.kind + (spec_.shape.empty() ? "" : " ") + spec_.shape +
                     " has no parameter '" + name + "'" +
                     suggestion(name, names_of(shape_->params)));
      }
      if (value < info->low || value > info->high) {
        return usage("params." + name + ": " + std::to_string(value) + " is not in " +
                     std::to_string(info->low) + " to " + std::to_string(info->high));
      }
      if (name != "leader" || value == 0) continue;
      const NodeId leader{static_cast<std::uint32_t>(value)};
      if (Result<void> known = member("params.leader", leader); !known) return known;
    }
    return {};
  }

  Result<void> types() const {
    if (!spec_.types.empty() && !kind_->takes_types) {
      return usage("types: a " + spec_.kind + " does not look at message types");
    }
    return {};
  }

  const Plan& plan_;
  const FaultSpec& spec_;
  mutable const KindInfo* kind_ = nullptr;
  mutable const ShapeInfo* shape_ = nullptr;
};

}  // namespace

std::string_view name_of(Target target) {
  switch (target) {
    case Target::kByShape:
      return "by-shape";
    case Target::kNamed:
      return "named";
    case Target::kOne:
      return "one";
    case Target::kMinority:
      return "minority";
    case Target::kMajority:
      return "majority";
    case Target::kPrimaries:
      return "primaries";
    case Target::kAll:
      return "all";
    case Target::kTrigger:
      return "trigger";
  }
  return "?";
}

std::string_view name_of(TriggerEvent event) {
  switch (event) {
    case TriggerEvent::kNone:
      return "none";
    case TriggerEvent::kVoteGranted:
      return "vote-granted";
    case TriggerEvent::kAppend:
      return "append";
    case TriggerEvent::kTruncate:
      return "truncate";
    case TriggerEvent::kSynced:
      return "synced";
    case TriggerEvent::kElectionWon:
      return "election-won";
    case TriggerEvent::kCommit:
      return "commit";
    case TriggerEvent::kSnapshot:
      return "snapshot";
  }
  return "?";
}

std::string name_of(const std::vector<NodeId>& nodes) {
  std::string text;
  for (const NodeId node : nodes) {
    if (!text.empty()) text += ',';
    text += ww::name_of(node);
  }
  return text;
}

std::vector<std::string_view> trigger_event_names() {
  std::vector<std::string_view> names;
  for (const TriggerEvent event : kTriggerEvents) names.push_back(name_of(event));
  return names;
}

TriggerEvent trigger_event_of(std::string_view name) {
  for (const TriggerEvent event : kTriggerEvents) {
    if (name_of(event) == name) return event;
  }
  return TriggerEvent::kNone;
}

bool can_trigger(const wire::trace::Event& what) {
  namespace trace = wire::trace;
  return std::visit(
      []<class T>(const T&) {
        return std::is_same_v<T, trace::VoteCast> || std::is_same_v<T, trace::Appended> ||
               std::is_same_v<T, trace::Truncated> || std::is_same_v<T, trace::Synced> ||
               std::is_same_v<T, trace::RoleChange> || std::is_same_v<T, trace::Committed> ||
               std::is_same_v<T, trace::Snapshot>;
      },
      what);
}

bool matches(TriggerEvent event, const wire::trace::Event& what) {
  namespace trace = wire::trace;
  switch (event) {
    case TriggerEvent::kNone:
      return false;
    case TriggerEvent::kVoteGranted: {
      const auto* vote = std::get_if<trace::VoteCast>(&what);
      return vote != nullptr && vote->granted && !vote->pre;
    }
    case TriggerEvent::kAppend:
      return std::holds_alternative<trace::Appended>(what);
    case TriggerEvent::kTruncate:
      return std::holds_alternative<trace::Truncated>(what);
    case TriggerEvent::kSynced: {
      const auto* synced = std::get_if<trace::Synced>(&what);
      return synced != nullptr && synced->ok;
    }
    case TriggerEvent::kElectionWon: {
      const auto* role = std::get_if<trace::RoleChange>(&what);
      return role != nullptr && role->role == wire::Role::kLeader;
    }
    case TriggerEvent::kCommit:
      return std::holds_alternative<trace::Committed>(what);
    case TriggerEvent::kSnapshot: {
      const auto* snapshot = std::get_if<trace::Snapshot>(&what);
      return snapshot != nullptr && snapshot->act != trace::SnapshotAct::kLoaded;
    }
  }
  return false;
}

Result<std::vector<std::string>> parse_kinds(std::string_view text) {
  std::vector<std::string> kinds;
  if (text == "none") return kinds;
  if (text == "all") {
    for (const KindInfo& kind : registry()) kinds.emplace_back(kind.name);
    return kinds;
  }
  std::vector<std::string_view> known = names_of(registry());
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    const KindInfo* kind = find_kind(word);
    if (kind == nullptr) {
      known.insert(known.end(), {"all", "none"});
      if (word == "all" || word == "none") {
        return usage("faults: '" + std::string(word) + "' stands alone");
      }
      return usage("faults: there is no fault '" + std::string(word) + "'" +
                   suggestion(word, known));
    }
    if (std::find(kinds.begin(), kinds.end(), word) == kinds.end()) kinds.emplace_back(word);
    begin = end + 1;
  }
  return kinds;
}

Result<void> validate(const Plan& plan) {
  if (plan.nodes == 0 || plan.nodes > kMaxPlanNodes) {
    return usage("nodes: " + std::to_string(plan.nodes) + " is not in 1 to " +
                 std::to_string(kMaxPlanNodes));
  }
  if (plan.time_limit <= Duration{0}) return usage("time_limit_ms: must be above 0");
  if (plan.faults.size() > kMaxPlanFaults) {
    return usage("faults: more than " + std::to_string(kMaxPlanFaults));
  }
  std::set<std::string_view> ids;
  Instant last{};
  for (std::size_t i = 0; i < plan.faults.size(); ++i) {
    const FaultSpec& spec = plan.faults[i];
    const std::string where = "faults[" + std::to_string(i) + "] (" + spec.id + "): ";
    if (!is_id(spec.id)) {
      return usage("faults[" + std::to_string(i) +
                   "]: id: 1 to 64 letters, digits, dashes or underscores");
    }
    if (!ids.insert(spec.id).second) return usage(where + "id: taken by an earlier fault");
    if (spec.at < last) return usage(where + "at_ms: before the fault above it");
    last = std::max(last, spec.at);
    if (Result<void> checked = Check(plan, spec).all(); !checked) {
      return usage(where + checked.error().message);
    }
  }
  return {};
}

std::int64_t param(const FaultSpec& spec, std::string_view name) {
  if (const auto at = spec.params.find(name); at != spec.params.end()) return at->second;
  const KindInfo* kind = find_kind(spec.kind);
  const ShapeInfo* shape = kind == nullptr ? nullptr : find_shape(*kind, spec.shape);
  const ParamInfo* info = shape == nullptr ? nullptr : find_param(*shape, name);
  return info == nullptr ? 0 : info->fallback;
}

std::string human(Duration duration) {
  const auto in = [&](std::int64_t unit, const char* name) {
    const std::int64_t hundredths = duration.count() / (unit / 100);
    const bool negative = hundredths < 0;
    const std::int64_t size = negative ? -hundredths : hundredths;
    std::string text = (negative ? "-" : "") + std::to_string(size / 100);
    if (size % 100 != 0) {
      text += '.' + std::to_string(size % 100 / 10);
      if (size % 10 != 0) text += std::to_string(size % 10);
    }
    return text + ' ' + name;
  };
  const Duration size = duration < Duration{0} ? -duration : duration;
  if (size == Duration{0} || size >= seconds(1)) return in(1'000'000'000, "s");
  if (size >= milliseconds(1)) return in(1'000'000, "ms");
  return in(1'000, "us");
}

std::string describe(const FaultSpec& spec) {
  std::string text = spec.kind;
  if (!spec.shape.empty()) text += ' ' + spec.shape;
  if (spec.target == Target::kNamed) {
    text += " of " + name_of(spec.nodes);
  } else if (spec.target == Target::kTrigger) {
    text += " of that node";
  } else if (spec.target != Target::kByShape) {
    text += " of " + std::string(name_of(spec.target));
  }
  text += " for " + human(spec.duration);
  char separator = ':';
  for (const auto& [name, value] : spec.params) {
    text += separator;
    text += ' ' + name + '=' + std::to_string(value);
    separator = ',';
  }
  for (std::size_t i = 0; i < spec.types.size(); ++i) {
    text += i == 0 ? "; only " : ", ";
    text += wire::name_of(spec.types[i]);
  }
  if (spec.trigger.event != TriggerEvent::kNone) text += "; " + describe(spec.trigger);
  return text;
}

}  // namespace ww::faults
