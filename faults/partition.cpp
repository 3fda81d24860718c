#include "faults/partition.hpp"

#include <algorithm>

#include "faults/fault.hpp"
#include "faults/targets.hpp"

namespace ww::faults {

namespace {

class Partition final : public Fault {
 public:
  using Fault::Fault;

  bool inject(Instant /*now*/, bool settle) override {
    const Grudge* grudge = find_grudge(spec_.shape);
    WW_ASSERT(grudge != nullptr, "a partition of an unknown shape");
    std::vector<NodeId> first = spec_.nodes;
    if (first.empty() && grudge->leader_first) {
      const NodeId leader = leader_of(ports_.cluster.view());
      if (leader == kNobody && !settle) return false;
      if (leader != kNobody) first.push_back(leader);
    }
    order_ = order_nodes(ports_.nodes, first, keyed(ports_.seed, "partition", spec_.id));
    const auto singled_out = static_cast<std::ptrdiff_t>(grudge->singled_out(order_.size()));
    nodes_.assign(order_.begin(), order_.begin() + singled_out);
    links_ = grudge->links(order_);
    ports_.links.cut(spec_.id, links_, param(spec_, "clients") != 0);
    return true;
  }

  void heal(Instant /*now*/) override { ports_.links.heal(spec_.id); }

  [[nodiscard]] bool effective() const override {
    return consensus_messages(ports_.links.counts(spec_.id).blocked) > 0;
  }
  [[nodiscard]] std::string evidence() const override {
    return "blocked " + describe_counts(ports_.links.counts(spec_.id).blocked);
  }
  [[nodiscard]] std::string details() const override {
    std::string text;
    for (const Link& link : links_) {
      if (!text.empty()) text += ' ';
      text += ww::name_of(link.from) + ">" + ww::name_of(link.to);
    }
    return name_of(nodes_) + "; cut " + text;
  }
  [[nodiscard]] std::vector<NodeId> resolved() const override { return order_; }

 private:
  std::vector<NodeId> order_;
  std::vector<Link> links_;
};

ShapeInfo shape(std::string_view name, std::string_view help, std::uint32_t weight,
                std::uint32_t min_nodes) {
  return ShapeInfo{.name = name,
                   .help = help,
                   .weight = weight,
                   .min_nodes = min_nodes,
                   .params = {{.name = "clients",
                               .help = "1: clients are on the side of the node they are beside",
                               .low = 0,
                               .high = 1}}};
}

}  // namespace

KindInfo partition_kind() {
  return KindInfo{
      .name = "partition",
      .summary = "links between nodes are cut, both ways or one way",
      .heal = "the links carry messages again; what was cut stays lost",
      .evidence = "a vote, an append or a reply to one was blocked",
      .verbs = "none: links",
      .color = "#7b5cc4",
      .min_nodes = 2,
      .cards = 2,
      .shortest = milliseconds(700),
      .longest = milliseconds(8000),
      .targets = {},
      .shapes = {shape("halves", "two random halves", 1, 2),
                 shape("one", "one random node alone", 1, 2),
                 shape("majority", "a majority without the leader, and the rest", 4, 3),
                 shape("majorities-ring", "each node hears a majority, no two the same one", 1, 3),
                 shape("bridge", "two halves that only one node hears and is heard by", 1, 3),
                 shape("isolate-leader", "the leader alone", 5, 2),
                 shape("leader-deaf", "nothing reaches the leader; what it says is heard", 1, 2),
                 shape("leader-mute", "nothing leaves the leader; it hears the others", 1, 2),
                 shape("link", "one directed link between two nodes", 1, 2)},
      .takes_types = false,
      .make = [](const FaultSpec& spec, Ports& ports) -> std::unique_ptr<Fault> {
        return std::make_unique<Partition>(spec, ports);
      }};
}

}  // namespace ww::faults
