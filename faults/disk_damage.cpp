#include "faults/disk_damage.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "base/rng.hpp"
#include "faults/fault.hpp"

namespace ww::faults {

namespace {

constexpr std::array kDamages = {Damage::kFlipLog, Damage::kFlipTail, Damage::kFlipSnapshot,
                                 Damage::kTornWrite, Damage::kWipe};

std::optional<Damage> damage_of(std::string_view shape) {
  for (const Damage damage : kDamages) {
    if (name_of(damage) == shape) return damage;
  }
  return std::nullopt;
}

// Never more than a minority is damaged at a time, of however few the voters may become in this
// run: what is lost on a majority, nobody can restore.
class DiskDamage final : public Fault {
 public:
  using Fault::Fault;

  bool inject(Instant /*now*/, bool settle) override {
    const std::size_t minority = budget();
    const std::size_t damaged = ports_.holds.damaged();
    if (damaged >= minority) return false;
    const std::vector<NodeId>& spared = ports_.options.undamaged;
    nodes_ = resolve(settle, [&](const NodeView& node) {
      return node.alive && node.serving && !ports_.holds.down(node.id) &&
             std::find(spared.begin(), spared.end(), node.id) == spared.end();
    });
    if (nodes_.empty()) return false;
    if (nodes_.size() > minority - damaged) {
      keyed(ports_.seed, "damage.nodes", spec_.id).shuffle(std::span(nodes_));
      nodes_.resize(minority - damaged);
      std::sort(nodes_.begin(), nodes_.end());
    }
    for (const NodeId node : nodes_) {
      ports_.holds.hold_down(node, spec_.id);
      ports_.holds.damage(node);
      ports_.cluster.damage(node, key_of(ports_.seed, "disk.damage", spec_.id, node),
                            damage_of(spec_.shape).value());
    }
    return true;
  }

  [[nodiscard]] std::string obstacle() const override {
    if (budget() == 0) return "so few voters may be left that none may be damaged";
    if (ports_.holds.damaged() >= budget()) return "a minority is damaged already";
    return Fault::obstacle();
  }

  void heal(Instant /*now*/) override {
    for (const NodeId node : nodes_) ports_.holds.let_up(node, spec_.id);
  }

  void on_damage(NodeId node, const DamageDone& damage) override {
    if (!hits(node)) return;
    tell(node, damage.what);
    if (damage.done) ++done_;
  }
  void on_refused(NodeId node) override {
    if (hits(node)) tell(node, "refused");
  }
  void on_doubt(NodeId node) override {
    if (hits(node)) tell(node, "in doubt");
  }

  [[nodiscard]] bool effective() const override { return done_ > 0; }
  [[nodiscard]] std::string evidence() const override {
    return told_.empty() ? "nothing was damaged" : told_;
  }

 private:
  [[nodiscard]] std::size_t budget() const {
    const std::uint32_t fewest = ports_.options.fewest_voters;
    return most_damaged(fewest == 0 ? ports_.nodes : fewest);
  }
  void tell(NodeId node, const std::string& what) {
    told_ += (told_.empty() ? "" : "; ") + ww::name_of(node) + ": " + what;
  }

  std::size_t done_ = 0;
  std::string told_;
};

ShapeInfo damage_shape(Damage damage, std::string_view help, std::uint32_t weight) {
  return {.name = name_of(damage),
          .help = help,
          .weight = weight,
          .min_nodes = 3,
          .params = {},
          .needs_doubt = true};
}

}  // namespace

std::string_view name_of(Damage damage) {
  switch (damage) {
    case Damage::kFlipLog:
      return "flip-log";
    case Damage::kFlipTail:
      return "flip-tail";
    case Damage::kFlipSnapshot:
      return "flip-snapshot";
    case Damage::kTornWrite:
      return "torn-write";
    case Damage::kWipe:
      return "wipe";
  }
  return "?";
}

std::vector<ShapeInfo> damage_shapes() {
  return {damage_shape(Damage::kFlipLog, "the node dies; bits of its log flip, before its end", 1),
          damage_shape(Damage::kFlipTail,
                       "the node loses power; bits of its log's last record flip", 2),
          damage_shape(Damage::kFlipSnapshot, "the node dies; bits of its snapshot flip", 1),
          damage_shape(Damage::kTornWrite, "the node dies; its last unsynced write is torn", 1),
          damage_shape(Damage::kWipe, "the node dies; its disk is empty", 2)};
}

std::unique_ptr<Fault> make_damage(const FaultSpec& spec, Ports& ports) {
  return std::make_unique<DiskDamage>(spec, ports);
}

}  // namespace ww::faults
