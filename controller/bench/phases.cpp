#include "controller/bench/phases.hpp"

#include <algorithm>
#include <optional>
#include <span>

#include "base/assert.hpp"

namespace ww::bench {

namespace {

constexpr std::size_t kHealthy = 0;
constexpr std::size_t kFaulty = 1;
constexpr std::size_t kRecovery = 2;

double per_second(std::uint64_t n, Duration length) {
  return static_cast<double>(n) / (static_cast<double>(length.count()) * 1e-9);
}

/// The phase of an instant.
std::optional<std::size_t> phase_at(const PhaseMarks& m, Instant t) {
  if (t < m.begin || t >= m.end) return std::nullopt;
  return t < m.injected ? kHealthy : t < m.healed ? kFaulty : kRecovery;
}

/// The phase of an operation. One that was never acknowledged ends after everything.
std::optional<std::size_t> phase_of(const PhaseMarks& m, Instant begun, Instant ended) {
  if (begun < m.injected && ended >= m.injected) return kFaulty;
  return phase_at(m, begun);
}

/// Acknowledged in each whole slice of [from, to).
std::vector<std::uint64_t> slices_of(std::span<const OperationLog::Done> done, Instant from,
                                     Instant to) {
  std::vector<std::uint64_t> out(static_cast<std::size_t>((to - from) / kPhaseSlice));
  for (const OperationLog::Done& d : done) {
    if (d.ended < from) continue;
    const auto slice = static_cast<std::size_t>((d.ended - from) / kPhaseSlice);
    if (slice < out.size()) ++out[slice];
  }
  return out;
}

double median(std::vector<std::uint64_t> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return static_cast<double>(values[middle]);
  return static_cast<double>(values[middle - 1] + values[middle]) / 2;
}

/// Where the first kSlicesBack slices in a row with `least` each begin, in ns after the first.
std::optional<std::int64_t> back_after(const std::vector<std::uint64_t>& slices, double least) {
  std::uint32_t in_a_row = 0;
  for (std::size_t i = 0; i < slices.size(); ++i) {
    in_a_row = static_cast<double>(slices[i]) >= least ? in_a_row + 1 : 0;
    if (in_a_row < kSlicesBack) continue;
    return to_ns(kPhaseSlice) * static_cast<std::int64_t>(i + 1 - kSlicesBack);
  }
  return std::nullopt;
}

void tell_recovery(const OperationLog& log, const PhaseMarks& m, reports::BenchFault& out) {
  // Aligned to the injection, so that no slice holds both.
  const Duration whole = (m.injected - m.begin) / kPhaseSlice * kPhaseSlice;
  const auto healthy = slices_of(log.done, m.injected - whole, m.injected);
  const double usual = median(healthy);
  out.healthy_median = per_second(1, kPhaseSlice) * usual;
  if (usual <= 0) return;
  const double least = kShareBack * usual;
  const auto steady = std::count_if(healthy.begin(), healthy.end(), [least](std::uint64_t n) {
    return static_cast<double>(n) >= least;
  });
  out.steady = static_cast<double>(steady) / static_cast<double>(healthy.size());
  out.from_injection = back_after(slices_of(log.done, m.injected, m.end), least);
  out.from_heal = back_after(slices_of(log.done, m.healed, m.end), least);
}

}  // namespace

PhasesTold tell_phases(const OperationLog& log, const PhaseMarks& m) {
  WW_ASSERT(
      m.begin < m.injected && m.injected <= m.seen && m.injected < m.healed && m.healed < m.end,
      "phases out of order");
  PhasesTold out;
  auto& phases = out.fault.phases;
  const std::array<Duration, 3> lengths = {m.injected - m.begin, m.healed - m.injected,
                                           m.end - m.healed};
  for (const OperationLog::Done& d : log.done) {
    if (const auto in = phase_at(m, d.ended)) ++phases[*in].operations;
    if (const auto in = phase_of(m, d.begun, d.ended)) out.latencies[*in].record(d.ended - d.begun);
    if (d.begun < m.seen) continue;
    const std::int64_t after = to_ns(d.ended - m.injected);
    auto& first = out.fault.unavailable;
    if (!first || after < *first) first = after;
  }
  for (const Instant begun : log.unanswered) {
    const auto in = phase_of(m, begun, Instant::max());
    if (!in) continue;
    ++phases[*in].unanswered;
    out.latencies[*in].record(log.given_up - begun);
  }
  for (const Instant at : log.refused) {
    if (const auto in = phase_at(m, at)) ++phases[*in].refused;
  }
  for (const Instant at : log.lost) {
    if (const auto in = phase_at(m, at)) ++phases[*in].lost;
  }
  for (std::size_t i = 0; i < phases.size(); ++i) {
    phases[i].seconds = static_cast<double>(lengths[i].count()) * 1e-9;
    phases[i].throughput = per_second(phases[i].operations, lengths[i]);
    phases[i].latency = reports::latency_of(out.latencies[i]);
  }
  out.fault.seen_after = to_ns(m.seen - m.injected);
  tell_recovery(log, m, out.fault);
  return out;
}

}  // namespace ww::bench
