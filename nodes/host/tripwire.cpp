#include "nodes/host/tripwire.hpp"

#include <string>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WW_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WW_SANITIZED
#endif

#if defined(__x86_64__) && defined(__linux__) && !defined(WW_SANITIZED)
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <vector>

namespace ww::host {

namespace {

Error lacking(const std::string& what) {
  return Error{ErrorCode::kEnvironment, true, "no tripwire: " + what + ": " + std::strerror(errno)};
}

/// The system calls of a stepped node: frames, files that are open, memory, and its end.
constexpr std::array kAllowed = {SYS_read,      SYS_write,      SYS_pwrite64,   SYS_pread64,
                                 SYS_ftruncate, SYS_fstat,      SYS_newfstatat, SYS_close,
                                 SYS_fcntl,     SYS_getdents64, SYS_brk,        SYS_mmap,
                                 SYS_munmap,    SYS_mremap,     SYS_exit_group};

class Filter {
 public:
  explicit Filter(int directory) : directory_(static_cast<std::uint32_t>(directory)) {
    load(offsetof(seccomp_data, arch));
    skip_if_equal(AUDIT_ARCH_X86_64, 1);
    end(SECCOMP_RET_KILL_PROCESS);
    // Numbers from 2^30 on are the x32 calls; none is in the list.
    load(offsetof(seccomp_data, nr));
    for (const long call : kAllowed) {
      skip_unless_equal(static_cast<std::uint32_t>(call), 1);
      end(SECCOMP_RET_ALLOW);
    }
    allow_at_directory(SYS_openat, {0});
    allow_at_directory(SYS_unlinkat, {0});
    allow_at_directory(SYS_renameat, {0, 2});
    end(SECCOMP_RET_KILL_PROCESS);
  }

  Result<void> install() {
    const sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return lacking("PR_SET_NO_NEW_PRIVS");
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
      return lacking("the kernel takes no system-call filter");
    }
    return {};
  }

 private:
  void load(std::size_t offset) {
    code_.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
  }
  void skip_if_equal(std::uint32_t value, std::uint8_t count) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, count, 0));
  }
  void skip_unless_equal(std::uint32_t value, std::uint8_t count) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count));
  }
  void end(std::uint32_t verdict) { code_.push_back(BPF_STMT(BPF_RET | BPF_K, verdict)); }

  /// Allows `call` where the arguments of these numbers are the directory's descriptor.
  void allow_at_directory(long call, std::initializer_list<std::size_t> arguments) {
    const std::size_t body = 3 * arguments.size() + 1;
    skip_unless_equal(static_cast<std::uint32_t>(call), static_cast<std::uint8_t>(body));
    for (const std::size_t argument : arguments) {
      // The lower half of the register: a descriptor is an int.
      load(offsetof(seccomp_data, args) + argument * sizeof(std::uint64_t));
      skip_if_equal(directory_, 1);
      end(SECCOMP_RET_KILL_PROCESS);
    }
    end(SECCOMP_RET_ALLOW);
  }

  std::uint32_t directory_;
  std::vector<sock_filter> code_;
};

/// Takes away the pages from which the vDSO reads the clocks and the random generator's state.
/// Their addresses stay taken: a vDSO that found other data there would answer nonsense.
Result<void> unmap_vdso_data() {
  std::ifstream maps("/proc/self/maps");
  if (!maps) return lacking("cannot read /proc/self/maps");
  std::string line;
  while (std::getline(maps, line)) {
    if (line.find("[vvar") == std::string::npos) continue;
    unsigned long begin = 0;
    unsigned long end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx", &begin, &end) != 2) continue;
    void* const at = reinterpret_cast<void*>(begin);
    const int flags = MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    if (::mmap(at, end - begin, PROT_NONE, flags, -1, 0) == MAP_FAILED) {
      return lacking("the kernel keeps " + line.substr(line.find("[vvar")));
    }
  }
  return {};
}

volatile std::sig_atomic_t refused = 0;

/// Goes on behind the rdtsc that the processor refused.
void skip_rdtsc(int, siginfo_t*, void* context) {
  constexpr int kLength = 2;
  refused = 1;
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP] += kLength;
}

/// Whether rdtsc, forbidden, is refused indeed.
bool rdtsc_is_refused() {
  struct sigaction skip {};
  struct sigaction before {};
  skip.sa_sigaction = skip_rdtsc;
  skip.sa_flags = SA_SIGINFO;
  ::sigaction(SIGSEGV, &skip, &before);
  refused = 0;
  asm volatile("rdtsc" : : : "eax", "edx");
  ::sigaction(SIGSEGV, &before, nullptr);
  return refused != 0;
}

/// Where the hypervisor does not keep to it, it is taken back: all that it did would be to make
/// every switch between controller and node half as long again.
Result<void> forbid_rdtsc() {
  if (::prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0) != 0) return lacking("PR_SET_TSC");
  if (!rdtsc_is_refused()) ::prctl(PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0);
  return {};
}

}  // namespace

bool has_tripwire() {
  return true;
}

Result<void> arm_tripwire(int directory) {
  Filter filter(directory);
  if (auto forbidden = forbid_rdtsc(); !forbidden) return forbidden;
  if (auto unmapped = unmap_vdso_data(); !unmapped) return unmapped;
  return filter.install();
}

bool can_forbid_rdtsc() {
  const pid_t child = ::fork();
  if (child == 0) {
    const bool set = ::prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0) == 0;
    ::_exit(set && rdtsc_is_refused() ? 0 : 1);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace ww::host

#else

namespace ww::host {

bool has_tripwire() {
  return false;
}

Result<void> arm_tripwire(int) {
  return Error{ErrorCode::kEnvironment, true,
               "no tripwire in this build: it needs x86-64 Linux without sanitizers"};
}

bool can_forbid_rdtsc() {
  return false;
}

}  // namespace ww::host

#endif
