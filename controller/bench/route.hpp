// Which node a client of a benchmark asks next.
//
// A node that left an attempt unanswered may be stopped, and then the others send clients back to
// it for as long as they believe that it leads. So a client avoids such a node for a while.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace ww::bench {

/// Nodes are indices from 0.
class Route {
 public:
  /// An election is over by then, with the timeouts of a benchmark's nodes; and a node that was
  /// stopped for less, and still leads, is not without clients for long.
  static constexpr Duration kAvoided = seconds(1);

  /// REQUIRES: nodes > 0.
  explicit Route(std::uint32_t nodes = 1) : nodes_(nodes) {}

  /// The one to ask.
  [[nodiscard]] std::uint32_t node() const { return node_; }

  /// It did not answer in time: on to the next one, and not back for a while.
  void on_timeout(Instant now) {
    avoided_ = node_;
    avoided_until_ = now + kAvoided;
    on_lost(now);
  }
  /// The connection broke, or nothing could be made of what came: on to the next one.
  void on_lost(Instant now) { node_ = next(now); }
  /// It does not lead, and `hint` may. Returns whether there is another node to ask; the same one
  /// is left when all the others are avoided.
  bool on_not_leading(std::optional<std::uint32_t> hint, Instant now) {
    const std::uint32_t before = node_;
    node_ = hint && *hint < nodes_ && !avoids(*hint, now) ? *hint : next(now);
    return node_ != before;
  }

 private:
  [[nodiscard]] bool avoids(std::uint32_t node, Instant now) const {
    return node == avoided_ && now < avoided_until_;
  }
  /// The one after this that is not avoided; there is always one but where it is the only node.
  [[nodiscard]] std::uint32_t next(Instant now) const {
    const std::uint32_t one = (node_ + 1) % nodes_;
    return avoids(one, now) ? (one + 1) % nodes_ : one;
  }

  std::uint32_t nodes_;
  std::uint32_t node_ = 0;
  std::uint32_t avoided_ = 0;
  Instant avoided_until_{};
};

}  // namespace ww::bench
