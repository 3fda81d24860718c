#include "controller/cli/moving_line.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace ww::cli {

namespace {

constexpr Duration kEvery = milliseconds(100);
constexpr Duration kQuietEvery = seconds(30);

std::size_t width_of_terminal() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 100;
}

}  // namespace

MovingLine::MovingLine(bool quiet)
    : quiet_(quiet), terminal_(::isatty(STDERR_FILENO) != 0 && std::getenv("CI") == nullptr) {}

bool MovingLine::due(Instant now) const {
  return !quiet_ && (!any_ || now - last_ >= (terminal_ ? kEvery : kQuietEvery));
}

void MovingLine::show(Instant now, const std::function<std::string(std::size_t)>& text) {
  if (terminal_) {
    std::fprintf(stderr, "\r\033[K%s", text(width_of_terminal()).c_str());
  } else {
    std::fprintf(stderr, "%s\n", text(0).c_str());
  }
  std::fflush(stderr);
  last_ = now;
  shown_ = any_ = true;
}

void MovingLine::clear() {
  if (terminal_ && shown_) std::fputs("\r\033[K", stderr);
  shown_ = false;
}

}  // namespace ww::cli
