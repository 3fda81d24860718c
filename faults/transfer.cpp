#include "faults/transfer.hpp"

#include "base/rng.hpp"
#include "faults/fault.hpp"

namespace ww::faults {

namespace {

// Leadership is sent about while the fault lasts: whoever leads is asked again and again. Nothing
// is broken that a heal would have to mend; a transfer that is under way at the end comes to its
// end by itself, or is given up by its leader.
class Transfer final : public Fault {
 public:
  using Fault::Fault;

  // It waits for a leader as long as it takes: nobody else has anything to hand over.
  bool inject(Instant now, bool /*settle*/) override {
    nodes_ = leaders();
    if (nodes_.empty()) return false;
    period_ = milliseconds(param(spec_, "every_ms"));
    ask(nodes_);
    next_ = now + period_;
    return true;
  }

  void heal(Instant /*now*/) override { next_ = kNever; }

  [[nodiscard]] Instant deadline() const override { return next_; }
  void advance(Instant now) override {
    next_ = now + period_;
    // Whoever leads by now; named nodes are asked whatever they are, and those that do not lead do
    // nothing.
    const std::vector<NodeId> asked = leaders();
    ask(asked);
    for (const NodeId node : asked) {
      if (!hits(node)) nodes_.push_back(node);
    }
  }

  void on_transfer(NodeId node, wire::trace::TransferPhase phase) override {
    if (!hits(node)) return;
    using wire::trace::TransferPhase;
    if (phase == TransferPhase::kBegan) ++began_;
    if (phase == TransferPhase::kTimeoutNow) ++told_;
    if (phase == TransferPhase::kGivenUp) ++given_up_;
  }

  [[nodiscard]] bool effective() const override { return told_ + given_up_ > 0; }
  [[nodiscard]] std::string evidence() const override {
    return std::to_string(began_) + " transfers began, " + std::to_string(told_) +
           " times a node was told to stand, " + std::to_string(given_up_) + " were given up";
  }
  /// Whoever leads is asked when the plan runs again, too.
  [[nodiscard]] std::vector<NodeId> resolved() const override {
    return spec_.target == Target::kPrimaries ? std::vector<NodeId>() : nodes_;
  }

 private:
  [[nodiscard]] std::vector<NodeId> leaders() const {
    return resolve(false, [&](const NodeView& node) {
      return node.alive && node.serving && !ports_.holds.down(node.id);
    });
  }
  void ask(const std::vector<NodeId>& nodes) {
    for (const NodeId leader : nodes) {
      NodeId to = kNobody;
      if (spec_.shape == "anybody") {
        Rng rng = keyed(ports_.seed, "transfer.to", spec_.id, asked_, leader);
        to = NodeId{static_cast<std::uint32_t>(1 + rng.below(ports_.nodes - 1))};
        if (to >= leader) to.value += 1;
      }
      ports_.cluster.transfer(leader, to);
    }
    ++asked_;
  }

  Duration period_{};
  Instant next_ = kNever;
  std::uint64_t asked_ = 0;
  std::uint64_t began_ = 0;
  std::uint64_t told_ = 0;
  std::uint64_t given_up_ = 0;
};

}  // namespace

KindInfo transfer_kind() {
  const std::vector<ParamInfo> params = {{.name = "every_ms",
                                          .help = "how often whoever leads is asked",
                                          .low = 1,
                                          .high = 60'000,
                                          .draw_low = 40,
                                          .draw_high = 1'500,
                                          .fallback = 500}};
  return KindInfo{
      .name = "transfer",
      .summary = "leaders are asked to hand their leadership over",
      .heal = "nobody is asked any more; a leader gives up by itself what takes too long",
      .evidence = "a leader told a node to stand for election, or gave a transfer up",
      .verbs = "transfer",
      .color = "#b86fb0",
      .min_nodes = 2,
      .shortest = milliseconds(200),
      .longest = milliseconds(4000),
      .targets = {{Target::kPrimaries, 1}},
      .shapes = {{.name = "caught-up",
                  .help = "to whom the leader thinks best",
                  .weight = 2,
                  .min_nodes = 2,
                  .params = params},
                 {.name = "anybody",
                  .help = "to a random node, be it behind, cut off or dead",
                  .weight = 2,
                  .min_nodes = 2,
                  .params = params}},
      .takes_types = false,
      .make = [](const FaultSpec& spec, Ports& ports) -> std::unique_ptr<Fault> {
        return std::make_unique<Transfer>(spec, ports);
      }};
}

}  // namespace ww::faults
