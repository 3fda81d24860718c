// How the network of a deterministic world behaves where no fault says otherwise: drawn, flat, or
// written down message by message.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "base/wire/envelope.hpp"

namespace ww::run {

/// Names a message by its content, never by when it was sent: the `nth` of those that are alike.
struct MessageKey {
  wire::Endpoint from;
  wire::Endpoint to;
  wire::MessageType type = wire::MessageType::kAppend;
  Term term = 0;
  std::uint64_t content = 0;
  std::uint64_t nth = 1;
  friend auto operator<=>(const MessageKey&, const MessageKey&) = default;
};

/// What becomes of one message: it arrives so much after it was sent, or (without) is lost. A
/// delivery overrides the draw and every packet rule; a cut link still cuts.
struct Delivery {
  MessageKey message;
  std::optional<Duration> delay;
  friend bool operator==(const Delivery&, const Delivery&) = default;
};

/// After this moment of the run's time everything that is drawn is drawn anew, from `seed`:
/// latencies, timeouts, the fates that packet rules deal, those in force too. What is written down
/// stays: the plan with its faults, and explicit deliveries.
struct Redraw {
  Instant after{};
  std::uint64_t seed = 0;
  friend bool operator==(const Redraw&, const Redraw&) = default;
};

struct Network {
  /// Of latencies, syncs and starts; nothing: the test's seed.
  std::optional<std::uint64_t> seed;
  /// Every latency, sync and start takes its middle value instead of a drawn one.
  bool flat = false;
  std::vector<Delivery> deliveries;
  std::optional<Redraw> redraw;
  friend bool operator==(const Network&, const Network&) = default;
};

}  // namespace ww::run
