#include "faults/power_loss.hpp"

#include "faults/fault.hpp"

namespace ww::faults {

namespace {

LossStyle style_of(std::string_view shape) {
  for (const LossStyle style : {LossStyle::kNothing, LossStyle::kPrefix, LossStyle::kTorn}) {
    if (name_of(style) == shape) return style;
  }
  WW_ASSERT(false, "a power loss of an unknown style");
  return LossStyle::kNothing;
}

class PowerLossFault final : public Fault {
 public:
  using Fault::Fault;

  bool inject(Instant /*now*/, bool settle) override {
    nodes_ = resolve(
        settle, [&](const NodeView& node) { return node.alive && !ports_.holds.down(node.id); });
    if (nodes_.empty()) return false;
    for (const NodeId node : nodes_) ports_.holds.hold_down(node, spec_.id);
    ports_.cluster.power_loss(nodes_, key_of(ports_.seed, "power-loss", spec_.id),
                              style_of(spec_.shape));
    return true;
  }

  void heal(Instant /*now*/) override {
    for (const NodeId node : nodes_) ports_.holds.let_up(node, spec_.id);
  }

  void on_power_loss(NodeId node, const PowerLoss& loss) override {
    if (!hits(node)) return;
    bytes_ += loss.bytes;
    operations_ += loss.operations;
  }

  [[nodiscard]] bool effective() const override { return bytes_ > 0 || operations_ > 0; }
  [[nodiscard]] std::string evidence() const override {
    return "removed " + std::to_string(bytes_) + " bytes and " + std::to_string(operations_) +
           " file operations that were not synced";
  }

 private:
  std::uint64_t bytes_ = 0;
  std::uint64_t operations_ = 0;
};

ShapeInfo shape(LossStyle style, std::string_view help, std::uint32_t weight) {
  return {.name = name_of(style), .help = help, .weight = weight, .min_nodes = 1, .params = {}};
}

}  // namespace

KindInfo power_loss_kind() {
  return KindInfo{
      .name = "power-loss",
      .summary = "machines lose power at the same moment; what was not synced may be gone",
      .heal = "the nodes are started on the disk states that were left",
      .evidence = "bytes or file operations that were not synced were removed",
      .verbs = "power_loss, start",
      .color = "#8a2f2f",
      .min_nodes = 1,
      .shortest = milliseconds(100),
      .longest = milliseconds(3000),
      .targets = {{Target::kOne, 1},
                  {Target::kMinority, 1},
                  {Target::kMajority, 3},
                  {Target::kPrimaries, 1},
                  {Target::kAll, 4}},
      .shapes = {shape(LossStyle::kNothing, "nothing that was not synced survives", 3),
                 shape(LossStyle::kPrefix, "the first unsynced operations survive", 1),
                 shape(LossStyle::kTorn, "unsynced sectors survive or vanish one by one", 2)},
      .takes_types = false,
      .kills = true,
      .make = [](const FaultSpec& spec, Ports& ports) -> std::unique_ptr<Fault> {
        return std::make_unique<PowerLossFault>(spec, ports);
      }};
}

}  // namespace ww::faults
