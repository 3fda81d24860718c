#include "nodes/host/clock.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace ww::host {

namespace {

constexpr std::int64_t kMillion = 1'000'000;

// floor(ns * ppm / 10^6) for ns >= 0, without the product, which may not fit.
std::int64_t scaled(std::int64_t ns, std::int64_t ppm) {
  const std::int64_t rest = (ns % kMillion) * ppm;
  const std::int64_t rest_floor = rest / kMillion - (rest % kMillion < 0 ? 1 : 0);
  return ns / kMillion * ppm + rest_floor;
}

}  // namespace

void SkewedClock::set(Instant true_time, Duration wall_offset, std::int64_t rate_ppm) {
  WW_ASSERT(true_time >= base_true_, "a clock is set in the past");
  base_mono_ = at(true_time).mono;
  base_true_ = true_time;
  wall_offset_ = wall_offset;
  rate_ppm_ = std::clamp(rate_ppm, kMinRatePpm, kMaxRatePpm);
}

Now SkewedClock::at(Instant true_time) const {
  const Duration elapsed = std::max(true_time - base_true_, Duration::zero());
  const Instant mono = base_mono_ + elapsed + Duration{scaled(elapsed.count(), rate_ppm_)};
  return {mono, mono + wall_offset_};
}

Instant SkewedClock::true_time_of(Instant mono) const {
  if (mono <= base_mono_) return base_true_;
  // Over the slowest rate the wait is ten times as long; what would overflow is as good as never.
  constexpr Duration kLongest = Duration::max() / 16;
  if (mono - kLongest > base_mono_ || base_true_ - Instant{} > kLongest) return kNever;
  // The smallest d with floor(d * rate / 10^6) >= wait is ceil(wait * 10^6 / rate).
  const std::int64_t wait = (mono - base_mono_).count();
  const std::int64_t rate = kMillion + rate_ppm_;
  const std::int64_t rest = (wait % rate) * kMillion;
  return base_true_ + Duration{wait / rate * kMillion + rest / rate + (rest % rate > 0 ? 1 : 0)};
}

std::optional<wire::trace::ClockFlip> DeadlineWatch::arm(Instant true_time, Instant mono,
                                                         Instant deadline) {
  // What is due at once, such as gathered requests, is no wait that a clock could stretch: the one
  // that is being waited for goes on behind it.
  if (deadline == deadline_ || deadline <= mono) return std::nullopt;
  std::optional<wire::trace::ClockFlip> flip;
  if (deadline_ != kNever && mono < deadline_) {
    const Duration actual = true_time - armed_true_;
    if (actual >= deadline_ - armed_mono_ + kNoticed) {
      flip = wire::trace::ClockFlip{mono - armed_mono_, actual};
    }
  }
  deadline_ = deadline;
  armed_true_ = true_time;
  armed_mono_ = mono;
  return flip;
}

std::optional<wire::trace::ClockFlip> DeadlineWatch::fire(Instant true_time, Instant mono) {
  if (deadline_ == kNever || mono < deadline_) return std::nullopt;
  const Duration actual = true_time - armed_true_;
  const Duration skewed = mono - armed_mono_;
  deadline_ = kNever;
  const Duration difference = skewed > actual ? skewed - actual : actual - skewed;
  if (difference < kNoticed) return std::nullopt;
  return wire::trace::ClockFlip{skewed, actual};
}

}  // namespace ww::host
