#include "tests/unit/host_process.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/real_time.hpp"

namespace ww::host_test {

namespace {


sockaddr_in address_of(const std::string& host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  REQUIRE(::inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1);
  return address;
}

const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

Fd try_listen(const std::string& host, std::uint16_t port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = address_of(host, port);
  if (::bind(fd.get(), generic(address), sizeof address) != 0) return Fd();
  if (::listen(fd.get(), 16) != 0) return Fd();
  return fd;
}

Fd try_connect(const std::string& host, std::uint16_t port) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = address_of(host, port);
  if (::connect(fd.get(), generic(address), sizeof address) != 0) return Fd();
  return fd;
}

/// Fails the test when `fd` does not become readable in time.
void await(int fd) {
  pollfd wanted{.fd = fd, .events = POLLIN, .revents = 0};
  const auto ms = std::chrono::duration_cast<milliseconds>(kPatience).count();
  REQUIRE(::poll(&wanted, 1, static_cast<int>(ms)) == 1);
}

}  // namespace

std::string free_prefix() {
  const auto start = static_cast<std::uint32_t>(::getpid());
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    const std::uint32_t n = start + i;
    std::string prefix =
        "127." + std::to_string(64 + n % 128) + "." + std::to_string(n / 128 % 256);
    if (try_listen(prefix + ".250", 7000).get() >= 0) return prefix;
  }
  FAIL("no free loopback address");
  return {};
}

Fd listen_on(const std::string& host, std::uint16_t port) {
  Fd fd = try_listen(host, port);
  REQUIRE(fd.get() >= 0);
  return fd;
}

Connection Connection::to(const std::string& host, std::uint16_t port) {
  Fd fd = try_connect(host, port);
  REQUIRE(fd.get() >= 0);
  return Connection(std::move(fd));
}

Connection Connection::once_listening(const std::string& host, std::uint16_t port) {
  const RealClock clock;
  while (clock.now() < Instant{} + kPatience) {
    Fd fd = try_connect(host, port);
    if (fd.get() >= 0) return Connection(std::move(fd));
    std::this_thread::yield();
  }
  FAIL("nobody listens on " << host << ":" << port);
  return Connection(Fd());
}

Connection Connection::accepted(const Fd& listener) {
  await(listener.get());
  Fd fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(fd.get() >= 0);
  return Connection(std::move(fd));
}

void Connection::send(std::string_view frame) {
  // A connection that broke meanwhile shows in receive().
  while (!frame.empty()) {
    const ssize_t n = ::send(fd_.get(), frame.data(), frame.size(), MSG_NOSIGNAL);
    if (n < 0) return;
    frame.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::optional<std::string> Connection::receive() {
  std::string buffer(64U << 10, '\0');
  while (true) {
    auto frame = frames_.next();
    REQUIRE(frame.ok());
    if (frame->has_value()) return std::string(**frame);
    await(fd_.get());
    const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (n <= 0) return std::nullopt;
    frames_.feed(std::string_view(buffer).substr(0, static_cast<std::size_t>(n)));
  }
}

std::optional<wire::ClientReply> Client::attempt(const wire::Command& command) {
  const wire::ClientRequest request{
      .request = ++last_request_, .read_mode = wire::ReadMode::kIndex, .command = command};
  std::string payload;
  wire::encode_request(payload, number_, node_, request);
  std::string frame;
  wire::append_frame(frame, payload);
  connection_.send(frame);
  const auto answer = connection_.receive();
  if (!answer) return std::nullopt;
  auto reply = wire::decode_reply(*answer);
  REQUIRE(reply.ok());
  CHECK(reply->envelope.from == wire::endpoint_of(node_));
  CHECK(reply->envelope.to == wire::endpoint_of(number_));
  REQUIRE(reply->reply.request == last_request_);
  return std::move(reply->reply);
}

std::optional<wire::ClientReply> Client::insist(const wire::Command& command) {
  const RealClock clock;
  while (clock.now() < Instant{} + kPatience) {
    auto reply = attempt(command);
    if (!reply || reply->outcome == wire::Outcome::kOk) return reply;
    REQUIRE(reply->outcome == wire::Outcome::kFailed);
  }
  FAIL("node " << name_of(node_) << " never answered ok");
  return std::nullopt;
}

Process::Process(const std::vector<std::string>& arguments, const ProcessOptions& options) {
  std::vector<std::string> words = {WW_NODE_BINARY, "--parent-pid", std::to_string(::getpid())};
  words.insert(words.end(), arguments.begin(), arguments.end());
  if (!options.trace_file.empty()) {
    words.emplace_back("--trace-fd");
    words.emplace_back("3");
  }
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const Fd errors(
      ::open(options.stderr_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  REQUIRE(errors.get() >= 0);
  const Fd trace(
      options.trace_file.empty()
          ? -1
          : ::open(options.trace_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  pid_ = ::fork();
  REQUIRE(pid_ >= 0);
  if (pid_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(errors.get(), 1);
  ::dup2(errors.get(), 2);
  // Descriptor 3 may be the trace's own already; then only the flag has to go.
  if (trace.get() == 3) ::fcntl(3, F_SETFD, 0);
  if (trace.get() > 3) ::dup2(trace.get(), 3);
  if (options.file_size_limit > 0) {
    const rlimit limit{.rlim_cur = options.file_size_limit, .rlim_max = options.file_size_limit};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

Process::~Process() {
  if (pid_ > 0) kill();
}

void Process::signal(int number) const {
  REQUIRE(pid_ > 0);
  ::kill(pid_, number);
}

int Process::wait() {
  // Not by its name: the C library declares it for C only.
  const Fd watch(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  REQUIRE(watch.get() >= 0);
  await(watch.get());
  int status = 0;
  REQUIRE(::waitpid(pid_, &status, 0) == pid_);
  pid_ = -1;
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

void Process::kill() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void say(Connection& control, const wire::control::Message& message) {
  std::string payload;
  wire::control::encode(payload, message);
  std::string frame;
  wire::append_frame(frame, payload);
  control.send(frame);
}

template <class T>
T hear(Connection& control) {
  const auto payload = control.receive();
  REQUIRE(payload.has_value());
  const auto message = wire::control::decode(*payload);
  REQUIRE(message.ok());
  REQUIRE(std::holds_alternative<T>(*message));
  return std::get<T>(*message);
}
template wire::control::Hello hear(Connection& control);
template wire::control::ClockState hear(Connection& control);

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

wire::Command write_command(std::string key, std::string value) {
  wire::Command command;
  command.kind = wire::CommandKind::kWrite;
  command.key = std::move(key);
  command.value = std::move(value);
  return command;
}

wire::Command read_command(std::string key) {
  wire::Command command;
  command.kind = wire::CommandKind::kRead;
  command.key = std::move(key);
  return command;
}

}  // namespace ww::host_test
