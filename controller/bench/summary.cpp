// What the rounds of a benchmark say, without running any.
#include <algorithm>
#include <cmath>
#include <optional>

#include "base/assert.hpp"
#include "base/rng.hpp"
#include "controller/bench/bench_run.hpp"
#include "controller/bench/bootstrap.hpp"
#include "controller/bench/targets.hpp"
#include "reports/format.hpp"

namespace ww::bench {

namespace {

reports::BenchEstimate told(const Estimate& e) {
  return {e.value, e.low, e.high};
}

double whole_throughput(const reports::BenchRound& round) {
  return round.throughput;
}

double phase_throughput(const reports::BenchRound& round, std::size_t phase) {
  return round.fault ? round.fault->phases.at(phase).throughput : 0;
}

/// What `of` says of each round of a variant.
template <class Of>
auto each_round(const reports::BenchReport& report, const std::string& label, bool again, Of of) {
  std::vector<decltype(of(report.rounds.front()))> out;
  for (const auto& round : report.rounds) {
    if (round.label == label && round.again == again) out.push_back(of(round));
  }
  return out;
}

std::vector<double> throughputs(const reports::BenchReport& report, const std::string& label,
                                bool again) {
  return each_round(report, label, again, whole_throughput);
}

/// By block, above and below. A block without a throughput below says nothing about a ratio.
template <class Of>
Estimate block_ratio(const reports::BenchReport& report, const std::string& above, bool above_again,
                     const std::string& below, std::uint64_t seed, Of of) {
  std::vector<std::pair<double, double>> blocks;
  for (const auto& a : report.rounds) {
    if (a.label != above || a.again != above_again) continue;
    for (const auto& b : report.rounds) {
      if (b.block != a.block || b.label != below || b.again || of(b) <= 0) continue;
      blocks.emplace_back(of(a), of(b));
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

/// The mean of before and after; 0 where so many loops were not measured.
Duration median_of_loops(const reports::BenchReport& report, std::uint32_t writers) {
  for (const auto& loops : report.sync_loops) {
    if (loops.writers == writers) return Duration{(loops.before.median + loops.after.median) / 2};
  }
  return Duration{};
}

/// A lone writer that is clearly slower than several at once does not measure the disk.
void warn_of_slow_loop(reports::BenchReport& report) {
  const Duration alone = median_of_loops(report, 1);
  for (const auto& loops : report.sync_loops) {
    const Duration together = median_of_loops(report, loops.writers);
    if (loops.writers == 1 || together == Duration{} || alone <= together * 5 / 4) continue;
    report.warnings.push_back(
        "one bare loop alone synced in " + reports::duration_text(to_ns(alone)) + ", " +
        std::to_string(loops.writers) + " at once in " + reports::duration_text(to_ns(together)) +
        ": the machine does other things, and targets by t say little");
    return;
  }
}

/// Of all rounds whose syncs were not made longer.
reports::BenchSync syncs_of_nodes(const BenchPlan& plan, const reports::BenchReport& report) {
  std::vector<std::int64_t> medians;
  double sum = 0;
  double syncs = 0;
  for (const auto& round : report.rounds) {
    const bool floored =
        std::any_of(plan.variants.begin(), plan.variants.end(), [&round](const Variant& v) {
          return v.label == round.label && v.settings.fsync_floor > Duration{};
        });
    if (floored || round.syncs == 0) continue;
    medians.push_back(round.sync_median);
    syncs += static_cast<double>(round.syncs);
    sum += static_cast<double>(round.sync_mean) * static_cast<double>(round.syncs);
  }
  if (medians.empty()) return {};
  return {median(std::move(medians)), std::llround(sum / syncs)};
}

reports::BenchOutage outage_of(const std::vector<std::optional<std::int64_t>>& times,
                               std::uint64_t seed) {
  reports::BenchOutage out;
  std::vector<double> reached;
  for (const auto& t : times) {
    if (!t) continue;
    reached.push_back(static_cast<double>(*t));
    out.worst = std::max(out.worst, *t);
  }
  out.reached = static_cast<std::uint32_t>(reached.size());
  if (!reached.empty()) out.mean = told(mean_of(reached, seed));
  return out;
}

/// What the variant's rounds say of its faults; their latencies are there.
void summarize_faults(const reports::BenchReport& report, std::uint64_t seed,
                      reports::BenchVariant& variant) {
  const auto all = each_round(report, variant.label, variant.again,
                              [](const reports::BenchRound& r) { return *r.fault; });
  reports::BenchFaultSummary& out = *variant.faults;
  out.rounds = static_cast<std::uint32_t>(all.size());
  for (std::size_t i = 0; i < out.throughput.size(); ++i) {
    std::vector<double> throughputs;
    for (const auto& fault : all) {
      const reports::BenchPhase& phase = fault.phases[i];
      throughputs.push_back(phase.throughput);
      out.sums[i].operations += phase.operations;
      out.sums[i].unanswered += phase.unanswered;
      out.sums[i].refused += phase.refused;
      out.sums[i].lost += phase.lost;
    }
    out.throughput[i] = told(mean_of(throughputs, seed));
  }
  std::vector<std::optional<std::int64_t>> unavailable;
  std::vector<std::optional<std::int64_t>> from_injection;
  std::vector<std::optional<std::int64_t>> from_heal;
  for (const auto& fault : all) {
    unavailable.push_back(fault.unavailable);
    from_injection.push_back(fault.from_injection);
    from_heal.push_back(fault.from_heal);
    out.steady += fault.steady / static_cast<double>(all.size());
  }
  out.unavailable = outage_of(unavailable, seed);
  out.from_injection = outage_of(from_injection, seed);
  out.from_heal = outage_of(from_heal, seed);
}

/// What makes the variant's times to recovery hard to believe.
void warn_of_noise(const reports::BenchVariant& variant, std::vector<std::string>& warnings) {
  constexpr double kSteadyEnough = 0.7;
  const double steady = variant.faults->steady;
  if (variant.again || steady >= kSteadyEnough) return;
  warnings.push_back(variant.label + ": only " + std::to_string(std::lround(steady * 100)) +
                     " % of the healthy slices reach 90 % of their median, so that times to "
                     "recovery hold much noise");
}

/// Of a time of each round. Nothing where one is missing, or there is none to divide by.
std::optional<reports::BenchEstimate> time_ratio(
    const reports::BenchReport& report, const reports::BenchRatio& ratio, bool again,
    std::uint64_t seed, std::optional<std::int64_t> reports::BenchFault::*time) {
  const auto is_there = [](const std::optional<std::int64_t>& t) { return t.has_value(); };
  const auto is_some = [](const std::optional<std::int64_t>& t) { return t && *t > 0; };
  const auto of = [time](const reports::BenchRound& r) { return *r.fault.*time; };
  const auto above = each_round(report, ratio.above, again, of);
  const auto below = each_round(report, ratio.below, false, of);
  if (!std::all_of(above.begin(), above.end(), is_there)) return {};
  if (!std::all_of(below.begin(), below.end(), is_some)) return {};
  const auto ns = [&of](const reports::BenchRound& r) { return static_cast<double>(*of(r)); };
  return told(block_ratio(report, ratio.above, again, ratio.below, seed, ns));
}

/// Ratios of what the throughput of a round does not hold: the other phases, and the times.
void add_fault_ratios(const reports::BenchReport& report, std::uint64_t seed, bool again,
                      reports::BenchRatio& ratio) {
  const auto of_phase = [&](std::size_t phase) -> std::optional<reports::BenchEstimate> {
    const auto of = [phase](const reports::BenchRound& r) { return phase_throughput(r, phase); };
    const auto below = each_round(report, ratio.below, false, of);
    if (std::any_of(below.begin(), below.end(), [](double x) { return x <= 0; })) return {};
    return told(block_ratio(report, ratio.above, again, ratio.below, seed, of));
  };
  ratio.faulty = of_phase(1);
  ratio.recovery = of_phase(2);
  const auto of_time = [&](std::optional<std::int64_t> reports::BenchFault::*time) {
    return time_ratio(report, ratio, again, seed, time);
  };
  ratio.unavailable = of_time(&reports::BenchFault::unavailable);
  ratio.from_injection = of_time(&reports::BenchFault::from_injection);
  ratio.from_heal = of_time(&reports::BenchFault::from_heal);
}

std::string unit_of(const std::vector<Variant>& variants) {
  const auto share = [](const Variant& v) { return v.settings.read_share; };
  const std::uint32_t first = share(variants.front());
  for (const Variant& v : variants) {
    if (share(v) != first) return "ops/s";
  }
  return first == 0 ? "writes/s" : first == 100 ? "reads/s" : "ops/s";
}

/// Nothing where a round of the baseline had none to divide by.
std::optional<reports::BenchEstimate> phase_change(const std::vector<double>& now,
                                                   const std::vector<double>& before,
                                                   std::uint64_t seed) {
  if (std::any_of(before.begin(), before.end(), [](double x) { return x <= 0; })) return {};
  return told(ratio_of(now, before, seed));
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
    if (shown.faults) {
      summarize_faults(report, plan.seed, shown);
      warn_of_noise(shown, report.warnings);
    }
    report.open_loop = report.open_loop || settings.rate > 0;
    if (shown.again) continue;
    const SyncMedians sync{median_of_loops(report, settings.nodes), median_of_loops(report, 1)};
    shown.target = target_of(settings, sync, report.in_memory);
  }
  report.sync_nodes = syncs_of_nodes(plan, report);
  warn_of_slow_loop(report);
  const Variant& last = plan.variants.back();
  for (const Variant& v : plan.variants) {
    if (&v == &last) break;
    auto& ratio = report.ratios.emplace_back();
    ratio.above = v.label;
    ratio.below = last.label;
    ratio.ratio =
        told(block_ratio(report, v.label, false, last.label, plan.seed, whole_throughput));
    ratio.target = ratio_target_of(v.settings, last.settings);
    if (report.faults) add_fault_ratios(report, plan.seed, false, ratio);
  }
  const std::string& first = plan.variants.front().label;
  report.noise.above = report.noise.below = first;
  report.noise.ratio = told(block_ratio(report, first, true, first, plan.seed, whole_throughput));
  if (report.faults) add_fault_ratios(report, plan.seed, true, report.noise);
}

std::vector<reports::BenchSamples> samples_of(const reports::BenchReport& report) {
  std::vector<reports::BenchSamples> out;
  for (const auto& v : report.variants) {
    if (v.again) continue;
    auto& samples = out.emplace_back();
    samples.label = v.label;
    samples.settings = v.settings;
    samples.throughputs = throughputs(report, v.label, false);
    samples.faults = report.faults;
    if (!report.faults) continue;
    const auto of_phase = [&](std::size_t phase) {
      return each_round(report, v.label, false, [phase](const reports::BenchRound& r) {
        return phase_throughput(r, phase);
      });
    };
    samples.faulty = of_phase(1);
    samples.recovery = of_phase(2);
  }
  return out;
}

std::vector<reports::BenchRatio> changes(const std::vector<reports::BenchSamples>& now,
                                         const std::vector<reports::BenchSamples>& before,
                                         std::uint64_t seed, std::vector<std::string>& warnings) {
  std::vector<reports::BenchRatio> out;
  bool other_faults = false;
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
    auto& change = out.emplace_back();
    change.above = a.label;
    change.below = "baseline";
    change.ratio = told(ratio_of(a.throughputs, b->throughputs, seed));
    other_faults = other_faults || a.faults != b->faults;
    if (!a.faults || a.faults != b->faults) continue;
    change.faulty = phase_change(a.faulty, b->faulty, seed);
    change.recovery = phase_change(a.recovery, b->recovery, seed);
    if (!change.faulty || !change.recovery) {
      warnings.push_back("'" + a.label + "' had no throughput in a phase of some round of the " +
                         "baseline; that phase is not compared");
    }
  }
  if (other_faults) {
    warnings.emplace_back(
        "the baseline had other faults, or none: only healthy phases are compared");
  }
  for (const reports::BenchSamples& b : before) {
    if (find(now, b.label) == nullptr) warnings.push_back("'" + b.label + "' was not measured");
  }
  return out;
}

std::vector<std::string> regressions(const reports::BenchRatio& change) {
  std::vector<std::string> out;
  if (change.ratio.high < 1) out.push_back(change.above);
  const std::pair<const std::optional<reports::BenchEstimate>*, std::size_t> phases[] = {
      {&change.faulty, 1}, {&change.recovery, 2}};
  for (const auto& [estimate, phase] : phases) {
    if (!*estimate || (*estimate)->high >= 1) continue;
    out.push_back(change.above + " in the " + std::string(reports::kBenchPhases[phase]) + " phase");
  }
  return out;
}

}  // namespace ww::bench
