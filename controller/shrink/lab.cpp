#include "controller/shrink/lab.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "controller/cli/exit_codes.hpp"
#include "controller/run/signature.hpp"
#include "controller/shrink/edits.hpp"

namespace ww::shrink {

namespace {

/// How many other networks a plan is tried under: as many as together take so many steps, within
/// bounds. Measured: docs/shrinking.md.
constexpr std::uint64_t kStepsATry = 40'000;

Sighting sighting_of(const run::FinishedRun& done) {
  Sighting out;
  out.executed = done.executed;
  out.steps = done.steps;
  out.deliveries = done.deliveries;
  if (const Violation* violation = run::violation_of(done.report)) {
    const Instant at = instant_at(violation->time);
    const Instant begin = done.torture_begin.value_or(at);
    const auto end = done.report.phases.torture_end;
    if (!end || violation->time <= *end) out.violation = std::max<Duration>(at - begin, Duration{});
    out.witness = violation->witness;
    for (Op& op : out.witness) op.time -= to_ns(begin);
  }
  for (const reports::FaultRow& row : done.report.faults) {
    if (!row.injected_at || !done.torture_begin) continue;
    const std::string id = row.description.substr(0, row.description.find(':'));
    out.strikes[id] = {instant_at(*row.injected_at) - *done.torture_begin, row.nodes};
  }
  return out;
}

}  // namespace

Lab::Lab(const Execute& execute, Budget budget) : execute_(execute), budget_(std::move(budget)) {}

Result<void> Lab::begin(const run::PlanFile& plan) {
  ++executions_;
  auto done = execute_(plan, run::RunOptions{});
  if (!done) return done.error();
  signature_ = run::signature_of(done->report);
  if (!run::is_failure(done->report.exit_code)) {
    return Error{ErrorCode::kUsage, true,
                 "the run does not fail, so there is nothing to shrink: " + done->report.cause};
  }
  const Violation* violation = run::violation_of(done->report);
  by_history_ = violation != nullptr && violation->property == "LIN";
  best_ = plan;
  sighting_ = sighting_of(*done);
  return {};
}

bool Lab::more() const {
  return executions_ < budget_.executions && !budget_.expired();
}

std::optional<Sighting> Lab::run(const run::PlanFile& plan, bool deliveries) const {
  run::RunOptions options;
  options.stop_at_violation = true;
  options.judge_history = by_history_;
  options.deliveries = deliveries;
  auto done = execute_(plan, options);
  if (!done || run::signature_of(done->report) != signature_) return std::nullopt;
  return sighting_of(*done);
}

void Lab::go_back(Find find) {
  best_ = std::move(find.plan);
  sighting_ = std::move(find.sighting);
}

bool Lab::try_plan(const run::PlanFile& plan) {
  if (plan == best_ || !is_runnable(plan) || !more()) return false;
  if (!tried_.insert(hash_bytes(run::to_json(plan))).second) return false;
  ++executions_;
  auto seen = run(plan, false);
  if (!seen) return false;
  best_ = plan;
  sighting_ = std::move(*seen);
  on_better();
  return true;
}

bool Lab::try_anyhow(const run::PlanFile& plan, std::uint64_t most) {
  if (try_plan(plan)) return true;
  const std::uint64_t cheap = kStepsATry / std::max<std::uint64_t>(sighting_.steps, 1);
  const std::uint64_t networks = std::clamp<std::uint64_t>(cheap, 1, most);
  for (std::uint64_t seed = 1; seed <= networks; ++seed) {
    run::PlanFile other = plan;
    other.network.flat = false;
    other.network.seed = seed;
    // Elections are drawn from the test's seed: half of the tries draw them anew too. The calls and
    // the faults are written down; they keep what they have.
    if (seed % 2 == 0) other.test.seed = seed;
    if (try_plan(other)) return true;
  }
  return false;
}

std::optional<Sighting> Lab::look_again(bool deliveries) {
  if (!more()) return std::nullopt;
  ++executions_;
  return run(best_, deliveries);
}

bool Lab::confirm(const run::PlanFile& plan) const {
  const auto wholly = execute_(plan, run::RunOptions{});
  if (!wholly || run::signature_of(wholly->report) != signature_) return false;
  if (plan.test.bugs.empty()) return true;
  run::PlanFile twin = plan;
  twin.test.bugs.clear();
  const auto clean = execute_(twin, run::RunOptions{});
  // A few ops of one or two clients are too few for a run that is to prove something.
  return clean &&
         (clean->report.exit_code == cli::kExitValid || run::is_only_vacuous(clean->report));
}

}  // namespace ww::shrink
