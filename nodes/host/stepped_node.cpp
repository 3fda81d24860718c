// One thread, plain blocking reads and writes: the controller waits while a step runs, and the node
// waits for the next event.
#include "nodes/host/stepped_node.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <utility>

#include "base/bytes.hpp"
#include "base/wire/frame.hpp"
#include "nodes/host/file_store.hpp"
#include "nodes/host/logger.hpp"
#include "nodes/host/tripwire.hpp"

namespace ww::host {

namespace {

namespace stepped = wire::stepped;

/// The files as a stepped node sees them: written at once and never synced, for what is durable and
/// when is the world's decision; errors without a path or the system's reason, which the log gets.
class SteppedStore final : public storage::ByteStore {
 public:
  SteppedStore(FileStore& files, const Logger& logger) : files_(files), logger_(logger) {}

  Result<std::vector<std::string>> list() override { return told("list", "", files_.list()); }
  Result<std::string> read(const std::string& file) override {
    return told("read", file, files_.read(file));
  }
  Result<void> create(const std::string& file) override {
    return told("create", file, files_.create(file));
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    return told("rename", from, files_.rename(from, to));
  }
  Result<void> unlink(const std::string& file) override {
    return told("unlink", file, files_.unlink(file));
  }
  Result<void> truncate(const std::string& file, std::uint64_t size) override {
    return told("truncate", file, files_.truncate(file, size));
  }
  Result<void> write(const std::string& file, std::uint64_t offset,
                     std::string_view data) override {
    return told("write", file, files_.write(file, offset, data));
  }
  Result<void> sync_file(const std::string&) override { return {}; }
  Result<void> sync_dir() override { return {}; }

 private:
  template <class T>
  Result<T> told(const char* operation, const std::string& file, Result<T> done) const {
    if (done) return done;
    logger_.line(done.error().message);
    return Error{done.error().code, done.error().definite,
                 std::string(operation) + " failed" + (file.empty() ? "" : ": " + file)};
  }

  FileStore& files_;
  const Logger& logger_;
};

enum class Arrival : std::uint8_t { kFrame, kEnd, kBroken };

/// The node's end of the control socket. Memory is reused from frame to frame.
class PacketSocket {
 public:
  explicit PacketSocket(int fd) : fd_(fd), in_(stepped::kMaxPacket, '\0') {}

  /// Waits for a whole frame; nothing may follow it before it is answered.
  Arrival receive() {
    have_ = 0;
    std::size_t wanted = wire::kFrameHeader;
    while (have_ < wanted) {
      if (in_.size() < have_ + stepped::kMaxPacket) in_.resize(have_ + stepped::kMaxPacket);
      const ssize_t n = ::read(fd_, in_.data() + have_, in_.size() - have_);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return have_ == 0 ? Arrival::kEnd : Arrival::kBroken;
      have_ += static_cast<std::size_t>(n);
      if (have_ < wire::kFrameHeader) continue;
      const std::uint32_t size = ByteReader(in_).u32();
      if (size > stepped::kMaxSteppedFrame) return Arrival::kBroken;
      wanted = wire::kFrameHeader + size;
    }
    return have_ == wanted ? Arrival::kFrame : Arrival::kBroken;
  }
  [[nodiscard]] std::string_view payload() const {
    return std::string_view(in_).substr(wire::kFrameHeader, have_ - wire::kFrameHeader);
  }

  /// False when the other side is gone.
  bool answer(const stepped::Output& output) {
    out_.clear();
    const std::size_t begin = wire::begin_frame(out_);
    stepped::encode_output(out_, output);
    wire::end_frame(out_, begin, stepped::kMaxSteppedFrame);
    for (std::string_view rest = out_; !rest.empty();) {
      const ssize_t n = ::write(fd_, rest.data(), std::min(rest.size(), stepped::kMaxPacket));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

 private:
  int fd_;
  std::string in_;
  std::size_t have_ = 0;
  std::string out_;
};

int refuse(const Logger& logger, const std::string& what, int status) {
  logger.line(what);
  return status;
}

}  // namespace

int serve_stepped(const Options& options, const Step& step) {
  const Logger logger(name_of(options.config.self));
  // A world that is gone is the end of the socket, not a signal.
  std::signal(SIGPIPE, SIG_IGN);
  auto files = FileStore::open(options.data);
  if (!files) return refuse(logger, files.error().message, kExitEnvironment);
  if (auto armed = arm_tripwire(files->directory()); !armed) logger.line(armed.error().message);

  SteppedStore store(*files, logger);
  StepMachine machine(
      options.config,
      {.node = {}, .segment_bytes = options.segment_bytes, .first_start = options.first_start},
      store);
  PacketSocket socket(*options.stepped_fd);
  stepped::Output output;
  for (;;) {
    const Arrival arrival = socket.receive();
    if (arrival == Arrival::kEnd) return kExitShutdown;
    if (arrival == Arrival::kBroken) return refuse(logger, "a broken frame", kExitInternal);
    const auto event = stepped::decode_event(socket.payload());
    if (!event) return refuse(logger, event.error().message, kExitInternal);
    step(machine, event->clock, event->event, output);
    if (!socket.answer(output)) return kExitShutdown;
    if (output.ended) return refuse(logger, output.last_words, kExitDisk);
  }
}

int run_stepped_node(const Options& options) {
  return serve_stepped(
      options, [](StepMachine& machine, const stepped::Clock& clock, const stepped::Event& event,
                  stepped::Output& out) { machine.step(clock, event, out); });
}

}  // namespace ww::host
