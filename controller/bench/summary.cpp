// What the rounds of a benchmark say, without running any.
#include <algorithm>

#include "base/assert.hpp"
#include "base/rng.hpp"
#include "controller/bench/bench_run.hpp"
#include "controller/bench/bootstrap.hpp"
#include "controller/bench/targets.hpp"

namespace ww::bench {

namespace {

reports::BenchEstimate told(const Estimate& e) {
  return {e.value, e.low, e.high};
}

std::vector<double> throughputs(const reports::BenchReport& report, const std::string& label,
                                bool again) {
  std::vector<double> out;
  for (const auto& round : report.rounds) {
    if (round.label == label && round.again == again) out.push_back(round.throughput);
  }
  return out;
}

/// By block, above and below. A block without a throughput below says nothing about a ratio.
Estimate block_ratio(const reports::BenchReport& report, const std::string& above, bool above_again,
                     const std::string& below, std::uint64_t seed) {
  std::vector<std::pair<double, double>> blocks;
  for (const auto& a : report.rounds) {
    if (a.label != above || a.again != above_again) continue;
    for (const auto& b : report.rounds) {
      if (b.block != a.block || b.label != below || b.again || b.throughput <= 0) continue;
      blocks.emplace_back(a.throughput, b.throughput);
    }
  }
  return blocks.empty() ? Estimate{} : paired_ratio(blocks, seed);
}

std::int64_t median(std::vector<std::int64_t> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::string unit_of(const std::vector<Variant>& variants) {
  const auto share = [](const Variant& v) { return v.settings.read_share; };
  const std::uint32_t first = share(variants.front());
  for (const Variant& v : variants) {
    if (share(v) != first) return "ops/s";
  }
  return first == 0 ? "writes/s" : first == 100 ? "reads/s" : "ops/s";
}

const reports::BenchSamples* find(const std::vector<reports::BenchSamples>& all,
                                  const std::string& label) {
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& samples) { return samples.label == label; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

std::vector<Slot> schedule_of(const BenchPlan& plan) {
  std::vector<Slot> out;
  for (std::uint32_t block = 0; block < plan.blocks; ++block) {
    const std::uint64_t seed = key_of(plan.seed, "bench.block", block);
    std::vector<Slot> slots;
    for (std::size_t v = 0; v < plan.variants.size(); ++v) slots.push_back({v, false, block, seed});
    slots.push_back({0, true, block, seed});
    if (block % 2 == 1) std::reverse(slots.begin(), slots.end());
    out.insert(out.end(), slots.begin(), slots.end());
  }
  return out;
}

void summarize(const BenchPlan& plan, reports::BenchReport& report) {
  const Duration sync{(report.sync_before + report.sync_after) / 2};
  std::vector<std::int64_t> medians;
  report.unit = unit_of(plan.variants);
  report.seed = plan.seed;
  for (reports::BenchVariant& shown : report.variants) {
    const auto found = std::find_if(plan.variants.begin(), plan.variants.end(),
                                    [&](const Variant& v) { return v.label == shown.label; });
    WW_ASSERT(found != plan.variants.end(), "a variant that was not asked for");
    const Settings& settings = found->settings;
    shown.settings.clear();
    for (const Dimension& d : dimensions()) shown.settings.push_back({d.name, d.get(settings)});
    shown.throughput = told(mean_of(throughputs(report, shown.label, shown.again), plan.seed));
    report.open_loop = report.open_loop || settings.rate > 0;
    const bool floored = settings.fsync_floor > Duration{};
    std::vector<std::int64_t> own;
    for (const auto& round : report.rounds) {
      if (round.label == shown.label && round.again == shown.again && round.syncs > 0) {
        own.push_back(round.sync_median);
      }
    }
    if (!floored) medians.insert(medians.end(), own.begin(), own.end());
    if (shown.again) continue;
    // Several nodes share a disk and its journal: their syncs may take longer or less than a lone
    // loop's. The shorter one asks for more.
    const bool nodes_are_faster = !own.empty() && Duration{median(own)} < sync;
    shown.target =
        target_of(settings, nodes_are_faster ? Duration{median(own)} : sync, report.in_memory);
  }
  report.sync_nodes = median(std::move(medians));
  const Variant& last = plan.variants.back();
  for (const Variant& v : plan.variants) {
    if (&v == &last) break;
    report.ratios.push_back({v.label, last.label,
                             told(block_ratio(report, v.label, false, last.label, plan.seed)),
                             ratio_target_of(v.settings, last.settings)});
  }
  const std::string& first = plan.variants.front().label;
  report.noise = told(block_ratio(report, first, true, first, plan.seed));
}

std::vector<reports::BenchSamples> samples_of(const reports::BenchReport& report) {
  std::vector<reports::BenchSamples> out;
  for (const auto& v : report.variants) {
    if (v.again) continue;
    out.push_back({v.label, v.settings, throughputs(report, v.label, false)});
  }
  return out;
}

std::vector<reports::BenchRatio> changes(const std::vector<reports::BenchSamples>& now,
                                         const std::vector<reports::BenchSamples>& before,
                                         std::uint64_t seed, std::vector<std::string>& warnings) {
  std::vector<reports::BenchRatio> out;
  for (const reports::BenchSamples& a : now) {
    const reports::BenchSamples* const b = find(before, a.label);
    if (b == nullptr) {
      warnings.push_back("'" + a.label + "' is not in the baseline");
      continue;
    }
    if (a.settings != b->settings) {
      warnings.push_back("'" + a.label + "' was measured with other settings in the baseline");
      continue;
    }
    out.push_back(
        {a.label, "baseline", told(ratio_of(a.throughputs, b->throughputs, seed)), std::nullopt});
  }
  for (const reports::BenchSamples& b : before) {
    if (find(now, b.label) == nullptr) warnings.push_back("'" + b.label + "' was not measured");
  }
  return out;
}

bool is_regression(const reports::BenchRatio& change) {
  return change.ratio.high < 1;
}

}  // namespace ww::bench
