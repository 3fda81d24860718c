// What a deterministic world tells goes through here: to the run, and into its fingerprint and its
// coverage when these are wanted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/run/coverage.hpp"
#include "controller/run/fingerprint.hpp"
#include "controller/worlds/observer.hpp"

namespace ww::discrete {

class Tap {
 public:
  /// REQUIRES: `observer` outlives the tap.
  explicit Tap(worlds::Observer& observer) : observer_(observer) {}

  void take_fingerprint(std::optional<run::Window> window) { recorder_.emplace(window); }
  void take_coverage(std::uint32_t nodes) { coverage_.emplace(nodes); }
  [[nodiscard]] run::Recorder* recorder() { return recorder_ ? &*recorder_ : nullptr; }
  [[nodiscard]] run::Coverage* coverage() { return coverage_ ? &*coverage_ : nullptr; }

  // As worlds::Observer.
  void on_start(NodeId node, Incarnation incarnation, Instant time);
  void on_event(NodeId node, Incarnation incarnation, std::uint64_t sequence, Instant time,
                wire::trace::Event&& event);
  void on_death(NodeId node, Incarnation incarnation, Instant time, Death how, bool torn);
  void on_disk(NodeId node, Instant time, const DiskImage& before, const DiskImage& after);
  void on_frame(Instant time, const wire::Envelope& envelope, std::string_view payload);
  void on_connected(ClientId client, NodeId node, Instant now) {
    observer_.on_connected(client, node, now);
  }
  void on_connection_lost(ClientId client, NodeId node, Instant now, bool refused) {
    observer_.on_connection_lost(client, node, now, refused);
  }
  void on_reply(ClientId client, const wire::ClientReply& reply, Instant now) {
    observer_.on_reply(client, reply, now);
  }
  void on_watch_frame(ClientId client, const wire::WatchFrame& frame, Instant now) {
    observer_.on_watch_frame(client, frame, now);
  }
  void on_serving(NodeId node, Instant now) { observer_.on_serving(node, now); }
  void on_crash(NodeId node, Instant now, const std::string& what) {
    observer_.on_crash(node, now, what);
  }
  void on_clock_set(NodeId node, const faults::ClockSkew& skew, Instant true_time,
                    const Now& shown) {
    observer_.on_clock_set(node, skew, true_time, shown);
  }
  void on_power_loss(NodeId node, const faults::PowerLoss& loss, Instant now) {
    observer_.on_power_loss(node, loss, now);
  }
  void on_sync(NodeId node, bool ok, Duration late, Instant now) {
    observer_.on_sync(node, ok, late, now);
  }
  void on_damage(NodeId node, const faults::DamageDone& damage, Instant now) {
    observer_.on_damage(node, damage, now);
  }
  void on_refused(NodeId node, Instant now) { observer_.on_refused(node, now); }
  void on_paused(NodeId node, bool paused, Instant now) { observer_.on_paused(node, paused, now); }
  void on_disk_disagreement(NodeId node, Instant now, const Error& error) {
    observer_.on_disk_disagreement(node, now, error);
  }
  void on_world_error(const Error& error) { observer_.on_world_error(error); }

  /// A node's state after a step, as its digest.
  void on_digest(NodeId node, Instant now, std::uint64_t digest);

 private:
  worlds::Observer& observer_;
  std::optional<run::Recorder> recorder_;
  std::optional<run::Coverage> coverage_;
  wire::trace::Record record_;
};

}  // namespace ww::discrete
