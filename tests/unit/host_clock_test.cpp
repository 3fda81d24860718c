#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "base/rng.hpp"
#include "nodes/host/clock.hpp"

namespace ww::host {

namespace {

Instant at_ms(std::int64_t ms) {
  return instant_at(ms * 1'000'000);
}

}  // namespace

TEST_CASE("a clock that was never set shows true time") {
  const SkewedClock clock;
  CHECK(clock.at(at_ms(5)) == Now{at_ms(5), at_ms(5)});
  CHECK(clock.true_time_of(at_ms(7)) == at_ms(7));
  CHECK(clock.true_time_of(kNever) == kNever);
}

TEST_CASE("a bump moves only the wall") {
  SkewedClock clock;
  clock.set(at_ms(100), milliseconds(-250), 0);
  CHECK(clock.at(at_ms(100)) == Now{at_ms(100), at_ms(-150)});
  CHECK(clock.at(at_ms(130)) == Now{at_ms(130), at_ms(-120)});
}

TEST_CASE("drift gains and loses as its rate says, and is taken back without a jump") {
  SkewedClock clock;
  clock.set(at_ms(1000), {}, 50'000);  // 5 % fast
  CHECK(clock.at(at_ms(2000)).mono == at_ms(2050));
  clock.set(at_ms(2000), {}, -200'000);  // 20 % slow
  CHECK(clock.at(at_ms(2000)).mono == at_ms(2050));
  CHECK(clock.at(at_ms(3000)).mono == at_ms(2850));
  clock.set(at_ms(3000), {}, 0);
  CHECK(clock.at(at_ms(3500)).mono == at_ms(3350));
  CHECK(clock.at(at_ms(3500)).wall == at_ms(3350));
}

TEST_CASE("a rate outside the bounds is clamped, so that time never stands still") {
  SkewedClock clock;
  clock.set(at_ms(0), {}, -5'000'000);
  CHECK(clock.rate_ppm() == kMinRatePpm);
  CHECK(clock.at(at_ms(1000)).mono == at_ms(100));
  clock.set(at_ms(1000), {}, 50'000'000);
  CHECK(clock.rate_ppm() == kMaxRatePpm);
}

TEST_CASE("under random settings mono is continuous, never goes back, and its inverse is exact") {
  const std::uint64_t seed = GENERATE(1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U);
  CAPTURE(seed);
  Rng rng(seed);
  SkewedClock clock;
  Instant now{};
  Instant mono{};
  for (int i = 0; i < 2000; ++i) {
    now += Duration{rng.between(std::int64_t{0}, std::int64_t{3'000'000})};
    const Now shown = clock.at(now);
    REQUIRE(shown.mono >= mono);
    mono = shown.mono;
    if (rng.chance_ppm(100'000)) {
      clock.set(now, Duration{rng.between(std::int64_t{-1'000'000}, std::int64_t{1'000'000})},
                rng.between(kMinRatePpm, kMaxRatePpm));
      REQUIRE(clock.at(now).mono == mono);
    }
    const Instant wanted = mono + Duration{rng.between(std::int64_t{1}, std::int64_t{90'000'000})};
    const Instant due = clock.true_time_of(wanted);
    REQUIRE(clock.at(due).mono >= wanted);
    REQUIRE(clock.at(due - nanoseconds(1)).mono < wanted);
  }
}

TEST_CASE("waits of a day do not overflow, and longer ones than a life are never") {
  SkewedClock clock;
  clock.set(at_ms(0), {}, kMinRatePpm);
  const Instant day = instant_at(86'400LL * 1'000'000'000);
  CHECK(clock.true_time_of(day) == instant_at(864'000LL * 1'000'000'000));
  CHECK(clock.true_time_of(kNever - seconds(1)) == kNever);
  CHECK(clock.at(instant_at(864'000LL * 1'000'000'000)).mono == day);
}

TEST_CASE("a deadline that fires on time flips nothing") {
  DeadlineWatch watch;
  CHECK_FALSE(watch.arm(at_ms(10), at_ms(10), at_ms(310)));
  CHECK_FALSE(watch.fire(at_ms(312), at_ms(312)));
}

TEST_CASE("a fast clock fires a deadline early, a slow one late") {
  DeadlineWatch watch;
  CHECK_FALSE(watch.arm(at_ms(0), at_ms(0), at_ms(300)));
  const auto early = watch.fire(at_ms(200), at_ms(300));
  REQUIRE(early);
  CHECK(early->skewed == milliseconds(300));
  CHECK(early->actual == milliseconds(200));

  CHECK_FALSE(watch.arm(at_ms(200), at_ms(300), at_ms(600)));
  const auto late = watch.fire(at_ms(800), at_ms(600));
  REQUIRE(late);
  CHECK(late->skewed == milliseconds(300));
  CHECK(late->actual == milliseconds(600));
}

TEST_CASE("a deadline given up flips when true time had passed it and the slow clock had not") {
  DeadlineWatch watch;
  CHECK_FALSE(watch.arm(at_ms(0), at_ms(0), at_ms(300)));
  CHECK_FALSE(watch.arm(at_ms(200), at_ms(100), at_ms(400)));
  const auto missed = watch.arm(at_ms(600), at_ms(300), at_ms(700));
  REQUIRE(missed);
  CHECK(missed->skewed == milliseconds(200));
  CHECK(missed->actual == milliseconds(400));
}

TEST_CASE("what is due at once in between does not begin the wait anew") {
  DeadlineWatch watch;
  CHECK_FALSE(watch.arm(at_ms(0), at_ms(0), at_ms(300)));
  for (int ms = 1; ms < 200; ++ms) {
    CHECK_FALSE(watch.arm(at_ms(ms), at_ms(ms * 3 / 2), at_ms(ms * 3 / 2)));
    CHECK_FALSE(watch.fire(at_ms(ms), at_ms(ms * 3 / 2)));
    CHECK_FALSE(watch.arm(at_ms(ms), at_ms(ms * 3 / 2), at_ms(300)));
  }
  const auto early = watch.fire(at_ms(200), at_ms(300));
  REQUIRE(early);
  CHECK(early->actual == milliseconds(200));
  CHECK(early->skewed == milliseconds(300));
}

TEST_CASE("wanting the same deadline again does not begin its wait anew") {
  DeadlineWatch watch;
  CHECK_FALSE(watch.arm(at_ms(0), at_ms(0), at_ms(300)));
  CHECK_FALSE(watch.arm(at_ms(100), at_ms(200), at_ms(300)));
  const auto early = watch.fire(at_ms(150), at_ms(300));
  REQUIRE(early);
  CHECK(early->actual == milliseconds(150));
}

}  // namespace ww::host
