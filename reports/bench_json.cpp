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
  Json out = Json::object();
  for (const BenchLatencyColumn& column : kLatencyColumns) out[column.name] = l.*column.ns;
  return out;
}

Json json_of(const std::optional<BenchTarget>& target) {
  if (!target) return nullptr;
  Json out = {{"least", target->least}, {"formula", target->formula}};
  if (target->alone) {
    out["alone"] = {{"least", target->alone->least}, {"given", target->alone->given}};
  }
  return out;
}

Json json_of(const std::vector<Fact>& facts) {
  Json out = Json::object();
  for (const Fact& fact : facts) out[fact.name] = fact.value;
  return out;
}

Json json_of(const std::optional<BenchEstimate>& e) {
  return e ? json_of(*e) : Json(nullptr);
}

Json json_of(const std::optional<std::int64_t>& ns) {
  return ns ? Json(*ns) : Json(nullptr);
}

Json json_of(const BenchRatio& r) {
  Json out = {{"above", r.above},
              {"below", r.below},
              {"ratio", json_of(r.ratio)},
              {"target", json_of(r.target)}};
  if (r.faulty) out["faulty"] = json_of(*r.faulty);
  if (r.recovery) out["recovery"] = json_of(*r.recovery);
  if (r.unavailable) out["unavailable"] = json_of(*r.unavailable);
  if (r.from_injection) out["recovered_from_injection"] = json_of(*r.from_injection);
  if (r.from_heal) out["recovered_from_heal"] = json_of(*r.from_heal);
  return out;
}

Json json_of(const BenchFault& f) {
  Json phases = Json::object();
  for (std::size_t i = 0; i < kBenchPhases.size(); ++i) {
    const BenchPhase& p = f.phases[i];
    phases[std::string(kBenchPhases[i])] = {
        {"seconds", p.seconds},       {"operations", p.operations},
        {"throughput", p.throughput}, {"latency_ns", json_of(p.latency)},
        {"refused", p.refused},       {"lost", p.lost},
        {"unanswered", p.unanswered}};
  }
  return {{"node", f.node},
          {"leader", f.leader},
          {"term", f.term},
          {"leader_at_end", f.leader_then},
          {"term_at_end", f.term_then},
          {"injected_at", f.injected_at},
          {"healed_at", f.healed_at},
          {"seen_after_ns", f.seen_after},
          {"serving_after_ns", f.serving_after},
          {"unavailable_ns", json_of(f.unavailable)},
          {"recovered_from_injection_ns", json_of(f.from_injection)},
          {"recovered_from_heal_ns", json_of(f.from_heal)},
          {"healthy_median", f.healthy_median},
          {"steady", f.steady},
          {"phases", phases}};
}

Json json_of(const BenchOutage& o, std::uint32_t rounds) {
  return {{"mean_ns", o.reached > 0 ? json_of(o.mean) : Json(nullptr)},
          {"worst_ns", o.reached > 0 ? Json(o.worst) : Json(nullptr)},
          {"never", rounds - o.reached}};
}

Json json_of(const BenchFaultSummary& f) {
  Json phases = Json::object();
  for (std::size_t i = 0; i < kBenchPhases.size(); ++i) {
    phases[std::string(kBenchPhases[i])] = {{"throughput", json_of(f.throughput[i])},
                                            {"latency_ns", json_of(latency_of(f.latency[i]))},
                                            {"operations", f.sums[i].operations},
                                            {"refused", f.sums[i].refused},
                                            {"lost", f.sums[i].lost},
                                            {"unanswered", f.sums[i].unanswered}};
  }
  return {{"rounds", f.rounds},
          {"unavailable", json_of(f.unavailable, f.rounds)},
          {"recovered_from_injection", json_of(f.from_injection, f.rounds)},
          {"recovered_from_heal", json_of(f.from_heal, f.rounds)},
          {"steady", f.steady},
          {"phases", phases}};
}

Json json_of(const std::optional<BenchFaultPlan>& plan) {
  if (!plan) return nullptr;
  return {{"kind", plan->kind},
          {"fault_ns", plan->length},
          {"recovery_ns", plan->recovery},
          {"attempt_timeout_ns", plan->attempt_timeout}};
}

Json json_of(const BenchRound& r) {
  Json out = {{"variant", r.label},
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
              {"sync_mean_ns", r.sync_mean},
              {"sync_p99_ns", r.sync_p99},
              {"nodes_cores", r.nodes_cores},
              {"clients_cores", r.clients_cores},
              {"harness_cores", r.harness_cores},
              {"slices_100ms", r.slices}};
  if (r.fault) out["fault"] = json_of(*r.fault);
  return out;
}

Json json_of(const BenchVariant& v) {
  Json out = {{"label", v.label},
              {"again", v.again},
              {"settings", json_of(v.settings)},
              {"throughput", json_of(v.throughput)},
              {"latency_ns", json_of(latency_of(v.latency))},
              {"target", json_of(v.target)}};
  if (v.faults) out["faults"] = json_of(*v.faults);
  return out;
}

Json json_of(const BenchSync& sync) {
  return {{"median_ns", sync.median}, {"mean_ns", sync.mean}};
}

Json json_of(const BenchSyncLoops& loops) {
  return {{"writers", loops.writers},
          {"before", json_of(loops.before)},
          {"after", json_of(loops.after)}};
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
                     {"during_faults", json_of(report.faults)},
                     {"in_memory", report.in_memory},
                     {"sync_loops", list_of(report.sync_loops)},
                     {"sync_nodes", json_of(report.sync_nodes)},
                     {"variants", list_of(report.variants)},
                     {"ratios", list_of(report.ratios)},
                     {"noise", json_of(report.noise.ratio)},
                     {"noise_faulty", json_of(report.noise.faulty)},
                     {"noise_recovery", json_of(report.noise.recovery)},
                     {"noise_unavailable", json_of(report.noise.unavailable)},
                     {"noise_recovered_from_injection", json_of(report.noise.from_injection)},
                     {"noise_recovered_from_heal", json_of(report.noise.from_heal)},
                     {"conditions", conditions},
                     {"baseline", report.baseline},
                     {"changes", list_of(report.changes)},
                     {"setup", json_of(report.setup)},
                     {"warnings", report.warnings},
                     {"rounds", list_of(report.rounds)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

namespace {

std::string fault_columns() {
  std::string out =
      ",fault_node,leader,term,leader_at_end,term_at_end,seen_after_ns,serving_after_ns,"
      "unavailable_ns,recovered_from_injection_ns,recovered_from_heal_ns,steady";
  for (const std::string_view phase : kBenchPhases) {
    for (const char* const column :
         {"seconds", "operations", "throughput", "p50_ns", "p90_ns", "p99_ns", "p99.9_ns", "max_ns",
          "refused", "lost", "unanswered"}) {
      out += "," + std::string(phase) + "_" + column;
    }
  }
  return out;
}

/// Empty fields where a time never came.
std::string fault_fields(const BenchFault& f) {
  const auto time = [](const std::optional<std::int64_t>& t) {
    return t ? std::to_string(*t) : std::string();
  };
  std::vector<std::string> fields = {field(f.node),
                                     field(f.leader),
                                     std::to_string(f.term),
                                     field(f.leader_then),
                                     std::to_string(f.term_then),
                                     std::to_string(f.seen_after),
                                     std::to_string(f.serving_after),
                                     time(f.unavailable),
                                     time(f.from_injection),
                                     time(f.from_heal),
                                     decimal(f.steady)};
  for (const BenchPhase& p : f.phases) {
    fields.insert(fields.end(),
                  {decimal(p.seconds), std::to_string(p.operations), decimal(p.throughput),
                   std::to_string(p.latency.p50), std::to_string(p.latency.p90),
                   std::to_string(p.latency.p99), std::to_string(p.latency.p999),
                   std::to_string(p.latency.max), std::to_string(p.refused), std::to_string(p.lost),
                   std::to_string(p.unanswered)});
  }
  std::string out;
  for (const std::string& f_text : fields) out += "," + f_text;
  return out;
}

}  // namespace

std::string bench_csv(const BenchReport& report) {
  std::string out =
      "place,block,variant,again,seed,seconds,operations,reads,throughput,p50_ns,p90_ns,p99_ns,"
      "p99.9_ns,max_ns,retries,unfinished,syncs,sync_median_ns,sync_mean_ns,sync_p99_ns,"
      "nodes_cores,clients_cores,harness_cores";
  out += (report.faults ? fault_columns() : "") + "\r\n";
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
                                  std::to_string(r.sync_mean),
                                  std::to_string(r.sync_p99),
                                  decimal(r.nodes_cores),
                                  decimal(r.clients_cores),
                                  decimal(r.harness_cores)};
    std::string line;
    for (const std::string& f : fields) line += (line.empty() ? "" : ",") + f;
    if (r.fault) line += fault_fields(*r.fault);
    out += line + "\r\n";
  }
  return out;
}

namespace {

/// Nothing in a file without faults, or of before there were any.
std::optional<BenchFaultPlan> faults_in(const Json& json) {
  const auto found = json.find("during_faults");
  if (found == json.end() || found->is_null()) return std::nullopt;
  return BenchFaultPlan{found->at("kind").get<std::string>(),
                        found->at("fault_ns").get<std::int64_t>(),
                        found->at("recovery_ns").get<std::int64_t>(),
                        found->at("attempt_timeout_ns").get<std::int64_t>()};
}

}  // namespace

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
    const std::optional<BenchFaultPlan> faults = faults_in(json);
    std::vector<BenchSamples> out;
    for (const Json& variant : json.at("variants")) {
      if (variant.at("again").get<bool>()) continue;
      BenchSamples& samples = out.emplace_back();
      samples.label = variant.at("label").get<std::string>();
      samples.faults = faults;
      for (const auto& [name, value] : variant.at("settings").items()) {
        samples.settings.push_back({name, value.get<std::string>()});
      }
      for (const Json& round : json.at("rounds")) {
        if (round.at("variant") != samples.label || round.at("again").get<bool>()) continue;
        samples.throughputs.push_back(round.at("throughput").get<double>());
        if (!faults) continue;
        const Json& phases = round.at("fault").at("phases");
        samples.faulty.push_back(phases.at("faulty").at("throughput").get<double>());
        samples.recovery.push_back(phases.at("recovery").at("throughput").get<double>());
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
