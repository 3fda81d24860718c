// bench.json and bench.csv: a benchmark for programs, and for a later comparison.

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "reports/bench_report.hpp"

namespace ww::reports {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSchema = "whitewater.bench";
constexpr int kVersion = 1;

Json json_of(const BenchEstimate& e) {
  return {{"value", e.value}, {"low", e.low}, {"high", e.high}};
}

Json json_of(const BenchLatency& l) {
  return {{"p50", l.p50}, {"p90", l.p90}, {"p99", l.p99}, {"p99.9", l.p999}, {"max", l.max}};
}

Json json_of(const std::optional<BenchTarget>& target) {
  if (!target) return nullptr;
  return {{"least", target->least}, {"formula", target->formula}};
}

Json json_of(const std::vector<Fact>& facts) {
  Json out = Json::object();
  for (const Fact& fact : facts) out[fact.name] = fact.value;
  return out;
}

Json json_of(const BenchRatio& r) {
  return {{"above", r.above},
          {"below", r.below},
          {"ratio", json_of(r.ratio)},
          {"target", json_of(r.target)}};
}

Json json_of(const BenchRound& r) {
  return {{"variant", r.label},
          {"again", r.again},
          {"block", r.block},
          {"place", r.place},
          {"seed", std::to_string(r.seed)},
          {"seconds", r.seconds},
          {"warm_up", r.warm_up},
          {"operations", r.operations},
          {"reads", r.reads},
          {"retries", r.retries},
          {"unfinished", r.unfinished},
          {"throughput", r.throughput},
          {"latency_ns", json_of(r.latency)},
          {"syncs", r.syncs},
          {"sync_median_ns", r.sync_median},
          {"sync_p99_ns", r.sync_p99},
          {"nodes_cores", r.nodes_cores},
          {"clients_cores", r.clients_cores},
          {"harness_cores", r.harness_cores},
          {"slices_100ms", r.slices}};
}

Json json_of(const BenchVariant& v) {
  return {{"label", v.label},
          {"again", v.again},
          {"settings", json_of(v.settings)},
          {"throughput", json_of(v.throughput)},
          {"latency_ns", json_of(latency_of(v.latency))},
          {"target", json_of(v.target)}};
}

template <class T>
Json list_of(const std::vector<T>& items) {
  Json out = Json::array();
  for (const T& item : items) out.push_back(json_of(item));
  return out;
}

/// A CSV field as RFC 4180 has it.
std::string field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string decimal(double x) {
  char text[48];
  std::snprintf(text, sizeof(text), "%.3f", x);
  return text;
}

}  // namespace

BenchLatency latency_of(const Histogram& h) {
  const auto at = [&h](double q) { return to_ns(h.quantile(q)); };
  return {at(0.5), at(0.9), at(0.99), at(0.999), to_ns(h.max())};
}

std::string bench_json(const BenchReport& report) {
  Json conditions = Json::array();
  for (const BenchCondition& c : report.conditions) {
    conditions.push_back({{"fail_if", c.text}, {"holds", c.holds}, {"where", c.where}});
  }
  const Json json = {{"schema", kSchema},
                     {"v", kVersion},
                     {"started", report.started},
                     {"command", report.command},
                     {"seed", std::to_string(report.seed)},
                     {"exit", report.exit_code},
                     {"cause", report.cause},
                     {"unit", report.unit},
                     {"open_loop", report.open_loop},
                     {"in_memory", report.in_memory},
                     {"sync_before_ns", report.sync_before},
                     {"sync_after_ns", report.sync_after},
                     {"sync_nodes_ns", report.sync_nodes},
                     {"variants", list_of(report.variants)},
                     {"ratios", list_of(report.ratios)},
                     {"noise", json_of(report.noise)},
                     {"conditions", conditions},
                     {"baseline", report.baseline},
                     {"changes", list_of(report.changes)},
                     {"setup", json_of(report.setup)},
                     {"warnings", report.warnings},
                     {"rounds", list_of(report.rounds)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string bench_csv(const BenchReport& report) {
  std::string out =
      "place,block,variant,again,seed,seconds,operations,reads,throughput,p50_ns,p90_ns,p99_ns,"
      "p99.9_ns,max_ns,retries,unfinished,syncs,sync_median_ns,sync_p99_ns,nodes_cores,"
      "clients_cores,harness_cores\r\n";
  for (const BenchRound& r : report.rounds) {
    const std::string fields[] = {std::to_string(r.place),
                                  std::to_string(r.block),
                                  field(r.label),
                                  r.again ? "1" : "0",
                                  std::to_string(r.seed),
                                  decimal(r.seconds),
                                  std::to_string(r.operations),
                                  std::to_string(r.reads),
                                  decimal(r.throughput),
                                  std::to_string(r.latency.p50),
                                  std::to_string(r.latency.p90),
                                  std::to_string(r.latency.p99),
                                  std::to_string(r.latency.p999),
                                  std::to_string(r.latency.max),
                                  std::to_string(r.retries),
                                  std::to_string(r.unfinished),
                                  std::to_string(r.syncs),
                                  std::to_string(r.sync_median),
                                  std::to_string(r.sync_p99),
                                  decimal(r.nodes_cores),
                                  decimal(r.clients_cores),
                                  decimal(r.harness_cores)};
    std::string line;
    for (const std::string& f : fields) line += (line.empty() ? "" : ",") + f;
    out += line + "\r\n";
  }
  return out;
}

Result<std::vector<BenchSamples>> parse_bench(std::string_view text, const std::string& path) {
  const auto bad = [&path](const std::string& why) {
    return Error{ErrorCode::kCorrupt, true, path + ": " + why};
  };
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) return bad("it is not JSON");
  try {
    if (json.at("schema") != kSchema) return bad("it is no bench.json");
    if (json.at("v") != kVersion)
      return bad("it has another version than " + std::to_string(kVersion));
    std::vector<BenchSamples> out;
    for (const Json& variant : json.at("variants")) {
      if (variant.at("again").get<bool>()) continue;
      BenchSamples& samples = out.emplace_back();
      samples.label = variant.at("label").get<std::string>();
      for (const auto& [name, value] : variant.at("settings").items()) {
        samples.settings.push_back({name, value.get<std::string>()});
      }
      for (const Json& round : json.at("rounds")) {
        if (round.at("variant") != samples.label || round.at("again").get<bool>()) continue;
        samples.throughputs.push_back(round.at("throughput").get<double>());
      }
      const auto& t = samples.throughputs;
      if (t.empty() || std::any_of(t.begin(), t.end(), [](double x) { return !(x > 0); })) {
        return bad("'" + samples.label + "' has no throughput in some round");
      }
    }
    if (out.empty()) return bad("there is no variant in it");
    return out;
  } catch (const Json::exception& e) {
    return bad(e.what());
  }
}

}  // namespace ww::reports
