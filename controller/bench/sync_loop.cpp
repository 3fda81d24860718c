#include "controller/bench/sync_loop.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/fd.hpp"
#include "base/real_time.hpp"

namespace ww::bench {

Result<Histogram> time_syncs(const std::string& directory, Duration length) {
  constexpr std::uint64_t kLeast = 20;
  const std::string path = directory + "/sync-loop.tmp";
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  const auto failed = [&](const char* what) {
    return Error{ErrorCode::kEnvironment, true,
                 std::string(what) + " " + path + ": " + std::strerror(errno)};
  };
  if (file.get() < 0) return failed("cannot create");
  ::unlink(path.c_str());
  const std::string sector(512, 'x');
  Histogram out;
  const std::int64_t begin = monotonic_ns();
  off_t at = 0;
  while (out.count() < kLeast || monotonic_ns() - begin < length.count()) {
    if (::pwrite(file.get(), sector.data(), sector.size(), at) < 0) return failed("cannot write");
    at += static_cast<off_t>(sector.size());
    const std::int64_t before = monotonic_ns();
    if (::fdatasync(file.get()) != 0) return failed("cannot sync");
    out.record(Duration{monotonic_ns() - before});
  }
  return out;
}

bool is_in_memory(const std::string& directory) {
  struct statfs status {};
  return ::statfs(directory.c_str(), &status) == 0 && status.f_type == TMPFS_MAGIC;
}

}  // namespace ww::bench
