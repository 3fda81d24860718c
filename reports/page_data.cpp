#include "reports/page_data.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/bytes.hpp"
#include "reports/format.hpp"

namespace ww::reports {

namespace {

using Json = nlohmann::ordered_json;

/// Small numbers of either sign are short.
std::uint64_t zigzag(std::int64_t v) {
  return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}

/// The difference as the two's complement has it: never undefined, and short when it is small.
std::uint64_t zigzag_difference(std::uint64_t now, std::uint64_t before) {
  return zigzag(static_cast<std::int64_t>(now - before));
}

class Column {
 public:
  void put(std::uint64_t v) { ByteWriter(bytes_).varint(v); }
  [[nodiscard]] std::string text() const { return base64(bytes_); }

 private:
  std::string bytes_;
};

/// Texts by number, each kept once; 0 is the empty one.
class Dictionary {
 public:
  Dictionary() { number_of(""); }
  std::uint64_t number_of(const std::string& text) {
    const auto [at, added] = numbers_.try_emplace(text, texts_.size());
    if (added) texts_.push_back(valid_utf8(text));
    return at->second;
  }
  [[nodiscard]] Json json() const { return Json(texts_); }

 private:
  std::unordered_map<std::string, std::uint64_t> numbers_;  // looked up only
  std::vector<std::string> texts_;
};

Json names_of_funcs() {
  Json out = Json::array();
  for (int f = 0; f <= static_cast<int>(Func::kNemesis); ++f) {
    out.push_back(std::string(name_of(static_cast<Func>(f))));
  }
  return out;
}

Json ops_json(std::span<const Op> history, std::span<const OpPair> pairs) {
  Column index, lines, start, length, kind, process, key, text, error, node, at, term;
  Dictionary texts;
  Dictionary errors;
  std::uint64_t last_index = 0;
  std::uint64_t last_at = 0;
  std::int64_t last_start = 0;
  for (const OpPair& pair : pairs) {
    const Op& invoke = history[pair.invoke];
    const bool open = pair.complete == kOpen;
    const Op& done = open ? invoke : history[pair.complete];
    const unsigned outcome = open || done.type == OpType::kInfo ? 2U
                             : done.type == OpType::kFail       ? 1U
                                                                : 0U;
    index.put(invoke.index - last_index);
    lines.put(open ? 0 : done.index - invoke.index);
    start.put(zigzag(invoke.time - last_start));
    length.put(open ? 0 : static_cast<std::uint64_t>(done.time - invoke.time) + 1);
    kind.put(static_cast<unsigned>(invoke.f) * 4U + outcome);
    process.put(zigzag(invoke.process));
    // 0 stands for every key.
    key.put(invoke.key == kEveryKey ? 0 : invoke.key + 1);
    text.put(texts.number_of(op_text(done)));
    error.put(errors.number_of(done.error));
    node.put((done.node == kNobody ? invoke.node : done.node).value);
    at.put(done.at.index == 0 ? 0 : zigzag_difference(done.at.index, last_at) + 1);
    term.put(done.at.term);
    last_index = invoke.index;
    last_start = invoke.time;
    if (done.at.index != 0) last_at = done.at.index;
  }
  Json out;
  out["count"] = pairs.size();
  out["fs"] = names_of_funcs();
  out["texts"] = texts.json();
  out["errors"] = errors.json();
  out["columns"] = {{"index", index.text()},   {"lines", lines.text()}, {"start", start.text()},
                    {"length", length.text()}, {"kind", kind.text()},   {"process", process.text()},
                    {"key", key.text()},       {"text", text.text()},   {"error", error.text()},
                    {"node", node.text()},     {"at", at.text()},       {"term", term.text()}};
  return out;
}

Json optional_time(const std::optional<std::int64_t>& time) {
  return time ? Json(*time) : Json(nullptr);
}

Json faults_json(const RunReport& report) {
  Json out = Json::array();
  for (const FaultRow& fault : report.faults) {
    if (!fault.injected_at) continue;
    Json nodes = Json::array();
    for (const NodeId node : fault.nodes) nodes.push_back(node.value);
    out.push_back({{"id", fault.id},
                   {"kind", fault.kind},
                   {"text", fault.description},
                   {"nodes", nodes},
                   {"from", *fault.injected_at},
                   {"to", optional_time(fault.healed_at)},
                   {"effective", fault.effective},
                   {"evidence", fault.evidence}});
  }
  return out;
}

Json cluster_json(const RunReport& report) {
  Json roles = Json::array();
  for (const RoleSpan& span : report.roles) {
    roles.push_back({span.node.value, span.from, span.to, static_cast<int>(span.role), span.term});
  }
  Json outages = Json::array();
  for (const OutageSpan& span : report.outages) {
    outages.push_back(
        {span.node.value, span.from, span.to, static_cast<int>(span.outage), span.cause});
  }
  Json stalls = Json::array();
  for (const MachineStall& stall : report.stalls) {
    stalls.push_back({stall.time, stall.duration, stall.what});
  }
  return {{"nodes", report.nodes}, {"roles", roles}, {"outages", outages}, {"stalls", stalls}};
}

Json violations_json(const RunReport& report) {
  Json out = Json::array();
  for (const CheckResult& check : report.checks) {
    for (const Violation& violation : check.violations) {
      std::int64_t from = violation.time;
      std::int64_t to = violation.time;
      Json ops = Json::array();
      for (const Op& op : violation.witness) {
        from = std::min(from, op.time);
        to = std::max(to, op.time);
        ops.push_back(op.index);
      }
      out.push_back({{"property", violation.property},
                     {"summary", violation.summary},
                     {"time", violation.time},
                     {"from", from},
                     {"to", to},
                     {"nodes", violation.nodes},
                     {"ops", ops}});
    }
  }
  return out;
}

}  // namespace

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t b = 0; b < 3; ++b) {
      group = group << 8 | (b < n ? static_cast<unsigned char>(bytes[i + b]) : 0U);
    }
    for (std::size_t d = 0; d < 4; ++d) {
      out += d <= n ? kDigits[group >> (18 - 6 * d) & 63U] : '=';
    }
  }
  return out;
}

std::string page_data(const RunReport& report, std::span<const OpPair> pairs) {
  std::int64_t end = report.duration;
  if (!report.history.empty()) end = std::max(end, report.history.back().time);
  for (const RoleSpan& span : report.roles) end = std::max(end, span.to);
  Json out;
  out["end"] = end;
  out["phases"] = {{"torture", optional_time(report.phases.torture_end)},
                   {"healed", optional_time(report.phases.healed)},
                   {"recovered", optional_time(report.phases.recovered)}};
  out["kinds"] = Json::array();
  for (const FaultKindSummary& s : summarise_faults(report)) out["kinds"].push_back(s.kind);
  out["faults"] = faults_json(report);
  out["cluster"] = cluster_json(report);
  out["violations"] = violations_json(report);
  out["ops"] = ops_json(report.history, pairs);
  const std::string json = out.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string safe;
  safe.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

}  // namespace ww::reports
