#include "controller/run/slow.hpp"

#include <algorithm>
#include <limits>
#include <string_view>

#include "base/assert.hpp"
#include "faults/registry.hpp"

namespace ww::run {

namespace {

/// Multiplies; what would not fit becomes the largest value, which is beyond every bound.
struct Slower {
  std::int64_t factor;

  void operator()(std::int64_t& x) const {
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    const bool fits = x <= kMost / factor && x >= -kMost / factor;
    x = fits ? x * factor : kMost;
  }
  void operator()(Duration& x) const {
    std::int64_t ns = x.count();
    (*this)(ns);
    x = Duration{ns};
  }
  void operator()(Instant& x) const {
    std::int64_t ns = to_ns(x);
    (*this)(ns);
    x = instant_at(ns);
  }
};

void slow_test(TestSpec& test, const Slower& slower, std::uint32_t factor) {
  for (Duration* x :
       {&test.time_limit, &test.recovery_limit, &test.interval_low, &test.interval_high,
        &test.op_timeout, &test.election_timeout, &test.heartbeat_interval, &test.cut}) {
    slower(*x);
  }
  // 0 means a closed loop, as fast as answers come.
  if (test.rate > 0) test.rate = std::max(1U, (test.rate + factor / 2) / factor);
}

void slow_fault(faults::FaultSpec& fault, const Slower& slower) {
  slower(fault.at);
  slower(fault.duration);
  const faults::KindInfo* kind = faults::find_kind(fault.kind);
  const faults::ShapeInfo* shape = kind ? faults::find_shape(*kind, fault.shape) : nullptr;
  WW_ASSERT(shape != nullptr, "a plan of faults that the registry does not know");
  for (const faults::ParamInfo& info : shape->params) {
    if (!info.name.ends_with("_ms")) continue;
    std::int64_t value = faults::param(fault, info.name);
    slower(value);
    fault.params.insert_or_assign(std::string(info.name), value);
  }
}

}  // namespace

Result<PlanFile> slowed(PlanFile plan, std::uint32_t factor) {
  WW_ASSERT(factor >= 1 && factor <= kMaxSlow, "slowed by no factor, or by too much");
  if (factor == 1) return plan;
  const Slower slower{factor};
  slow_test(plan.test, slower, factor);
  slower(plan.faults.time_limit);
  for (faults::FaultSpec& fault : plan.faults.faults) slow_fault(fault, slower);
  if (plan.ops) {
    for (workloads::ScriptedCall& call : *plan.ops) slower(call.at);
  }
  for (Delivery& delivery : plan.network.deliveries) {
    if (delivery.delay) slower(*delivery.delay);
  }
  if (plan.network.redraw) slower(plan.network.redraw->after);
  constexpr Duration kLongest = std::chrono::hours(24 * 30);
  if (plan.test.time_limit > kLongest) {
    return Error{ErrorCode::kUsage, true, "slowed so much, the run would take over a month"};
  }
  for (const Result<void>& check : {validate(plan.test), faults::validate(plan.faults)}) {
    if (check) continue;
    return Error{ErrorCode::kUsage, true,
                 "slowed " + std::to_string(factor) + " times: " + check.error().message};
  }
  return plan;
}

}  // namespace ww::run
