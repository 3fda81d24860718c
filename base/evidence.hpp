// What a world tells the checkers while a run goes on: the three kinds of evidence of
// docs/invariants.md. Every world produces the same calls; checkers consume them on line.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/op.hpp"
#include "base/time.hpp"
#include "base/wire/envelope.hpp"
#include "base/wire/trace.hpp"

namespace ww {

/// kDamage: the machine went down, and bytes of its disk that were durable may be damaged or gone.
enum class Death : std::uint8_t { kKilled, kPowerLoss, kShutdown, kByItself, kDamage };
constexpr std::string_view name_of(Death how) {
  switch (how) {
    case Death::kKilled:
      return "kill";
    case Death::kPowerLoss:
      return "power-loss";
    case Death::kShutdown:
      return "shutdown";
    case Death::kByItself:
      return "ended by itself";
    case Death::kDamage:
      return "disk damage";
  }
  return "?";
}

/// The files of a node's data directory by name.
using DiskImage = std::map<std::string, std::string>;

/// Receives evidence. Calls of one node's trace come in its order; calls about different nodes come
/// in any order, and the receiver sorts them by message ids.
class EvidenceSink {
 public:
  virtual ~EvidenceSink() = default;

  /// A process was started; its trace follows under this incarnation.
  virtual void on_start(NodeId node, Incarnation incarnation, Instant time) = 0;
  /// The next record of that process' trace.
  virtual void on_trace(NodeId node, Incarnation incarnation,
                        const wire::trace::Record& record) = 0;
  /// The process is gone and its trace was read to the end. `torn`: the last record was incomplete.
  virtual void on_death(NodeId node, Incarnation incarnation, Instant time, Death how,
                        bool torn) = 0;
  /// The data directory as a crash left it (`before`), and as the node's next start will find it
  /// (`after`; differs for a power loss, where it is one permitted state, and for damage, where
  /// it is none). After on_death.
  virtual void on_disk(NodeId node, Instant time, const DiskImage& before,
                       const DiskImage& after) = 0;
  /// A proxy took a whole message off the sender's connection. Called before it is delivered.
  virtual void on_frame(Instant time, const wire::Envelope& envelope, std::string_view payload) = 0;
  /// The next line of the history.
  virtual void on_op(const Op& op) = 0;
};

}  // namespace ww
