// A node's clocks under skew, as a function of true time.
//
// `mono` runs at (1 + rate/10^6) of true time from the last setting on; `wall` is mono plus an
// offset. Setting the clock changes the rate from that moment on, so mono is continuous and never
// goes back, while wall jumps. All arithmetic is in integers: two worlds that set the same rates at
// the same true times read the same nanoseconds.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "base/wire/trace.hpp"

namespace ww::host {

/// Rates outside are clamped: below the lower bound time would all but stand still.
inline constexpr std::int64_t kMinRatePpm = -900'000;
inline constexpr std::int64_t kMaxRatePpm = 9'000'000;

/// A regular value; it starts without skew, mono and wall equal to true time.
class SkewedClock {
 public:
  /// From `true_time` on, mono runs at `rate_ppm` over true time and wall shows mono +
  /// `wall_offset`. REQUIRES: true_time is not before that of the last call.
  void set(Instant true_time, Duration wall_offset, std::int64_t rate_ppm);

  /// What the clocks show. Before the time of the last set() it stands still.
  [[nodiscard]] Now at(Instant true_time) const;

  /// The earliest true time at which mono shows `mono` or more; kNever for kNever.
  [[nodiscard]] Instant true_time_of(Instant mono) const;

  [[nodiscard]] std::int64_t rate_ppm() const { return rate_ppm_; }
  friend bool operator==(const SkewedClock&, const SkewedClock&) = default;

 private:
  Instant base_true_{};
  Instant base_mono_{};
  Duration wall_offset_{};
  std::int64_t rate_ppm_ = 0;
};

/// Watches one deadline and tells when skew changed its outcome: it fired although true time had
/// not come that far, or it did not although true time had. That is the evidence that a clock fault
/// was effective. A difference below kNoticed is noise of reading the clock.
class DeadlineWatch {
 public:
  static constexpr Duration kNoticed = milliseconds(1);

  /// The deadline is `deadline` from now on. Yields the flip of the deadline given up by this, when
  /// true time had passed it and the skewed clock had not. Nothing changes when it is the same one,
  /// or due at once.
  std::optional<wire::trace::ClockFlip> arm(Instant true_time, Instant mono, Instant deadline);

  /// The deadline is due on the skewed clock and is acted upon. It counts as waited for anew.
  std::optional<wire::trace::ClockFlip> fire(Instant true_time, Instant mono);

  friend bool operator==(const DeadlineWatch&, const DeadlineWatch&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("deadline", s.deadline_), v("armed_true", s.armed_true_), v("armed_mono", s.armed_mono_);
  }

 private:
  Instant deadline_ = kNever;
  Instant armed_true_{};
  Instant armed_mono_{};
};

}  // namespace ww::host
