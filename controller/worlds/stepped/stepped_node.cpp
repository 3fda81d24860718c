#include "controller/worlds/stepped/stepped_node.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/wire/frame.hpp"
#include "controller/worlds/data_directory.hpp"
#include "controller/worlds/stepped/process.hpp"

namespace ww::stepped {

namespace {

namespace trace = wire::trace;

/// Reads what a node wrote, through descriptors that stay open: a log grows at its end, thousands
/// of times.
class FileReader {
 public:
  explicit FileReader(Fd directory) : directory_(std::move(directory)) {}

  /// Errors: kCorrupt when the file has no `size` bytes at `offset`, or cannot be opened.
  Result<void> read(const std::string& file, std::uint64_t offset, std::size_t size,
                    std::string& out) {
    out.resize(size);
    const int fd = opened(file);
    std::size_t have = 0;
    while (fd >= 0 && have < size) {
      const ssize_t n =
          ::pread(fd, out.data() + have, size - have, static_cast<off_t>(offset + have));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) break;
      have += static_cast<std::size_t>(n);
    }
    if (have == size) return {};
    return Error{ErrorCode::kCorrupt, true,
                 "it said that it wrote " + std::to_string(size) + " bytes at " +
                     std::to_string(offset) + " of " + file + ", which are not there"};
  }
  /// The name stands for another file from now on, or for none.
  void forget(const std::string& file) {
    std::erase_if(open_, [&](const auto& entry) { return entry.first == file; });
  }
  void forget_all() { open_.clear(); }

 private:
  static constexpr std::size_t kMaxOpenFiles = 8;

  int opened(const std::string& file) {
    for (const auto& [name, fd] : open_) {
      if (name == file) return fd.get();
    }
    if (file.empty() || file.find('/') != std::string::npos) return -1;
    Fd fd(::openat(directory_.get(), file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (fd.get() < 0) return -1;
    if (open_.size() == kMaxOpenFiles) open_.erase(open_.begin());
    open_.emplace_back(file, std::move(fd));
    return open_.back().second.get();
  }

  Fd directory_;
  std::vector<std::pair<std::string, Fd>> open_;
};

std::string in_ns(Duration duration) {
  return std::to_string(to_ns(duration)) + "ns";
}

class SteppedNode final : public discrete::NodePort {
 public:
  SteppedNode(const run::TestSpec& spec, NodeId node, const std::string& executable,
              const std::string& directory, Fd data)
      : data_(directory + "/data"), reader_(std::move(data)) {
    command_.executable = executable;
    command_.stderr_file = directory + "/stderr.log";
    std::string nodes;
    for (std::uint32_t i = 1; i <= spec.nodes; ++i) {
      nodes += (i == 1 ? "" : ",") + name_of(NodeId{i});
    }
    command_.arguments = {"--id",
                          name_of(node),
                          "--nodes",
                          nodes,
                          "--data",
                          data_,
                          "--stepped",
                          std::to_string(Process::kSocket),
                          "--seed",
                          std::to_string(spec.seed),
                          "--election-timeout",
                          in_ns(spec.election_timeout),
                          "--heartbeat",
                          in_ns(spec.heartbeat_interval),
                          "--batching",
                          spec.batching,
                          "--pipelining",
                          spec.pipelining,
                          "--segment-bytes",
                          std::to_string(spec.segment_bytes),
                          "--reads",
                          spec.reads,
                          "--lease-drift",
                          std::to_string(spec.lease_drift),
                          "--follower-reads",
                          spec.follower_reads ? "on" : "off"};
    for (const auto& [flag, value] :
         {std::pair<const char*, std::uint64_t>{"--session-entries", spec.session_entries},
          {"--snapshot-entries", spec.snapshot_entries},
          {"--watch-entries", spec.watch_entries},
          {"--snapshot-bytes", spec.snapshot_bytes},
          {"--snapshot-trailing", spec.snapshot_trailing},
          {"--snapshot-piece", spec.snapshot_piece}}) {
      command_.arguments.insert(command_.arguments.end(), {flag, std::to_string(value)});
    }
    if (spec.snapshot_interval != Duration{}) {
      command_.arguments.insert(command_.arguments.end(),
                                {"--snapshot-interval", in_ns(spec.snapshot_interval)});
    }
    for (const std::string& bug : spec.bugs) {
      command_.arguments.insert(command_.arguments.end(), {"--bug", bug});
    }
  }

  Result<void> boot(Incarnation incarnation, bool first_start, const wire::stepped::Clock& clock,
                    wire::stepped::Output& out) override {
    WW_ASSERT(!process_, "a node that runs is not started");
    reader_.forget_all();
    Command command = command_;
    command.arguments.insert(command.arguments.end(),
                             {"--incarnation", std::to_string(incarnation)});
    if (first_start) command.arguments.emplace_back("--first-start");
    auto started = Process::spawn(command);
    if (!started) return started.error();
    process_.emplace(std::move(*started));
    return step(clock, wire::stepped::Boot{}, out);
  }

  Result<void> step(const wire::stepped::Clock& clock, const wire::stepped::Event& event,
                    wire::stepped::Output& out) override {
    WW_ASSERT(process_.has_value(), "an event for a node that does not run");
    frame_.clear();
    const std::size_t begin = wire::begin_frame(frame_);
    wire::stepped::encode_event(frame_, clock, event);
    wire::end_frame(frame_, begin, wire::stepped::kMaxSteppedFrame);
    const auto answer = process_->exchange(frame_);
    if (!answer) return answer.error();
    if (auto decoded = wire::stepped::decode_output(*answer, out, lengths_); !decoded) {
      return decoded.error();
    }
    return read_writes(out);
  }

  void kill() override { process_.reset(); }
  Result<DiskImage> files() override { return worlds::read_image(data_); }
  Result<void> replace_files(const DiskImage& image) override {
    return worlds::write_image(data_, image);
  }
  Result<void> reseed(std::uint64_t) override {
    return Error{ErrorCode::kUsage, true,
                 "a process cannot be given other timeouts; redraw in the simulated world"};
  }

 private:
  /// The bytes of the store's writes come from the files: the node does not testify alone.
  Result<void> read_writes(wire::stepped::Output& out) {
    std::size_t write = 0;
    for (trace::Event& event : out.events) {
      auto* store = std::get_if<trace::Store>(&event);
      if (store == nullptr) continue;
      if (store->op == trace::StoreOp::kWrite) {
        const std::uint64_t length = lengths_[write++];
        if (length == 0) continue;
        auto read =
            reader_.read(store->file, store->offset, static_cast<std::size_t>(length), store->data);
        if (!read) return read;
      } else if (store->op != trace::StoreOp::kSyncFile && store->op != trace::StoreOp::kTruncate) {
        reader_.forget(store->file);
        reader_.forget(store->other);
      }
    }
    return {};
  }

  std::string data_;
  FileReader reader_;
  Command command_;
  std::optional<Process> process_;
  std::string frame_;
  std::vector<std::uint64_t> lengths_;  // of the last output
};

}  // namespace

Result<std::unique_ptr<discrete::NodePort>> make_node(const run::TestSpec& spec, NodeId node,
                                                      const std::string& executable,
                                                      const std::string& directory) {
  if (::access(executable.c_str(), X_OK) != 0) {
    return Error{ErrorCode::kEnvironment, true,
                 "the node's executable " + executable + ": " + std::strerror(errno)};
  }
  const std::string data = directory + "/data";
  std::error_code ec;
  std::filesystem::remove_all(data, ec);
  if (!ec) std::filesystem::create_directories(data, ec);
  if (ec) return Error{ErrorCode::kIo, true, data + ": " + ec.message()};
  Fd fd(::open(data.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return Error{ErrorCode::kIo, true, data + ": " + std::strerror(errno)};
  return std::unique_ptr<discrete::NodePort>(
      std::make_unique<SteppedNode>(spec, node, executable, directory, std::move(fd)));
}

}  // namespace ww::stepped
