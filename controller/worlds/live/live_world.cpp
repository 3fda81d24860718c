#include "controller/worlds/live/live_world.hpp"

#include <signal.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <utility>

#include "controller/run/version.hpp"
#include "controller/worlds/crash_style.hpp"
#include "controller/worlds/damage.hpp"
#include "controller/worlds/data_directory.hpp"
#include "controller/worlds/live/process_end.hpp"

namespace ww::live {

namespace {

// A trace frame can hold a whole batch of written bytes.
constexpr std::uint32_t kMaxTraceFrame = 16U << 20;
constexpr std::size_t kLastWords = 2000;

bool is_environment(int status) {
  return status == kNodeExitEnvironment || status == kNodeExitDisk;
}

std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.substr(text.find_last_of('\n') + 1);
}

}  // namespace

Result<std::unique_ptr<LiveWorld>> LiveWorld::open(boost::asio::io_context& io, RealClock clock,
                                                   const run::TestSpec& spec, LiveOptions options,
                                                   faults::LinkTable& links,
                                                   worlds::Observer& observer) {
  std::unique_ptr<LiveWorld> world(
      new LiveWorld(io, clock, spec, std::move(options), links, observer));
  LiveWorld* const raw = world.get();
  ControlServer::Handlers handlers;
  handlers.on_hello = [raw](const wire::control::Hello& hello) {
    Node& node = raw->at(hello.node);
    if (node.phase != Phase::kStarting || hello.incarnation != node.incarnation) return;
    node.phase = Phase::kServing;
    node.has_served = true;
    node.damaged = false;
    if (node.trouble != faults::DiskTrouble{}) raw->tell_trouble(node);
    raw->observer_.on_serving(node.id, raw->clock_.now());
  };
  handlers.on_clock = [raw](NodeId node, const wire::control::ClockState& state) {
    raw->on_clock_state(node, state);
  };
  handlers.on_error = [raw](const std::string& complaint) {
    raw->observer_.on_world_error(Error{ErrorCode::kInternal, true, complaint});
  };
  auto control = ControlServer::open(io, spec.address, std::move(handlers));
  if (!control) return control.error();
  world->control_ = std::move(*control);
  if (auto made = world->make_directories(); !made) return made.error();
  if (auto opened = world->open_proxies(); !opened) return opened.error();
  return world;
}

LiveWorld::LiveWorld(boost::asio::io_context& io, RealClock clock, const run::TestSpec& spec,
                     LiveOptions options, faults::LinkTable& links, worlds::Observer& observer)
    : io_(io),
      clock_(clock),
      spec_(spec),
      options_(std::move(options)),
      links_(links),
      observer_(observer),
      clients_(io, {[this](ClientId c, NodeId n) { observer_.on_connected(c, n, clock_.now()); },
                    [this](ClientId c, NodeId n, bool refused) {
                      observer_.on_connection_lost(c, n, clock_.now(), refused);
                    },
                    [this](ClientId c, const wire::ClientReply& reply) {
                      observer_.on_reply(c, reply, clock_.now());
                    },
                    [this](ClientId c, const wire::WatchFrame& frame) {
                      observer_.on_watch_frame(c, frame, clock_.now());
                    },
                    [this](const Error& error) { observer_.on_world_error(error); }}) {
  for (std::uint32_t i = 1; i <= spec.all_nodes(); ++i) {
    nodes_.emplace_back();
    nodes_.back().id = NodeId{i};
  }
}

LiveWorld::~LiveWorld() = default;

std::string LiveWorld::node_directory(NodeId node) const {
  return options_.run_directory + "/nodes/" + name_of(node);
}
std::string LiveWorld::data_directory(NodeId node) const {
  return node_directory(node) + "/data";
}

LiveWorld::Node& LiveWorld::at(NodeId node) {
  WW_ASSERT(node.value >= 1 && node.value <= nodes_.size(), "a node that is not in the cluster");
  return nodes_[node.value - 1];
}
const LiveWorld::Node& LiveWorld::at(NodeId node) const {
  WW_ASSERT(node.value >= 1 && node.value <= nodes_.size(), "a node that is not in the cluster");
  return nodes_[node.value - 1];
}

Result<void> LiveWorld::make_directories() {
  for (const Node& node : nodes_) {
    std::error_code ec;
    std::filesystem::create_directories(data_directory(node.id), ec);
    if (ec) return Error{ErrorCode::kIo, true, data_directory(node.id) + ": " + ec.message()};
  }
  return {};
}

Result<void> LiveWorld::open_proxies() {
  const auto clock = [this] { return clock_.now(); };
  faults::ProxyEvents events;
  events.on_frame = [this](Instant time, const wire::Envelope& envelope, std::string_view payload) {
    observer_.on_frame(time, envelope, payload);
  };
  events.on_error = [this](const std::string& what) {
    observer_.on_world_error(Error{ErrorCode::kCorrupt, true, what});
  };
  const AddressPlan& plan = addresses();
  for (const Node& from : nodes_) {
    for (const Node& to : nodes_) {
      if (from.id == to.id) continue;
      faults::ProxyOptions options;
      options.listen = plan.link(from.id, to.id);
      options.target = plan.peer(to.id);
      options.from = wire::endpoint_of(from.id);
      options.to = wire::endpoint_of(to.id);
      auto proxy = faults::LinkProxy::open(io_, std::move(options), clock, links_, events);
      if (!proxy) return proxy.error();
      link_proxies_.emplace(faults::Link{from.id, to.id}, std::move(*proxy));
    }
  }
  for (const Node& node : nodes_) {
    faults::ProxyOptions options;
    options.listen = {plan.link(node.id, node.id).host, plan.link(node.id, kNobody).port};
    options.target = plan.client(node.id);
    options.to = wire::endpoint_of(node.id);
    auto proxy = faults::ClientProxy::open(io_, std::move(options), clock, links_, events);
    if (!proxy) return proxy.error();
    client_proxies_.push_back(std::move(*proxy));
  }
  return {};
}

NodeCommand LiveWorld::command_for(const Node& node) const {
  const AddressPlan& plan = addresses();
  NodeCommand command;
  command.executable = options_.node_executable;
  command.stderr_file = node_directory(node.id) + "/stderr.log";
  std::string names;
  for (const Node& other : nodes_) {
    if (other.id.value <= spec_.nodes) names += (names.empty() ? "" : ",") + name_of(other.id);
  }
  std::vector<std::string>& a = command.arguments;
  const auto add = [&a](const std::string& flag, const std::string& value) {
    a.push_back(flag);
    a.push_back(value);
  };
  add("--id", name_of(node.id));
  add("--nodes", names);
  add("--data", data_directory(node.id));
  if (!node.has_served) a.emplace_back("--first-start");
  add("--incarnation", std::to_string(node.incarnation));
  add("--seed", std::to_string(spec_.seed));
  add("--origin-ns", std::to_string(clock_.origin_ns()));
  add("--election-timeout", run::format_duration(spec_.election_timeout));
  add("--heartbeat", run::format_duration(spec_.heartbeat_interval));
  add("--batching", spec_.batching);
  add("--pipelining", spec_.pipelining);
  add("--segment-bytes", std::to_string(spec_.segment_bytes));
  add("--session-entries", std::to_string(spec_.session_entries));
  add("--watch-entries", std::to_string(spec_.watch_entries));
  add("--snapshot-entries", std::to_string(spec_.snapshot_entries));
  add("--snapshot-bytes", std::to_string(spec_.snapshot_bytes));
  if (spec_.snapshot_interval != Duration{}) {
    add("--snapshot-interval", run::format_duration(spec_.snapshot_interval));
  }
  add("--snapshot-trailing", std::to_string(spec_.snapshot_trailing));
  add("--snapshot-piece", std::to_string(spec_.snapshot_piece));
  add("--reads", spec_.reads);
  add("--lease-drift", std::to_string(spec_.lease_drift));
  add("--follower-reads", spec_.follower_reads ? "on" : "off");
  add("--listen", plan.peer(node.id).text());
  add("--client-listen", plan.client(node.id).text());
  for (const Node& other : nodes_) {
    if (other.id == node.id) continue;
    add("--peer", name_of(other.id) + "=" + plan.link(node.id, other.id).text());
  }
  add("--control", plan.control().text());
  add("--trace-fd", std::to_string(NodeProcess::kTraceFd));
  add("--parent-pid", std::to_string(::getpid()));
  for (const std::string& bug : spec_.bugs) add("--bug", bug);
  add("--journal", node_directory(node.id) + "/journal");
  add("--build", run::commit());
  return command;
}

void LiveWorld::spawn(Node& node) {
  node.start_wanted = false;
  node.phase = Phase::kStarting;
  node.paused = false;
  node.role = wire::Role::kFollower;
  node.expected = Death::kByItself;
  node.shutdown_asked = false;
  node.disk_failed = false;
  ++node.incarnation;
  node.trace = wire::FrameBuffer(kMaxTraceFrame);
  node.trace_broken = false;
  observer_.on_start(node.id, node.incarnation, clock_.now());
  NodeProcess::Handlers handlers;
  handlers.on_trace = [this, id = node.id](std::string_view bytes) { on_trace_bytes(id, bytes); };
  handlers.on_gone = [this, id = node.id](const Exit& exit) { on_gone(id, exit); };
  auto process = NodeProcess::spawn(io_, command_for(node), std::move(handlers));
  if (!process) {
    node.phase = Phase::kDown;
    return observer_.on_world_error(process.error());
  }
  node.process = std::move(*process);
}

void LiveWorld::on_trace_bytes(NodeId id, std::string_view bytes) {
  Node& node = at(id);
  if (node.trace_broken) return;
  node.trace.feed(bytes);
  while (true) {
    auto frame = node.trace.next();
    if (frame && !frame->has_value()) return;
    auto record = frame ? wire::trace::decode(**frame) : Result<wire::trace::Record>(frame.error());
    if (!record) {
      node.trace_broken = true;
      return observer_.on_world_error(
          Error{ErrorCode::kCorrupt, true,
                "the trace of " + name_of(id) + " is broken: " + record.error().message});
    }
    on_record(node, *record);
  }
}

void LiveWorld::on_record(Node& node, const wire::trace::Record& record) {
  node.members.follow(record.event);
  if (const auto* store = std::get_if<wire::trace::Store>(&record.event)) node.disk.apply(*store);
  if (const auto* boot = std::get_if<wire::trace::Boot>(&record.event)) node.term = boot->term;
  if (const auto* trouble = std::get_if<wire::trace::Disk>(&record.event)) {
    node.disk_failed = node.disk_failed || !trouble->ok;
    observer_.on_sync(node.id, trouble->ok, trouble->late, record.time);
  }
  if (const auto* role = std::get_if<wire::trace::RoleChange>(&record.event)) {
    node.role = role->role;
    node.term = role->term;
  }
  observer_.on_trace(node.id, node.incarnation, record);
}

void LiveWorld::on_gone(NodeId id, const Exit& exit) {
  Node& node = at(id);
  const Instant now = clock_.now();
  const ProcessEnd end = judge_end({.dying = node.phase == Phase::kDying,
                                    .expected = node.expected,
                                    .shutdown = node.shutdown_asked,
                                    .damaged = node.damaged,
                                    .disk_failed = node.disk_failed},
                                   exit);
  const bool torn = node.trace.pending() > 0;
  if (end.refused) node.damage = DamageOrder{0, faults::Damage::kWipe};
  node.process.reset();
  node.phase = Phase::kDying;  // until its disk is settled
  node.paused = false;
  node.clock_requests.clear();
  control_->drop(id);
  // What is done to the files counts, also if the process ended by itself just before.
  const Death asked = end.as_asked ? node.expected : Death::kByItself;
  const Death how = node.damage ? Death::kDamage : node.power_loss ? Death::kPowerLoss : asked;
  observer_.on_death(id, node.incarnation, now, how, torn);
  settle_disk(node, now, end.refused);
  node.phase = Phase::kDown;
  if (end.made_to) {
    // That is how a correct node answers to a disk that fails, or failed it.
  } else if (!end.as_asked && exit.signal == 0 && is_environment(exit.status)) {
    observer_.on_world_error(
        Error{exit.status == kNodeExitDisk ? ErrorCode::kNoSpace : ErrorCode::kEnvironment, true,
              last_line(worlds::tail_of(node_directory(id) + "/stderr.log", kLastWords))});
  } else if (!end.as_asked) {
    const std::string words = worlds::tail_of(node_directory(id) + "/stderr.log", kLastWords);
    observer_.on_crash(id, now,
                       name_of(id) + " " + exit.describe() + (words.empty() ? "" : ": " + words));
  }
  if (end.refused) observer_.on_refused(id, now);
  if (node.start_wanted && node.process == nullptr) spawn(node);
}

void LiveWorld::settle_disk(Node& node, Instant now, bool refused) {
  const auto order = std::exchange(node.power_loss, std::nullopt);
  auto found = worlds::read_image(data_directory(node.id));
  if (!found) return observer_.on_world_error(found.error());
  // The page cache outlives the process: what was not synced stays at risk.
  if (auto agrees = node.disk.survive_kill(*found); !agrees) {
    observer_.on_disk_disagreement(node.id, now, agrees.error());
  }
  if (const auto damage = std::exchange(node.damage, std::nullopt)) {
    faults::DamageDone done;
    const DiskImage after = worlds::damaged_files(node.disk, damage->damage, damage->key, done);
    if (!leave_files(node, *found, after, now)) return;
    node.damaged = true;
    if (!refused) observer_.on_damage(node.id, done, now);
    return;
  }
  if (!order) return observer_.on_disk(node.id, now, *found, *found);
  faults::Loss loss;
  const DiskImage after = node.disk.crash(order->key, worlds::crash_style(order->style), loss);
  if (!leave_files(node, *found, after, now)) return;
  observer_.on_power_loss(node.id, faults::PowerLoss{loss.bytes_lost, loss.files_lost}, now);
}

/// All of what is left is durable. False when it could not be written, which is told.
bool LiveWorld::leave_files(Node& node, const DiskImage& before, const DiskImage& after,
                            Instant now) {
  if (auto written = worlds::write_image(data_directory(node.id), after); !written) {
    observer_.on_world_error(written.error());
    return false;
  }
  node.disk.reset(after);
  observer_.on_disk(node.id, now, before, after);
  return true;
}

void LiveWorld::end(Node& node, Death how) {
  if (node.process == nullptr) return;
  node.phase = Phase::kDying;
  node.expected = how;
  node.process->signal(SIGKILL);
}

void LiveWorld::kill(NodeId node) {
  end(at(node), Death::kKilled);
}

void LiveWorld::damage(NodeId id, std::uint64_t key, faults::Damage damage) {
  Node& node = at(id);
  if (node.process == nullptr) return;
  node.damage = DamageOrder{key, damage};
  end(node, Death::kDamage);
}

void LiveWorld::start(NodeId id) {
  Node& node = at(id);
  if (closing_) return;
  if (node.phase != Phase::kDown) {
    // Its end is on the way; it starts again as soon as its disk is settled.
    node.start_wanted = node.phase == Phase::kDying || node.disk_failed;
    return;
  }
  spawn(node);
}

void LiveWorld::pause(NodeId id) {
  Node& node = at(id);
  if (node.process == nullptr || node.phase == Phase::kDying || node.paused) return;
  node.process->signal(SIGSTOP);
  node.paused = true;
  observer_.on_paused(id, true, clock_.now());
}

void LiveWorld::resume(NodeId id) {
  Node& node = at(id);
  if (node.process == nullptr || !node.paused) return;
  node.process->signal(SIGCONT);
  node.paused = false;
  observer_.on_paused(id, false, clock_.now());
}

void LiveWorld::set_clock(NodeId id, const faults::ClockSkew& skew) {
  Node& node = at(id);
  const std::uint64_t request = ++clock_requests_;
  if (control_->send(id, wire::control::SetClock{request, skew.wall_offset, skew.rate_ppm})) {
    node.clock_requests[request] = skew;
  }
}

void LiveWorld::transfer(NodeId leader, NodeId to) {
  // One that is down or does not lead does nothing with it.
  (void)control_->send(leader, wire::control::Transfer{0, to});
}

void LiveWorld::change_membership(NodeId leader, const std::vector<NodeId>& voters,
                                  wire::MembershipMode mode) {
  (void)control_->send(leader, wire::control::ChangeMembership{0, voters, mode});
}

void LiveWorld::set_disk(NodeId id, const faults::DiskTrouble& trouble) {
  Node& node = at(id);
  node.trouble = trouble;
  if (node.phase == Phase::kServing) tell_trouble(node);
}

void LiveWorld::tell_trouble(const Node& node) {
  wire::control::SetDisk set;
  set.sync = node.trouble.sync;
  set.hangs = node.trouble.hangs;
  set.fails = static_cast<wire::control::DiskFailure>(node.trouble.fails);
  set.full = node.trouble.full;
  (void)control_->send(node.id, set);
}

void LiveWorld::on_clock_state(NodeId id, const wire::control::ClockState& state) {
  if (id == kNobody) return;
  Node& node = at(id);
  const auto found = node.clock_requests.find(state.request);
  if (found == node.clock_requests.end()) return;
  const faults::ClockSkew skew = found->second;
  node.clock_requests.erase(found);
  observer_.on_clock_set(id, skew, state.true_time, Now{state.mono, state.wall});
}

void LiveWorld::power_loss(const std::vector<NodeId>& nodes, std::uint64_t key,
                           faults::LossStyle style) {
  for (const NodeId id : nodes) {
    Node& node = at(id);
    if (node.process == nullptr) continue;
    node.power_loss = PowerLossOrder{key, style};
    end(node, Death::kPowerLoss);
  }
}

faults::ClusterView LiveWorld::view() const {
  faults::ClusterView out;
  for (const Node& node : nodes_) {
    faults::NodeView v;
    v.id = node.id;
    v.alive = node.process != nullptr && node.phase != Phase::kDying;
    v.serving = node.phase == Phase::kServing;
    v.paused = node.paused;
    v.role = v.alive ? node.role : wire::Role::kFollower;
    v.term = node.term;
    v.members = node.members;
    out.nodes.push_back(std::move(v));
  }
  return out;
}

void LiveWorld::connect(ClientId client, NodeId id) {
  const Node& node = at(id);
  // A node that does not listen refuses; the proxy, which always listens, could not say so.
  if (node.phase != Phase::kServing) return clients_.refuse(client, id);
  const AddressPlan& plan = addresses();
  clients_.connect(client, id, {plan.link(id, id).host, plan.link(id, kNobody).port});
}

void LiveWorld::start_all() {
  for (Node& node : nodes_) {
    if (node.process == nullptr) spawn(node);
  }
}

void LiveWorld::shut_down_all() {
  closing_ = true;
  for (Node& node : nodes_) {
    if (node.process == nullptr) continue;
    node.start_wanted = false;
    resume(node.id);
    const bool sent = control_->send(node.id, wire::control::Shutdown{});
    if (node.phase == Phase::kDying) continue;
    if (!sent) {
      end(node, Death::kKilled);
      continue;
    }
    node.phase = Phase::kDying;
    node.expected = Death::kShutdown;
    node.shutdown_asked = true;
  }
}

void LiveWorld::kill_all() {
  closing_ = true;
  for (Node& node : nodes_) {
    node.start_wanted = false;
    end(node, Death::kKilled);
  }
}

bool LiveWorld::all_down() const {
  for (const Node& node : nodes_) {
    if (node.phase != Phase::kDown) return false;
  }
  return true;
}

std::uint32_t LiveWorld::serving() const {
  std::uint32_t count = 0;
  for (const Node& node : nodes_) count += node.phase == Phase::kServing ? 1 : 0;
  return count;
}

}  // namespace ww::live
