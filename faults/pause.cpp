#include "faults/pause.hpp"

#include <map>

#include "faults/fault.hpp"

namespace ww::faults {

namespace {

class Pause final : public Fault {
 public:
  using Fault::Fault;

  bool inject(Instant now, bool settle) override {
    nodes_ = resolve(settle, [&](const NodeView& node) {
      return node.alive && node.serving && !ports_.holds.down(node.id) &&
             !ports_.holds.paused(node.id);
    });
    if (nodes_.empty()) return false;
    since_ = now;
    for (const NodeId node : nodes_) ports_.holds.pause(node, spec_.id);
    return true;
  }

  void heal(Instant now) override {
    for (const NodeId node : nodes_) {
      ended_.emplace(node, now);  // not when it died before
      ports_.holds.resume(node, spec_.id);
    }
  }

  void on_death(NodeId node, Instant now) override {
    if (hits(node)) ended_.emplace(node, now);
  }

  [[nodiscard]] bool effective() const override {
    return longest() >= ports_.options.noticeable_pause;
  }
  [[nodiscard]] std::string evidence() const override {
    return ended_.empty() ? "not resumed yet" : "stood still for " + human(longest());
  }

 private:
  [[nodiscard]] Duration longest() const {
    Duration most{};
    for (const auto& [node, end] : ended_) most = std::max(most, end - since_);
    return most;
  }
  Instant since_{};
  std::map<NodeId, Instant> ended_;
};

}  // namespace

KindInfo pause_kind() {
  return KindInfo{
      .name = "pause",
      .summary = "SIGSTOP of node processes; timers and messages wait",
      .heal = "SIGCONT",
      .evidence = "a serving node stood still long enough to be missed (100 ms), then was resumed",
      .verbs = "pause, resume",
      .color = "#e08e2b",
      .min_nodes = 1,
      .cards = 2,
      .shortest = milliseconds(150),
      .longest = milliseconds(5000),
      .targets = {{Target::kOne, 2},
                  {Target::kMinority, 1},
                  {Target::kMajority, 1},
                  {Target::kPrimaries, 3},
                  {Target::kAll, 1}},
      .shapes = {{.name = "", .help = "", .weight = 1, .min_nodes = 1, .params = {}}},
      .takes_types = false,
      .make = [](const FaultSpec& spec, Ports& ports) -> std::unique_ptr<Fault> {
        return std::make_unique<Pause>(spec, ports);
      }};
}

}  // namespace ww::faults
