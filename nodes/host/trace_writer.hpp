// Writes a node's trace to its one-way pipe (base/wire/trace.hpp, docs/node.md).
//
// The replica's thread and the disk's thread share one writer. It numbers the records under its
// lock, so that sequence numbers are dense and grow with time. A full pipe blocks the caller:
// nothing is dropped, and the wait is itself recorded once there is room again. What was written
// survives a kill -9, since it is in the kernel by the time write() returns.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>

#include "base/real_time.hpp"
#include "base/time.hpp"
#include "base/wire/trace.hpp"

namespace ww::host {

class TraceWriter {
 public:
  /// Waits for room that last longer than this are recorded as a Stall.
  static constexpr Duration kNoticedStall = milliseconds(1);

  /// Called, with a reason, when nobody reads the pipe any more. It should end the process; when it
  /// returns, tracing is off.
  using Broken = std::function<void(const std::string& why)>;

  /// Makes `fd` non-blocking and close-on-exec, and owns it; -1 turns tracing off.
  TraceWriter(int fd, RealClock clock, Broken broken);
  ~TraceWriter();
  TraceWriter(const TraceWriter&) = delete;
  TraceWriter& operator=(const TraceWriter&) = delete;

  /// Writes one step's events: one write(2) when the pipe has room, all before it returns.
  /// Thread safety: any thread; steps do not mix.
  void write(std::span<const wire::trace::Event> events);

 private:
  void append(const wire::trace::Event& event);
  /// Yields how long it waited for room.
  Duration flush();

  const RealClock clock_;
  const Broken broken_;
  std::mutex mutex_;
  int fd_;
  std::uint64_t sequence_ = 0;
  std::string buffer_;
};

}  // namespace ww::host
