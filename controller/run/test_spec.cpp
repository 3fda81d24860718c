#include "controller/run/test_spec.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/nearest.hpp"

namespace ww::run {

namespace {

using Json = nlohmann::ordered_json;

Error usage(std::string message) {
  return Error{ErrorCode::kUsage, true, std::move(message)};
}

/// One description of the keys serves writing, reading and the command line.
template <class Self, class V>
void fields(Self& s, V& v) {
  v("seed", "--seed", s.seed);
  v("world", "--world", s.world);
  v("nodes", "--nodes", s.nodes);
  v("spares", "--spares", s.spares);
  v("membership", "--membership", s.membership);
  v("workload", "--workload", s.workload);
  v("faults", "--faults", s.faults);
  v("bugs", "--bug", s.bugs);
  v("time_limit", "--time-limit", s.time_limit);
  v("recovery_limit", "--recovery-limit", s.recovery_limit);
  v("interval_low", "--nemesis-interval-min", s.interval_low);
  v("interval_high", "--nemesis-interval-max", s.interval_high);
  v("concurrency", "--concurrency", s.concurrency);
  v("rate", "--rate", s.rate);
  v("op_timeout", "--op-timeout", s.op_timeout);
  v("small_domain", "--small-domain", s.small_domain);
  v("follow_one_in", "--follow-one-in", s.follow_one_in);
  v("log_read_percent", "--log-read-percent", s.log_read_percent);
  v("election_timeout", "--election-timeout", s.election_timeout);
  v("heartbeat_interval", "--heartbeat-interval", s.heartbeat_interval);
  v("reads", "--reads", s.reads);
  v("lease_drift", "--lease-drift", s.lease_drift);
  v("drift", "--drift", s.drift);
  v("follower_reads", "--follower-reads", s.follower_reads);
  v("batching", "--batching", s.batching);
  v("pipelining", "--pipelining", s.pipelining);
  v("segment_bytes", "--segment-bytes", s.segment_bytes);
  v("session_entries", "--session-entries", s.session_entries);
  v("watch_entries", "--watch-entries", s.watch_entries);
  v("snapshot_entries", "--snapshot-entries", s.snapshot_entries);
  v("snapshot_bytes", "--snapshot-bytes", s.snapshot_bytes);
  v("snapshot_interval", "--snapshot-interval", s.snapshot_interval);
  v("snapshot_trailing", "--snapshot-trailing", s.snapshot_trailing);
  v("snapshot_piece", "--snapshot-piece", s.snapshot_piece);
  v("heal", "--heal", s.heal);
  v("cut", "--cut", s.cut);
  v("max_events", "--max-events", s.max_events);
  v("ignore_traces", "--ignore-traces", s.ignore_traces);
  v("address", "--address", s.address);
}

struct Writer {
  Json json;
  void operator()(const char* key, const char*, Duration x) { json[key] = format_duration(x); }
  template <class T>
  void operator()(const char* key, const char*, const T& x) {
    json[key] = x;
  }
};

struct Reader {
  const Json& json;
  std::string name;
  Result<void> state;
  std::vector<std::string> known;

  template <class T>
  void operator()(const char* key, const char*, T& x) {
    known.emplace_back(key);
    const auto found = json.find(key);
    if (found == json.end() || !state) return;
    if constexpr (std::is_same_v<T, Duration>) {
      if (!found->is_string()) return fail(key, "a duration such as \"40s\"");
      auto parsed = parse_duration(found->template get<std::string>());
      if (!parsed) return fail(key, "a duration such as \"40s\"");
      x = *parsed;
    } else if constexpr (std::is_same_v<T, bool>) {
      if (!found->is_boolean()) return fail(key, "true or false");
      x = found->template get<bool>();
    } else if constexpr (std::is_integral_v<T>) {
      if (!found->is_number_unsigned() ||
          found->template get<std::uint64_t>() > std::numeric_limits<T>::max()) {
        return fail(key, "a whole number, not negative");
      }
      x = found->template get<T>();
    } else if constexpr (std::is_same_v<T, std::string>) {
      if (!found->is_string()) return fail(key, "text");
      x = found->template get<std::string>();
    } else {
      if (!found->is_array()) return fail(key, "a list of names");
      x.clear();
      for (const Json& item : *found) {
        if (!item.is_string()) return fail(key, "a list of names");
        x.push_back(item.template get<std::string>());
      }
    }
  }
  void fail(const char* key, const char* wanted) {
    state = usage(name + ": \"" + key + "\" must be " + wanted);
  }
};

std::string joined(const std::vector<std::string>& items) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : ",") + item;
  return out;
}

struct Flag {
  std::string name;
  std::string value;  // empty for a switch
};

struct Flags {
  std::vector<Flag> all;
  template <class T>
  void operator()(const char*, const char* flag, const T& x) {
    std::string value;
    if constexpr (std::is_same_v<T, Duration>) {
      value = format_duration(x);
    } else if constexpr (std::is_same_v<T, bool>) {
      value = x ? "true" : "false";
    } else if constexpr (std::is_integral_v<T>) {
      value = std::to_string(x);
    } else if constexpr (std::is_same_v<T, std::string>) {
      value = x;
    } else {
      value = joined(x);
    }
    all.push_back({flag, std::move(value)});
  }
};

std::vector<Flag> all_flags(const TestSpec& spec) {
  Flags flags;
  fields(spec, flags);
  return flags.all;
}

struct Unit {
  std::string_view suffix;
  std::int64_t ns;
};
constexpr std::array<Unit, 6> kUnits = {{{"h", 3'600'000'000'000},
                                         {"m", 60'000'000'000},
                                         {"s", 1'000'000'000},
                                         {"ms", 1'000'000},
                                         {"us", 1'000},
                                         {"ns", 1}}};

}  // namespace

std::string to_json(const TestSpec& spec) {
  Writer writer;
  writer.json["schema"] = "whitewater.test";
  writer.json["v"] = kTestSchema;
  fields(spec, writer);
  return writer.json.dump(2) + "\n";
}

Result<TestSpec> parse_test(std::string_view text, const std::string& name) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) {
    return Error{ErrorCode::kCorrupt, true, name + ": not a JSON object"};
  }
  if (!has_schema(text, "whitewater.test", kTestSchema)) {
    return usage(name + R"(: "schema" must be "whitewater.test" and "v" )" +
                 std::to_string(kTestSchema));
  }
  TestSpec spec;
  Reader reader{json, name, {}, {"schema", "v"}};
  fields(spec, reader);
  if (!reader.state) return reader.state.error();
  for (const auto& [key, value] : json.items()) {
    if (std::find(reader.known.begin(), reader.known.end(), key) != reader.known.end()) continue;
    const auto near = nearest(key, reader.known);
    return usage(name + ": unknown key \"" + key + "\"" +
                 (near ? "; did you mean \"" + *near + "\"?" : ""));
  }
  return spec;
}

bool has_schema(std::string_view text, std::string_view schema, int version) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) return false;
  const auto name = json.find("schema");
  const auto v = json.find("v");
  return name != json.end() && name->is_string() && name->get<std::string>() == schema &&
         v != json.end() && v->is_number_integer() && v->get<std::int64_t>() == version;
}

namespace {

/// "127.11.7": three numbers, the first 127.
bool is_loopback_prefix(std::string_view text) {
  std::size_t octets = 0;
  while (!text.empty()) {
    unsigned value = 256;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (ec != std::errc{} || value > 255 || (octets == 0 && value != 127)) return false;
    ++octets;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.empty()) return octets == 3;
    if (text.front() != '.') return false;
    text.remove_prefix(1);
  }
  return false;
}

}  // namespace

Result<void> validate(const TestSpec& spec) {
  const auto one_of = [](const char* flag, const std::string& value, const char* a,
                         const char* b) -> Result<void> {
    if (value == a || value == b) return {};
    return usage(std::string(flag) + " must be " + a + " or " + b + ", not '" + value + "'");
  };
  const auto within = [](const char* flag, std::uint64_t x, std::uint64_t low,
                         std::uint64_t high) -> Result<void> {
    if (x >= low && x <= high) return {};
    return usage(std::string(flag) + " must be from " + std::to_string(low) + " to " +
                 std::to_string(high) + ", not " + std::to_string(x));
  };
  for (const Result<void>& check :
       {within("--nodes", spec.nodes, 1, kMaxNodes),
        within("--spares", spec.spares, 0, kMaxNodes - spec.nodes),
        within("--concurrency", spec.workers(), 1, 1000), within("--rate", spec.rate, 0, 1'000'000),
        within("--follow-one-in", spec.follow_one_in, 0, 1000),
        within("--log-read-percent", spec.log_read_percent, 0, 100),
        within("--snapshot-piece", spec.snapshot_piece, 1, std::uint64_t{1} << 20),
        within("--lease-drift", spec.lease_drift, 1, 900),
        within("--segment-bytes", spec.segment_bytes, 4096, std::uint64_t{1} << 30)}) {
    if (!check) return check;
  }
  for (const Result<void>& check : {one_of("--heal", spec.heal, "all", "quorum"),
                                    one_of("--membership", spec.membership, "joint", "single"),
                                    one_of("--batching", spec.batching, "on", "off"),
                                    one_of("--pipelining", spec.pipelining, "on", "off"),
                                    one_of("--reads", spec.reads, "index", "lease"),
                                    one_of("--drift", spec.drift, "bounded", "any")}) {
    if (!check) return check;
  }
  if (spec.workload == "watch") {
    if (spec.small_domain) return usage("--small-domain: in a watch every value is written once");
    if (spec.workers() < 2) return usage("--concurrency must be at least 2, or nobody watches");
  }
  if (spec.max_events == 0) return usage("--max-events must be above 0");
  if (!spec.address.empty() && !is_loopback_prefix(spec.address)) {
    return usage("--address must be three numbers of a loopback address such as 127.11.7, not '" +
                 spec.address + "'");
  }
  if (spec.time_limit < seconds(1)) return usage("--time-limit must be at least 1s");
  if (spec.recovery_limit < seconds(1)) return usage("--recovery-limit must be at least 1s");
  if (spec.interval_low < milliseconds(100) || spec.interval_high < spec.interval_low) {
    return usage("--nemesis-interval must be LOW-HIGH with 100ms <= LOW <= HIGH");
  }
  if (spec.op_timeout < milliseconds(10)) return usage("--op-timeout must be at least 10ms");
  if (spec.heartbeat_interval < milliseconds(1) ||
      spec.election_timeout < 2 * spec.heartbeat_interval) {
    return usage("--election-timeout must be at least twice --heartbeat-interval");
  }
  return {};
}

std::string command_line(const TestSpec& spec) {
  const std::vector<Flag> standard = all_flags(TestSpec{});
  const std::vector<Flag> actual = all_flags(spec);
  std::string out = "./whitewater run --seed " + std::to_string(spec.seed);
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const Flag& flag = actual[i];
    if (flag.value == standard[i].value || flag.name == "--seed") continue;
    out += " " + flag.name;
    if (flag.value != "true") out += " " + flag.value;
  }
  return out;
}

std::string flags_of(const TestSpec& spec, const std::vector<std::string>& names) {
  std::string out;
  for (const Flag& flag : all_flags(spec)) {
    if (std::find(names.begin(), names.end(), flag.name.substr(2)) == names.end()) continue;
    out += (out.empty() ? "" : " ") + flag.name;
    if (flag.value == "true") continue;
    // A switch that was turned off needs its value beside it.
    out += (flag.value == "false" ? "=" : " ") + flag.value;
  }
  return out;
}

Result<Duration> parse_duration(std::string_view text) {
  const Error error =
      usage("'" + std::string(text) + "' is not a duration; write 40s, 1.5s, 250ms, " + "2m or 6h");
  std::int64_t whole = 0;
  const char* const end = text.data() + text.size();
  auto [at, ec] = std::from_chars(text.data(), end, whole);
  if (ec != std::errc{} || whole < 0) return error;
  std::int64_t fraction = 0;
  std::int64_t scale = 1;
  if (at != end && *at == '.') {
    for (++at; at != end && *at >= '0' && *at <= '9'; ++at) {
      if (scale >= 1'000'000'000) return error;
      fraction = fraction * 10 + (*at - '0');
      scale *= 10;
    }
    if (scale == 1) return error;
  }
  const std::string_view suffix(at, static_cast<std::size_t>(end - at));
  for (const Unit& unit : kUnits) {
    if (unit.suffix != suffix) continue;
    if (whole > std::numeric_limits<std::int64_t>::max() / unit.ns / 2) return error;
    return Duration{whole * unit.ns + fraction * (unit.ns / scale)};
  }
  return error;
}

std::string format_duration(Duration duration) {
  const std::int64_t ns = duration.count();
  for (const Unit& unit : kUnits) {
    if (ns != 0 && ns % unit.ns == 0)
      return std::to_string(ns / unit.ns) + std::string(unit.suffix);
  }
  return ns == 0 ? "0s" : std::to_string(ns) + "ns";
}

}  // namespace ww::run
