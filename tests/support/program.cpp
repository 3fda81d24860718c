#include "tests/support/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
extern "C" {  // glibc 2.36 forgot to say so itself
#include <sys/pidfd.h>
}
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace ww::test {

namespace fs = std::filesystem;

namespace {

std::string temporary_name(const char* kind) {
  std::string path = (fs::temp_directory_path() / ("whitewater-" + std::string(kind) + "-XXXXXX"));
  const int fd = ::mkstemp(path.data());
  if (fd < 0) throw std::runtime_error("cannot make " + path);
  ::close(fd);
  return path;
}

[[noreturn]] void become(const std::vector<std::string>& arguments, const Program::Options& options,
                         const std::string& out, const std::string& err, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  if (!options.directory.empty() && ::chdir(options.directory.c_str()) != 0) ::_exit(127);
  for (const auto& [name, value] : options.environment) ::setenv(name.c_str(), value.c_str(), 1);
  if (options.file_size_limit > 0) {
    const rlimit limit{options.file_size_limit, options.file_size_limit};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ::dup2(::open("/dev/null", O_RDONLY), 0);
  ::dup2(::open(out.c_str(), O_WRONLY), 1);
  ::dup2(::open(err.c_str(), O_WRONLY), 2);
  std::vector<char*> argv;
  for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

}  // namespace

Program::Program(const std::vector<std::string>& arguments, const Options& options)
    : out_path_(temporary_name("out")), err_path_(temporary_name("err")) {
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) become(arguments, options, out_path_, err_path_, parent);
  if (pid_ < 0) throw std::runtime_error("cannot fork");
}

Program::~Program() {
  if (!reaped_) {
    signal(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  std::error_code ec;
  fs::remove(out_path_, ec);
  fs::remove(err_path_, ec);
}

void Program::signal(int number) const {
  ::kill(pid_, number);
}

Finished Program::wait(std::chrono::seconds limit) {
  const int fd = ::pidfd_open(pid_, 0);
  pollfd watch{fd, POLLIN, 0};
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
  if (::poll(&watch, 1, static_cast<int>(ms)) != 1) signal(SIGKILL);
  ::close(fd);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  reaped_ = true;
  Finished out;
  out.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  out.out = slurp(out_path_);
  out.err = slurp(err_path_);
  return out;
}

Finished run_program(const std::vector<std::string>& arguments, const Program::Options& options,
                     std::chrono::seconds limit) {
  Program program(arguments, options);
  return program.wait(limit);
}

bool eventually(const std::function<bool()>& condition, std::chrono::seconds limit) {
  // A poll with nothing to watch only gives the processor away between two looks.
  constexpr int kBetweenLooksMs = 20;
  const auto looks =
      std::chrono::duration_cast<std::chrono::milliseconds>(limit).count() / kBetweenLooksMs;
  for (std::int64_t i = 0; i < looks; ++i) {
    if (condition()) return true;
    ::poll(nullptr, 0, kBetweenLooksMs);
  }
  return condition();
}

TemporaryFolder::TemporaryFolder() {
  path_ = (fs::temp_directory_path() / "whitewater-test-XXXXXX").string();
  if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make " + path_);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ec;
  fs::remove_all(path_, ec);
}

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

std::vector<pid_t> processes_with(const std::string& needle) {
  std::vector<pid_t> out;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator("/proc", ec)) {
    const std::string name = entry.path().filename().string();
    if (name.empty() || name[0] < '0' || name[0] > '9') continue;
    const pid_t pid = static_cast<pid_t>(std::stol(name));
    if (pid == ::getpid()) continue;
    std::string line = slurp(entry.path().string() + "/cmdline");
    for (char& c : line) c = c == '\0' ? ' ' : c;
    if (line.find(needle) != std::string::npos) out.push_back(pid);
  }
  return out;
}

}  // namespace ww::test
