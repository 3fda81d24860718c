// What one op `watch` collects: the client's end of one stream of changes after the other.
//
// A network may double frames, delay and lose them: they are taken in the order of their numbers,
// those that come early wait, and one that does not come at all ends the stream, which is resumed
// behind what was taken. What a frame says is noted as it is; whether it is right is the checker's
// business.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/op.hpp"
#include "base/wire/watch.hpp"

namespace ww::workloads {

/// An op ends when it has so many changes.
inline constexpr std::size_t kEnoughChanges = 64;
/// ... and one that is to come to some revision, with so many.
inline constexpr std::size_t kMostChanges = 8192;
/// So many frames are acknowledged at a time.
inline constexpr std::uint64_t kFramesPerAck = wire::kWatchWindow / 4;

class Watching {
 public:
  /// From revision `from` on; with `until` above 0 it wants to come to that revision.
  Watching(Index from, Index until) : from_(from), next_(from), until_(until) {}

  /// A stream from next() on is asked for.
  void open();
  /// A frame of that stream, or a copy of one.
  void take(const wire::WatchFrame& frame);

  /// Some frame was taken, of this stream or an earlier one.
  [[nodiscard]] bool told() const { return told_; }
  /// Some frame of this stream was taken.
  [[nodiscard]] bool opened() const { return taken_ > 0; }
  /// A frame is missing of which later ones have come.
  [[nodiscard]] bool has_gap() const { return !early_.empty(); }
  /// The frame with which the node ended this stream.
  [[nodiscard]] const std::optional<wire::WatchFrame>& ended() const { return ended_; }
  [[nodiscard]] bool enough() const;
  /// How many frames of this stream to acknowledge now; 0: none.
  [[nodiscard]] std::uint64_t acknowledge();

  [[nodiscard]] Index from() const { return from_; }
  /// The first revision that it was not told of.
  [[nodiscard]] Index next() const { return next_; }
  /// REQUIRES: told().
  [[nodiscard]] std::vector<WatchedChange> take_changes() { return std::move(changes_); }

 private:
  void take_next(const wire::WatchFrame& frame);

  Index from_;
  Index next_;
  Index until_;
  bool told_ = false;
  std::vector<WatchedChange> changes_;
  // Of the present stream.
  std::uint64_t taken_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::map<std::uint64_t, wire::WatchFrame> early_;
  std::optional<wire::WatchFrame> ended_;
};

}  // namespace ww::workloads
