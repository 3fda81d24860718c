#include "controller/bench/condition.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/run/test_spec.hpp"
#include "reports/format.hpp"

namespace ww::bench {

namespace {

constexpr std::array<std::pair<std::string_view, Metric>, 14> kMetrics = {{
    {"ratio", Metric::kRatio},
    {"throughput", Metric::kThroughput},
    {"p50", Metric::kP50},
    {"p90", Metric::kP90},
    {"p99", Metric::kP99},
    {"p99.9", Metric::kP999},
    {"max", Metric::kMax},
    {"target", Metric::kTarget},
    {"unavailable", Metric::kUnavailable},
    {"recovery", Metric::kRecovery},
    {"recovery-from-injection", Metric::kRecoveryFromInjection},
    {"faulty-throughput", Metric::kFaultyThroughput},
    {"recovery-throughput", Metric::kRecoveryThroughput},
    {"unanswered", Metric::kUnanswered},
}};

bool is_latency(Metric metric) {
  return metric >= Metric::kP50 && metric <= Metric::kMax;
}

bool is_time(Metric metric) {
  return is_latency(metric) || metric == Metric::kUnavailable || metric == Metric::kRecovery ||
         metric == Metric::kRecoveryFromInjection;
}

Error malformed(const std::string& text) {
  std::string known;
  for (const auto& [name, metric] : kMetrics) {
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  return {
      ErrorCode::kUsage, true,
      "--fail-if: '" + text + "' is not a condition; write ratio<10 or p99>5ms (" + known + ")"};
}

Result<double> parse_bound(Metric metric, const std::string& text) {
  if (is_time(metric)) {
    const auto duration = run::parse_duration(text);
    if (!duration) return duration.error();
    return static_cast<double>(duration->count());
  }
  double bound = 0;
  const char* const end = text.data() + text.size();
  const auto [at, ec] = std::from_chars(text.data(), end, bound);
  if (ec != std::errc{} || at != end) return Error{ErrorCode::kUsage, true, "no number"};
  return bound;
}

/// A value and whose it is.
struct Subject {
  std::string name;
  double value = 0;
};

double latency(const Histogram& histogram, Metric metric) {
  const double q = metric == Metric::kP50   ? 0.5
                   : metric == Metric::kP90 ? 0.9
                   : metric == Metric::kP99 ? 0.99
                                            : 0.999;
  const Duration d = metric == Metric::kMax ? histogram.max() : histogram.quantile(q);
  return static_cast<double>(d.count());
}

/// A time that a round never reached is longer than any.
double mean_time(const reports::BenchOutage& outage, std::uint32_t rounds) {
  return outage.reached < rounds ? std::numeric_limits<double>::infinity() : outage.mean.value;
}

double of_faults(const reports::BenchFaultSummary& faults, Metric metric) {
  switch (metric) {
    case Metric::kUnavailable:
      return mean_time(faults.unavailable, faults.rounds);
    case Metric::kRecovery:
      return mean_time(faults.from_heal, faults.rounds);
    case Metric::kRecoveryFromInjection:
      return mean_time(faults.from_injection, faults.rounds);
    case Metric::kFaultyThroughput:
      return faults.throughput[1].value;
    case Metric::kRecoveryThroughput:
      return faults.throughput[2].value;
    default:
      break;
  }
  double unanswered = 0;
  for (const auto& phase : faults.sums) unanswered += static_cast<double>(phase.unanswered);
  return unanswered;
}

std::string value_told(Metric metric, double value) {
  if (std::isinf(value)) return "never, in some round";
  return is_time(metric) ? reports::duration_text(static_cast<std::int64_t>(value))
                         : reports::number_text(value);
}

std::vector<Subject> subjects_of(Metric metric, const reports::BenchReport& report) {
  std::vector<Subject> out;
  if (metric == Metric::kRatio || metric == Metric::kTarget) {
    for (const auto& r : report.ratios) {
      const std::string name = r.above + " / " + r.below;
      if (metric == Metric::kRatio) {
        out.push_back({name, r.ratio.value});
      } else if (r.target) {
        out.push_back({name, r.ratio.value / r.target->least});
      }
    }
    if (metric == Metric::kRatio) return out;
  }
  for (const auto& v : report.variants) {
    if (v.again) continue;
    if (needs_faults(metric)) {
      if (v.faults) out.push_back({v.label, of_faults(*v.faults, metric)});
    } else if (metric == Metric::kThroughput) {
      out.push_back({v.label, v.throughput.value});
    } else if (is_latency(metric)) {
      out.push_back({v.label, latency(v.latency, metric)});
    } else if (v.target) {
      out.push_back({v.label, v.throughput.value / v.target->least});
    }
  }
  return out;
}

}  // namespace

bool needs_faults(Metric metric) {
  return metric >= Metric::kUnavailable;
}

Result<Condition> parse_condition(const std::string& text) {
  const std::size_t at = text.find_first_of("<>");
  if (at == std::string::npos) return malformed(text);
  Condition out;
  out.text = text;
  out.below = text[at] == '<';
  std::size_t from = at + 1;
  if (from < text.size() && text[from] == '=') {
    out.or_equal = true;
    ++from;
  }
  const auto trimmed = [](std::string part) {
    while (!part.empty() && part.back() == ' ') part.pop_back();
    part.erase(0, part.find_first_not_of(' '));
    return part;
  };
  const std::string name = trimmed(text.substr(0, at));
  const auto* const found = std::find_if(kMetrics.begin(), kMetrics.end(),
                                         [&](const auto& row) { return row.first == name; });
  if (found == kMetrics.end()) return malformed(text);
  out.metric = found->second;
  const auto bound = parse_bound(out.metric, trimmed(text.substr(from)));
  if (!bound) return malformed(text);
  out.bound = *bound;
  return out;
}

reports::BenchCondition judge(const Condition& condition, const reports::BenchReport& report) {
  reports::BenchCondition out{condition.text, false, ""};
  const auto subjects = subjects_of(condition.metric, report);
  if (subjects.empty()) {
    out.holds = true;
    out.where = "there is nothing to compare";
    return out;
  }
  // The one that comes nearest to holding speaks for all.
  const auto worst =
      std::min_element(subjects.begin(), subjects.end(), [&](const Subject& a, const Subject& b) {
        return condition.below ? a.value < b.value : a.value > b.value;
      });
  const double v = worst->value;
  out.holds = (condition.below ? v < condition.bound : v > condition.bound) ||
              (condition.or_equal && v == condition.bound);
  out.where = worst->name + ": " + value_told(condition.metric, v);
  return out;
}

}  // namespace ww::bench
