// What this machine can inject: each capability is tried, not assumed.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
extern "C" {  // glibc 2.36 forgot to say so itself
#include <sys/pidfd.h>
}
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "base/net/frame_socket.hpp"
#include "base/real_time.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/exit_codes.hpp"
#include "nodes/host/tripwire.hpp"

namespace ww::cli {

namespace {

struct Finding {
  std::string what;
  bool ok = false;
  bool required = false;
  std::string detail;
  std::string fix;  // one line, when not ok
};

Finding node_binary(const std::string& path) {
  const bool ok = ::access(path.c_str(), X_OK) == 0;
  return {"node executable", ok, true, path, "./whitewater builds it"};
}

Finding loopback() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(0x7F0B0701);  // 127.11.7.1
  const bool ok =
      fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  const std::string detail = ok ? "127.11.7.1 can be bound" : std::strerror(errno);
  if (fd >= 0) ::close(fd);
  return {"loopback addresses 127.x.y.z", ok, true, detail,
          "bring up the loopback interface: ip link set lo up"};
}

Finding reno() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool ok = fd >= 0 && ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4) == 0;
  if (fd >= 0) ::close(fd);
  return {"TCP congestion control reno", ok, false, ok ? "available" : std::strerror(errno),
          "latencies may show the pacing of the default congestion control"};
}

Finding pipes() {
  int ends[2];
  bool ok = ::pipe2(ends, O_CLOEXEC) == 0;
  int size = 0;
  if (ok) {
    size = ::fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
    ::close(ends[0]);
    ::close(ends[1]);
  }
  ok = size >= (1 << 20);
  return {"trace pipes of 1 MiB", ok, false, ok ? "available" : "only the default size",
          "raise /proc/sys/fs/pipe-max-size; until then a node may wait for its trace to be read"};
}

Finding pidfds() {
  const int fd = ::pidfd_open(::getpid(), 0);
  if (fd >= 0) ::close(fd);
  return {"process descriptors (pidfd)", fd >= 0, true,
          fd >= 0 ? "available" : std::strerror(errno),
          "needs Linux 5.3 and a seccomp profile that allows pidfd_open"};
}

Finding parent_death_signal() {
  int before = 0;
  ::prctl(PR_GET_PDEATHSIG, &before);
  const bool ok = ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0;
  ::prctl(PR_SET_PDEATHSIG, before);
  return {"death with the parent (PDEATHSIG)", ok, true, ok ? "available" : std::strerror(errno),
          "without it nodes could outlive a killed controller"};
}

Finding descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const bool ok = limit.rlim_cur >= 1024;
  return {"open files", ok, true, std::to_string(limit.rlim_cur) + " allowed", "ulimit -n 4096"};
}

Finding disk() {
  struct statvfs fs {};
  const bool known = ::statvfs(".", &fs) == 0;
  const std::uint64_t free_mb = known ? (std::uint64_t{fs.f_bavail} * fs.f_frsize) >> 20 : 0;
  return {"free disk space here", free_mb >= 1024, false, std::to_string(free_mb) + " MB",
          "free some, or keep less with --keep failures --store-limit 500MB"};
}

Finding sync_speed() {
  char name[] = "./.whitewater-doctor-XXXXXX";
  const int fd = ::mkstemp(name);
  if (fd < 0) {
    return {"fdatasync here", false, true, std::strerror(errno), "go to a folder you may write in"};
  }
  ::unlink(name);
  std::array<std::int64_t, 21> times{};
  const std::array<char, 512> sector{};
  bool ok = true;
  for (std::int64_t& t : times) {
    const std::int64_t before = monotonic_ns();
    ok = ok && ::write(fd, sector.data(), sector.size()) == 512 && ::fdatasync(fd) == 0;
    t = monotonic_ns() - before;
  }
  ::close(fd);
  std::sort(times.begin(), times.end());
  const std::int64_t median_us = times[times.size() / 2] / 1000;
  return {"fdatasync here", ok && median_us < 50'000, false,
          "median " + std::to_string(median_us) + " us, worst " +
              std::to_string(times.back() / 1000) + " us",
          "a slow disk: raise --election-timeout, or put --store on another disk"};
}

/// Armed in a child, since there is no way back.
Finding tripwire() {
  const char* const what = "tripwire of the stepped world's nodes";
  if (!host::has_tripwire()) {
    return {what, false, false, "not in this build",
            "build for x86-64 without sanitizers; until then comparing runs finds leaks"};
  }
  const pid_t child = ::fork();
  if (child == 0) ::_exit(host::arm_tripwire(STDIN_FILENO) ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return {what, false, false, "cannot be armed; a node's stderr.log says why",
            "the kernel must allow PR_SET_TSC and seccomp filters"};
  }
  if (!host::can_forbid_rdtsc()) {
    return {what, false, false, "armed, but this machine lets rdtsc through",
            "none: a hypervisor decides; comparing runs finds nodes that read it"};
  }
  return {what, true, false, "clocks, random numbers and threads kill", ""};
}

Finding cores() {
  const unsigned n = std::thread::hardware_concurrency();
  return {"processor cores", n >= 2, false, std::to_string(n),
          "with one core expect scheduling stalls; they are measured and reported"};
}

}  // namespace

int do_doctor(const Common& common, const std::string& node_executable) {
  const std::vector<Finding> findings = {node_binary(node_executable),
                                         loopback(),
                                         pidfds(),
                                         parent_death_signal(),
                                         descriptors(),
                                         reno(),
                                         pipes(),
                                         cores(),
                                         tripwire(),
                                         disk(),
                                         sync_speed()};
  nlohmann::ordered_json json;
  bool ready = true;
  std::string text;
  for (const Finding& f : findings) {
    if (!f.ok && f.required) ready = false;
    const std::string state = f.ok ? "ok      " : f.required ? "MISSING " : "note    ";
    text += "  " + state + f.what + ": " + f.detail + "\n";
    if (!f.ok) text += "          fix: " + f.fix + "\n";
    json["findings"].push_back({{"what", f.what},
                                {"ok", f.ok},
                                {"required", f.required},
                                {"detail", f.detail},
                                {"fix", f.ok ? "" : f.fix}});
  }
  text += ready ? "ready: ./whitewater run\n" : "not ready: see the lines marked MISSING\n";
  json["ready"] = ready;
  std::fputs(common.format == Format::kHuman ? text.c_str() : (json.dump(2) + "\n").c_str(),
             stdout);
  return ready ? kExitValid : kExitEnvironment;
}

}  // namespace ww::cli
