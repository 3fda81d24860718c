#include "nodes/host/trace_writer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/wire/frame.hpp"

namespace ww::host {

TraceWriter::TraceWriter(int fd, RealClock clock, Broken broken)
    : clock_(clock), broken_(std::move(broken)), fd_(fd) {
  if (fd_ < 0) return;
  // Non-blocking, so that waiting for room is told apart from a slow or stopped process.
  ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
  ::fcntl(fd_, F_SETFD, FD_CLOEXEC);
}

TraceWriter::~TraceWriter() {
  if (fd_ >= 0) ::close(fd_);
}

void TraceWriter::write(std::span<const wire::trace::Event> events) {
  if (events.empty()) return;
  const std::lock_guard lock(mutex_);
  if (fd_ < 0) return;
  for (const wire::trace::Event& event : events) append(event);
  const Duration blocked = flush();
  if (blocked > kNoticedStall && fd_ >= 0) {
    append(wire::trace::Stall{blocked});
    // Waiting for room for this record is part of the same stall, and is not recorded again.
    flush();
  }
}

void TraceWriter::append(const wire::trace::Event& event) {
  const std::size_t begin = wire::begin_frame(buffer_);
  wire::trace::encode(buffer_, ++sequence_, clock_.now(), event);
  wire::end_frame(buffer_, begin);
}

Duration TraceWriter::flush() {
  Duration blocked{};
  std::string_view rest = buffer_;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      const Instant begin = clock_.now();
      pollfd room{.fd = fd_, .events = POLLOUT, .revents = 0};
      ::poll(&room, 1, -1);
      blocked += clock_.now() - begin;
      continue;
    }
    const std::string why = std::strerror(errno);
    ::close(fd_);
    fd_ = -1;
    broken_(why);
    break;
  }
  buffer_.clear();
  return blocked;
}

}  // namespace ww::host
