// Positions at which somebody took a snapshot: what is known of the log and the state up to there.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>

#include "base/ids.hpp"

namespace ww::checkers::invariants {

/// A file alone does not tell the chain of hashes up to its snapshot; who saw it taken does.
class SnapshotPoints {
 public:
  struct Point {
    std::uint64_t chain = 0;   // H(i)
    std::uint64_t digest = 0;  // D(i)
  };
  /// Beyond these the oldest are forgotten. Nodes have a snapshot each, and one on its way.
  static constexpr std::size_t kMaxPoints = 4096;

  void add(LogPosition at, const Point& point) {
    points_.emplace(at, point);
    if (points_.size() > kMaxPoints) points_.erase(points_.begin());
  }
  [[nodiscard]] const Point* find(LogPosition at) const {
    const auto found = points_.find(at);
    return found == points_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] std::optional<std::uint64_t> chain(LogPosition at) const {
    if (at.index == 0) return 0;
    const Point* point = find(at);
    return point == nullptr ? std::nullopt : std::optional(point->chain);
  }

 private:
  std::map<LogPosition, Point> points_;
};

}  // namespace ww::checkers::invariants
