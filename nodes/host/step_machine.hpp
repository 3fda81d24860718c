// A node of a deterministic world: recovery, driver and log behind one door, an event in and its
// ordered output out. The simulated world holds one a node; the stepped process holds one and moves
// frames between it and its control socket.
//
// A write goes to the byte store within the step that wants it, without a sync; what became durable
// and when is the world's decision, told by Written. A snapshot is written likewise, and takes its
// place when Saved says that its bytes are durable. A sync that the log's structure demands (a new
// segment, recovery) is complete at once. No clock, thread or random source here or below.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "base/wire/stepped.hpp"
#include "nodes/host/driver.hpp"
#include "nodes/storage/byte_store.hpp"
#include "nodes/storage/log_store.hpp"

namespace ww::host {

class StepMachine {
 public:
  /// What of `options` the configuration says is taken from there. REQUIRES: `files` outlives the
  /// machine.
  StepMachine(raft::Config config, storage::LogOptions options, storage::ByteStore& files);
  ~StepMachine();

  /// Consumes one event; `out` is cleared, then filled. An operating error (a damaged log, a disk
  /// that fails) ends the node in its output: `ended`, why, and its last words. Nothing follows
  /// what ended it. REQUIRES: Boot comes first and once, and nothing after `ended`.
  void step(const wire::stepped::Clock& clock, const wire::stepped::Event& event,
            wire::stepped::Output& out);

  /// From here on timeouts are drawn from `seed`; for worlds that redraw the future.
  void reseed(std::uint64_t seed);
  [[nodiscard]] const raft::Replica* replica() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ww::host
