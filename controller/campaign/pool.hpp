// Worker processes: jobs in, results out, and a worker's death is a result too.
//
// A worker is a fork of this process from its main thread. It reads one job at a time from its
// socket, works, and writes one result; both are frames of a length and bytes. When it dies, the
// job in its hands gets the reason (signal or status, and what it said last on stderr), and another
// worker takes its place. A worker has no say in the order of jobs, and shares nothing.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace ww::campaign {

/// SIGINT and SIGTERM as something to wait for. While it lives they are blocked in this process.
class Interrupts {
 public:
  Interrupts();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  /// How many came so far.
  std::uint32_t count();

 private:
  int fd_ = -1;
  std::uint32_t count_ = 0;
};

class Pool {
 public:
  using Work = std::function<std::string(std::string_view job)>;
  struct Options {
    std::size_t workers = 1;
    std::string stderr_directory;  // one file a worker; it must exist
    /// A job that takes longer is hung: its worker is killed.
    Duration job_limit = seconds(1200);
  };
  struct Done {
    std::uint64_t ticket = 0;
    std::string result;
    std::string death;  // how its worker died; then there is no result
  };
  /// No result is longer: a worker that announces more is broken.
  static constexpr std::uint32_t kMaxFrame = std::uint32_t{1} << 30;

  /// Errors: kEnvironment when processes or sockets cannot be had.
  static Result<Pool> create(Work work, Options options);
  Pool(Pool&&) = default;
  Pool& operator=(Pool&&) = delete;
  /// Kills every worker.
  ~Pool();

  /// Whether a worker has nothing to do.
  [[nodiscard]] bool has_free() const;
  [[nodiscard]] std::size_t busy() const;
  /// Gives the job to a free worker. REQUIRES: has_free().
  void submit(std::uint64_t ticket, std::string_view job);
  /// Waits until a job is done, `limit` is over, or `other_fd` can be read. Returns all that are
  /// done. Errors: kEnvironment when a dead worker cannot be replaced.
  Result<std::vector<Done>> wait(Duration limit, int other_fd);

 private:
  struct Worker {
    pid_t pid = 0;
    int fd = -1;
    bool busy = false;
    std::uint64_t ticket = 0;
    Instant since{};
    std::string received;
    std::string stderr_path;
    bool hung = false;
  };
  Pool(Work work, Options options) : work_(std::move(work)), options_(std::move(options)) {}
  Result<void> start(Worker& worker);
  [[noreturn]] void serve(int fd, int err);
  void kill_hung(Instant now);
  /// Takes what has arrived; whether the worker still lives.
  bool receive(Worker& worker, std::vector<Done>& out);
  static std::string bury(Worker& worker);

  Work work_;
  Options options_;
  std::vector<Worker> workers_;
};

/// The line of a dead process's stderr that says why: of a sanitizer, of an assertion, or the last.
std::string last_words(std::string_view text);

}  // namespace ww::campaign
