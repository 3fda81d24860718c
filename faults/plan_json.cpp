#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "base/history.hpp"
#include "faults/plan.hpp"
#include "faults/registry.hpp"

namespace ww::faults {

namespace {

using Json = nlohmann::json;

constexpr std::string_view kSchemaName = "whitewater.faults";
constexpr std::array kPlanKeys = {
    std::string_view("schema"),        std::string_view("v"),      std::string_view("seed"),
    std::string_view("nodes"),         std::string_view("redeal"), std::string_view("faults"),
    std::string_view("time_limit_ms"),
};
constexpr std::array kFaultKeys = {
    std::string_view("id"),    std::string_view("kind"),        std::string_view("shape"),
    std::string_view("at_ms"), std::string_view("duration_ms"), std::string_view("targets"),
    std::string_view("types"), std::string_view("params"),      std::string_view("trigger"),
};
constexpr std::array kTriggerKeys = {std::string_view("event"), std::string_view("node"),
                                     std::string_view("nth"), std::string_view("actions")};
constexpr std::array kTargets = {Target::kOne,       Target::kMinority, Target::kMajority,
                                 Target::kPrimaries, Target::kAll,      Target::kTrigger};

void append_fault(std::string& out, const FaultSpec& spec) {
  const auto text = [&](std::string_view value) { append_json_string(out, value); };
  const auto list = [&](const auto& items, auto name) {
    out += '[';
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out += ',';
      text(name(items[i]));
    }
    out += ']';
  };
  out += "{\"id\":";
  text(spec.id);
  out += ",\"at_ms\":" + ms_text(spec.at.time_since_epoch()) + ",\"kind\":";
  text(spec.kind);
  if (!spec.shape.empty()) {
    out += ",\"shape\":";
    text(spec.shape);
  }
  if (spec.target == Target::kNamed) {
    out += ",\"targets\":";
    list(spec.nodes, [](NodeId node) { return ww::name_of(node); });
  } else if (spec.target != Target::kByShape) {
    out += ",\"targets\":";
    text(name_of(spec.target));
  }
  out += ",\"duration_ms\":" + ms_text(spec.duration);
  if (!spec.params.empty()) {
    char separator = '{';
    out += ",\"params\":";
    for (const auto& [name, value] : spec.params) {
      out += separator;
      text(name);
      out += ':' + std::to_string(value);
      separator = ',';
    }
    out += '}';
  }
  if (!spec.types.empty()) {
    out += ",\"types\":";
    list(spec.types, [](wire::MessageType type) { return wire::name_of(type); });
  }
  if (spec.trigger.event != TriggerEvent::kNone) {
    out += ",\"trigger\":{\"event\":";
    text(name_of(spec.trigger.event));
    if (spec.trigger.node != kNobody) {
      out += ",\"node\":";
      text(ww::name_of(spec.trigger.node));
    }
    out += ",\"nth\":" + std::to_string(spec.trigger.nth);
    if (spec.trigger.actions != 0) {
      out += ",\"actions\":" + std::to_string(spec.trigger.actions);
    }
    out += '}';
  }
  out += '}';
}

/// Reads members of JSON objects; remembers the first thing that is wrong, and where.
class Reader {
 public:
  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  [[nodiscard]] const std::string& error() const { return *error_; }

  void fail(const std::string& what) {
    if (ok()) error_ = where_ + what;
  }
  void enter(std::string where) { where_ = std::move(where); }

  void known_keys(const Json& object, std::span<const std::string_view> keys) {
    for (const auto& [key, value] : object.items()) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
        fail("'" + key + "' is not a field" + suggestion(key, keys));
      }
    }
  }
  const Json* find(const Json& object, const char* key, bool required) {
    const auto at = object.find(key);
    if (at != object.end()) return &*at;
    if (required) fail(std::string(key) + ": missing");
    return nullptr;
  }
  std::string text(const Json& object, const char* key, bool required) {
    const Json* value = find(object, key, required);
    if (value == nullptr) return "";
    if (!value->is_string()) {
      fail(std::string(key) + ": must be text");
      return "";
    }
    return value->get<std::string>();
  }
  std::uint64_t unsigned_number(const Json& object, const char* key) {
    const Json* value = find(object, key, true);
    if (value == nullptr) return 0;
    if (!value->is_number_unsigned()) {
      fail(std::string(key) + ": must be a whole number, not negative");
      return 0;
    }
    return value->get<std::uint64_t>();
  }
  Duration ms(const Json& object, const char* key) {
    constexpr double kMost = 1e12;  // some thirty years
    const Json* value = find(object, key, true);
    if (value == nullptr) return {};
    const double number = value->is_number() ? value->get<double>() : -1;
    if (!(number >= 0 && number <= kMost)) {
      fail(std::string(key) + ": must be a number of milliseconds, not negative");
      return {};
    }
    if (value->is_number_integer()) return milliseconds(value->get<std::int64_t>());
    return Duration{static_cast<std::int64_t>(number * 1e6 + 0.5)};
  }

 private:
  std::string where_;
  std::optional<std::string> error_;
};

std::optional<NodeId> node_of_name(std::string_view name) {
  if (name.size() < 2 || name.size() > 4 || name[0] != 'n' || name[1] == '0') return std::nullopt;
  std::uint32_t value = 0;
  for (const char c : name.substr(1)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return NodeId{value};
}

void read_targets(Reader& reader, const Json& object, FaultSpec& spec) {
  const Json* value = reader.find(object, "targets", false);
  if (value == nullptr) return;
  if (value->is_string()) {
    const std::string name = value->get<std::string>();
    const auto at = std::find_if(kTargets.begin(), kTargets.end(),
                                 [&](Target target) { return name_of(target) == name; });
    if (at != kTargets.end()) {
      spec.target = *at;
      return;
    }
    std::vector<std::string_view> names;
    for (const Target target : kTargets) names.push_back(name_of(target));
    return reader.fail("targets: there is no target '" + name + "'" + suggestion(name, names));
  }
  if (!value->is_array()) return reader.fail("targets: must be text or a list of nodes");
  spec.target = Target::kNamed;
  for (const Json& item : *value) {
    const auto node = item.is_string() ? node_of_name(item.get<std::string>()) : std::nullopt;
    if (!node) return reader.fail("targets: " + item.dump() + " is not a node's name; try \"n1\"");
    spec.nodes.push_back(*node);
  }
}

void read_types(Reader& reader, const Json& object, FaultSpec& spec) {
  const Json* value = reader.find(object, "types", false);
  if (value == nullptr) return;
  if (!value->is_array()) return reader.fail("types: must be a list of message types");
  for (const Json& item : *value) {
    const std::string name = item.is_string() ? item.get<std::string>() : item.dump();
    const std::optional<wire::MessageType> type = wire::message_type_of(name);
    if (!type) {
      std::vector<std::string_view> names;
      for (std::size_t i = 0; i < wire::EnumSize<wire::MessageType>::value; ++i) {
        names.push_back(wire::name_of(static_cast<wire::MessageType>(i)));
      }
      return reader.fail("types: there is no message type '" + name + "'" +
                         suggestion(name, names));
    }
    spec.types.push_back(*type);
  }
}

void read_params(Reader& reader, const Json& object, FaultSpec& spec) {
  const Json* value = reader.find(object, "params", false);
  if (value == nullptr) return;
  if (!value->is_object()) return reader.fail("params: must be an object");
  for (const auto& [name, number] : value->items()) {
    const bool fits = number.is_number_integer() &&
                      !(number.is_number_unsigned() &&
                        number.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX));
    if (!fits) return reader.fail("params." + name + ": must be a whole number");
    spec.params.emplace(name, number.get<std::int64_t>());
  }
}

void read_trigger(Reader& reader, const Json& object, FaultSpec& spec) {
  const Json* value = reader.find(object, "trigger", false);
  if (value == nullptr) return;
  if (!value->is_object()) return reader.fail("trigger: must be an object");
  reader.known_keys(*value, kTriggerKeys);
  const std::string name = reader.text(*value, "event", true);
  spec.trigger.event = trigger_event_of(name);
  if (spec.trigger.event == TriggerEvent::kNone) {
    return reader.fail("trigger.event: there is no event '" + name + "'" +
                       suggestion(name, trigger_event_names()));
  }
  if (value->contains("node")) {
    const std::string node = reader.text(*value, "node", true);
    const auto id = node_of_name(node);
    if (!id) return reader.fail("trigger.node: '" + node + "' is not a node's name; try \"n1\"");
    spec.trigger.node = *id;
  }
  const auto number = [&](const char* key, std::uint32_t& x) {
    if (!value->contains(key)) return;
    const std::uint64_t read = reader.unsigned_number(*value, key);
    x = static_cast<std::uint32_t>(std::min<std::uint64_t>(read, UINT32_MAX));
  };
  number("nth", spec.trigger.nth);
  number("actions", spec.trigger.actions);
}

FaultSpec read_fault(Reader& reader, const Json& object, std::size_t index) {
  FaultSpec spec;
  reader.enter("faults[" + std::to_string(index) + "]: ");
  if (!object.is_object()) {
    reader.fail("must be an object");
    return spec;
  }
  spec.id = reader.text(object, "id", true);
  reader.enter("faults[" + std::to_string(index) + "] (" + spec.id + "): ");
  reader.known_keys(object, kFaultKeys);
  spec.kind = reader.text(object, "kind", true);
  spec.shape = reader.text(object, "shape", false);
  spec.at = Instant{reader.ms(object, "at_ms")};
  spec.duration = reader.ms(object, "duration_ms");
  read_targets(reader, object, spec);
  read_types(reader, object, spec);
  read_params(reader, object, spec);
  read_trigger(reader, object, spec);
  return spec;
}

Plan read_plan(Reader& reader, const Json& object) {
  Plan plan;
  if (!object.is_object()) {
    reader.fail("must be an object");
    return plan;
  }
  const std::string schema = reader.text(object, "schema", true);
  if (schema != kSchemaName) reader.fail("schema: must be \"" + std::string(kSchemaName) + "\"");
  if (const std::uint64_t v = reader.unsigned_number(object, "v"); v != kPlanSchema) {
    reader.fail("v: version " + std::to_string(v) + " is not known here; " +
                std::to_string(kPlanSchema) + " is");
  }
  reader.known_keys(object, kPlanKeys);
  plan.seed = reader.unsigned_number(object, "seed");
  plan.nodes = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(reader.unsigned_number(object, "nodes"), kMaxPlanNodes + 1));
  plan.time_limit = reader.ms(object, "time_limit_ms");
  if (const Json* redeal = reader.find(object, "redeal", false); redeal != nullptr) {
    if (!redeal->is_boolean()) reader.fail("redeal: must be true or false");
    plan.redeal = redeal->is_boolean() && redeal->get<bool>();
  }
  const Json* faults = reader.find(object, "faults", true);
  if (faults == nullptr) return plan;
  if (!faults->is_array()) {
    reader.fail("faults: must be a list");
    return plan;
  }
  for (std::size_t i = 0; i < faults->size() && reader.ok(); ++i) {
    plan.faults.push_back(read_fault(reader, (*faults)[i], i));
  }
  return plan;
}

}  // namespace

std::string ms_text(Duration duration) {
  const std::int64_t ns = duration.count();
  std::string text = std::to_string(ns / 1'000'000);
  const std::string fraction = std::to_string(1'000'000 + ns % 1'000'000).substr(1);
  if (const std::size_t last = fraction.find_last_not_of('0'); last != std::string::npos) {
    text += '.' + fraction.substr(0, last + 1);
  }
  return text;
}

std::string to_json(const Plan& plan) {
  std::string out =
      "{\"schema\":\"" + std::string(kSchemaName) + "\",\"v\":" + std::to_string(kPlanSchema) +
      ",\"seed\":" + std::to_string(plan.seed) + ",\"nodes\":" + std::to_string(plan.nodes) +
      ",\"time_limit_ms\":" + ms_text(plan.time_limit) +
      ",\"redeal\":" + (plan.redeal ? "true" : "false") + ",\"faults\":[";
  for (std::size_t i = 0; i < plan.faults.size(); ++i) {
    out += i == 0 ? "\n" : ",\n";
    append_fault(out, plan.faults[i]);
  }
  out += "\n]}\n";
  return out;
}

Result<Plan> parse_plan(std::string_view text, std::string_view name) {
  const auto usage = [&](const std::string& what) {
    return Error{ErrorCode::kUsage, true, std::string(name) + ": " + what};
  };
  Json json;
  try {
    json = Json::parse(text);
  } catch (const Json::parse_error& error) {
    return usage("not JSON near byte " + std::to_string(error.byte));
  }
  Reader reader;
  Plan plan = read_plan(reader, json);
  if (!reader.ok()) return usage(reader.error());
  if (Result<void> checked = validate(plan); !checked) return usage(checked.error().message);
  return plan;
}

}  // namespace ww::faults
