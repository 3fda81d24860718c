#include "controller/worlds/live/node_process.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
extern "C" {  // glibc 2.36 forgot to say so itself
#include <sys/pidfd.h>
}
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/process.hpp>
#include <boost/process/extend.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>

#include "base/fd.hpp"
#include "base/real_time.hpp"

namespace ww::live {

namespace {

namespace asio = boost::asio;
namespace bp = boost::process;

constexpr std::size_t kPipeBytes = std::size_t{1} << 20;
constexpr std::size_t kReadBytes = 256U << 10;
// A busy node writes a record every few microseconds, and waking for each costs more than what is
// done with it: a pipe that had something is looked at again only at the next multiple of this, and
// those of all nodes together. What follows a silence is read at once.
constexpr Duration kReadEvery = milliseconds(1);

Error spawn_error(const std::string& what, const std::string& why) {
  return Error{ErrorCode::kEnvironment, true, "cannot start " + what + ": " + why};
}

/// Runs in the child between fork and exec: only async-signal-safe calls.
struct ChildSetup {
  int trace_fd;
  pid_t parent;

  template <class Executor>
  void operator()(Executor&) const {
    if (::dup2(trace_fd, NodeProcess::kTraceFd) < 0) ::_exit(127);
    ::close_range(NodeProcess::kTraceFd + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // The parent may have died between fork and prctl; then nobody would ever signal us.
    if (::getppid() != parent) ::_exit(127);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    // A Ctrl-C on the terminal is meant for the controller, which decides when nodes end.
    ::signal(SIGINT, SIG_IGN);
  }
};

}  // namespace

std::string Exit::describe() const {
  if (signal != 0) return std::string("killed by signal ") + std::to_string(signal);
  return "exited with status " + std::to_string(status);
}

struct NodeProcess::Impl : std::enable_shared_from_this<Impl> {
  Impl(asio::io_context& io, Handlers h)
      : handlers(std::move(h)),
        pipe(io),
        exit_watch(io),
        read_again(io),
        buffer(kReadBytes, '\0') {}

  /// Reads what is there: at most as much as the pipe holds, for others wait, too.
  void read_trace() {
    for (std::size_t left = kPipeBytes; left > 0 && !abandoned;) {
      const ssize_t n = ::read(trace.get(), buffer.data(), std::min(left, buffer.size()));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return await_trace();
      if (n <= 0) return end_trace();
      const auto size = static_cast<std::size_t>(n);
      handlers.on_trace(std::string_view(buffer.data(), size));
      left -= size;
      if (size < buffer.size()) break;
    }
    if (!abandoned) read_later();
  }

  /// Nothing more is read; a node that still writes is told so.
  void end_trace() {
    trace = Fd();
    trace_ended = true;
    report_if_gone();
  }

  void read_later() {
    const auto next = (nanoseconds(monotonic_ns()) / kReadEvery + 1) * kReadEvery;
    read_again.expires_at(std::chrono::steady_clock::time_point(next));
    read_again.async_wait([self = shared_from_this()](boost::system::error_code ec) {
      if (!ec && !self->abandoned) self->read_trace();
    });
  }

  /// Only a pipe that is awaited is watched: each write to one that is wakes us.
  void await_trace() {
    boost::system::error_code failed;
    pipe.assign(trace.get(), failed);
    if (failed) return end_trace();
    pipe.async_wait(asio::posix::descriptor_base::wait_read,
                    [self = shared_from_this()](boost::system::error_code ec) {
                      if (self->abandoned) return;
                      self->pipe.release();
                      if (ec) return self->end_trace();
                      self->read_trace();
                    });
  }

  void watch_exit() {
    exit_watch.async_wait(asio::posix::descriptor_base::wait_read,
                          [self = shared_from_this()](boost::system::error_code ec) {
                            if (ec || self->abandoned) return;
                            self->reap();
                            self->report_if_gone();
                          });
  }

  void reap() {
    int status = 0;
    if (reaped || ::waitpid(pid, &status, 0) != pid) return;
    reaped = true;
    if (WIFSIGNALED(status)) {
      exit.signal = WTERMSIG(status);
    } else {
      exit.status = WEXITSTATUS(status);
    }
  }

  void report_if_gone() {
    if (!reaped || !trace_ended || reported) return;
    reported = true;
    // The handler may destroy the NodeProcess, and with it the handlers.
    const auto on_gone = handlers.on_gone;
    on_gone(exit);
  }

  Handlers handlers;
  Fd trace;
  asio::posix::stream_descriptor pipe;  // `trace`, while that is awaited
  asio::posix::stream_descriptor exit_watch;
  asio::steady_timer read_again;
  std::string buffer;
  pid_t pid = 0;
  Exit exit;
  bool reaped = false;
  bool trace_ended = false;
  bool reported = false;
  bool abandoned = false;
};

Result<std::unique_ptr<NodeProcess>> NodeProcess::spawn(asio::io_context& io,
                                                        const NodeCommand& command,
                                                        Handlers handlers) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return spawn_error(command.executable, std::string("no pipe: ") + std::strerror(errno));
  }
  // A larger pipe lets a node run on through a pause of ours; a refusal leaves the default of 64
  // KiB.
  ::fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(kPipeBytes));
  auto impl = std::make_shared<Impl>(io, std::move(handlers));
  impl->trace = Fd(ends[0]);
  ::fcntl(ends[0], F_SETFL, O_NONBLOCK);

  const int log =
      ::open(command.stderr_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log < 0) {
    const std::string why = std::strerror(errno);
    ::close(ends[1]);
    return spawn_error(command.executable, command.stderr_file + ": " + why);
  }
  std::error_code ec;
  bp::child child(bp::exe = command.executable, bp::args = command.arguments, bp::std_in < bp::null,
                  bp::posix::fd.bind(1, log), bp::posix::fd.bind(2, log), ec,
                  bp::extend::on_exec_setup = ChildSetup{ends[1], ::getpid()});
  ::close(ends[1]);
  ::close(log);
  if (ec) return spawn_error(command.executable, ec.message());
  impl->pid = child.id();
  child.detach();

  const int watch = ::pidfd_open(impl->pid, 0);
  if (watch < 0) {
    const std::string why = std::strerror(errno);
    ::kill(impl->pid, SIGKILL);
    ::waitpid(impl->pid, nullptr, 0);
    return spawn_error(command.executable, "cannot watch it: " + why);
  }
  impl->exit_watch.assign(watch);
  impl->await_trace();
  impl->watch_exit();
  return std::unique_ptr<NodeProcess>(new NodeProcess(std::move(impl)));
}

NodeProcess::~NodeProcess() {
  impl_->abandoned = true;
  signal(SIGKILL);
  if (!impl_->reaped) impl_->reap();
  boost::system::error_code ignored;
  if (impl_->pipe.is_open()) impl_->pipe.release();
  impl_->exit_watch.close(ignored);
  impl_->read_again.cancel();
}

void NodeProcess::signal(int number) {
  if (!impl_->reaped) ::kill(impl_->pid, number);
}

bool NodeProcess::is_stopped() const {
  if (impl_->reaped) return false;
  siginfo_t info{};
  const int options = WSTOPPED | WNOHANG | WNOWAIT;
  const int done = ::waitid(P_PID, static_cast<id_t>(impl_->pid), &info, options);
  return done == 0 && info.si_pid == impl_->pid && info.si_code == CLD_STOPPED;
}

}  // namespace ww::live
