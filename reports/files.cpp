#include "reports/files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace ww::reports {

namespace {

Error system_error(const std::string& what, const std::string& path, int number) {
  const bool full = number == ENOSPC || number == EFBIG || number == EDQUOT;
  return Error{full ? ErrorCode::kNoSpace : ErrorCode::kIo, true,
               what + " " + path + ": " + std::generic_category().message(number)};
}

/// Writes all of `content`; 0 or the errno.
int write_fully(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

/// Makes the rename durable. A directory that cannot be opened for it (a mere search permission) is
/// no reason to fail: the file is whole either way.
void sync_parent(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

Result<void> write_file_atomically(const std::string& path, std::string_view content) {
  // The process id keeps two writers of one directory apart.
  const std::string temporary = path + "." + std::to_string(::getpid()) + ".tmp";
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return system_error("cannot create", path, errno);
  int number = write_fully(fd, content);
  if (number == 0 && ::fsync(fd) != 0) number = errno;
  // close reports a quota exceeded on some network file systems.
  if (::close(fd) != 0 && number == 0) number = errno;
  if (number != 0) {
    ::unlink(temporary.c_str());
    return system_error("cannot write", path, number);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    number = errno;
    ::unlink(temporary.c_str());
    return system_error("cannot replace", path, number);
  }
  sync_parent(path);
  return {};
}

Result<std::string> read_file(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return system_error("cannot open", path, errno);
  std::string out;
  std::string buffer(std::size_t{1} << 16, '\0');
  for (;;) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n == 0) break;
    if (n < 0) {
      if (errno == EINTR) continue;
      const int number = errno;
      ::close(fd);
      return system_error("cannot read", path, number);
    }
    out.append(buffer.data(), static_cast<std::size_t>(n));
  }
  ::close(fd);
  return out;
}

}  // namespace ww::reports
