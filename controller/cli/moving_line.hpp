// The one line that moves on a terminal; elsewhere a line now and then.
#pragma once

#include <functional>
#include <string>

#include "base/time.hpp"

namespace ww::cli {

class MovingLine {
 public:
  explicit MovingLine(bool quiet);
  ~MovingLine() { clear(); }
  MovingLine(const MovingLine&) = delete;
  MovingLine& operator=(const MovingLine&) = delete;

  /// Whether it is time for another line.
  [[nodiscard]] bool due(Instant now) const;
  /// Shows what `text` makes of the width in columns; 0: any.
  void show(Instant now, const std::function<std::string(std::size_t width)>& text);
  void clear();

 private:
  bool quiet_;
  bool terminal_;
  bool shown_ = false;  // since the last clear()
  bool any_ = false;
  Instant last_{};
};

}  // namespace ww::cli
