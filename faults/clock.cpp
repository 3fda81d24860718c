#include "faults/clock.hpp"

#include "faults/fault.hpp"

namespace ww::faults {

namespace {

// A bump moves the wall clock once, a strobe to and fro, drift gives both clocks a wrong rate. Raft
// that decides by the monotonic clock can only be moved by drift; the others are recorded as
// applied.
class Clock final : public Fault {
 public:
  using Fault::Fault;

  bool inject(Instant now, bool settle) override {
    nodes_ = resolve(settle, [&](const NodeView& node) {
      return node.alive && node.serving && !node.paused && !ports_.holds.down(node.id);
    });
    if (nodes_.empty()) return false;
    if (spec_.shape == "drift") {
      skew_.rate_ppm = param(spec_, "rate_ppm");
    } else if (spec_.shape == "bump") {
      skew_.wall_offset = milliseconds(param(spec_, "offset_ms"));
    } else {
      skew_.wall_offset = milliseconds(param(spec_, "delta_ms"));
      period_ = milliseconds(param(spec_, "period_ms"));
      next_ = now + period_;
    }
    apply(skew_);
    return true;
  }

  void heal(Instant /*now*/) override {
    next_ = kNever;
    apply(ClockSkew{});
  }

  [[nodiscard]] Instant deadline() const override { return next_; }
  void advance(Instant now) override {
    leapt_ = !leapt_;
    apply(leapt_ ? ClockSkew{} : skew_);
    // Late wake-ups do not make it leap faster afterwards.
    next_ = now + period_;
  }

  void on_clock_set(NodeId node, const ClockSkew& skew) override {
    if (!hits(node)) return;
    const ClockSkew wanted = ports_.holds.skew(node);
    const bool ours = skew_.rate_ppm != 0 ? skew.rate_ppm != 0 : skew.wall_offset != Duration{};
    // A strobe may have leapt on before the node's word for the last leap arrives.
    if (ours && (period_ > Duration{} || skew == wanted)) ++confirmed_;
  }
  void on_clock_flip(NodeId node) override {
    if (hits(node)) ++flips_;
  }

  [[nodiscard]] bool effective() const override {
    return spec_.shape == "drift" ? flips_ > 0 : confirmed_ > 0;
  }
  [[nodiscard]] std::string evidence() const override {
    const std::string set = "set " + std::to_string(confirmed_) + " times";
    return spec_.shape == "drift"
               ? set + ", " + std::to_string(flips_) + " deadlines judged otherwise"
               : set;
  }

 private:
  void apply(const ClockSkew& skew) {
    for (const NodeId node : nodes_) ports_.holds.set_skew(node, spec_.id, skew);
  }

  ClockSkew skew_;
  Duration period_{};
  Instant next_ = kNever;
  bool leapt_ = false;  // a strobe: the clock is back at true time for now
  std::uint64_t confirmed_ = 0;
  std::uint64_t flips_ = 0;
};

constexpr std::int64_t kDay = 86'400'000;

}  // namespace

KindInfo clock_kind() {
  return KindInfo{
      .name = "clock",
      .summary = "node clocks jump, drift or leap to and fro",
      .heal = "offset and rate go back to zero (reset-clock); monotonic time never goes back",
      .evidence =
          "drift: a deadline was judged otherwise than true time would have; bump and "
          "strobe: the node confirmed its new clock",
      .verbs = "set_clock",
      .color = "#2d9c74",
      .min_nodes = 1,
      .shortest = milliseconds(1500),
      .longest = milliseconds(8000),
      .targets = {{Target::kOne, 1},
                  {Target::kMinority, 2},
                  {Target::kMajority, 1},
                  {Target::kPrimaries, 2},
                  {Target::kAll, 1}},
      .shapes = {{.name = "bump",
                  .help = "the wall clock jumps",
                  .weight = 1,
                  .min_nodes = 1,
                  .params = {{.name = "offset_ms",
                              .help = "how far",
                              .low = -kDay,
                              .high = kDay,
                              .draw_low = 11,
                              .draw_high = 288'000,
                              .either_sign = true,
                              .fallback = 60'000}}},
                 {.name = "drift",
                  .help = "both clocks run at a wrong rate",
                  .weight = 2,
                  .min_nodes = 1,
                  .params = {{.name = "rate_ppm",
                              .help = "100000 is 10 % fast, -100000 is 10 % slow",
                              .low = -900'000,
                              .high = 9'000'000,
                              .draw_low = 50'000,
                              .draw_high = 900'000,
                              .either_sign = true,
                              .fallback = 200'000}}},
                 {.name = "strobe",
                  .help = "the wall clock leaps to and fro",
                  .weight = 1,
                  .min_nodes = 1,
                  .params = {{.name = "delta_ms",
                              .help = "how far",
                              .low = 1,
                              .high = kDay,
                              .draw_low = 4,
                              .draw_high = 262'000,
                              .fallback = 1'000},
                             {.name = "period_ms",
                              .help = "how often it leaps",
                              .low = 1,
                              .high = 60'000,
                              .draw_low = 50,
                              .draw_high = 1'000,
                              .fallback = 100}}}},
      .takes_types = false,
      .make = [](const FaultSpec& spec, Ports& ports) -> std::unique_ptr<Fault> {
        return std::make_unique<Clock>(spec, ports);
      }};
}

}  // namespace ww::faults
