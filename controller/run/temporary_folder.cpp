#include "controller/run/temporary_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace ww::run {

namespace {

constexpr std::string_view kFolderPrefix = "whitewater-";
constexpr std::string_view kLockName = "/.lock";

void remove_folder(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

/// The lock file gets its name when it is locked: whoever finds it can tell whether the owner
/// lives.
Result<Fd> lock_folder(const std::string& path) {
  const std::string name = path + std::string(kLockName);
  const std::string fresh = name + ".new";
  Fd fd(::open(fresh.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (fd.get() >= 0 && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0 &&
      ::rename(fresh.c_str(), name.c_str()) == 0) {
    return fd;
  }
  return Error{ErrorCode::kEnvironment, true, "cannot lock " + name + ": " + std::strerror(errno)};
}

bool is_orphan(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return false;
  if (status.st_uid != ::geteuid()) return false;
  const Fd lock(::open((path + std::string(kLockName)).c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  return lock.get() >= 0 && ::flock(lock.get(), LOCK_EX | LOCK_NB) == 0;
}

}  // namespace

Result<TemporaryFolder> TemporaryFolder::make(const std::string& base) {
  std::string path = base + "/" + std::string(kFolderPrefix) + "XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    return Error{ErrorCode::kEnvironment, true,
                 "no temporary directory " + path + ": " + std::strerror(errno) +
                     "; set TMPDIR to one that can be written to"};
  }
  auto lock = lock_folder(path);
  if (lock) return TemporaryFolder(std::move(path), std::move(*lock));
  remove_folder(path);
  return lock.error();
}

TemporaryFolder::TemporaryFolder(TemporaryFolder&& other) noexcept
    : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}

TemporaryFolder::~TemporaryFolder() {
  if (!path_.empty()) remove_folder(path_);
}

std::size_t sweep_temporary_folders(const std::string& base) {
  std::size_t swept = 0;
  std::error_code ec;
  std::filesystem::directory_iterator entry(base, ec);
  for (; !ec && entry != std::filesystem::directory_iterator(); entry.increment(ec)) {
    const std::string name = entry->path().filename().string();
    if (name.rfind(kFolderPrefix, 0) != 0 || !is_orphan(entry->path().string())) continue;
    remove_folder(entry->path().string());
    ++swept;
  }
  return swept;
}

}  // namespace ww::run
