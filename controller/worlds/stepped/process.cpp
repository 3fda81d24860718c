#include "controller/worlds/stepped/process.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/bytes.hpp"
#include "base/wire/frame.hpp"
#include "base/wire/stepped.hpp"
#include "controller/run/test_spec.hpp"
#include "controller/worlds/data_directory.hpp"

namespace ww::stepped {

namespace {

using wire::stepped::kMaxPacket;

constexpr std::size_t kLastWords = 600;

Error cannot_start(const Command& command, const std::string& why) {
  return Error{ErrorCode::kEnvironment, true, "cannot start " + command.executable + ": " + why};
}

/// Descriptors above those that the child gives other meanings to.
Fd above_standard(Fd fd) {
  return fd.get() < 0 ? std::move(fd) : Fd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 10));
}

struct ChildSetup {
  int input;
  int output;
  int socket;
  pid_t parent;
  const char* executable;
  char* const* arguments;
};

/// In the child between vfork and exec: only async-signal-safe calls, and nothing of the parent's
/// memory, which is shared, is written to. Returns only what failed.
int become_node(const ChildSetup& setup) {
  if (::dup2(setup.input, STDIN_FILENO) < 0 || ::dup2(setup.output, STDOUT_FILENO) < 0 ||
      ::dup2(setup.output, STDERR_FILENO) < 0 || ::dup2(setup.socket, Process::kSocket) < 0) {
    return errno;
  }
  ::close_range(Process::kSocket + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died between fork and prctl; then nobody would ever signal us.
  if (::getppid() != setup.parent) return ESRCH;
  // A Ctrl-C on the terminal is meant for the controller, which decides when nodes end; so is a
  // SIGTERM to everything below a service or a timeout(1). A node that died of it would make the
  // run another one.
  ::signal(SIGINT, SIG_IGN);
  ::signal(SIGTERM, SIG_IGN);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execv(setup.executable, setup.arguments);
  return errno;
}

/// vfork costs a tenth of fork here, which copies the controller's page tables; a seed restarts
/// nodes by the dozen. Signals wait meanwhile: a handler in the child would run in our memory.
pid_t start_child(const ChildSetup& setup, int& failure) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  volatile int error = 0;
  const pid_t pid = ::vfork();
  if (pid == 0) {
    error = become_node(setup);
    ::_exit(127);
  }
  failure = pid < 0 ? errno : error;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return pid;
}

std::string describe(int wait_status) {
  if (!WIFSIGNALED(wait_status)) {
    return "exited with status " + std::to_string(WEXITSTATUS(wait_status));
  }
  const int number = WTERMSIG(wait_status);
  const std::string name = ::sigabbrev_np(number) != nullptr ? ::sigabbrev_np(number) : "?";
  std::string out = "was killed by signal " + std::to_string(number) + " (SIG" + name + ")";
  if (number == SIGSYS) out += ": a system call that the tripwire forbids, or a failed assertion";
  if (number == SIGSEGV) out += ": a clock that the tripwire took away, or a bad pointer";
  return out;
}

}  // namespace

Result<Process> Process::spawn(const Command& command) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return cannot_start(command, std::string("no socket: ") + std::strerror(errno));
  }
  Fd ours(ends[0]);
  const Fd theirs = above_standard(Fd(ends[1]));
  const timeval patience{to_ns(command.patience) / 1'000'000'000,
                         to_ns(command.patience) % 1'000'000'000 / 1000};
  ::setsockopt(ours.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ::setsockopt(ours.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));

  const Fd input = above_standard(Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
  const Fd output = above_standard(
      Fd(::open(command.stderr_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)));
  if (theirs.get() < 0 || input.get() < 0 || output.get() < 0) {
    return cannot_start(command, command.stderr_file + ": " + std::strerror(errno));
  }
  struct stat status {};
  ::fstat(output.get(), &status);

  std::vector<char*> arguments = {const_cast<char*>(command.executable.c_str())};
  for (const std::string& argument : command.arguments) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  int failure = 0;
  const pid_t pid = start_child({input.get(), output.get(), theirs.get(), ::getpid(),
                                 command.executable.c_str(), arguments.data()},
                                failure);
  if (pid > 0 && failure != 0) ::waitpid(pid, nullptr, 0);
  if (failure != 0) return cannot_start(command, std::strerror(failure));
  return Process(pid, std::move(ours), command, static_cast<std::uint64_t>(status.st_size));
}

Process::Process(pid_t pid, Fd socket, const Command& command, std::uint64_t stderr_begin)
    : pid_(pid),
      socket_(std::move(socket)),
      stderr_file_(command.stderr_file),
      patience_(command.patience),
      stderr_begin_(stderr_begin),
      in_(kMaxPacket, '\0') {}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      socket_(std::move(other.socket_)),
      stderr_file_(std::move(other.stderr_file_)),
      patience_(other.patience_),
      stderr_begin_(other.stderr_begin_),
      in_(std::move(other.in_)) {}

Process::~Process() {
  kill();
}

void Process::kill() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, &wait_status_, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
  socket_ = Fd();
}

Result<std::string_view> Process::exchange(std::string_view frame) {
  if (auto sent = send(frame); !sent) return sent.error();
  std::size_t have = 0;
  std::size_t wanted = wire::kFrameHeader;
  while (have < wanted) {
    if (in_.size() < have + kMaxPacket) in_.resize(have + kMaxPacket);
    const ssize_t n = ::recv(socket_.get(), in_.data() + have, in_.size() - have, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n == 0 || (n < 0 && errno == ECONNRESET)) {
      return dead(ErrorCode::kIo, "ended without an answer");
    }
    if (n < 0) {
      return dead(ErrorCode::kIo, "gave no answer within " + run::format_duration(patience_));
    }
    have += static_cast<std::size_t>(n);
    if (have < wire::kFrameHeader) continue;
    const std::uint32_t size = ByteReader(in_).u32();
    if (size > wire::stepped::kMaxSteppedFrame) {
      return dead(ErrorCode::kCorrupt, "announced a frame of " + std::to_string(size) + " bytes");
    }
    wanted = wire::kFrameHeader + size;
  }
  if (have > wanted) return dead(ErrorCode::kCorrupt, "said more than one frame");
  return std::string_view(in_).substr(wire::kFrameHeader, wanted - wire::kFrameHeader);
}

Result<void> Process::send(std::string_view frame) {
  while (!frame.empty()) {
    const std::size_t packet = std::min(frame.size(), kMaxPacket);
    const ssize_t n = ::send(socket_.get(), frame.data(), packet, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return dead(ErrorCode::kIo, "took no more events");
    frame.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

/// Makes sure of it, and tells how it ended: a process that lives gets SIGKILL, of one that ended
/// by itself the status stays.
Error Process::dead(ErrorCode code, const std::string& what) {
  kill();
  std::string text = "the process " + what + "; it " + describe(wait_status_);
  struct stat status {};
  ::stat(stderr_file_.c_str(), &status);
  const std::uint64_t said = static_cast<std::uint64_t>(status.st_size) - stderr_begin_;
  const auto limit = static_cast<std::size_t>(std::min<std::uint64_t>(said, kLastWords));
  std::string words = worlds::tail_of(stderr_file_, limit);
  while (!words.empty() && words.back() == '\n') words.pop_back();
  if (!words.empty()) text += "; its last words: " + words;
  // It says by its status that the machine lacks something (docs/stepped.md).
  const bool environment =
      WIFEXITED(wait_status_) && WEXITSTATUS(wait_status_) == Process::kExitEnvironment;
  return Error{environment ? ErrorCode::kEnvironment : code, true, std::move(text)};
}

}  // namespace ww::stepped
