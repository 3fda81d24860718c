#include "faults/kill.hpp"

#include <algorithm>

#include "faults/fault.hpp"

namespace ww::faults {

namespace {

class Kill final : public Fault {
 public:
  using Fault::Fault;

  bool inject(Instant /*now*/, bool settle) override {
    nodes_ = resolve(
        settle, [&](const NodeView& node) { return node.alive && !ports_.holds.down(node.id); });
    if (nodes_.empty()) return false;
    for (const NodeView& node : ports_.cluster.view().nodes) {
      if (hits(node.id) && node.serving) served_.push_back(node.id);
    }
    for (const NodeId node : nodes_) {
      ports_.holds.hold_down(node, spec_.id);
      ports_.cluster.kill(node);
    }
    return true;
  }

  void heal(Instant /*now*/) override {
    for (const NodeId node : nodes_) ports_.holds.let_up(node, spec_.id);
  }

  void on_death(NodeId node, Instant /*now*/) override {
    const bool served = std::find(served_.begin(), served_.end(), node) != served_.end();
    const bool known = std::find(died_.begin(), died_.end(), node) != died_.end();
    if (served && !known) died_.push_back(node);
  }

  [[nodiscard]] bool effective() const override { return !died_.empty(); }
  [[nodiscard]] std::string evidence() const override {
    return died_.empty() ? "no death of a serving node was seen"
                         : name_of(died_) + " died while serving";
  }

 private:
  std::vector<NodeId> served_;  // when the fault was injected
  std::vector<NodeId> died_;    // of those
};

}  // namespace

KindInfo kill_kind() {
  return KindInfo{.name = "kill",
                  .summary = "kill -9 of node processes; they start again when it heals",
                  .heal = "the nodes are started on the files that they left",
                  .evidence = "the death of a process that was serving was seen",
                  .verbs = "kill, start",
                  .color = "#d64545",
                  .min_nodes = 1,
                  .shortest = milliseconds(50),
                  .longest = milliseconds(4000),
                  .targets = {{Target::kOne, 2},
                              {Target::kMinority, 1},
                              {Target::kMajority, 2},
                              {Target::kPrimaries, 3},
                              {Target::kAll, 1}},
                  .shapes = {{.name = "", .help = "", .weight = 1, .min_nodes = 1, .params = {}}},
                  .takes_types = false,
                  .kills = true,
                  .make = [](const FaultSpec& spec, Ports& ports) -> std::unique_ptr<Fault> {
                    return std::make_unique<Kill>(spec, ports);
                  }};
}

}  // namespace ww::faults
