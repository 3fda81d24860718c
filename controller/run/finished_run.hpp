// What every world needs to run a plan, and what it hands back.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/op.hpp"
#include "controller/run/fingerprint.hpp"
#include "controller/run/plan_file.hpp"
#include "reports/progress.hpp"
#include "reports/run_report.hpp"

namespace ww::run {

struct RunOptions {
  std::string node_executable;  // worlds with processes
  std::string run_directory;    // where history.jsonl, trace.jsonl and nodes/ go
  std::string started;          // UTC text
  /// Called a few times a second.
  std::function<void(const reports::Progress&)> on_progress;

  // Deterministic worlds.
  /// Whether SIGINT and SIGTERM end the torture (the second one: the run); else they do what the
  /// process has them do. The live world always listens.
  bool interruptible = false;
  /// Ends the run at the first violation of an invariant, without a recovery.
  bool stop_at_violation = false;
  /// Judges nothing: how fast the world itself is.
  bool unchecked = false;
  /// Whether the clients' history is judged too: by far the most expensive check of a short run.
  bool judge_history = true;
  bool fingerprint = false;
  std::optional<Window> window;  // with `fingerprint`
  bool coverage = false;         // FinishedRun::states
  /// Whether FinishedRun::executed tells what ran; else it names the test alone.
  bool executed = true;
  bool deliveries = false;  // FinishedRun::deliveries
};

/// A message as it went, and the draw or rule that decided it.
struct SentMessage {
  Delivery delivery;
  Instant sent{};
  bool by_fault = false;  // a packet rule changed it
  bool cut = false;       // lost to a cut link
};

/// Moves; a copy's report would look into the original's history.
struct FinishedRun {
  reports::RunReport report;
  History history;                 // what the report points at
  PlanFile executed;               // what really ran; runnable
  bool interrupted = false;        // by the user
  bool stop_at_violation = false;  // as the options said
  Fingerprint fingerprint;         // when asked for
  std::uint64_t steps = 0;         // replica steps; deterministic worlds
  Duration length{};               // of the run's own time
  /// A plan counts its times from here; nothing when the run ended before.
  std::optional<Instant> torture_begin;
  /// Abstract cluster states that the run went through, each once, sorted.
  std::vector<std::uint64_t> states;
  std::vector<SentMessage> deliveries;  // in the order of sending

  FinishedRun() = default;
  FinishedRun(FinishedRun&&) noexcept = default;
  FinishedRun& operator=(FinishedRun&&) noexcept = default;
};

}  // namespace ww::run
