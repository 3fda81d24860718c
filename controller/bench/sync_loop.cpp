#include "controller/bench/sync_loop.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <latch>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/fd.hpp"
#include "base/real_time.hpp"

namespace ww::bench {

namespace {

constexpr std::uint64_t kLeastSyncs = 20;
constexpr std::size_t kRecordBytes = 512;
constexpr off_t kGrowth = off_t{1} << 20;

/// What the loops of one measurement share.
struct Together {
  std::latch start;
  std::atomic<std::uint32_t> unfinished;  // loops that have not made what they must
  std::atomic<bool> failed{false};
  Duration length;
};

/// One writer. REQUIRES: open() before run().
class SyncLoop {
 public:
  explicit SyncLoop(std::string path) : path_(std::move(path)) {}

  bool open() {
    file_ = Fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file_.get() < 0) return fail("cannot create");
    ::unlink(path_.c_str());
    return true;
  }

  void run(Together& together) {
    together.start.arrive_and_wait();
    const std::int64_t begin = monotonic_ns();
    bool finished = false;
    while (together.unfinished.load() > 0 && !together.failed.load()) {
      if (!append_and_sync()) together.failed.store(true);
      const bool enough =
          times_.count() >= kLeastSyncs && monotonic_ns() - begin >= together.length.count();
      if (enough && !finished) together.unfinished.fetch_sub(1);
      finished = finished || enough;
    }
  }

  [[nodiscard]] const Histogram& times() const { return times_; }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  bool append_and_sync() {
    const auto size = static_cast<off_t>(record_.size());
    if (at_ + size > room_) {
      do {
        errno = ::posix_fallocate(file_.get(), room_, at_ + size + kGrowth - room_);
      } while (errno == EINTR);
      if (errno != 0) return fail("cannot grow");
      room_ = at_ + size + kGrowth;
    }
    if (::pwrite(file_.get(), record_.data(), record_.size(), at_) != size) {
      return fail("cannot write");
    }
    at_ += size;
    const std::int64_t before = monotonic_ns();
    if (::fdatasync(file_.get()) != 0) return fail("cannot sync");
    times_.record(Duration{monotonic_ns() - before});
    return true;
  }

  bool fail(const char* what) {
    error_ = Error{ErrorCode::kEnvironment, true,
                   std::string(what) + " " + path_ + ": " + std::strerror(errno)};
    return false;
  }

  std::string path_;
  Fd file_;
  std::string record_ = std::string(kRecordBytes, 'x');
  off_t at_ = 0;
  off_t room_ = 0;
  Histogram times_;
  std::optional<Error> error_;
};

}  // namespace

Result<Histogram> time_syncs(const std::string& directory, Duration length, std::uint32_t writers) {
  WW_ASSERT(writers > 0, "nobody syncs");
  std::vector<SyncLoop> loops;
  for (std::uint32_t i = 0; i < writers; ++i) {
    loops.emplace_back(directory + "/sync-loop-" + std::to_string(i) + ".tmp");
    if (!loops.back().open()) return *loops.back().error();
  }
  Together together{std::latch(writers), {writers}, {}, length};
  std::vector<std::thread> threads;
  for (SyncLoop& loop : loops) threads.emplace_back([&] { loop.run(together); });
  for (std::thread& thread : threads) thread.join();
  Histogram out;
  for (const SyncLoop& loop : loops) {
    if (loop.error()) return *loop.error();
    out.merge(loop.times());
  }
  return out;
}

bool is_in_memory(const std::string& directory) {
  struct statfs status {};
  return ::statfs(directory.c_str(), &status) == 0 && status.f_type == TMPFS_MAGIC;
}

}  // namespace ww::bench
