#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "base/real_time.hpp"
#include "base/wire/frame.hpp"
#include "nodes/host/trace_writer.hpp"

namespace ww::host {

namespace {

using wire::trace::Event;
using wire::trace::Record;

struct Pipe {
  explicit Pipe(int bytes = 0) {
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    if (bytes > 0) REQUIRE(::fcntl(ends[1], F_SETPIPE_SZ, bytes) >= bytes);
  }
  ~Pipe() { close_reader(); }
  void close_reader() {
    if (ends[0] >= 0) ::close(ends[0]);
    ends[0] = -1;
  }
  [[nodiscard]] int waiting() const {
    int bytes = 0;
    ::ioctl(ends[0], FIONREAD, &bytes);
    return bytes;
  }
  int ends[2] = {-1, -1};  // the writer owns and closes ends[1]
};

/// Reads records until `enough` says so or the pipe's other end is closed.
template <class Enough>
void read_records(int fd, wire::FrameBuffer& frames, std::vector<Record>& out, Enough enough) {
  std::string buffer(4096, '\0');
  while (!enough(out)) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    REQUIRE(n >= 0);
    if (n == 0) return;
    frames.feed(std::string_view(buffer).substr(0, static_cast<std::size_t>(n)));
    while (true) {
      auto frame = frames.next();
      REQUIRE(frame.ok());
      if (!frame->has_value()) break;
      auto record = wire::trace::decode(**frame);
      REQUIRE(record.ok());
      out.push_back(std::move(*record));
    }
  }
}

Event mark(std::uint64_t count) {
  return wire::trace::Mark{"test", count};
}

TraceWriter::Broken must_not_break() {
  return [](const std::string& why) { FAIL("the pipe broke: " << why); };
}

}  // namespace

TEST_CASE("records arrive in order, densely numbered, with times that never fall") {
  Pipe pipe;
  std::vector<Record> records;
  {
    TraceWriter writer(pipe.ends[1], RealClock(), must_not_break());
    writer.write(std::array<Event, 2>{mark(1), mark(2)});
    writer.write({});
    writer.write(std::array<Event, 1>{mark(3)});
  }
  wire::FrameBuffer frames;
  read_records(pipe.ends[0], frames, records, [](const auto&) { return false; });
  REQUIRE(records.size() == 3);
  for (std::size_t i = 0; i < records.size(); ++i) {
    CHECK(records[i].sequence == i + 1);
    CHECK(std::get<wire::trace::Mark>(records[i].event).count == i + 1);
    if (i > 0) CHECK(records[i].time >= records[i - 1].time);
  }
}

TEST_CASE("two threads' steps do not mix") {
  Pipe pipe;
  std::vector<Record> records;
  {
    TraceWriter writer(pipe.ends[1], RealClock(), must_not_break());
    const auto steps = [&writer](std::uint64_t base) {
      for (std::uint64_t i = 0; i < 100; ++i) {
        writer.write(std::array<Event, 2>{mark(base + 2 * i), mark(base + 2 * i + 1)});
      }
    };
    std::thread other([&] { steps(1000); });
    steps(0);
    other.join();
  }
  wire::FrameBuffer frames;
  read_records(pipe.ends[0], frames, records, [](const auto&) { return false; });
  REQUIRE(records.size() == 400);
  for (std::size_t i = 0; i < records.size(); i += 2) {
    CHECK(records[i].sequence == i + 1);
    CHECK(std::get<wire::trace::Mark>(records[i + 1].event).count ==
          std::get<wire::trace::Mark>(records[i].event).count + 1);
  }
}

TEST_CASE("a full pipe blocks the writer, loses nothing, and the stall is reported") {
  Pipe pipe(4096);
  TraceWriter writer(pipe.ends[1], RealClock(), must_not_break());
  const RealClock clock;
  wire::FrameBuffer frames;
  std::vector<Record> records;
  std::uint64_t steps = 0;
  const auto stalls = [&] {
    std::vector<Duration> found;
    for (const Record& record : records) {
      const auto* stall = std::get_if<wire::trace::Stall>(&record.event);
      if (stall != nullptr) found.push_back(stall->blocked);
    }
    return found;
  };
  // The machine may be slow to let the writer find the pipe full: then the pipe is kept full
  // longer.
  for (Duration hold = milliseconds(4); stalls().empty(); hold *= 2) {
    REQUIRE(hold < seconds(10));
    const std::uint64_t step = ++steps;
    const Event large = wire::trace::Halt{std::string(10'000, 'x')};
    std::thread blocked([&] { writer.write(std::array<Event, 2>{large, mark(step)}); });
    while (pipe.waiting() < 4096) std::this_thread::yield();
    const Instant until = clock.now() + hold;
    while (clock.now() < until) std::this_thread::yield();
    read_records(pipe.ends[0], frames, records, [&](const std::vector<Record>& got) {
      for (const Record& record : got) {
        const auto* last = std::get_if<wire::trace::Mark>(&record.event);
        if (last != nullptr && last->count == step) return true;
      }
      return false;
    });
    blocked.join();
    // A stall's own record fits into the emptied pipe, so it is there once the writer is back.
    const std::size_t before = records.size();
    if (pipe.waiting() > 0) {
      read_records(pipe.ends[0], frames, records,
                   [&](const auto& got) { return got.size() > before; });
    }
  }
  CHECK(stalls().front() > TraceWriter::kNoticedStall);
  for (std::size_t i = 0; i < records.size(); ++i) CHECK(records[i].sequence == i + 1);
  CHECK(std::get<wire::trace::Halt>(records[0].event).reason.size() == 10'000);
}

TEST_CASE("a pipe that nobody reads any more is reported once, and tracing ends") {
  std::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  int broken = 0;
  TraceWriter writer(pipe.ends[1], RealClock(), [&](const std::string&) { ++broken; });
  pipe.close_reader();
  writer.write(std::array<Event, 1>{mark(1)});
  writer.write(std::array<Event, 1>{mark(2)});
  CHECK(broken == 1);
}

TEST_CASE("without a descriptor tracing is off") {
  TraceWriter writer(-1, RealClock(), must_not_break());
  writer.write(std::array<Event, 1>{mark(1)});
  SUCCEED("nothing was written and nothing failed");
}

}  // namespace ww::host
