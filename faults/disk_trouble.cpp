#include "faults/disk_trouble.hpp"

#include <algorithm>

#include "faults/fault.hpp"

namespace ww::faults {

namespace {

// A disk that fails takes its node down, which stays down until the disk is replaced.
class Disk final : public Fault {
 public:
  using Fault::Fault;

  bool inject(Instant /*now*/, bool settle) override {
    nodes_ = resolve(settle, [&](const NodeView& node) {
      return node.alive && node.serving && !ports_.holds.down(node.id);
    });
    if (nodes_.empty()) return false;
    trouble_.fails = spec_.shape == "write-error";
    trouble_.sync = milliseconds(param(spec_, "sync_ms"));
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
    if (healed_ || !hits(node)) return;
    if (ok && late > Duration{0}) ++late_;
    const bool known = std::find(failed_.begin(), failed_.end(), node) != failed_.end();
    if (ok || !trouble_.fails || known) return;
    failed_.push_back(node);
    ports_.holds.hold_down(node, spec_.id);
  }

  [[nodiscard]] bool effective() const override {
    return trouble_.fails ? !failed_.empty() : late_ > 0;
  }
  [[nodiscard]] std::string evidence() const override {
    if (!trouble_.fails) return std::to_string(late_) + " syncs were late";
    return failed_.empty() ? "no write failed" : "a write of " + name_of(failed_) + " failed";
  }

 private:
  DiskTrouble trouble_;
  bool healed_ = false;
  std::uint64_t late_ = 0;
  std::vector<NodeId> failed_;
};

}  // namespace

KindInfo disk_kind() {
  return KindInfo{
      .name = "disk",
      .summary = "a node's disk is slow, or a write of it fails and takes the node down",
      .heal = "syncs are as fast as before; a node that a failed write took down starts again",
      .evidence = "slow: a sync took longer than it would have; write-error: a sync failed",
      .verbs = "set_disk, start",
      .color = "#6b7f8f",
      .min_nodes = 1,
      .shortest = milliseconds(200),
      .longest = milliseconds(4000),
      .targets = {{Target::kOne, 2},
                  {Target::kMinority, 2},
                  {Target::kMajority, 1},
                  {Target::kPrimaries, 3},
                  {Target::kAll, 1}},
      .shapes = {{.name = "slow",
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
                 {.name = "write-error",
                  .help = "the next sync fails",
                  .weight = 1,
                  .min_nodes = 1,
                  .params = {}}},
      .takes_types = false,
      .needs_virtual_disk = true,
      .make = [](const FaultSpec& spec, Ports& ports) -> std::unique_ptr<Fault> {
        return std::make_unique<Disk>(spec, ports);
      }};
}

}  // namespace ww::faults
