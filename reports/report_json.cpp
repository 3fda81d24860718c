// report.json: a RunReport without its history, written and read by the same field lists, so that
// neither side can forget what the other knows.

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <type_traits>

#include "base/history.hpp"
#include "reports/files.hpp"
#include "reports/format.hpp"
#include "reports/reports.hpp"

namespace ww::reports {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSchema = "whitewater.report";
constexpr int kSchemaVersion = 1;

/// What is wrong with the file; caught before the module's border.
struct Malformed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The field lists. `r` is const for a writer and not for a reader.

template <class V, class T>
requires std::is_same_v<std::remove_const_t<T>, Fact>
void fields(V& v, T& r) {
  v("name", r.name), v("value", r.value);
}

template <class V, class T>
requires std::is_same_v<std::remove_const_t<T>, FaultRow>
void fields(V& v, T& r) {
  v("id", r.id), v("kind", r.kind), v("description", r.description), v("nodes", r.nodes);
  v("planned-at", r.planned_at), v("injected-at", r.injected_at), v("healed-at", r.healed_at);
  v("effective", r.effective), v("evidence", r.evidence), v("counts", r.counts);
}

template <class V, class T>
requires std::is_same_v<std::remove_const_t<T>, RoleSpan>
void fields(V& v, T& r) {
  v("node", r.node), v("from", r.from), v("to", r.to), v("role", r.role), v("term", r.term);
}

template <class V, class T>
requires std::is_same_v<std::remove_const_t<T>, OutageSpan>
void fields(V& v, T& r) {
  v("node", r.node), v("from", r.from), v("to", r.to), v("outage", r.outage), v("cause", r.cause);
}

template <class V, class T>
requires std::is_same_v<std::remove_const_t<T>, LeaderChange>
void fields(V& v, T& r) {
  v("time", r.time), v("node", r.node), v("term", r.term);
}

template <class V, class T>
requires std::is_same_v<std::remove_const_t<T>, Count>
void fields(V& v, T& r) {
  v("name", r.name), v("count", r.count);
}

template <class V, class T>
requires std::is_same_v<std::remove_const_t<T>, MachineStall>
void fields(V& v, T& r) {
  v("time", r.time), v("duration", r.duration), v("what", r.what);
}

template <class V, class T>
requires std::is_same_v<std::remove_const_t<T>, NodeCounters>
void fields(V& v, T& r) {
  v("node", r.node), v("counts", r.counts);
}

template <class V, class T>
requires std::is_same_v<std::remove_const_t<T>, Phases>
void fields(V& v, T& r) {
  v("torture-end", r.torture_end), v("healed", r.healed), v("recovered", r.recovered);
}

template <class V, class T>
requires std::is_same_v<std::remove_const_t<T>, DoomPoint>
void fields(V& v, T& r) {
  v("time", r.time), v("runs", r.runs), v("failed", r.failed), v("low", r.low), v("high", r.high);
}

template <class V, class T>
requires std::is_same_v<std::remove_const_t<T>, Causality>
void fields(V& v, T& r) {
  v("signature", r.signature), v("violation", r.violation), v("points", r.points);
  v("doomed-from", r.doomed_from), v("open-until", r.open_until);
}

template <class V, class T>
requires std::is_same_v<std::remove_const_t<T>, LogPosition>
void fields(V& v, T& r) {
  v("index", r.index), v("term", r.term);
}

template <class V, class T>
requires std::is_same_v<std::remove_const_t<T>, WatchedChange>
void fields(V& v, T& r) {
  v("revision", r.revision), v("key", r.key), v("value", r.value);
}

template <class V, class T>
requires std::is_same_v<std::remove_const_t<T>, Op>
void fields(V& v, T& r) {
  v("index", r.index), v("time", r.time), v("type", r.type), v("process", r.process), v("f", r.f);
  v("key", r.key), v("value", r.value), v("to", r.to), v("matched", r.matched), v("seen", r.seen);
  v("at", r.at), v("node", r.node), v("error", r.error);
  v.since_later("changes", r.changes);
}

template <class V, class T>
requires std::is_same_v<std::remove_const_t<T>, Violation>
void fields(V& v, T& r) {
  v("property", r.property), v("summary", r.summary), v("time", r.time), v("nodes", r.nodes);
  v("evidence", r.evidence), v("witness", r.witness);
  v.since_later("kind", r.kind);
}

template <class V, class T>
requires std::is_same_v<std::remove_const_t<T>, CheckResult>
void fields(V& v, T& r) {
  v("checker", r.checker), v("title", r.title), v("verdict", r.verdict);
  v("evaluated", r.evaluated), v("reason", r.reason), v("violation-count", r.violation_count);
  v("violations", r.violations), v("numbers", r.numbers), v("seconds", r.seconds);
}

template <class V, class T>
requires std::is_same_v<std::remove_const_t<T>, RunReport>
void fields(V& v, T& r) {
  v("test", r.test), v("world", r.world), v("seed", r.seed), v("nodes", r.nodes);
  v("started", r.started), v("duration", r.duration), v("command", r.command);
  v("version", r.version), v("commit", r.commit), v("compiler", r.compiler);
  v.since_later("fingerprint", r.fingerprint);
  v("options", r.options), v("verdict", r.verdict), v("exit", r.exit_code);
  v("outcome", r.outcome), v("cause", r.cause), v("checks", r.checks);
  v("fault-kinds", r.fault_kinds), v("faults", r.faults), v("roles", r.roles);
  v("outages", r.outages), v("leader-changes", r.leader_changes), v("marks", r.marks);
  v("bugs", r.bugs), v("stalls", r.stalls), v("counters", r.counters);
  v("liveness", r.liveness), v("phases", r.phases), v("causality", r.causality);
}

// Enumerations go by name.

std::string_view name_of(Outage outage) {
  if (outage == Outage::kDoubt) return "in doubt";
  return outage == Outage::kDead ? "dead" : "paused";
}

template <class E>
constexpr E kLast = E::kInvalid;
template <>
constexpr Outage kLast<Outage> = Outage::kDoubt;
template <>
constexpr wire::Role kLast<wire::Role> = wire::Role::kHalted;
template <>
constexpr OpType kLast<OpType> = OpType::kInfo;
template <>
constexpr Func kLast<Func> = Func::kNemesis;

class Writer {
 public:
  explicit Writer(Json& out) : out_(out) {}
  template <class T>
  void since_later(const char* key, const T& value) {
    (*this)(key, value);
  }
  template <class T>
  void operator()(const char* key, const T& value) {
    put(out_[key], value);
  }

 private:
  template <class T>
  void put(Json& out, const T& value) {
    if constexpr (std::is_enum_v<T>) {
      out = std::string(name_of(value));
    } else if constexpr (std::is_same_v<T, NodeId>) {
      out = value.value;
    } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
      out = value;
    } else {
      out = Json::object();
      Writer inner(out);
      fields(inner, value);
    }
  }
  template <class T>
  void put(Json& out, const std::optional<T>& value) {
    if (value) put(out, *value);
  }
  template <class T>
  void put(Json& out, const std::vector<T>& values) {
    out = Json::array();
    for (const T& value : values) put(out.emplace_back(), value);
  }
  template <class T>
  void put(Json& out, const std::map<std::string, T>& values) {
    out = Json::object();
    for (const auto& [key, value] : values) put(out[valid_utf8(key)], value);
  }
  void put(Json& out, const Value& value) {
    std::visit([&](const auto& alternative) { put(out, alternative); }, value);
  }
  void put(Json& out, std::monostate) { out = nullptr; }

  Json& out_;
};

template <class T>
constexpr bool kIsOptional = false;
template <class T>
constexpr bool kIsOptional<std::optional<T>> = true;

class Reader {
 public:
  explicit Reader(const Json& in) : in_(in) {}
  /// A key that reports of earlier commits lack.
  template <class T>
  void since_later(const char* key, T& value) {
    if (in_.contains(key)) (*this)(key, value);
  }
  template <class T>
  void operator()(const char* key, T& value) {
    const auto found = in_.find(key);
    if (found == in_.end()) {
      if (kIsOptional<T>) return;  // an older version of this program did not write it
      throw Malformed(std::string("has no key \"") + key + '"');
    }
    try {
      get(*found, value);
    } catch (const Malformed& inner) {
      throw Malformed(std::string("in \"") + key + "\": " + inner.what());
    } catch (const Json::exception& wrong) {
      throw Malformed(std::string("in \"") + key + "\": " + wrong.what());
    }
  }

 private:
  template <class T>
  static void get(const Json& in, T& value) {
    if constexpr (std::is_enum_v<T>) {
      get_enum(in.get<std::string>(), value);
    } else if constexpr (std::is_same_v<T, NodeId>) {
      get(in, value.value);
    } else if constexpr (std::is_same_v<T, double>) {
      // JSON has no NaN: the writer made it null.
      value = in.is_null() ? std::numeric_limits<double>::quiet_NaN() : in.get<double>();
    } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      if (!in.is_number_integer()) throw Malformed("is not an integer");
      value = in.get<T>();
    } else if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, std::string>) {
      value = in.get<T>();
    } else {
      if (!in.is_object()) throw Malformed("is not an object");
      Reader inner(in);
      fields(inner, value);
    }
  }
  template <class E>
  static void get_enum(const std::string& name, E& value) {
    for (int i = 0; i <= static_cast<int>(kLast<E>); ++i) {
      value = static_cast<E>(i);
      if (name_of(value) == name) return;
    }
    throw Malformed("knows no \"" + printable(name) + '"');
  }
  template <class T>
  static void get(const Json& in, std::optional<T>& value) {
    value.reset();
    if (!in.is_null()) get(in, value.emplace());
  }
  template <class T>
  static void get(const Json& in, std::vector<T>& values) {
    if (!in.is_array()) throw Malformed("is not a list");
    values.clear();
    for (const Json& item : in) get(item, values.emplace_back());
  }
  template <class T>
  static void get(const Json& in, std::map<std::string, T>& values) {
    if (!in.is_object()) throw Malformed("is not an object");
    values.clear();
    for (const auto& [key, item] : in.items()) get(item, values[key]);
  }
  static void get(const Json& in, Value& value) {
    if (in.is_null()) {
      value = std::monostate{};
    } else if (in.is_string()) {
      value = in.get<std::string>();
    } else if (in.is_array()) {
      get(in, value.emplace<std::vector<std::int64_t>>());
    } else {
      get(in, value.emplace<std::int64_t>());
    }
  }

  const Json& in_;
};

}  // namespace

std::string report_json(const RunReport& report) {
  Json out = Json::object();
  out["schema"] = kSchema;
  out["v"] = kSchemaVersion;
  Writer writer(out);
  fields(writer, report);
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<LoadedRun> load(const std::string& dir) {
  const std::string path = dir + "/report.json";
  Result<std::string> text = read_file(path);
  if (!text) return text.error();
  LoadedRun run;
  try {
    const Json in = Json::parse(*text);
    if (!in.is_object() || in.value("schema", "") != kSchema) {
      throw Malformed("is not a report of a run (schema whitewater.report)");
    }
    if (const int v = in.value("v", 0); v != kSchemaVersion) {
      throw Malformed("has schema version " + std::to_string(v) + "; this program reads " +
                      std::to_string(kSchemaVersion));
    }
    Reader reader(in);
    fields(reader, run.report);
  } catch (const std::exception& wrong) {
    return Error{ErrorCode::kCorrupt, true, path + ": " + printable(wrong.what())};
  }
  Result<HistoryFile> history = read_history(dir + "/history.jsonl");
  if (!history) return history.error();
  run.history = std::move(history->ops);
  run.torn = history->torn;
  run.report.history = run.history;
  return run;
}

}  // namespace ww::reports
