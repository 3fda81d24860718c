// The simulated world: replicas inside the controller, virtual time, a network and disks of its
// own.
//
// One queue of events, ordered by (virtual time, sequence), drives everything. The nodes run the
// same driver, replica, log format and recovery as the process does; their files are bytes in
// memory. Every latency is keyed by the content of what it delays, so that a message, an op or a
// fault less leaves the others as they were. There is no clock and no thread here: the same plan
// gives the same bytes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "controller/run/test_spec.hpp"
#include "controller/worlds/observer.hpp"
#include "controller/worlds/world.hpp"
#include "faults/disk/disk_model.hpp"
#include "faults/links.hpp"
#include "nodes/host/clock.hpp"
#include "nodes/host/driver.hpp"
#include "nodes/storage/byte_store.hpp"
#include "nodes/storage/log_store.hpp"

namespace ww::simulated {

class SimulatedWorld final : public worlds::World {
 public:
  /// REQUIRES: `spec`, `links` and `observer` outlive the world.
  SimulatedWorld(const run::TestSpec& spec, faults::LinkTable& links, worlds::Observer& observer);
  ~SimulatedWorld() override;

  // The verbs of the faults.
  void kill(NodeId node) override;
  void start(NodeId node) override;
  void pause(NodeId node) override;
  void resume(NodeId node) override;
  void set_clock(NodeId node, const faults::ClockSkew& skew) override;
  void power_loss(const std::vector<NodeId>& nodes, std::uint64_t key,
                  faults::LossStyle style) override;
  [[nodiscard]] faults::ClusterView view() const override;

  // The clients' verbs, and life and death.
  void connect(ClientId client, NodeId node) override;
  void disconnect(ClientId client) override;
  void send(ClientId client, NodeId node, const wire::ClientRequest& request) override;
  void start_all() override;
  void shut_down_all() override;
  void kill_all() override;
  [[nodiscard]] bool all_down() const override;
  [[nodiscard]] std::uint32_t serving() const override;

  // Time.
  [[nodiscard]] Instant now() const { return now_; }
  /// When the next event is due; kNever without one.
  [[nodiscard]] Instant next_event() const;
  /// Moves time to `t`, which is not after next_event().
  void move_to(Instant t);
  /// Handles the next event. REQUIRES: there is one.
  void step();
  /// Replica steps so far.
  [[nodiscard]] std::uint64_t steps() const { return steps_; }

 private:
  enum class Phase : std::uint8_t { kDown, kStarting, kServing, kDying };
  struct Connection {
    NodeId node;
    std::uint64_t number = 0;  // unique in the run; the node knows the client by it
    bool open = false;
    std::uint64_t last_request = 0;
  };

  // Events. Those of a process carry its incarnation and die with it; a settling is its end.
  struct Boot {
    NodeId node;
    Incarnation incarnation;
  };
  struct Settle {  // the dead process' files are looked at
    NodeId node;
  };
  struct Timer {
    NodeId node;
    Incarnation incarnation;
  };
  struct Frame {  // a message arrives at a node or a client
    std::string payload;
    std::uint64_t connection = 0;  // of a client, else 0
  };
  struct SyncDone {
    NodeId node;
    Incarnation incarnation;
  };
  struct Connected {
    ClientId client;
    std::uint64_t connection;
  };
  struct ConnectionLost {
    ClientId client;
    std::uint64_t connection;
    bool refused;
  };
  struct ClockSet {
    NodeId node;
    Incarnation incarnation;
    faults::ClockSkew skew;
  };
  struct Event {
    Instant at{};
    std::uint64_t sequence = 0;
    std::variant<Boot, Settle, Timer, Frame, SyncDone, Connected, ConnectionLost, ClockSet> what;
  };
  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return a.at != b.at ? a.at > b.at : a.sequence > b.sequence;
    }
  };
  struct QueuedWrite {
    host::DiskWrite write;
    std::string entries;
  };
  struct PowerLossOrder {
    std::uint64_t key = 0;
    faults::LossStyle style = faults::LossStyle::kNothing;
  };
  struct Held;
  struct Node;

  Node& at(NodeId node);
  [[nodiscard]] const Node& at(NodeId node) const;
  void schedule(Instant when, decltype(Event::what) what);
  [[nodiscard]] Duration latency(const wire::Envelope& envelope, std::uint64_t copy);
  void transmit(const std::string& payload, std::uint64_t connection);
  void end(Node& node, Death how);

  void handle(const Boot& event);
  void handle(const Settle& event);
  void handle(const Timer& event);
  void handle(Frame& event);
  void handle(const SyncDone& event);
  void handle(const Connected& event);
  void handle(const ConnectionLost& event);
  void handle(const ClockSet& event);

  void deliver_to_node(Node& node, const wire::Envelope& envelope, Frame& frame);
  void deliver_to_client(const wire::Envelope& envelope, const Frame& frame);
  /// Runs one input, or keeps it for later while the node is paused.
  void feed(Node& node, std::uint64_t source, std::variant<raft::Input, std::string> input);
  void run_input(Node& node, const std::variant<raft::Input, std::string>& input);
  void perform(Node& node);
  void emit(Node& node, const wire::trace::Event& event);
  void arm(Node& node);
  void begin_sync(Node& node);
  void halt(Node& node, const Error& error);
  [[nodiscard]] host::Moment moment_of(const Node& node) const;
  [[nodiscard]] raft::Config config_of(const Node& node) const;

  const run::TestSpec& spec_;
  faults::LinkTable& links_;
  worlds::Observer& observer_;
  Instant now_{};
  std::uint64_t sequence_ = 0;
  std::uint64_t steps_ = 0;
  std::priority_queue<Event, std::vector<Event>, Later> events_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<ClientId, Connection> connections_;
  std::uint64_t connection_numbers_ = 0;
  std::map<std::uint64_t, ClientId> clients_by_connection_;
  /// How many identical messages were sent, by the hash of their content. Looked up only.
  std::unordered_map<std::uint64_t, std::uint64_t> copies_;
};

}  // namespace ww::simulated
