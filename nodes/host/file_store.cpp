#include "nodes/host/file_store.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>

#include "base/real_time.hpp"

namespace ww::host {

namespace {

void require_plain(const std::string& file) {
  WW_ASSERT(!file.empty() && file[0] != '.' && file.find('/') == std::string::npos,
            "a store's files have plain names");
}

Error environment(std::string what) {
  return {ErrorCode::kEnvironment, true, std::move(what)};
}

// Calls again for as long as a signal came between.
template <class Call>
auto retrying(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

void wait_until(std::int64_t monotonic) {
  const timespec end{.tv_sec = monotonic / 1'000'000'000, .tv_nsec = monotonic % 1'000'000'000};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, nullptr) == EINTR) {
  }
}

}  // namespace

Result<FileStore> FileStore::open(const std::string& directory) {
  std::signal(SIGXFSZ, SIG_IGN);
  if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
    return environment("cannot make data directory " + directory + ": " + std::strerror(errno));
  }
  Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) {
    return environment("cannot open data directory " + directory + ": " + std::strerror(errno));
  }
  if (::faccessat(fd.get(), ".", W_OK | X_OK, 0) != 0) {
    return environment("cannot write to data directory " + directory + ": " + std::strerror(errno));
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return environment("data directory " + directory + " is in use by another process");
  }
  return FileStore(directory, std::move(fd));
}

Result<std::vector<std::string>> FileStore::list() {
  // A descriptor of its own: the position in a directory belongs to the open file.
  Fd fd(::openat(dir_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return failed("list", "");
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(fd.get()), &::closedir);
  if (!dir) return failed("list", "");
  static_cast<void>(fd.release());
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(dir.get())) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    errno = 0;
  }
  if (errno != 0) return failed("list", "");
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> FileStore::read(const std::string& file) {
  const auto fd = opened(file);
  if (!fd) return fd.error();
  struct stat status {};
  if (::fstat(*fd, &status) != 0) return failed("stat", file);
  std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t n = retrying(
        [&] { return ::pread(*fd, bytes.data() + at, bytes.size() - at, static_cast<off_t>(at)); });
    if (n < 0) return failed("read", file);
    if (n == 0) break;
    at += static_cast<std::size_t>(n);
  }
  bytes.resize(at);
  return bytes;
}

Result<void> FileStore::create(const std::string& file) {
  require_plain(file);
  Fd fd(retrying([&] {
    return ::openat(dir_.get(), file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  }));
  if (fd.get() < 0) return failed("create", file);
  keep(file, std::move(fd));
  return {};
}

Result<void> FileStore::rename(const std::string& from, const std::string& to) {
  require_plain(from);
  require_plain(to);
  if (::renameat(dir_.get(), from.c_str(), dir_.get(), to.c_str()) != 0) {
    return failed("rename", from);
  }
  forget(from);
  forget(to);
  return {};
}

Result<void> FileStore::unlink(const std::string& file) {
  require_plain(file);
  if (::unlinkat(dir_.get(), file.c_str(), 0) != 0) return failed("unlink", file);
  forget(file);
  return {};
}

Result<void> FileStore::truncate(const std::string& file, std::uint64_t size) {
  const auto fd = opened(file);
  if (!fd) return fd.error();
  struct stat status {};
  if (::fstat(*fd, &status) != 0) return failed("stat", file);
  const auto end = static_cast<off_t>(size);
  if (end > status.st_size) {
    do {
      errno = ::posix_fallocate(*fd, status.st_size, end - status.st_size);
    } while (errno == EINTR);
    if (errno != 0) return failed("fallocate", file);
    return {};
  }
  if (retrying([&] { return ::ftruncate(*fd, end); }) != 0) return failed("truncate", file);
  return {};
}

Result<void> FileStore::write(const std::string& file, std::uint64_t offset,
                              std::string_view data) {
  const auto fd = opened(file);
  if (!fd) return fd.error();
  while (!data.empty()) {
    const ssize_t n = retrying(
        [&] { return ::pwrite(*fd, data.data(), data.size(), static_cast<off_t>(offset)); });
    if (n < 0) return failed("write", file);
    data.remove_prefix(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<void> FileStore::sync_file(const std::string& file) {
  const auto fd = opened(file);
  if (!fd) return fd.error();
  // fdatasync flushes a changed size too: without it the data could not be read back. Its errors
  // are final: a second call may succeed although the pages are gone.
  if (timed([&] { return ::fdatasync(*fd); }) != 0) return failed("fdatasync", file);
  return {};
}

Result<void> FileStore::sync_dir() {
  if (timed([&] { return ::fsync(dir_.get()); }) != 0) return failed("fsync", "");
  return {};
}

void FileStore::time_syncs(SyncTimes& times, Duration floor) {
  sync_times_ = &times;
  sync_floor_ = floor;
}

template <class Sync>
int FileStore::timed(Sync sync) {
  if (!syncs_) return 0;
  if (sync_times_ == nullptr) return sync();
  const std::int64_t begin = monotonic_ns();
  const int result = sync();
  const int error = errno;
  if (sync_floor_ > Duration{}) wait_until(begin + sync_floor_.count());
  sync_times_->record(Duration{monotonic_ns() - begin});
  errno = error;
  return result;
}

Result<int> FileStore::opened(const std::string& file) {
  require_plain(file);
  for (const auto& [name, fd] : open_) {
    if (name == file) return fd.get();
  }
  Fd fd(retrying([&] { return ::openat(dir_.get(), file.c_str(), O_RDWR | O_CLOEXEC); }));
  if (fd.get() < 0) return failed("open", file);
  return keep(file, std::move(fd));
}

int FileStore::keep(const std::string& file, Fd fd) {
  if (open_.size() == kMaxOpenFiles) open_.erase(open_.begin());
  open_.emplace_back(file, std::move(fd));
  return open_.back().second.get();
}

void FileStore::forget(const std::string& file) {
  std::erase_if(open_, [&](const auto& entry) { return entry.first == file; });
}

Error FileStore::failed(std::string_view operation, const std::string& file) const {
  const int error = errno;
  ErrorCode code = ErrorCode::kIo;
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) code = ErrorCode::kNoSpace;
  if (error == ENOENT || error == EEXIST) code = ErrorCode::kInternal;
  std::string message(operation);
  message += " of " + path_ + (file.empty() ? "" : "/" + file) + ": " + std::strerror(error);
  return {code, false, std::move(message)};
}

}  // namespace ww::host
