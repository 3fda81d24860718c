#include "controller/run/plan_parts.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "base/history.hpp"
#include "base/nearest.hpp"
#include "faults/plan.hpp"

namespace ww::run {

namespace {

using Json = nlohmann::json;
using workloads::Call;
using workloads::Script;
using workloads::ScriptedCall;

/// Reads members of JSON objects; remembers the first thing that is wrong, and where.
class Reader {
 public:
  explicit Reader(std::string where) : where_(std::move(where)) {}

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  [[nodiscard]] Error error() const { return Error{ErrorCode::kUsage, true, *error_}; }
  void enter(std::string where) { where_ = std::move(where); }
  void fail(const std::string& what) {
    if (ok()) error_ = where_ + ": " + what;
  }

  /// Whether `object` is one, with no other keys than these.
  bool object(const Json& object, std::span<const std::string_view> keys) {
    if (!object.is_object()) fail("must be an object");
    if (!ok()) return false;
    for (const auto& [key, value] : object.items()) {
      if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
      const auto near = nearest(key, keys);
      fail("'" + key + "' is not a field" + (near ? " (did you mean " + *near + "?)" : ""));
    }
    return ok();
  }
  const Json* find(const Json& object, const char* key, bool required = true) {
    const auto at = object.find(key);
    if (at != object.end()) return &*at;
    if (required) fail(std::string(key) + ": missing");
    return nullptr;
  }
  std::uint64_t number(const Json& object, const char* key, std::uint64_t high = UINT64_MAX) {
    const Json* value = find(object, key);
    if (value == nullptr) return 0;
    if (value->is_number_unsigned() && value->get<std::uint64_t>() <= high) {
      return value->get<std::uint64_t>();
    }
    fail(std::string(key) + ": must be a whole number, not negative" +
         (high == UINT64_MAX ? "" : ", at most " + std::to_string(high)));
    return 0;
  }
  Duration ms(const Json& object, const char* key) {
    constexpr double kMost = 1e9;  // eleven days, of which a double holds every nanosecond
    const Json* value = find(object, key);
    if (value == nullptr) return {};
    const double number = value->is_number() ? value->get<double>() : -1;
    if (!(number >= 0 && number <= kMost)) {
      fail(std::string(key) + ": must be a number of milliseconds from 0 to 10^9");
      return {};
    }
    return Duration{static_cast<std::int64_t>(number * 1e6 + 0.5)};
  }
  std::string text(const Json& object, const char* key) {
    const Json* value = find(object, key);
    if (value == nullptr) return "";
    if (!value->is_string()) fail(std::string(key) + ": must be text");
    return value->is_string() ? value->get<std::string>() : "";
  }
  /// A list, as long as `fill` takes its items.
  template <class Fill>
  void list(const Json& json, const std::string& path, Fill fill) {
    if (!json.is_array()) return fail("must be a list");
    for (std::size_t i = 0; i < json.size() && ok(); ++i) {
      enter(path + "[" + std::to_string(i) + "]");
      fill(json[i]);
    }
  }

 private:
  std::string where_;
  std::optional<std::string> error_;
};

std::string number_text(const Value& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  return number == nullptr ? "null" : std::to_string(*number);
}

void read_number(Reader& reader, const Json& json, Value& value) {
  const bool fits =
      json.is_number_integer() &&
      !(json.is_number_unsigned() && json.get<std::uint64_t>() > std::uint64_t{INT64_MAX});
  if (!fits) return reader.fail("value: must be a whole number; of a cas, a pair of them");
  value = json.get<std::int64_t>();
}

Call read_call(Reader& reader, const Json& json) {
  Call call;
  const std::string f = reader.text(json, "f");
  const Json* key = reader.find(json, "key");
  const bool watch = f == "watch";
  const bool every = watch && key != nullptr && *key == "*";
  call.key = every ? kEveryKey : reader.number(json, "key");
  const Json* value = reader.find(json, "value", f != "read" && !watch);
  const Json* read = reader.find(json, "read", false);
  if (read != nullptr) {
    if (f != "read" || *read != "log") reader.fail("read: only \"log\", and only of a read");
    call.read_mode = wire::ReadMode::kLog;
  }
  if (f == "read" || watch) {
    if (watch) call.f = Func::kWatch;
    if (value != nullptr) reader.fail("value: a " + f + " takes none");
  } else if (value != nullptr && f == "write") {
    call.f = Func::kWrite;
    read_number(reader, *value, call.value);
  } else if (value != nullptr && f == "cas") {
    call.f = Func::kCas;
    const bool pair = value->is_array() && value->size() == 2;
    read_number(reader, pair ? (*value)[0] : Json(), call.value);
    read_number(reader, pair ? (*value)[1] : Json(), call.to);
  } else {
    reader.fail("f: must be read, write, cas or watch");
  }
  return call;
}

/// "n2" or "c7".
std::optional<wire::Endpoint> endpoint_of_name(std::string_view name, std::uint32_t nodes) {
  std::uint32_t number = 0;
  if (name.size() < 2 || name[1] == '0') return std::nullopt;
  const auto [end, ec] = std::from_chars(name.data() + 1, name.data() + name.size(), number);
  if (ec != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  if (name[0] == 'n' && number <= nodes) return wire::endpoint_of(NodeId{number});
  constexpr std::uint32_t kMostClients = 1000;
  if (name[0] == 'c' && number <= kMostClients) return wire::endpoint_of(ClientId{number});
  return std::nullopt;
}

wire::Endpoint read_endpoint(Reader& reader, const Json& json, const char* key,
                             std::uint32_t nodes) {
  const std::string name = reader.text(json, key);
  const auto endpoint = endpoint_of_name(name, nodes);
  if (!endpoint) {
    reader.fail(std::string(key) + ": '" + name + "' is neither a node of n1 to n" +
                std::to_string(nodes) + " nor a client such as c1");
  }
  return endpoint.value_or(wire::Endpoint{});
}

Delivery read_delivery(Reader& reader, const Json& json, std::uint32_t nodes) {
  static constexpr std::string_view kKeys[] = {"from",    "to",  "type",    "term",
                                               "content", "nth", "delay_ms"};
  Delivery out;
  if (!reader.object(json, kKeys)) return out;
  out.message.from = read_endpoint(reader, json, "from", nodes);
  out.message.to = read_endpoint(reader, json, "to", nodes);
  const std::string type = reader.text(json, "type");
  if (const auto known = wire::message_type_of(type)) {
    out.message.type = *known;
  } else {
    reader.fail("type: there is no message type '" + type + "'");
  }
  out.message.term = reader.number(json, "term");
  out.message.content = reader.number(json, "content");
  out.message.nth = reader.number(json, "nth");
  if (out.message.nth == 0) reader.fail("nth: counts from 1");
  if (json.contains("delay_ms")) out.delay = reader.ms(json, "delay_ms");
  return out;
}

}  // namespace

void append_json(std::string& out, const Script& script) {
  out += '[';
  for (std::size_t i = 0; i < script.size(); ++i) {
    const ScriptedCall& call = script[i];
    out += i == 0 ? "\n" : ",\n";
    out += "{\"at_ms\":" + faults::ms_text(call.at) + ",\"worker\":" + std::to_string(call.worker) +
           ",\"ordinal\":" + std::to_string(call.ordinal) + ",\"f\":\"" +
           std::string(name_of(call.call.f)) +
           "\",\"key\":" + (call.call.key == kEveryKey ? "\"*\"" : std::to_string(call.call.key));
    if (call.call.f == Func::kWrite) out += ",\"value\":" + number_text(call.call.value);
    if (call.call.f == Func::kCas) {
      out += ",\"value\":[" + number_text(call.call.value) + "," + number_text(call.call.to) + "]";
    }
    if (call.call.f == Func::kRead && call.call.read_mode == wire::ReadMode::kLog) {
      out += ",\"read\":\"log\"";
    }
    out += '}';
  }
  out += "\n]";
}

Result<Script> parse_script(std::string_view text, const std::string& name, std::uint32_t workers) {
  static constexpr std::string_view kKeys[] = {"at_ms", "worker", "ordinal", "f",
                                               "key",   "value",  "read"};
  const Json json = Json::parse(text, nullptr, false);
  Reader reader(name + ", ops");
  Script script;
  reader.list(json, name + ", ops", [&](const Json& item) {
    if (!reader.object(item, kKeys)) return;
    ScriptedCall call;
    call.at = reader.ms(item, "at_ms");
    call.worker = static_cast<std::uint32_t>(reader.number(item, "worker", UINT32_MAX));
    call.ordinal = reader.number(item, "ordinal");
    call.call = read_call(reader, item);
    script.push_back(std::move(call));
  });
  if (!reader.ok()) return reader.error();
  if (auto checked = workloads::check_script(script, workers); !checked) {
    return Error{ErrorCode::kUsage, true, name + ", " + checked.error().message};
  }
  return script;
}

void append_json(std::string& out, const Network& network) {
  const char* separator = "{";
  const auto key = [&](const char* name) {
    out += separator;
    out += '"' + std::string(name) + "\":";
    separator = ",";
  };
  if (network.seed) {
    key("seed");
    out += std::to_string(*network.seed);
  }
  if (network.flat) {
    key("flat");
    out += "true";
  }
  if (network.redraw) {
    key("redraw");
    out += "{\"after_ms\":" + faults::ms_text(network.redraw->after.time_since_epoch()) +
           ",\"seed\":" + std::to_string(network.redraw->seed) + "}";
  }
  key("deliveries");
  const char* line = "[\n";
  for (const Delivery& delivery : network.deliveries) {
    const MessageKey& m = delivery.message;
    out += line;
    out += "{\"from\":\"" + wire::name_of(m.from) + "\",\"to\":\"" + wire::name_of(m.to) +
           "\",\"type\":\"" + std::string(wire::name_of(m.type)) +
           "\",\"term\":" + std::to_string(m.term) + ",\"content\":" + std::to_string(m.content) +
           ",\"nth\":" + std::to_string(m.nth);
    if (delivery.delay) out += ",\"delay_ms\":" + faults::ms_text(*delivery.delay);
    out += '}';
    line = ",\n";
  }
  out += network.deliveries.empty() ? "[]}" : "\n]}";
}

Result<Network> parse_network(std::string_view text, const std::string& name, std::uint32_t nodes) {
  static constexpr std::string_view kKeys[] = {"seed", "flat", "redraw", "deliveries"};
  static constexpr std::string_view kRedrawKeys[] = {"after_ms", "seed"};
  const Json json = Json::parse(text, nullptr, false);
  const std::string where = name + ", network";
  Reader reader(where);
  Network out;
  if (!reader.object(json, kKeys)) return reader.error();
  if (json.contains("seed")) out.seed = reader.number(json, "seed");
  if (const Json* flat = reader.find(json, "flat", false); flat != nullptr) {
    if (!flat->is_boolean()) reader.fail("flat: must be true or false");
    out.flat = *flat == true;
  }
  if (const Json* redraw = reader.find(json, "redraw", false); redraw != nullptr) {
    reader.enter(where + ".redraw");
    if (reader.object(*redraw, kRedrawKeys)) {
      out.redraw = Redraw{Instant{reader.ms(*redraw, "after_ms")}, reader.number(*redraw, "seed")};
    }
  }
  if (const Json* list = reader.find(json, "deliveries", false); list != nullptr) {
    reader.enter(where + ".deliveries");
    reader.list(*list, where + ".deliveries", [&](const Json& item) {
      const Delivery delivery = read_delivery(reader, item, nodes);
      const auto same = [&](const Delivery& d) { return d.message == delivery.message; };
      if (std::any_of(out.deliveries.begin(), out.deliveries.end(), same)) {
        reader.fail("a delivery of this message stands above");
      }
      out.deliveries.push_back(delivery);
    });
  }
  if (!reader.ok()) return reader.error();
  return out;
}

std::string describe(const MessageKey& message) {
  std::string out = std::string(wire::name_of(message.type)) + " from " +
                    wire::name_of(message.from) + " to " + wire::name_of(message.to);
  if (message.term != 0) out += " in term " + std::to_string(message.term);
  if (message.content != 0) out += ", content " + std::to_string(message.content);
  if (message.nth > 1) out += ", number " + std::to_string(message.nth) + " of its kind";
  return out;
}

}  // namespace ww::run
