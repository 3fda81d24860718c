// The live world: real processes, real TCP through proxies, real files, the wall clock.
//
// One thread runs everything: the proxies, the clients' connections, the control connections and
// the reading of the traces. Nodes are spawned from it, so it must be the main thread (a node is
// killed by the kernel when the thread that spawned it ends).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/real_time.hpp"
#include "base/wire/frame.hpp"
#include "controller/run/test_spec.hpp"
#include "controller/worlds/live/client_links.hpp"
#include "controller/worlds/live/control_server.hpp"
#include "controller/worlds/live/node_process.hpp"
#include "controller/worlds/observer.hpp"
#include "controller/worlds/world.hpp"
#include "faults/disk/disk_model.hpp"
#include "faults/links.hpp"
#include "faults/proxy.hpp"

namespace ww::live {

struct LiveOptions {
  std::string node_executable;
  std::string run_directory;  // nodes/n1/... is made below it
};

class LiveWorld final : public worlds::World {
 public:
  /// Listens on the run's addresses and opens every proxy; starts no node yet.
  /// Errors: kEnvironment naming the address that is taken, kIo naming a directory.
  /// REQUIRES: `io`, `links` and `observer` outlive the world.
  static Result<std::unique_ptr<LiveWorld>> open(boost::asio::io_context& io, RealClock clock,
                                                 const run::TestSpec& spec, LiveOptions options,
                                                 faults::LinkTable& links,
                                                 worlds::Observer& observer);
  ~LiveWorld() override;

  // The verbs of the faults.
  void kill(NodeId node) override;
  void start(NodeId node) override;
  void pause(NodeId node) override;
  void resume(NodeId node) override;
  void set_clock(NodeId node, const faults::ClockSkew& skew) override;
  void transfer(NodeId leader, NodeId to) override;
  void change_membership(NodeId leader, const std::vector<NodeId>& voters,
                         wire::MembershipMode mode) override;
  void set_disk(NodeId node, const faults::DiskTrouble& trouble) override;
  void damage(NodeId node, std::uint64_t key, faults::Damage damage) override;
  void power_loss(const std::vector<NodeId>& nodes, std::uint64_t key,
                  faults::LossStyle style) override;
  [[nodiscard]] faults::ClusterView view() const override;

  // The clients' verbs.
  void connect(ClientId client, NodeId node) override;
  void disconnect(ClientId client) override { clients_.disconnect(client); }
  void send(ClientId client, NodeId node, const wire::ClientRequest& request) override {
    clients_.send(client, node, request);
  }
  void send(ClientId client, NodeId node, const wire::WatchRequest& request) override {
    clients_.send(client, node, request);
  }

  void start_all() override;
  void shut_down_all() override;
  void kill_all() override;
  [[nodiscard]] bool all_down() const override;
  [[nodiscard]] std::uint32_t serving() const override;
  [[nodiscard]] const AddressPlan& addresses() const { return control_->addresses(); }
  [[nodiscard]] std::string node_directory(NodeId node) const;

 private:
  enum class Phase : std::uint8_t { kDown, kStarting, kServing, kDying };
  struct PowerLossOrder {
    std::uint64_t key = 0;
    faults::LossStyle style = faults::LossStyle::kNothing;
  };
  struct DamageOrder {
    std::uint64_t key = 0;
    faults::Damage damage = faults::Damage::kWipe;
  };
  struct Node {
    NodeId id;
    Phase phase = Phase::kDown;
    bool paused = false;
    bool start_wanted = false;
    bool shutdown_asked = false;
    Incarnation incarnation = 0;
    Death expected = Death::kByItself;  // how it is to end, once dying
    std::optional<PowerLossOrder> power_loss;
    std::optional<DamageOrder> damage;
    bool damaged = false;     // its files, by our will, since it served last
    bool has_served = false;  // ever: from then on an empty disk is a loss
    std::unique_ptr<NodeProcess> process;
    wire::FrameBuffer trace;
    bool trace_broken = false;
    faults::DiskModel disk;
    faults::DiskTrouble trouble;
    bool disk_failed = false;  // by our will, and the process ends for it
    wire::Role role = wire::Role::kFollower;
    Term term = 0;
    faults::KnownMembers members;
    std::map<std::uint64_t, faults::ClockSkew> clock_requests;
  };

  LiveWorld(boost::asio::io_context& io, RealClock clock, const run::TestSpec& spec,
            LiveOptions options, faults::LinkTable& links, worlds::Observer& observer);
  Result<void> open_proxies();
  Result<void> make_directories();
  Node& at(NodeId node);
  [[nodiscard]] const Node& at(NodeId node) const;
  [[nodiscard]] NodeCommand command_for(const Node& node) const;
  void spawn(Node& node);
  void tell_trouble(const Node& node);
  void end(Node& node, Death how);
  void on_trace_bytes(NodeId id, std::string_view bytes);
  void on_record(Node& node, const wire::trace::Record& record);
  void on_gone(NodeId id, const Exit& exit);
  void settle_disk(Node& node, Instant now, bool refused);
  [[nodiscard]] bool leave_files(Node& node, const DiskImage& before, const DiskImage& after,
                                 Instant now);
  void on_clock_state(NodeId id, const wire::control::ClockState& state);
  [[nodiscard]] std::string data_directory(NodeId node) const;

  boost::asio::io_context& io_;
  RealClock clock_;
  const run::TestSpec& spec_;
  LiveOptions options_;
  faults::LinkTable& links_;
  worlds::Observer& observer_;
  std::unique_ptr<ControlServer> control_;
  ClientLinks clients_;
  std::vector<Node> nodes_;
  std::map<faults::Link, faults::LinkProxy> link_proxies_;
  std::vector<faults::ClientProxy> client_proxies_;
  std::uint64_t clock_requests_ = 0;
  bool closing_ = false;  // nothing starts any more
};

}  // namespace ww::live
