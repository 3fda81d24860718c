#include "controller/worlds/discrete/discrete_world.hpp"

#include <algorithm>
#include <utility>

#include "controller/worlds/crash_style.hpp"
#include "controller/worlds/damage.hpp"
#include "controller/worlds/discrete/world_node.hpp"

namespace ww::discrete {

namespace stepped = wire::stepped;

Result<std::unique_ptr<DiscreteWorld>> DiscreteWorld::open(const run::TestSpec& spec,
                                                           const run::Network& network,
                                                           faults::LinkTable& links, Tap& tap,
                                                           const MakeNode& make) {
  std::unique_ptr<DiscreteWorld> world(new DiscreteWorld(spec, network, links, tap));
  for (auto& node : world->nodes_) {
    auto port = make(spec, node->id);
    if (!port) return port.error();
    node->port = std::move(*port);
  }
  return world;
}

DiscreteWorld::DiscreteWorld(const run::TestSpec& spec, const run::Network& network,
                             faults::LinkTable& links, Tap& tap)
    : spec_(spec), network_(network), links_(links), tap_(tap) {
  for (std::uint32_t i = 1; i <= spec.all_nodes(); ++i) {
    nodes_.push_back(std::make_unique<Node>());
    nodes_.back()->id = NodeId{i};
  }
  for (const run::Delivery& d : network.deliveries) written_down_.emplace(d.message, d);
  if (network.redraw) schedule(std::max(Instant{}, network.redraw->after), What::kRedraw);
}

DiscreteWorld::~DiscreteWorld() = default;

DiscreteWorld::Node& DiscreteWorld::at(NodeId node) {
  WW_ASSERT(node.value >= 1 && node.value <= nodes_.size(), "a node that is not in the cluster");
  return *nodes_[node.value - 1];
}
const DiscreteWorld::Node& DiscreteWorld::at(NodeId node) const {
  WW_ASSERT(node.value >= 1 && node.value <= nodes_.size(), "a node that is not in the cluster");
  return *nodes_[node.value - 1];
}

DiscreteWorld::Event& DiscreteWorld::schedule(Instant when, What what) {
  Event& event = events_.push(when);
  event.what = what;
  event.failed = false;
  return event;
}

DiscreteWorld::Event& DiscreteWorld::schedule_for(const Node& node, Instant when, What what) {
  Event& event = schedule(when, what);
  event.node = node.id;
  event.incarnation = node.incarnation;
  return event;
}

std::uint64_t DiscreteWorld::seed() const {
  if (network_.redraw && now_ >= network_.redraw->after) return network_.redraw->seed;
  return network_.seed.value_or(spec_.seed);
}

std::uint64_t DiscreteWorld::occasion_of(const Node& node, Domain domain) {
  const std::uint64_t content =
      key_of(0, domain, node.id, node.term, node.last.index, node.last.term);
  return hash_combine(content, copies_.count(content));
}

void DiscreteWorld::move_to(Instant t) {
  WW_ASSERT(t >= now_ && t <= next_event(), "time goes forward, event by event");
  now_ = t;
}

void DiscreteWorld::step() {
  now_ = events_.next();
  Event& event = events_.pop();
  switch (event.what) {
    case What::kBoot:
      return boot(event);
    case What::kSettle:
      return settle(at(event.node));
    case What::kTimer:
      return on_timer(event);
    case What::kFrame:
      return on_frame(event);
    case What::kSyncDone:
      return on_sync_done(event);
    case What::kSaveDone:
      return on_save_done(event);
    case What::kWriteFailed:
      return on_write_failed(event);
    case What::kUnsyncedDone:
      return on_unsynced_done(event);
    case What::kConnected:
      return on_connected(event);
    case What::kConnectionLost:
      return on_connection_lost(event.client, event.connection, event.refused);
    case What::kTransfer:
      return on_transfer(event);
    case What::kChangeMembership:
      return on_change_membership(event);
    case What::kClockSet:
      return on_clock_set(event);
    case What::kRedraw:
      return redraw();
  }
}

// Life and death.

void DiscreteWorld::start_all() {
  for (auto& node : nodes_) start(node->id);
}

void DiscreteWorld::start(NodeId id) {
  Node& node = at(id);
  if (node.phase == Phase::kDying) {
    node.start_wanted = true;
    return;
  }
  if (node.phase != Phase::kDown || node.lost) return;
  node.phase = Phase::kStarting;
  node.expected = Death::kByItself;
  node.start_wanted = false;
  ++node.incarnation;
  node.reset_process();
  tap_.on_start(id, node.incarnation, now_);
  const Duration delay = draw(kMinBoot, kMaxBoot, "boot", occasion_of(node, "boot"));
  schedule_for(node, now_ + delay, What::kBoot);
}

void DiscreteWorld::boot(const Event& event) {
  Node& node = at(event.node);
  if (node.phase != Phase::kStarting || node.incarnation != event.incarnation) return;
  node.clock.set(now_, Duration{}, 0);
  auto booted = node.port->boot(node.incarnation, !node.has_served, clock_of(node), node.output);
  if (!booted) return die_unheard(node, booted.error());
  ++steps_;
  node.phase = Phase::kServing;
  perform(node);
  if (node.phase != Phase::kServing) return;
  node.has_served = true;
  node.damaged = false;
  tap_.on_serving(node.id, now_);
}

/// The process ends by itself, and says so: it crashed, unless it was made to end. A failed write
/// excuses the answer that tells of the end, and nothing else.
void DiscreteWorld::on_ended(Node& node) {
  const std::string& why = node.output.last_words;
  if (node.output.cause == stepped::EndCause::kDamaged) {
    if (!node.damaged) return crash(node, why);
    node.refused = true;
  } else if (node.output.cause != stepped::EndCause::kOwn) {
    const bool full = node.output.cause == stepped::EndCause::kNoSpace;
    tap_.on_world_error(Error{full ? ErrorCode::kNoSpace : ErrorCode::kIo, true,
                              "the disk of " + name_of(node.id) + ": " + why});
  } else if (!node.hears_of_failure) {
    return crash(node, why);
  }
  end(node, Death::kByItself);
}

void DiscreteWorld::crash(Node& node, const std::string& why) {
  node.crashed = true;
  node.last_words = name_of(node.id) + " stopped: " + why;
  end(node, Death::kByItself);
}

/// It ended within a step, or never began: nobody can tell what it did in it, so it is taken to
/// have done nothing.
void DiscreteWorld::die_unheard(Node& node, const Error& error) {
  node.leftover = Node::Leftover::kUnknown;
  if (error.code != ErrorCode::kEnvironment) return crash(node, error.message);
  tap_.on_world_error(error);
  end(node, Death::kByItself);
}

void DiscreteWorld::end(Node& node, Death how) {
  if (node.phase == Phase::kDown) return;
  if (node.performing && node.let_out > 0 && how != Death::kByItself) {
    node.death_wanted = how;
    return;
  }
  const bool already = node.phase == Phase::kDying;
  node.phase = Phase::kDying;
  node.expected = how;
  if (already) return;
  node.port->kill();
  schedule_for(node, now_ + kReap, What::kSettle);
}

void DiscreteWorld::kill(NodeId node) {
  end(at(node), Death::kKilled);
}

void DiscreteWorld::damage(NodeId id, std::uint64_t key, faults::Damage damage) {
  Node& node = at(id);
  if (node.phase == Phase::kDown) return;
  node.damage = DamageOrder{key, damage};
  end(node, Death::kDamage);
}

void DiscreteWorld::let_out(NodeId id, std::uint32_t actions) {
  Node& node = at(id);
  if (node.performing) node.let_out = actions;
}

void DiscreteWorld::power_loss(const std::vector<NodeId>& nodes, std::uint64_t key,
                               faults::LossStyle style) {
  for (const NodeId id : nodes) {
    Node& node = at(id);
    if (node.phase == Phase::kDown) continue;
    node.power_loss = PowerLossOrder{key, style};
    end(node, Death::kPowerLoss);
  }
}

void DiscreteWorld::shut_down_all() {
  for (auto& node : nodes_) {
    node->start_wanted = false;
    resume(node->id);
    if (node->phase != Phase::kDying) end(*node, Death::kShutdown);
  }
}

void DiscreteWorld::kill_all() {
  for (auto& node : nodes_) {
    node->start_wanted = false;
    end(*node, Death::kKilled);
  }
}

void DiscreteWorld::settle(Node& node) {
  // Whoever refuses its damaged files gets an empty disk.
  const bool refused = node.refused;
  if (refused) node.damage = DamageOrder{0, faults::Damage::kWipe};
  if (node.damage) node.expected = Death::kDamage;
  tap_.on_death(node.id, node.incarnation, now_, node.expected, false);
  if (auto settled = settle_disk(node); !settled) {
    // Nobody knows what a next process would find: what followed would tell of the machine.
    node.lost = true;
    tap_.on_world_error(settled.error());
  }
  node.phase = Phase::kDown;
  const bool crashed = node.crashed;
  node.reset_process();
  for (const auto& [client, connection] : connections_) {
    if (connection.node != node.id) continue;
    Event& lost = schedule(now_, What::kConnectionLost);
    lost.client = client;
    lost.connection = connection.number;
    lost.refused = false;
  }
  if (crashed) tap_.on_crash(node.id, now_, node.last_words);
  if (refused) tap_.on_refused(node.id, now_);
  if (node.start_wanted) start(node.id);
}

/// Holds the dead process' files against what its records say, and leaves the next one what this
/// death leaves. Errors: those of the files; nothing more is known or told of them then.
Result<void> DiscreteWorld::settle_disk(Node& node) {
  const auto order = std::exchange(node.power_loss, std::nullopt);
  auto found = node.port->files();
  if (!found) return found.error();
  DiskImage before;
  if (node.leftover == Node::Leftover::kNone) {
    if (auto agrees = node.disk.survive_kill(*found); !agrees) {
      tap_.on_disk_disagreement(node.id, now_, agrees.error());
    }
    before = std::move(*found);
  } else {
    if (node.leftover == Node::Leftover::kDiscarded) audit_discarded(node, *found);
    // At its death it had not come that far.
    before = node.disk.volatile_image();
    if (auto restored = node.port->replace_files(before); !restored) return restored;
    const auto agrees = node.disk.survive_kill(before);
    WW_ASSERT(agrees.ok(), "the model of a disk disagrees with itself");
  }
  if (const auto damage = std::exchange(node.damage, std::nullopt)) {
    faults::DamageDone done;
    const DiskImage after = worlds::damaged_files(node.disk, damage->damage, damage->key, done);
    if (auto left = leave_files(node, before, after); !left) return left;
    node.damaged = true;
    if (!node.refused) tap_.on_damage(node.id, done, now_);
    return {};
  }
  if (!order) {
    tap_.on_disk(node.id, now_, before, before);
    return {};
  }
  faults::Loss loss;
  const DiskImage after = node.disk.crash(order->key, worlds::crash_style(order->style), loss);
  if (auto left = leave_files(node, before, after); !left) return left;
  tap_.on_power_loss(node.id, faults::PowerLoss{loss.bytes_lost, loss.files_lost}, now_);
  return {};
}

/// All of what is left is durable.
Result<void> DiscreteWorld::leave_files(Node& node, const DiskImage& before,
                                        const DiskImage& after) {
  if (auto left = node.port->replace_files(after); !left) return left;
  node.disk.reset(after);
  tap_.on_disk(node.id, now_, before, after);
  return {};
}

/// The process had carried out the rest of its output too, before the death struck.
void DiscreteWorld::audit_discarded(const Node& node, const DiskImage& found) {
  faults::DiskModel whole = node.disk;
  const stepped::Output& out = node.output;
  for (std::size_t i = node.performed; i < out.order.size(); ++i) {
    if (out.order[i].kind != stepped::Output::Kind::kTrace) continue;
    const auto* store = std::get_if<wire::trace::Store>(&out.events[out.order[i].index]);
    if (store != nullptr) whole.apply(*store);
  }
  if (auto agrees = whole.survive_kill(found); !agrees) {
    tap_.on_disk_disagreement(node.id, now_, agrees.error());
  }
}

bool DiscreteWorld::all_down() const {
  return std::all_of(nodes_.begin(), nodes_.end(),
                     [](const auto& node) { return node->phase == Phase::kDown; });
}

std::uint32_t DiscreteWorld::serving() const {
  return static_cast<std::uint32_t>(
      std::count_if(nodes_.begin(), nodes_.end(),
                    [](const auto& node) { return node->phase == Phase::kServing; }));
}

faults::ClusterView DiscreteWorld::view() const {
  faults::ClusterView out;
  for (const auto& node : nodes_) {
    faults::NodeView v;
    v.id = node->id;
    v.alive = node->phase == Phase::kStarting || node->phase == Phase::kServing;
    v.serving = node->phase == Phase::kServing;
    v.paused = node->paused;
    v.role = v.serving ? node->role : wire::Role::kFollower;
    v.term = node->term;
    v.members = node->members;
    out.nodes.push_back(std::move(v));
  }
  return out;
}

void DiscreteWorld::pause(NodeId id) {
  Node& node = at(id);
  if (node.phase != Phase::kServing || node.paused) return;
  node.paused = true;
  tap_.on_paused(id, true, now_);
}

void DiscreteWorld::resume(NodeId id) {
  Node& node = at(id);
  if (!node.paused) return;
  node.paused = false;
  tap_.on_paused(id, false, now_);
  // What came meanwhile waits in the sockets, one queue a sender: within one, order holds; among
  // them, the poll decides.
  std::vector<std::pair<std::uint64_t, Input>> inputs;
  for (Input& held : std::exchange(node.held, {})) {
    const std::uint64_t order = key_of(seed(), "resume", id, to_ns(now_), held.source);
    inputs.emplace_back(order, std::move(held));
  }
  std::stable_sort(inputs.begin(), inputs.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [order, held] : inputs) feed(node, std::move(held));
  if (node.phase == Phase::kServing && !node.paused) arm(node);
}

void DiscreteWorld::set_disk(NodeId id, const faults::DiskTrouble& trouble) {
  Node& node = at(id);
  node.trouble = trouble;
  if (trouble.hangs || node.phase != Phase::kServing) return;
  // What hung ends now.
  if (node.hung_since) {
    node.sync_late += now_ - *std::exchange(node.hung_since, std::nullopt);
    schedule_for(node, now_, What::kSyncDone);
  }
  if (node.save_hung_since) {
    Event& done = schedule_for(node, now_, What::kSaveDone);
    done.save = node.saving;
    done.late = node.save_late + (now_ - *std::exchange(node.save_hung_since, std::nullopt));
  }
}

void DiscreteWorld::set_clock(NodeId id, const faults::ClockSkew& skew) {
  schedule_for(at(id), now_ + kControl, What::kClockSet).skew = skew;
}

void DiscreteWorld::on_clock_set(const Event& event) {
  Node& node = at(event.node);
  if (node.phase != Phase::kServing || node.incarnation != event.incarnation) return;
  node.clock.set(now_, event.skew.wall_offset, event.skew.rate_ppm);
  node.armed = kNever;  // it was computed with the old rate
  node.turn = false;
  arm(node);
  tap_.on_clock_set(node.id, event.skew, now_, node.clock.at(now_));
}

void DiscreteWorld::transfer(NodeId leader, NodeId to) {
  schedule_for(at(leader), now_ + kControl, What::kTransfer).to = to;
}

void DiscreteWorld::on_transfer(const Event& event) {
  Node& node = at(event.node);
  if (node.phase != Phase::kServing || node.incarnation != event.incarnation) return;
  Input asked;
  asked.kind = Input::Kind::kTransfer;
  asked.source = kControlSource;
  asked.to = event.to;
  feed(node, std::move(asked));
}

void DiscreteWorld::change_membership(NodeId leader, const std::vector<NodeId>& voters,
                                      wire::MembershipMode mode) {
  schedule_for(at(leader), now_ + kControl, What::kChangeMembership).change = {voters, mode};
}

void DiscreteWorld::on_change_membership(Event& event) {
  Node& node = at(event.node);
  if (node.phase != Phase::kServing || node.incarnation != event.incarnation) return;
  Input asked;
  asked.kind = Input::Kind::kChangeMembership;
  asked.source = kControlSource;
  asked.change = std::move(event.change);
  feed(node, std::move(asked));
}

void DiscreteWorld::redraw() {
  links_.reseed(network_.redraw->seed);
  for (auto& node : nodes_) {
    if (auto done = node->port->reseed(network_.redraw->seed); !done) {
      return tap_.on_world_error(done.error());
    }
  }
}

}  // namespace ww::discrete
