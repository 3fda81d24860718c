// A deterministic world: virtual time, a network, disks and clients around nodes that are values or
// processes (node_port.hpp).
//
// One queue of events, ordered by (virtual time, sequence), drives everything. Every latency is
// keyed by the content of what it delays, so that a message, an op or a fault less leaves the
// others as they were. There is no clock and no thread here: the same plan gives the same bytes.
//
// A node's output is carried out item by item, in order. A fault that a trigger sets off strikes
// between two of them: what comes later never left the node, and of the files that it wrote
// meanwhile the world restores what the items so far had done.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/flat_map.hpp"
#include "base/wire/stepped.hpp"
#include "controller/run/finished_run.hpp"
#include "controller/run/network.hpp"
#include "controller/run/test_spec.hpp"
#include "controller/worlds/discrete/event_queue.hpp"
#include "controller/worlds/discrete/node_port.hpp"
#include "controller/worlds/observer.hpp"
#include "controller/worlds/world.hpp"
#include "faults/disk/disk_model.hpp"
#include "faults/links.hpp"
#include "nodes/host/clock.hpp"

namespace ww::discrete {

class Tap;

class DiscreteWorld final : public worlds::World {
 public:
  /// Errors: those of `make`.
  /// REQUIRES: all but `make` outlive the world.
  static Result<std::unique_ptr<DiscreteWorld>> open(const run::TestSpec& spec,
                                                     const run::Network& network,
                                                     faults::LinkTable& links, Tap& tap,
                                                     const MakeNode& make);
  ~DiscreteWorld() override;

  // The verbs of the faults.
  void kill(NodeId node) override;
  void start(NodeId node) override;
  void pause(NodeId node) override;
  void resume(NodeId node) override;
  void set_clock(NodeId node, const faults::ClockSkew& skew) override;
  void transfer(NodeId leader, NodeId to) override;
  void change_membership(NodeId leader, const std::vector<NodeId>& voters,
                         wire::MembershipMode mode) override;
  void power_loss(const std::vector<NodeId>& nodes, std::uint64_t key,
                  faults::LossStyle style) override;
  void let_out(NodeId node, std::uint32_t actions) override;
  void set_disk(NodeId node, const faults::DiskTrouble& trouble) override;
  void damage(NodeId node, std::uint64_t key, faults::Damage damage) override;
  [[nodiscard]] faults::ClusterView view() const override;

  // The clients' verbs, and life and death.
  void connect(ClientId client, NodeId node) override;
  void disconnect(ClientId client) override;
  void send(ClientId client, NodeId node, const wire::ClientRequest& request) override;
  void send(ClientId client, NodeId node, const wire::WatchRequest& request) override;
  void start_all() override;
  void shut_down_all() override;
  void kill_all() override;
  [[nodiscard]] bool all_down() const override;
  [[nodiscard]] std::uint32_t serving() const override;

  // Time.
  [[nodiscard]] Instant now() const { return now_; }
  /// When the next event is due; kNever without one.
  [[nodiscard]] Instant next_event() const { return events_.next(); }
  /// Moves time to `t`, which is not after next_event().
  void move_to(Instant t);
  /// Handles the next event. REQUIRES: there is one.
  void step();
  /// Steps of replicas so far.
  [[nodiscard]] std::uint64_t steps() const { return steps_; }

  /// Keeps what became of every message from now on.
  void record_deliveries() { recording_ = true; }
  [[nodiscard]] std::vector<run::SentMessage> take_deliveries() { return std::move(sent_); }

 private:
  enum class Phase : std::uint8_t { kDown, kStarting, kServing, kDying };
  struct Connection {
    NodeId node;
    std::uint64_t number = 0;  // unique in the run; the node knows the client by it
    bool open = false;
  };
  /// The node's end of a connection. What is under way when the client closes its own still comes.
  struct Accepted {
    NodeId node;
    Incarnation incarnation = 0;  // of the process that accepted it
    std::uint64_t last_request = 0;
  };

  enum class What : std::uint8_t {
    kBoot,
    kSettle,  // the dead process' files are looked at
    kTimer,
    kFrame,  // a message arrives at a node or a client
    kSyncDone,
    kSaveDone,      // a snapshot's file is synced
    kWriteFailed,   // the disk refused the writes that wait
    kUnsyncedDone,  // writes that need no sync are done, with those before them
    kConnected,
    kConnectionLost,
    kClockSet,
    kTransfer,          // the node hears that it is to hand its leadership over
    kChangeMembership,  // ... that it is to change the voters
    kRedraw,
  };
  /// Events of a process carry its incarnation and die with it; a settling is its end.
  struct Event {
    What what = What::kTimer;
    bool refused = false;
    NodeId node;
    Incarnation incarnation = 0;
    ClientId client;
    std::uint64_t connection = 0;
    WriteId upto;
    wire::Envelope envelope;
    std::string payload;
    faults::ClockSkew skew;
    SaveId save;
    Duration late{};
    bool failed = false;  // the disk refused the bytes, whatever becomes of it meanwhile
    NodeId to;
    wire::stepped::ChangeMembership change;
  };
  /// Something to be fed to a node, kept while it is paused.
  struct Input {
    enum class Kind : std::uint8_t {
      kMessage,
      kRequest,
      kWritten,
      kSynced,
      kSaved,
      kTransfer,
      kChangeMembership,
      kWatch
    };
    Kind kind = Kind::kMessage;
    std::uint64_t source = 0;  // whose socket it waits in; 0: the log's disk; or kSnapshotFile
    std::string payload;
    ClientId connection;
    wire::ClientRequest request;
    wire::WatchRequest watch;
    // A sync has ended, of the writes from here to there, so much later than of itself. Whether
    // well or not is seen when the node hears of it: by then the disk may have been replaced.
    WriteId from;
    WriteId upto;
    SaveId save;  // the same, of a snapshot's file
    Duration late{};
    bool failed = false;  // before any sync
    NodeId to;
    wire::stepped::ChangeMembership change;
  };
  struct PowerLossOrder {
    std::uint64_t key = 0;
    faults::LossStyle style = faults::LossStyle::kNothing;
  };
  struct DamageOrder {
    std::uint64_t key = 0;
    faults::Damage damage = faults::Damage::kWipe;
  };
  struct Node;

  DiscreteWorld(const run::TestSpec& spec, const run::Network& network, faults::LinkTable& links,
                Tap& tap);
  Node& at(NodeId node);
  [[nodiscard]] const Node& at(NodeId node) const;
  Event& schedule(Instant when, What what);
  Event& schedule_for(const Node& node, Instant when, What what);
  /// Names what is about to happen to the node by what its own trace has said of its state, and by
  /// how often that was alike before: never by how many other things there were.
  [[nodiscard]] std::uint64_t occasion_of(const Node& node, Domain domain);
  /// A drawn duration, or the middle one of a flat network.
  template <class... Parts>
  [[nodiscard]] Duration draw(Duration low, Duration high, Domain domain,
                              const Parts&... parts) const;
  [[nodiscard]] std::uint64_t seed() const;

  void boot(const Event& event);
  void settle(Node& node);
  Result<void> settle_disk(Node& node);
  Result<void> leave_files(Node& node, const DiskImage& before, const DiskImage& after);
  void audit_discarded(const Node& node, const DiskImage& found);
  void on_timer(const Event& event);
  void on_frame(Event& event);
  void on_sync_done(const Event& event);
  void on_save_done(const Event& event);
  void on_write_failed(const Event& event);
  void on_unsynced_done(const Event& event);
  void on_connected(const Event& event);
  void on_connection_lost(ClientId client, std::uint64_t connection, bool refused);
  void on_clock_set(const Event& event);
  void on_transfer(const Event& event);
  void on_change_membership(Event& event);
  void redraw();

  void transmit(const wire::Envelope& envelope, std::string_view payload, std::uint64_t connection);
  void transmit_written_down(const wire::Envelope& envelope, std::string_view payload,
                             std::uint64_t connection, const run::Delivery& delivery);
  void deliver_at(Instant when, const wire::Envelope& envelope, std::string_view payload,
                  std::uint64_t connection);
  void deliver_to_node(Node& node, Event& event);
  void deliver_of_client(Node& node, const Event& event);
  void deliver_to_client(const Event& event);
  void send_of_client(ClientId client, NodeId node, std::string_view payload);

  /// Feeds an input, or keeps it while the node is paused.
  void feed(Node& node, Input&& input);
  void feed_now(Node& node, const Input& input);
  void step_to_failure(Node& node, const wire::stepped::Event& event);
  void step_node(Node& node, const wire::stepped::Event& event);
  void perform(Node& node);
  bool perform_item(Node& node, const wire::stepped::Output::Item& item);
  void perform_write(Node& node, const wire::stepped::Write& write);
  void perform_save(Node& node, const wire::stepped::Save& save);
  void perform_send(Node& node, std::string_view payload);
  void perform_reply(Node& node, const wire::stepped::Reply& reply);
  void perform_notice(Node& node, const wire::stepped::Notice& notice);
  [[nodiscard]] std::optional<ClientId> answered_by(Node& node, ClientId connection);
  void transmit_to_client(std::string_view payload, ClientId connection);
  void emit(Node& node, wire::trace::Event&& event);
  void arm(Node& node);
  void begin_sync(Node& node);
  static WriteId take_unsynced(Node& node);
  void end(Node& node, Death how);
  void on_ended(Node& node);
  void crash(Node& node, const std::string& why);
  void die_unheard(Node& node, const Error& error);
  [[nodiscard]] wire::stepped::Clock clock_of(const Node& node) const;

  const run::TestSpec& spec_;
  const run::Network& network_;
  faults::LinkTable& links_;
  Tap& tap_;
  Instant now_{};
  std::uint64_t steps_ = 0;
  EventQueue<Event> events_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<ClientId, Connection> connections_;
  std::vector<Accepted> accepted_;  // connection 1, 2, ...; closed ones stay
  std::map<std::uint64_t, ClientId> clients_by_connection_;
  /// How many identical messages were sent, and occasions met, by the hash of their content.
  FlatMap copies_;
  std::map<run::MessageKey, run::Delivery> written_down_;
  bool recording_ = false;
  std::vector<run::SentMessage> sent_;
};

}  // namespace ww::discrete
