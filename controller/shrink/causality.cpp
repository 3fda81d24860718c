#include "controller/shrink/causality.hpp"

#include <algorithm>

#include "base/rng.hpp"
#include "controller/cli/exit_codes.hpp"
#include "controller/run/rate.hpp"
#include "controller/run/signature.hpp"

namespace ww::shrink {

namespace {

using run::PlanFile;
using workloads::ScriptedCall;

/// A future may take so much longer than the run did to show what was decided.
constexpr Duration kGrace = seconds(1);
/// From here on a run counts as doomed.
constexpr double kDoomed = 0.9;
/// Moments nearer than this are the same.
constexpr Duration kFinest = milliseconds(1);
/// Ordinals of another future begin here, so that its values are written nowhere in the past.
constexpr std::uint64_t kFutureOrdinals = std::uint64_t{1} << 31;

/// A value of a call that the other seed's clients would have made, in a range of its own.
void move_value(Value& value) {
  auto* number = std::get_if<std::int64_t>(&value);
  if (number != nullptr) *number += static_cast<std::int64_t>(kFutureOrdinals);
}

class Curve {
 public:
  Curve(const Execute& execute, const CausalityOptions& options)
      : execute_(execute), options_(options) {}

  Result<reports::Causality> compute(const PlanFile& plan) {
    if (auto known = look_at(plan); !known) return known.error();
    if (auto made = make_futures(); !made) return made.error();
    const std::uint32_t points = std::max(options_.points, 2U);
    for (std::uint32_t i = 0; i < points; ++i) {
      if (i >= 2 && !more()) break;
      if (auto added = add(violation_ * i / (points - 1)); !added) return added.error();
    }
    for (std::uint32_t i = 0; i < options_.refinements && more(); ++i) {
      const auto moment = steepest();
      if (!moment) break;
      if (auto added = add(*moment); !added) return added.error();
    }
    return conclude();
  }

 private:
  /// What the run was, and when its violation came.
  Result<void> look_at(const PlanFile& plan) {
    auto done = execute_(plan, run::RunOptions{});
    if (!done) return done.error();
    const Violation* violation = run::violation_of(done->report);
    const auto end = done->report.phases.torture_end;
    if (violation == nullptr || !done->torture_begin || (end && violation->time > *end) ||
        instant_at(violation->time) <= *done->torture_begin) {
      return Error{ErrorCode::kUsage, true,
                   "only a run that broke a property during its torture has a moment from which it "
                   "was doomed"};
    }
    plan_ = done->executed;
    signature_ = run::signature_of(done->report);
    by_history_ = violation->property == "LIN";
    begin_ = *done->torture_begin;
    violation_ = instant_at(violation->time) - begin_;
    plan_.test.cut = violation_ + kGrace;
    const Duration limit = std::max<Duration>(plan_.test.time_limit, plan_.test.cut);
    plan_.test.time_limit = limit;
    plan_.faults.time_limit = limit;
    return {};
  }

  /// What other seeds would have done, each from the begin of the torture on.
  Result<void> make_futures() {
    for (std::uint32_t i = 1; i <= options_.futures; ++i) {
      PlanFile other;
      other.test = plan_.test;
      other.test.seed = key_of(plan_.test.seed, "causality", i);
      auto faults = run::plan_for(other.test);
      if (!faults) return faults.error();
      other.faults = std::move(*faults);
      run::RunOptions options;
      options.judge_history = false;
      auto done = execute_(other, options);
      if (!done) return done.error();
      other.ops = std::move(done->executed.ops);
      if (!other.ops) other.ops.emplace();
      futures_.push_back(std::move(other));
    }
    return {};
  }

  Result<void> add(Duration t) {
    std::uint64_t failed = 0;
    for (const PlanFile& future : futures_) {
      run::RunOptions options;
      options.stop_at_violation = true;
      options.judge_history = by_history_;
      ++executions_;
      const auto done = execute_(with_other_future(plan_, t, begin_ + t, future), options);
      if (!done) return done.error();
      if (auto told = told_something(*done); !told) return told;
      failed += run::signature_of(done->report) == signature_ ? 1 : 0;
    }
    const run::Interval interval = run::wilson95(failed, futures_.size());
    const reports::DoomPoint point{to_ns(begin_ + t), futures_.size(), failed, interval.low,
                                   interval.high};
    const auto place =
        std::lower_bound(points_.begin(), points_.end(), point,
                         [](const auto& a, const auto& b) { return a.time < b.time; });
    points_.insert(place, point);
    options_.on_progress(points_.size(), options_.points + options_.refinements);
    return {};
  }

  /// Errors: what kept the future from being one.
  static Result<void> told_something(const run::FinishedRun& done) {
    const int exit = done.report.exit_code;
    if (exit != cli::kExitHarness && exit != cli::kExitEnvironment) return {};
    const auto code = exit == cli::kExitHarness ? ErrorCode::kInternal : ErrorCode::kEnvironment;
    return Error{code, true, "a redrawn future did not run: " + done.report.cause};
  }

  [[nodiscard]] bool more() const {
    return executions_ < options_.budget.executions && !options_.budget.expired();
  }

  /// The middle of the pair of neighbours between which the share changes most; of equal ones the
  /// later pair.
  [[nodiscard]] std::optional<Duration> steepest() const {
    std::optional<Duration> best;
    std::uint64_t most = 0;
    for (std::size_t i = 1; i < points_.size(); ++i) {
      const auto& a = points_[i - 1];
      const auto& b = points_[i];
      const std::uint64_t change = a.failed > b.failed ? a.failed - b.failed : b.failed - a.failed;
      if (change < std::max<std::uint64_t>(most, 1) || b.time - a.time < 2 * to_ns(kFinest))
        continue;
      most = change;
      best = instant_at(a.time + (b.time - a.time) / 2) - begin_;
    }
    return best;
  }

  reports::Causality conclude() {
    reports::Causality out;
    out.signature = signature_;
    out.violation = to_ns(begin_ + violation_);
    out.points = points_;
    for (auto point = points_.rbegin(); point != points_.rend(); ++point) {
      const double share = static_cast<double>(point->failed) / static_cast<double>(point->runs);
      if (share < kDoomed) {
        out.open_until = point->time;
        break;
      }
      out.doomed_from = point->time;
    }
    return out;
  }

  const Execute& execute_;
  const CausalityOptions& options_;
  PlanFile plan_;
  std::string signature_;
  bool by_history_ = false;
  Instant begin_{};
  Duration violation_{};
  std::vector<PlanFile> futures_;
  std::vector<reports::DoomPoint> points_;
  std::uint64_t executions_ = 0;
};

}  // namespace

PlanFile with_other_future(const PlanFile& plan, Duration t, Instant redraw_after,
                           const PlanFile& other) {
  PlanFile out = plan;
  out.network.redraw = run::Redraw{redraw_after, other.test.seed};
  std::erase_if(out.faults.faults,
                [&](const faults::FaultSpec& f) { return f.at.time_since_epoch() > t; });
  for (faults::FaultSpec fault : other.faults.faults) {
    if (fault.at.time_since_epoch() <= t) continue;
    fault.id = "r-" + fault.id;  // "r" for redrawn: never the id of a fault of the past
    out.faults.faults.push_back(std::move(fault));
  }
  std::erase_if(*out.ops, [&](const ScriptedCall& call) { return call.at > t; });
  for (ScriptedCall call : *other.ops) {
    if (call.at <= t || call.worker >= plan.test.workers()) continue;
    call.ordinal += kFutureOrdinals;
    if (!plan.test.small_domain) {
      move_value(call.call.value);
      move_value(call.call.to);
    }
    out.ops->push_back(std::move(call));
  }
  return out;
}

Result<reports::Causality> causality(const PlanFile& plan, const Execute& execute,
                                     const CausalityOptions& options) {
  return Curve(execute, options).compute(plan);
}

}  // namespace ww::shrink
