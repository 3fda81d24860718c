#include "controller/campaign/pool.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>

#include "base/bytes.hpp"
#include "base/real_time.hpp"
#include "reports/files.hpp"
#include "reports/format.hpp"

namespace ww::campaign {

namespace {

constexpr std::size_t kFrameHeader = 4;
/// What a worker that meets an exception leaves with; its stderr says which one.
constexpr int kExceptionStatus = 70;

Error no_process(const char* what) {
  return Error{ErrorCode::kEnvironment, true,
               std::string("cannot start a worker: ") + what + ": " + std::strerror(errno)};
}

sigset_t interrupts() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

std::string framed(std::string_view payload) {
  std::string out;
  ByteWriter(out).u32(static_cast<std::uint32_t>(payload.size()));
  out += payload;
  return out;
}

/// Whether all was sent; false: the other side is gone.
bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool receive_exactly(int fd, char* to, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::recv(fd, to, size, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

Interrupts::Interrupts() {
  const sigset_t set = interrupts();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  fd_ = ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

Interrupts::~Interrupts() {
  count();
  if (fd_ >= 0) ::close(fd_);
  const sigset_t set = interrupts();
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

std::uint32_t Interrupts::count() {
  signalfd_siginfo info{};
  while (::read(fd_, &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) ++count_;
  return count_;
}

Result<Pool> Pool::create(Work work, Options options) {
  Pool pool(std::move(work), std::move(options));
  pool.workers_.resize(pool.options_.workers);
  for (std::size_t i = 0; i < pool.workers_.size(); ++i) {
    Worker& worker = pool.workers_[i];
    worker.stderr_path =
        pool.options_.stderr_directory + "/worker-" + std::to_string(i + 1) + ".stderr";
    if (auto started = pool.start(worker); !started) return started.error();
  }
  return pool;
}

Pool::~Pool() {
  for (Worker& worker : workers_) {
    if (worker.pid == 0) continue;
    ::kill(worker.pid, SIGKILL);
    ::close(worker.fd);
    ::waitpid(worker.pid, nullptr, 0);
    ::unlink(worker.stderr_path.c_str());
  }
}

Result<void> Pool::start(Worker& worker) {
  const int err =
      ::open(worker.stderr_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
  if (err < 0) return no_process(worker.stderr_path.c_str());
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    const Error error = no_process("socketpair");
    ::close(err);
    return error;
  }
  std::fflush(nullptr);  // or the child would say again what is still in the buffers
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    const Error error = no_process("fork");
    for (const int fd : {err, ends[0], ends[1]}) ::close(fd);
    return error;
  }
  if (pid == 0) {
    // The kernel's word when the parent ends; and a look, should it have ended before.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(0);
    ::close(ends[0]);
    for (const Worker& other : workers_) {
      if (other.fd >= 0) ::close(other.fd);
    }
    serve(ends[1], err);
  }
  ::close(err);
  ::close(ends[1]);
  worker.pid = pid;
  worker.fd = ends[0];
  worker.busy = false;
  worker.hung = false;
  worker.received.clear();
  return {};
}

void Pool::serve(int fd, int err) {
  // A terminal's Ctrl-C reaches every process of its group; only the parent decides what it means.
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGTERM, SIG_IGN);
  const sigset_t set = interrupts();
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  ::dup2(err, STDOUT_FILENO);  // the parent's stdout is for results
  ::dup2(err, STDERR_FILENO);
  try {
    for (std::string job;;) {
      std::array<char, kFrameHeader> header{};
      if (!receive_exactly(fd, header.data(), header.size())) ::_exit(0);
      job.resize(ByteReader({header.data(), header.size()}).u32());
      if (!receive_exactly(fd, job.data(), job.size())) ::_exit(0);
      if (::ftruncate(STDERR_FILENO, 0) != 0) ::_exit(kExceptionStatus);
      if (!send_all(fd, framed(work_(job)))) ::_exit(0);
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "exception: %s\n", e.what());
    std::fflush(stderr);
    ::_exit(kExceptionStatus);
  }
}

bool Pool::has_free() const {
  return busy() < workers_.size();
}

std::size_t Pool::busy() const {
  return static_cast<std::size_t>(
      std::count_if(workers_.begin(), workers_.end(), [](const Worker& w) { return w.busy; }));
}

void Pool::submit(std::uint64_t ticket, std::string_view job) {
  const auto worker =
      std::find_if(workers_.begin(), workers_.end(), [](const Worker& w) { return !w.busy; });
  WW_ASSERT(worker != workers_.end(), "a job without a free worker");
  worker->busy = true;
  worker->ticket = ticket;
  worker->since = instant_at(monotonic_ns());
  // One that died just now does not read it: wait() finds its end and says so of this job.
  send_all(worker->fd, framed(job));
}

bool Pool::receive(Worker& worker, std::vector<Done>& out) {
  std::array<char, 1 << 16> buffer{};
  for (;;) {
    const ssize_t n = ::recv(worker.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (n <= 0) return false;
    worker.received.append(buffer.data(), static_cast<std::size_t>(n));
  }
  ByteReader reader(worker.received);
  const std::uint32_t size = reader.u32();
  if (!reader.ok()) return true;
  if (size > kMaxFrame) return false;
  const std::string_view payload = reader.raw(size);
  if (!reader.ok()) return true;
  out.push_back({worker.ticket, std::string(payload), {}});
  worker.received.erase(0, reader.position());
  worker.busy = false;
  return true;
}

std::string Pool::bury(Worker& worker) {
  ::close(worker.fd);
  ::kill(worker.pid, SIGKILL);  // one whose socket broke may still live
  int status = 0;
  while (::waitpid(worker.pid, &status, 0) < 0 && errno == EINTR) {
  }
  worker.fd = -1;
  worker.pid = 0;
  std::string text;
  if (worker.hung) {
    text = "hung, and was killed";
  } else if (WIFSIGNALED(status)) {
    text = std::string("killed by signal ") + std::to_string(WTERMSIG(status)) + " (" +
           ::strsignal(WTERMSIG(status)) + ")";
  } else {
    text = "ended with status " + std::to_string(WEXITSTATUS(status));
  }
  if (const auto said = reports::read_file(worker.stderr_path)) {
    const std::string words = last_words(*said);
    if (!words.empty()) text += ": " + words;
  }
  return text;
}

void Pool::kill_hung(Instant now) {
  for (Worker& worker : workers_) {
    if (!worker.busy || worker.hung || now - worker.since < options_.job_limit) continue;
    worker.hung = true;
    ::kill(worker.pid, SIGKILL);
  }
}

Result<std::vector<Pool::Done>> Pool::wait(Duration limit, int other_fd) {
  std::vector<pollfd> polled;
  for (const Worker& worker : workers_) polled.push_back({worker.fd, POLLIN, 0});
  polled.push_back({other_fd, POLLIN, 0});
  const auto timeout = static_cast<int>(to_ns(limit) / 1'000'000);
  ::poll(polled.data(), polled.size(), timeout);
  std::vector<Done> out;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (polled[i].revents == 0) continue;
    Worker& worker = workers_[i];
    if (receive(worker, out)) continue;
    const bool had_job = worker.busy;
    const std::string death = bury(worker);
    if (had_job) out.push_back({worker.ticket, {}, death});
    if (auto started = start(worker); !started) return started.error();
  }
  kill_hung(instant_at(monotonic_ns()));
  return out;
}

std::string last_words(std::string_view text) {
  std::string best;
  int best_rank = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto has = [&](std::string_view part) {
      return line.find(part) != std::string_view::npos;
    };
    int rank = line.empty() ? 0 : 1;
    if (has("terminate called") || has("exception: ")) rank = 2;
    if (has("assertion failed") || has("Sanitizer: ") || has("runtime error: ")) rank = 3;
    // Of a report's lines the first says what it is; of mere chatter the last.
    if (rank > best_rank || (rank == best_rank && rank == 1)) {
      best = line;
      best_rank = rank;
    }
  }
  constexpr std::size_t kMaxWords = 500;
  return reports::printable(reports::valid_utf8(std::string_view(best).substr(0, kMaxWords)));
}

}  // namespace ww::campaign
