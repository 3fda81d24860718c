#include "controller/worlds/discrete/discrete_world.hpp"

#include <algorithm>
#include <utility>

#include "base/rng.hpp"
#include "controller/worlds/crash_style.hpp"
#include "controller/worlds/discrete/tap.hpp"

namespace ww::discrete {

namespace stepped = wire::stepped;
using Output = stepped::Output;

namespace {

// A loopback cluster: a frame takes some hundred microseconds, a sync about a millisecond.
constexpr Duration kMinLatency = microseconds(60);
constexpr Duration kMaxLatency = microseconds(400);
constexpr Duration kMinSync = microseconds(200);
constexpr Duration kMaxSync = microseconds(1500);
constexpr Duration kMinBoot = milliseconds(8);
constexpr Duration kMaxBoot = milliseconds(30);
constexpr Duration kReap = milliseconds(1);
constexpr Duration kControl = microseconds(300);

}  // namespace

struct DiscreteWorld::Node {
  NodeId id;
  std::unique_ptr<NodePort> port;
  Phase phase = Phase::kDown;
  bool paused = false;
  bool start_wanted = false;
  Incarnation incarnation = 0;
  Death expected = Death::kByItself;
  std::string last_words;
  std::optional<PowerLossOrder> power_loss;
  wire::Role role = wire::Role::kFollower;
  Term term = 0;

  faults::DiskModel disk;
  faults::DiskTrouble trouble;
  host::SkewedClock clock;
  Output output;
  std::uint64_t trace_sequence = 0;
  Instant armed = kNever;        // when a timer event is due, at the latest
  std::vector<WriteId> waiting;  // written, for the next sync
  WriteId syncing;               // the sync under way completes up to here; 0: none is
  WriteId syncing_from;          // the first write of it
  bool write_failed = false;     // by the world's will: to end is no crash then
  std::vector<Input> held;       // while paused

  // While its output is carried out.
  bool performing = false;
  std::uint32_t let_out = 0;          // actions that still leave before a death
  std::optional<Death> death_wanted;  // once they have
  bool cut_short = false;             // the rest of an output was discarded: so are its writes

  void reset_process() {
    waiting.clear();
    syncing = WriteId{};
    write_failed = false;
    held.clear();
    armed = kNever;
    trace_sequence = 0;
    clock = host::SkewedClock{};
    role = wire::Role::kFollower;
    paused = false;
    let_out = 0;
    death_wanted.reset();
    cut_short = false;
  }
};

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
  for (std::uint32_t i = 1; i <= spec.nodes; ++i) {
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

template <class... Parts>
Duration DiscreteWorld::draw(Duration low, Duration high, Domain domain,
                             const Parts&... parts) const {
  if (network_.flat) return low + (high - low) / 2;
  return keyed(seed(), domain, parts...).between(low, high);
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
    case What::kConnected:
      return on_connected(event);
    case What::kConnectionLost:
      return on_connection_lost(event.client, event.connection, event.refused);
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
  if (node.phase != Phase::kDown) return;
  node.phase = Phase::kStarting;
  node.expected = Death::kByItself;
  node.start_wanted = false;
  ++node.incarnation;
  node.reset_process();
  tap_.on_start(id, node.incarnation, now_);
  const Duration delay = draw(kMinBoot, kMaxBoot, "boot", id, node.incarnation);
  schedule_for(node, now_ + delay, What::kBoot);
}

void DiscreteWorld::boot(const Event& event) {
  Node& node = at(event.node);
  if (node.phase != Phase::kStarting || node.incarnation != event.incarnation) return;
  node.clock.set(now_, Duration{}, 0);
  auto booted = node.port->boot(node.incarnation, clock_of(node), node.output);
  if (!booted) {
    if (booted.error().code == ErrorCode::kEnvironment) tap_.on_world_error(booted.error());
    return die_unheard(node, booted.error());
  }
  ++steps_;
  node.phase = Phase::kServing;
  perform(node);
  if (node.phase == Phase::kServing) tap_.on_serving(node.id, now_);
}

/// The process ended by itself, and told why.
void DiscreteWorld::die(Node& node, const Error& error) {
  node.last_words = name_of(node.id) + " stopped: " + error.message;
  end(node, Death::kByItself);
}

/// It ended within a step: nobody can tell what it did in it, so it is taken to have done nothing.
void DiscreteWorld::die_unheard(Node& node, const Error& error) {
  node.cut_short = true;
  die(node, error);
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
  node.phase = Phase::kDown;
  const bool crashed = node.expected == Death::kByItself && !node.write_failed;
  tap_.on_death(node.id, node.incarnation, now_, node.expected, false);
  if (node.cut_short) {
    // It wrote what its discarded items asked for; at its death it had not come that far.
    if (auto cut = node.port->replace_files(node.disk.volatile_image()); !cut) {
      tap_.on_world_error(cut.error());
    }
  }
  auto found = node.port->files();
  if (!found) tap_.on_world_error(found.error());
  const DiskImage before = found ? std::move(*found) : DiskImage{};
  if (auto agrees = node.disk.survive_kill(before); !agrees) {
    tap_.on_disk_disagreement(node.id, now_, agrees.error());
  }
  if (node.power_loss) {
    faults::Loss loss;
    const DiskImage after =
        node.disk.crash(node.power_loss->key, worlds::crash_style(node.power_loss->style), loss);
    node.power_loss.reset();
    if (auto left = node.port->replace_files(after); !left) tap_.on_world_error(left.error());
    node.disk.reset(after);
    tap_.on_disk(node.id, now_, before, after);
    tap_.on_power_loss(node.id, faults::PowerLoss{loss.bytes_lost, loss.files_lost}, now_);
  } else {
    tap_.on_disk(node.id, now_, before, before);
  }
  node.reset_process();
  for (const auto& [client, connection] : connections_) {
    if (connection.node != node.id) continue;
    Event& lost = schedule(now_, What::kConnectionLost);
    lost.client = client;
    lost.connection = connection.number;
    lost.refused = false;
  }
  if (crashed) tap_.on_crash(node.id, now_, node.last_words);
  if (node.start_wanted) start(node.id);
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
    out.nodes.push_back(v);
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
    const std::uint64_t order =
        key_of(seed(), "resume", id, node.incarnation, to_ns(now_), held.source);
    inputs.emplace_back(order, std::move(held));
  }
  std::stable_sort(inputs.begin(), inputs.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [order, held] : inputs) feed(node, std::move(held));
  if (node.phase == Phase::kServing && !node.paused) arm(node);
}

void DiscreteWorld::set_disk(NodeId id, const faults::DiskTrouble& trouble) {
  at(id).trouble = trouble;
}

void DiscreteWorld::set_clock(NodeId id, const faults::ClockSkew& skew) {
  schedule_for(at(id), now_ + kControl, What::kClockSet).skew = skew;
}

void DiscreteWorld::on_clock_set(const Event& event) {
  Node& node = at(event.node);
  if (node.phase != Phase::kServing || node.incarnation != event.incarnation) return;
  node.clock.set(now_, event.skew.wall_offset, event.skew.rate_ppm);
  node.armed = kNever;  // it was computed with the old rate
  arm(node);
  tap_.on_clock_set(node.id, event.skew, now_, node.clock.at(now_));
}

void DiscreteWorld::redraw() {
  for (auto& node : nodes_) {
    if (auto done = node->port->reseed(network_.redraw->seed); !done) {
      return tap_.on_world_error(done.error());
    }
  }
}

// The network.

void DiscreteWorld::transmit(const wire::Envelope& e, std::string_view payload,
                             std::uint64_t connection) {
  tap_.on_frame(now_, e, payload);
  // The names of messages do not depend on what is drawn: a redrawn future knows them again.
  const std::uint64_t content = key_of(0, "net.content", e.from, e.to, e.type, e.term, e.content);
  const std::uint64_t nth = copies_.count(content);
  run::Delivery delivery{{e.from, e.to, e.type, e.term, e.content, nth}, std::nullopt};
  if (!written_down_.empty()) {
    const auto written = written_down_.find(delivery.message);
    if (written != written_down_.end()) {
      return transmit_written_down(e, payload, connection, written->second);
    }
  }
  const faults::Decision decision = links_.decide(e);
  for (std::uint8_t copy = 0; copy < decision.copies; ++copy) {
    const Duration latency =
        draw(kMinLatency, kMaxLatency, "net.latency", content, nth, std::uint64_t{copy}) +
        decision.delays[copy];
    if (copy == 0) delivery.delay = latency;
    deliver_at(now_ + latency, e, payload, connection);
  }
  if (!recording_) return;
  const bool cut = links_.is_cut(e.from, e.to);
  sent_.push_back({delivery, now_, decision.changed_by != 0 && !cut, cut});
}

void DiscreteWorld::transmit_written_down(const wire::Envelope& e, std::string_view payload,
                                          std::uint64_t connection, const run::Delivery& delivery) {
  const bool cut = links_.is_cut(e.from, e.to);
  if (recording_) sent_.push_back({delivery, now_, false, cut});
  if (cut) {
    links_.may_deliver(e);  // counts it as blocked
  } else if (delivery.delay) {
    deliver_at(now_ + *delivery.delay, e, payload, connection);
  }
}

void DiscreteWorld::deliver_at(Instant when, const wire::Envelope& envelope,
                               std::string_view payload, std::uint64_t connection) {
  Event& event = schedule(when, What::kFrame);
  event.envelope = envelope;
  event.payload.assign(payload);
  event.connection = connection;
}

void DiscreteWorld::on_frame(Event& event) {
  if (!links_.may_deliver(event.envelope)) return;
  if (wire::is_node(event.envelope.to)) {
    deliver_to_node(at(wire::node_of(event.envelope.to)), event);
  } else {
    deliver_to_client(event);
  }
}

void DiscreteWorld::deliver_to_node(Node& node, Event& event) {
  if (node.phase != Phase::kServing) return;
  if (wire::is_node(event.envelope.from)) {
    if (!node.paused) return step_node(node, stepped::Message{event.payload});
    Input input;
    input.source = event.envelope.from.value;
    input.payload = event.payload;
    return feed(node, std::move(input));
  }
  const auto owner = clients_by_connection_.find(event.connection);
  if (owner == clients_by_connection_.end()) return;
  Connection& connection = connections_[owner->second];
  auto decoded = wire::decode_request(event.payload);
  if (!decoded || decoded->request.request <= connection.last_request) return;
  connection.last_request = decoded->request.request;
  Input input;
  input.kind = Input::Kind::kRequest;
  input.source = wire::kFirstClient + event.connection;
  input.connection = ClientId{static_cast<std::uint32_t>(event.connection)};
  input.request = std::move(decoded->request);
  feed(node, std::move(input));
}

void DiscreteWorld::deliver_to_client(const Event& event) {
  const ClientId client = wire::client_of(event.envelope.to);
  const auto found = connections_.find(client);
  if (found == connections_.end() || found->second.number != event.connection) return;
  const auto decoded = wire::decode_reply(event.payload);
  WW_ASSERT(decoded.ok(), "a reply of ours that does not decode");
  tap_.on_reply(client, decoded->reply, now_);
}

// The clients.

void DiscreteWorld::connect(ClientId client, NodeId id) {
  disconnect(client);
  const std::uint64_t number = ++connection_numbers_;
  connections_[client] = Connection{id, number, false, 0};
  clients_by_connection_[number] = client;
  const bool serves = at(id).phase == Phase::kServing;
  Event& event = schedule(now_ + kControl, serves ? What::kConnected : What::kConnectionLost);
  event.client = client;
  event.connection = number;
  event.refused = true;
}

void DiscreteWorld::disconnect(ClientId client) {
  const auto found = connections_.find(client);
  if (found == connections_.end()) return;
  clients_by_connection_.erase(found->second.number);
  connections_.erase(found);
}

void DiscreteWorld::send(ClientId client, NodeId id, const wire::ClientRequest& request) {
  const auto found = connections_.find(client);
  if (found == connections_.end() || !found->second.open || found->second.node != id) return;
  std::string payload;
  wire::encode_request(payload, client, id, request);
  const auto envelope = wire::peek_envelope(payload);
  WW_ASSERT(envelope.has_value(), "a request of ours without an envelope");
  transmit(*envelope, payload, found->second.number);
}

void DiscreteWorld::on_connected(const Event& event) {
  const auto found = connections_.find(event.client);
  if (found == connections_.end() || found->second.number != event.connection) return;
  if (at(found->second.node).phase != Phase::kServing) {
    return on_connection_lost(event.client, event.connection, true);
  }
  found->second.open = true;
  tap_.on_connected(event.client, found->second.node, now_);
}

void DiscreteWorld::on_connection_lost(ClientId client, std::uint64_t connection, bool refused) {
  const auto found = connections_.find(client);
  if (found == connections_.end() || found->second.number != connection) return;
  const NodeId node = found->second.node;
  disconnect(client);
  tap_.on_connection_lost(client, node, now_, refused);
}

// The nodes.

stepped::Clock DiscreteWorld::clock_of(const Node& node) const {
  const Now shown = node.clock.at(now_);
  return {now_, shown.mono, shown.wall};
}

void DiscreteWorld::feed(Node& node, Input&& input) {
  if (node.phase != Phase::kServing) return;
  if (node.paused) {
    node.held.push_back(std::move(input));
  } else {
    feed_now(node, input);
  }
}

void DiscreteWorld::feed_now(Node& node, const Input& input) {
  switch (input.kind) {
    case Input::Kind::kMessage:
      return step_node(node, stepped::Message{input.payload});
    case Input::Kind::kRequest:
      return step_node(node, stepped::Request{input.connection, input.request});
    case Input::Kind::kWritten:
      return step_node(node, stepped::Written{input.upto});
    case Input::Kind::kWriteFailed:
      node.write_failed = true;
      return step_node(node, stepped::WriteFailed{input.upto, "Input/output error"});
  }
}

void DiscreteWorld::step_node(Node& node, const stepped::Event& event) {
  ++steps_;
  if (auto stepped = node.port->step(clock_of(node), event, node.output); !stepped) {
    return die_unheard(node, stepped.error());
  }
  perform(node);
}

/// Carries out what the node's output asks for, up to a death that comes in between.
void DiscreteWorld::perform(Node& node) {
  node.performing = true;
  const std::vector<Output::Item>& order = node.output.order;
  std::size_t done = 0;
  while (done < order.size() && node.phase == Phase::kServing) {
    const bool action = perform_item(node, order[done++]);
    if (!action || !node.death_wanted) continue;
    if (--node.let_out == 0) end(node, *std::exchange(node.death_wanted, std::nullopt));
  }
  node.performing = false;
  node.let_out = 0;
  if (node.death_wanted) end(node, *std::exchange(node.death_wanted, std::nullopt));
  node.cut_short = done < order.size();
  tap_.on_digest(node.id, now_, node.output.digest);
  if (node.phase != Phase::kServing) return;
  if (node.output.ended) {
    return die(node, Error{ErrorCode::kIo, true, node.output.last_words});
  }
  begin_sync(node);
  arm(node);
}

/// Returns whether it was one of the actions that a trigger counts.
bool DiscreteWorld::perform_item(Node& node, const Output::Item& item) {
  Output& out = node.output;
  switch (item.kind) {
    case Output::Kind::kTrace:
      emit(node, std::move(out.events[item.index]));
      return false;
    case Output::Kind::kWrite:
      node.waiting.push_back(out.writes[item.index].id);
      return true;
    case Output::Kind::kSend: {
      const std::string_view payload = out.view(out.sends[item.index]);
      const auto envelope = wire::peek_envelope(payload);
      if (!envelope || envelope->from != wire::endpoint_of(node.id) ||
          !wire::is_node(envelope->to) || wire::node_of(envelope->to).value > nodes_.size()) {
        die(node, Error{ErrorCode::kCorrupt, true, "sent a message without a proper envelope"});
        return true;
      }
      transmit(*envelope, payload, 0);
      return true;
    }
    case Output::Kind::kReply: {
      const stepped::Reply& reply = out.replies[item.index];
      const auto owner = clients_by_connection_.find(reply.connection.value);
      if (owner == clients_by_connection_.end()) return true;
      std::string payload;
      wire::encode_reply(payload, node.id, owner->second, reply.reply);
      const auto envelope = wire::peek_envelope(payload);
      WW_ASSERT(envelope.has_value(), "a reply of ours without an envelope");
      transmit(*envelope, payload, reply.connection.value);
      return true;
    }
  }
  return false;
}

void DiscreteWorld::emit(Node& node, wire::trace::Event&& event) {
  if (const auto* store = std::get_if<wire::trace::Store>(&event)) {
    node.disk.apply(*store);
  } else if (const auto* role = std::get_if<wire::trace::RoleChange>(&event)) {
    node.role = role->role;
    node.term = role->term;
  }
  tap_.on_event(node.id, node.incarnation, ++node.trace_sequence, now_, std::move(event));
}

/// An earlier timer comes anyway and arms anew: deadlines move back with every heartbeat.
void DiscreteWorld::arm(Node& node) {
  const Instant due = node.clock.true_time_of(node.output.deadline);
  if (due >= node.armed) return;
  node.armed = due;
  schedule_for(node, std::max(now_, due), What::kTimer);
}

void DiscreteWorld::on_timer(const Event& event) {
  Node& node = at(event.node);
  if (node.phase != Phase::kServing || node.incarnation != event.incarnation) return;
  if (node.armed == kNever || node.armed > now_) return;
  node.armed = kNever;
  if (node.paused) return;  // resume() arms it again
  if (node.clock.at(now_).mono < node.output.deadline) return arm(node);
  step_node(node, stepped::Timer{});
}

/// A disk syncs one batch at a time; what is written meanwhile waits for the next.
void DiscreteWorld::begin_sync(Node& node) {
  if (node.syncing != WriteId{} || node.waiting.empty()) return;
  const WriteId first = node.waiting.front();
  node.syncing = node.waiting.back();
  node.syncing_from = first;
  node.waiting.clear();
  const Duration length = draw(kMinSync, kMaxSync, "disk.sync", node.id, node.incarnation, first);
  schedule_for(node, now_ + std::max(length, node.trouble.sync), What::kSyncDone);
}

void DiscreteWorld::on_sync_done(const Event& event) {
  Node& node = at(event.node);
  if (node.phase != Phase::kServing || node.incarnation != event.incarnation) return;
  Input done;
  done.kind = node.trouble.fails ? Input::Kind::kWriteFailed : Input::Kind::kWritten;
  done.upto = node.trouble.fails ? node.syncing_from : node.syncing;
  node.syncing = WriteId{};
  feed(node, std::move(done));
  if (node.phase == Phase::kServing) begin_sync(node);
}

}  // namespace ww::discrete
