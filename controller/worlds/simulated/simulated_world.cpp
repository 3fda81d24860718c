#include "controller/worlds/simulated/simulated_world.hpp"

#include <algorithm>

#include "base/rng.hpp"
#include "base/wire/frame.hpp"
#include "controller/worlds/crash_style.hpp"

namespace ww::simulated {

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

/// An input that waits for a paused node, and the socket or file it waits in.
struct SimulatedWorld::Held {
  std::uint64_t source = 0;
  std::variant<raft::Input, std::string> input;
};

struct SimulatedWorld::Node {
  NodeId id;
  Phase phase = Phase::kDown;
  bool paused = false;
  bool start_wanted = false;
  Incarnation incarnation = 0;
  Death expected = Death::kByItself;
  std::string last_words;
  std::optional<PowerLossOrder> power_loss;
  wire::Role role = wire::Role::kFollower;
  Term term = 0;

  storage::MemoryStore files;  // survives kills
  faults::DiskModel disk;
  std::unique_ptr<storage::LoggedStore> store;
  std::optional<storage::LogStore> log;
  std::optional<host::Driver> driver;
  host::SkewedClock clock;
  host::Output output;
  std::uint64_t trace_sequence = 0;
  Instant armed = kNever;
  std::vector<QueuedWrite> waiting;      // for the disk
  std::vector<host::DiskWrite> syncing;  // in the sync under way
  bool disk_busy = false;
  std::vector<Held> held;  // while paused

  void reset_process() {
    driver.reset();
    log.reset();
    store.reset();
    waiting.clear();
    syncing.clear();
    held.clear();
    disk_busy = false;
    armed = kNever;
    trace_sequence = 0;
    clock = host::SkewedClock{};
    role = wire::Role::kFollower;
    paused = false;
  }
};

SimulatedWorld::SimulatedWorld(const run::TestSpec& spec, faults::LinkTable& links,
                               worlds::Observer& observer)
    : spec_(spec), links_(links), observer_(observer) {
  for (std::uint32_t i = 1; i <= spec.nodes; ++i) {
    nodes_.push_back(std::make_unique<Node>());
    nodes_.back()->id = NodeId{i};
  }
}

SimulatedWorld::~SimulatedWorld() = default;

SimulatedWorld::Node& SimulatedWorld::at(NodeId node) {
  WW_ASSERT(node.value >= 1 && node.value <= nodes_.size(), "a node that is not in the cluster");
  return *nodes_[node.value - 1];
}
const SimulatedWorld::Node& SimulatedWorld::at(NodeId node) const {
  WW_ASSERT(node.value >= 1 && node.value <= nodes_.size(), "a node that is not in the cluster");
  return *nodes_[node.value - 1];
}

void SimulatedWorld::schedule(Instant when, decltype(Event::what) what) {
  events_.push(Event{when, ++sequence_, std::move(what)});
}

Instant SimulatedWorld::next_event() const {
  return events_.empty() ? kNever : events_.top().at;
}

void SimulatedWorld::move_to(Instant t) {
  WW_ASSERT(t >= now_ && t <= next_event(), "time goes forward, event by event");
  now_ = t;
}

void SimulatedWorld::step() {
  WW_ASSERT(!events_.empty(), "a step without an event");
  // The top of a priority queue is const; it is popped at once, so moving out of it is safe.
  Event event = std::move(const_cast<Event&>(events_.top()));
  events_.pop();
  now_ = event.at;
  std::visit([this](auto& e) { handle(e); }, event.what);
}

// Life and death.

void SimulatedWorld::start_all() {
  for (auto& node : nodes_) start(node->id);
}

void SimulatedWorld::start(NodeId id) {
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
  observer_.on_start(id, node.incarnation, now_);
  Rng rng = keyed(spec_.seed, "boot", id, node.incarnation);
  schedule(now_ + rng.between(kMinBoot, kMaxBoot), Boot{id, node.incarnation});
}

raft::Config SimulatedWorld::config_of(const Node& node) const {
  raft::Config config;
  config.self = node.id;
  for (const auto& other : nodes_) config.voters.push_back(other->id);
  config.incarnation = node.incarnation;
  config.seed = spec_.seed;
  config.election_timeout = spec_.election_timeout;
  config.heartbeat_interval = spec_.heartbeat_interval;
  for (const std::string& name : spec_.bugs) {
    const auto bug = bugs::bug_of(name);
    WW_ASSERT(bug.has_value(), "an unknown bug reached the run");
    config.bugs.turn_on(*bug);
  }
  return config;
}

void SimulatedWorld::handle(const Boot& event) {
  Node& node = at(event.node);
  if (node.phase != Phase::kStarting || node.incarnation != event.incarnation) return;
  node.clock.set(now_, Duration{}, 0);
  node.store = std::make_unique<storage::LoggedStore>(node.files,
                                                      [this, &node](const wire::trace::Store& op) {
                                                        node.disk.apply(op);
                                                        emit(node, op);
                                                      });
  storage::Survived survived;
  storage::LogOptions options;
  options.node = node.id;
  options.segment_bytes = spec_.segment_bytes;
  auto log = storage::LogStore::open(*node.store, options, survived);
  if (!log) return halt(node, log.error());
  node.log.emplace(std::move(*log));
  node.phase = Phase::kServing;
  node.driver.emplace(config_of(node), host::durable_of(std::move(survived)), moment_of(node),
                      node.output);
  perform(node);
  observer_.on_serving(node.id, now_);
}

void SimulatedWorld::halt(Node& node, const Error& error) {
  node.last_words = name_of(node.id) + " stopped: " + error.message;
  end(node, Death::kByItself);
}

void SimulatedWorld::end(Node& node, Death how) {
  if (node.phase == Phase::kDown) return;
  const bool already = node.phase == Phase::kDying;
  node.phase = Phase::kDying;
  node.expected = how;
  if (!already) schedule(now_ + kReap, Settle{node.id});
}

void SimulatedWorld::kill(NodeId node) {
  end(at(node), Death::kKilled);
}

void SimulatedWorld::power_loss(const std::vector<NodeId>& nodes, std::uint64_t key,
                                faults::LossStyle style) {
  for (const NodeId id : nodes) {
    Node& node = at(id);
    if (node.phase == Phase::kDown) continue;
    node.power_loss = PowerLossOrder{key, style};
    end(node, Death::kPowerLoss);
  }
}

void SimulatedWorld::shut_down_all() {
  for (auto& node : nodes_) {
    node->start_wanted = false;
    resume(node->id);
    if (node->phase != Phase::kDying) end(*node, Death::kShutdown);
  }
}

void SimulatedWorld::kill_all() {
  for (auto& node : nodes_) {
    node->start_wanted = false;
    end(*node, Death::kKilled);
  }
}

void SimulatedWorld::handle(const Settle& event) {
  Node& node = at(event.node);
  node.phase = Phase::kDown;
  observer_.on_death(node.id, node.incarnation, now_, node.expected, false);
  const DiskImage before = node.files.files;
  if (auto agrees = node.disk.survive_kill(before); !agrees) {
    observer_.on_disk_disagreement(node.id, now_, agrees.error());
  }
  if (node.power_loss) {
    faults::Loss loss;
    node.files.files =
        node.disk.crash(node.power_loss->key, worlds::crash_style(node.power_loss->style), loss);
    node.power_loss.reset();
    node.disk.reset(node.files.files);
    observer_.on_disk(node.id, now_, before, node.files.files);
    observer_.on_power_loss(node.id, faults::PowerLoss{loss.bytes_lost, loss.files_lost}, now_);
  } else {
    observer_.on_disk(node.id, now_, before, before);
  }
  node.reset_process();
  for (const auto& [client, connection] : connections_) {
    if (connection.node == node.id) {
      schedule(now_, ConnectionLost{client, connection.number, false});
    }
  }
  if (node.expected == Death::kByItself) observer_.on_crash(node.id, now_, node.last_words);
  if (node.start_wanted) start(node.id);
}

bool SimulatedWorld::all_down() const {
  return std::all_of(nodes_.begin(), nodes_.end(),
                     [](const auto& node) { return node->phase == Phase::kDown; });
}

std::uint32_t SimulatedWorld::serving() const {
  return static_cast<std::uint32_t>(
      std::count_if(nodes_.begin(), nodes_.end(),
                    [](const auto& node) { return node->phase == Phase::kServing; }));
}

faults::ClusterView SimulatedWorld::view() const {
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

void SimulatedWorld::pause(NodeId id) {
  Node& node = at(id);
  if (node.phase != Phase::kServing || node.paused) return;
  node.paused = true;
  observer_.on_paused(id, true, now_);
}

void SimulatedWorld::resume(NodeId id) {
  Node& node = at(id);
  if (!node.paused) return;
  node.paused = false;
  observer_.on_paused(id, false, now_);
  // What came meanwhile waits in the sockets, one queue a sender: within one, order holds; among
  // them, the poll decides.
  std::vector<std::pair<std::uint64_t, Held>> inputs;
  for (Held& held : node.held) {
    inputs.emplace_back(
        key_of(spec_.seed, "resume", id, node.incarnation, to_ns(now_), held.source),
        std::move(held));
  }
  node.held.clear();
  std::stable_sort(inputs.begin(), inputs.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (const auto& [order, held] : inputs) {
    if (node.phase == Phase::kServing) run_input(node, held.input);
  }
  if (node.phase == Phase::kServing) arm(node);
}

void SimulatedWorld::set_clock(NodeId id, const faults::ClockSkew& skew) {
  const Node& node = at(id);
  schedule(now_ + kControl, ClockSet{id, node.incarnation, skew});
}

void SimulatedWorld::handle(const ClockSet& event) {
  Node& node = at(event.node);
  if (node.phase != Phase::kServing || node.incarnation != event.incarnation) return;
  node.clock.set(now_, event.skew.wall_offset, event.skew.rate_ppm);
  node.armed = kNever;
  arm(node);
  observer_.on_clock_set(node.id, event.skew, now_, node.clock.at(now_));
}

// The network.

Duration SimulatedWorld::latency(const wire::Envelope& e, std::uint64_t copy) {
  const std::uint64_t content =
      key_of(spec_.seed, "net.content", e.from, e.to, e.type, e.term, e.content);
  const std::uint64_t nth = copy == 0 ? ++copies_[content] : copies_[content];
  Rng rng = keyed(content, "net.latency", nth, copy);
  return rng.between(kMinLatency, kMaxLatency);
}

void SimulatedWorld::transmit(const std::string& payload, std::uint64_t connection) {
  const auto envelope = wire::peek_envelope(payload);
  WW_ASSERT(envelope.has_value(), "a frame of ours without an envelope");
  observer_.on_frame(now_, *envelope, payload);
  const faults::Decision decision = links_.decide(*envelope);
  for (std::uint8_t copy = 0; copy < decision.copies; ++copy) {
    schedule(now_ + latency(*envelope, copy) + decision.delays[copy], Frame{payload, connection});
  }
}

void SimulatedWorld::handle(Frame& event) {
  const auto envelope = wire::peek_envelope(event.payload);
  if (!envelope || !links_.may_deliver(*envelope)) return;
  if (wire::is_node(envelope->to)) {
    deliver_to_node(at(wire::node_of(envelope->to)), *envelope, event);
  } else {
    deliver_to_client(*envelope, event);
  }
}

void SimulatedWorld::deliver_to_node(Node& node, const wire::Envelope& envelope, Frame& frame) {
  if (node.phase != Phase::kServing) return;
  if (wire::is_node(envelope.from)) {
    return feed(node, envelope.from.value, std::move(frame.payload));
  }
  const auto owner = clients_by_connection_.find(frame.connection);
  if (owner == clients_by_connection_.end()) return;
  Connection& connection = connections_[owner->second];
  auto decoded = wire::decode_request(frame.payload);
  if (!decoded || decoded->request.request <= connection.last_request) return;
  connection.last_request = decoded->request.request;
  const ClientId name{static_cast<std::uint32_t>(frame.connection)};
  feed(node, wire::kFirstClient + frame.connection,
       raft::Input{raft::Request{{name, decoded->request.request},
                                 decoded->request.read_mode,
                                 std::move(decoded->request.command)}});
}

void SimulatedWorld::deliver_to_client(const wire::Envelope& envelope, const Frame& frame) {
  const ClientId client = wire::client_of(envelope.to);
  const auto found = connections_.find(client);
  if (found == connections_.end() || found->second.number != frame.connection) return;
  const auto decoded = wire::decode_reply(frame.payload);
  WW_ASSERT(decoded.ok(), "a reply of ours that does not decode");
  observer_.on_reply(client, decoded->reply, now_);
}

// The clients.

void SimulatedWorld::connect(ClientId client, NodeId id) {
  disconnect(client);
  const std::uint64_t number = ++connection_numbers_;
  connections_[client] = Connection{id, number, false, 0};
  clients_by_connection_[number] = client;
  if (at(id).phase == Phase::kServing) {
    schedule(now_ + kControl, Connected{client, number});
  } else {
    schedule(now_ + kControl, ConnectionLost{client, number, true});
  }
}

void SimulatedWorld::disconnect(ClientId client) {
  const auto found = connections_.find(client);
  if (found == connections_.end()) return;
  clients_by_connection_.erase(found->second.number);
  connections_.erase(found);
}

void SimulatedWorld::send(ClientId client, NodeId id, const wire::ClientRequest& request) {
  const auto found = connections_.find(client);
  if (found == connections_.end() || !found->second.open || found->second.node != id) return;
  std::string payload;
  wire::encode_request(payload, client, id, request);
  transmit(payload, found->second.number);
}

void SimulatedWorld::handle(const Connected& event) {
  const auto found = connections_.find(event.client);
  if (found == connections_.end() || found->second.number != event.connection) return;
  if (at(found->second.node).phase != Phase::kServing) {
    return handle(ConnectionLost{event.client, event.connection, true});
  }
  found->second.open = true;
  observer_.on_connected(event.client, found->second.node, now_);
}

void SimulatedWorld::handle(const ConnectionLost& event) {
  const auto found = connections_.find(event.client);
  if (found == connections_.end() || found->second.number != event.connection) return;
  const NodeId node = found->second.node;
  disconnect(event.client);
  observer_.on_connection_lost(event.client, node, now_, event.refused);
}

// The nodes.

host::Moment SimulatedWorld::moment_of(const Node& node) const {
  return {node.clock.at(now_), now_};
}

void SimulatedWorld::feed(Node& node, std::uint64_t source,
                          std::variant<raft::Input, std::string> input) {
  if (node.paused) {
    node.held.push_back({source, std::move(input)});
  } else {
    run_input(node, input);
  }
}

void SimulatedWorld::run_input(Node& node, const std::variant<raft::Input, std::string>& input) {
  ++steps_;
  if (const auto* payload = std::get_if<std::string>(&input)) {
    const auto frame = wire::decode_peer(*payload);
    WW_ASSERT(frame.ok(), "a frame of ours that does not decode");
    node.driver->receive(moment_of(node), *frame, node.output);
  } else {
    node.driver->step(moment_of(node), std::get<raft::Input>(input), node.output);
  }
  perform(node);
}

void SimulatedWorld::emit(Node& node, const wire::trace::Event& event) {
  if (const auto* role = std::get_if<wire::trace::RoleChange>(&event)) {
    node.role = role->role;
    node.term = role->term;
  }
  observer_.on_trace(node.id, node.incarnation, {++node.trace_sequence, now_, event});
}

void SimulatedWorld::perform(Node& node) {
  // As in the process: the whole step is traced before anything of it leaves.
  for (const wire::trace::Event& event : node.output.events) emit(node, event);
  for (const host::Action& action : node.output.actions) {
    if (const auto* write = std::get_if<host::DiskWrite>(&action.what)) {
      node.waiting.push_back({*write, std::string(node.output.view(write->entries))});
    } else if (const auto* out = std::get_if<host::Outgoing>(&action.what)) {
      transmit(std::string(node.output.view(out->frame).substr(wire::kFrameHeader)), 0);
    } else if (const auto* reply = std::get_if<host::Reply>(&action.what)) {
      const std::uint64_t connection = reply->id.connection.value;
      const auto owner = clients_by_connection_.find(connection);
      if (owner == clients_by_connection_.end()) continue;
      std::string payload;
      wire::encode_reply(payload, node.id, owner->second, reply->reply);
      transmit(payload, connection);
    }
  }
  begin_sync(node);
  arm(node);
}

void SimulatedWorld::arm(Node& node) {
  const Instant due = node.clock.true_time_of(node.driver->deadline());
  if (due == node.armed) return;
  node.armed = due;
  if (due != kNever) schedule(std::max(now_, due), Timer{node.id, node.incarnation});
}

void SimulatedWorld::handle(const Timer& event) {
  Node& node = at(event.node);
  if (node.phase != Phase::kServing || node.incarnation != event.incarnation) return;
  if (node.paused) {
    // resume() arms it again.
    node.armed = kNever;
    return;
  }
  if (node.armed == kNever || node.armed > now_) return;
  node.armed = kNever;
  const Instant mono = node.clock.at(now_).mono;
  if (mono < node.driver->deadline()) return arm(node);
  run_input(node, raft::Input{raft::TimerDue{}});
}

void SimulatedWorld::begin_sync(Node& node) {
  if (node.disk_busy || node.waiting.empty()) return;
  const std::vector<QueuedWrite> batch = std::move(node.waiting);
  node.waiting.clear();
  node.disk_busy = true;
  for (const QueuedWrite& queued : batch) {
    storage::Batch bytes;
    bytes.state = queued.write.state;
    bytes.truncate_from = queued.write.truncate_from;
    bytes.first = queued.write.range.first;
    bytes.count = queued.write.range.count;
    bytes.entries = queued.entries;
    if (auto written = node.log->write(bytes); !written) return halt(node, written.error());
    node.syncing.push_back(queued.write);
  }
  Rng rng = keyed(spec_.seed, "disk.sync", node.id, node.incarnation, batch.front().write.id);
  schedule(now_ + rng.between(kMinSync, kMaxSync), SyncDone{node.id, node.incarnation});
}

void SimulatedWorld::handle(const SyncDone& event) {
  Node& node = at(event.node);
  if (node.phase != Phase::kServing || node.incarnation != event.incarnation) return;
  const bool wanted = std::any_of(node.syncing.begin(), node.syncing.end(),
                                  [](const host::DiskWrite& write) { return write.sync; });
  if (wanted) {
    if (auto synced = node.log->sync(); !synced) return halt(node, synced.error());
  }
  const std::vector<host::DiskWrite> done = std::move(node.syncing);
  node.syncing.clear();
  node.disk_busy = false;
  for (const host::DiskWrite& write : done) {
    if (node.phase != Phase::kServing) return;
    feed(node, 0, raft::Input{raft::Written{write.id, {}}});
  }
  begin_sync(node);
}

}  // namespace ww::simulated
