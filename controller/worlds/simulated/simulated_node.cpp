#include "controller/worlds/simulated/simulated_node.hpp"

#include <exception>
#include <new>
#include <optional>

#include "base/assert.hpp"
#include "base/caught_assertion.hpp"
#include "nodes/host/step_machine.hpp"

namespace ww::simulated {

namespace {

raft::Config config_of(const run::TestSpec& spec, NodeId node) {
  raft::Config config;
  config.self = node;
  for (std::uint32_t i = 1; i <= spec.nodes; ++i) config.voters.push_back(NodeId{i});
  config.seed = spec.seed;
  config.election_timeout = spec.election_timeout;
  config.heartbeat_interval = spec.heartbeat_interval;
  config.leases = spec.reads == "lease";
  config.lease_drift_percent = spec.lease_drift;
  config.follower_reads = spec.follower_reads;
  config.set_batching(spec.batching == "on");
  config.set_pipelining(spec.pipelining == "on");
  config.limits.machine.session_entries = spec.session_entries;
  config.limits.machine.history_entries = spec.watch_entries;
  config.snapshots = {spec.snapshot_entries, spec.snapshot_bytes, spec.snapshot_interval,
                      spec.snapshot_trailing, spec.snapshot_piece};
  for (const std::string& name : spec.bugs) {
    const auto bug = bugs::bug_of(name);
    WW_ASSERT(bug.has_value(), "an unknown bug reached the run");
    config.bugs.turn_on(*bug);
  }
  return config;
}

class SimulatedNode final : public discrete::NodePort {
 public:
  SimulatedNode(const run::TestSpec& spec, NodeId node)
      : config_(config_of(spec, node)), segment_bytes_(spec.segment_bytes) {}

  Result<void> boot(Incarnation incarnation, bool first_start, const wire::stepped::Clock& clock,
                    wire::stepped::Output& out) override {
    config_.incarnation = incarnation;
    return survive([&] {
      machine_.emplace(config_,
                       storage::LogOptions{
                           .node = {}, .segment_bytes = segment_bytes_, .first_start = first_start},
                       files_);
      machine_->step(clock, wire::stepped::Boot{}, out);
    });
  }

  Result<void> step(const wire::stepped::Clock& clock, const wire::stepped::Event& event,
                    wire::stepped::Output& out) override {
    WW_ASSERT(machine_.has_value(), "an event for a node that does not run");
    return survive([&] { machine_->step(clock, event, out); });
  }

  void kill() override { machine_.reset(); }
  Result<DiskImage> files() override { return files_.files; }
  Result<void> replace_files(const DiskImage& image) override {
    files_.files = image;
    return {};
  }
  Result<void> reseed(std::uint64_t seed) override {
    config_.seed = seed;
    if (machine_) machine_->reseed(seed);
    return {};
  }

 private:
  /// What would end the node's process ends the node; that there is no memory is ours.
  template <class Act>
  Result<void> survive(Act act) {
    try {
      const CaughtAssertions caught;
      act();
      return {};
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& failed) {
      machine_.reset();
      return Error{ErrorCode::kIo, true, failed.what()};
    }
  }

  raft::Config config_;
  std::uint64_t segment_bytes_;
  storage::MemoryStore files_;
  std::optional<host::StepMachine> machine_;
};

}  // namespace

Result<std::unique_ptr<discrete::NodePort>> make_node(const run::TestSpec& spec, NodeId node) {
  return std::unique_ptr<discrete::NodePort>(std::make_unique<SimulatedNode>(spec, node));
}

}  // namespace ww::simulated
