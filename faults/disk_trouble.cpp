#include "faults/disk_trouble.hpp"

#include <algorithm>

#include "faults/disk_damage.hpp"
#include "faults/fault.hpp"

namespace ww::faults {

namespace {

constexpr std::int64_t kEio = 1;
constexpr std::int64_t kEnospc = 2;

ParamInfo error_param() {
  return {.name = "error",
          .help = "1: EIO, 2: ENOSPC",
          .low = kEio,
          .high = kEnospc,
          .draw_low = kEio,
          .draw_high = kEnospc,
          .fallback = kEio};
}

DiskTrouble trouble_of(const FaultSpec& spec) {
  DiskTrouble trouble;
  if (spec.shape == "slow") {
    trouble.sync = milliseconds(param(spec, "sync_ms"));
  } else if (spec.shape == "hung") {
    trouble.hangs = true;
  } else {
    trouble.fails = spec.shape == "write-error" ? DiskFailure::kWrites : DiskFailure::kSyncs;
    trouble.full = param(spec, "error") == kEnospc;
  }
  return trouble;
}

// A disk that fails takes its node down, which stays down until the disk is replaced.
class DiskTroubleFault final : public Fault {
 public:
  DiskTroubleFault(const FaultSpec& spec, Ports& ports)
      : Fault(spec, ports), trouble_(trouble_of(spec)) {}

  bool inject(Instant /*now*/, bool settle) override {
    nodes_ = resolve(settle, [&](const NodeView& node) {
      return node.alive && node.serving && !ports_.holds.down(node.id);
    });
    if (nodes_.empty()) return false;
    for (const NodeId node : nodes_) ports_.holds.set_disk(node, spec_.id, trouble_);
    return true;
  }

  void heal(Instant /*now*/) override {
    healed_ = true;
    for (const NodeId node : nodes_) ports_.holds.set_disk(node, spec_.id, DiskTrouble{});
    for (const NodeId node : failed_) ports_.holds.let_up(node, spec_.id);
  }

  // The disk tells, not the node: one that keeps silent, or lies, is hit all the same.
  void on_sync(NodeId node, bool ok, Duration late) override {
    if (!hits(node)) return;
    // What hung ends by the heal.
    if (ok && late > Duration{0} && (trouble_.hangs || !healed_)) {
      ++late_;
      latest_ = std::max(latest_, late);
    }
    const bool known = std::find(failed_.begin(), failed_.end(), node) != failed_.end();
    if (healed_ || ok || known || !may_fail()) return;
    failed_.push_back(node);
    ports_.holds.hold_ending(node, spec_.id);
  }

  [[nodiscard]] bool effective() const override {
    return may_fail() ? !failed_.empty() : late_ > 0;
  }
  [[nodiscard]] std::string evidence() const override {
    if (!may_fail()) {
      return std::to_string(late_) + " syncs were late, by up to " + human(latest_);
    }
    const std::string what = trouble_.fails == DiskFailure::kWrites ? "write" : "sync";
    return failed_.empty() ? "no " + what + " failed"
                           : "a " + what + " of " + name_of(failed_) + " failed";
  }

 private:
  [[nodiscard]] bool may_fail() const { return trouble_.fails != DiskFailure::kNone; }

  const DiskTrouble trouble_;
  bool healed_ = false;
  std::uint64_t late_ = 0;
  Duration latest_{};
  std::vector<NodeId> failed_;
};

std::vector<ShapeInfo> trouble_shapes() {
  return {{.name = "slow",
           .help = "every sync takes so long",
           .weight = 2,
           .min_nodes = 1,
           .params = {{.name = "sync_ms",
                       .help = "how long a sync takes",
                       .low = 1,
                       .high = 60'000,
                       .draw_low = 5,
                       .draw_high = 500,
                       .fallback = 50}}},
          {.name = "hung",
           .help = "no sync ends before the heal",
           .weight = 2,
           .min_nodes = 1,
           .params = {}},
          {.name = "write-error",
           .help = "the next write fails",
           .weight = 1,
           .min_nodes = 1,
           .params = {error_param()}},
          {.name = "sync-error",
           .help = "the next sync fails",
           .weight = 1,
           .min_nodes = 1,
           .params = {error_param()}}};
}

std::vector<ShapeInfo> disk_shapes() {
  std::vector<ShapeInfo> shapes = trouble_shapes();
  for (ShapeInfo& shape : damage_shapes()) shapes.push_back(std::move(shape));
  return shapes;
}

}  // namespace

KindInfo disk_kind() {
  return KindInfo{
      .name = "disk",
      .summary = "a node's disk is slow, hangs, fails, or loses what it held",
      .heal = "the disk is sound again; a node that is down starts, on an empty disk if it refuses",
      .evidence =
          "slow, hung: a sync took longer than of itself; write-error, sync-error: one "
          "failed; the others: files were damaged",
      .verbs = "set_disk, damage, start",
      .color = "#6b7f8f",
      .min_nodes = 1,
      .shortest = milliseconds(200),
      .longest = milliseconds(4000),
      .targets = {{Target::kOne, 2},
                  {Target::kMinority, 2},
                  {Target::kMajority, 1},
                  {Target::kPrimaries, 3},
                  {Target::kAll, 1}},
      .shapes = disk_shapes(),
      .takes_types = false,
      .make = [](const FaultSpec& spec, Ports& ports) -> std::unique_ptr<Fault> {
        const auto is_this = [&](const ShapeInfo& shape) { return shape.name == spec.shape; };
        const std::vector<ShapeInfo> damages = damage_shapes();
        if (std::any_of(damages.begin(), damages.end(), is_this)) return make_damage(spec, ports);
        return std::make_unique<DiskTroubleFault>(spec, ports);
      }};
}

}  // namespace ww::faults
