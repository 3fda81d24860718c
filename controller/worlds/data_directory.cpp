#include "controller/worlds/data_directory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/fd.hpp"

namespace ww::worlds {

namespace fs = std::filesystem;

namespace {

Error file_error(const std::string& path, const std::string& what) {
  return Error{errno == ENOSPC ? ErrorCode::kNoSpace : ErrorCode::kIo, true,
               path + ": " + what + ": " + std::strerror(errno)};
}

/// By the system's call: a stream does not tell a file that is empty from one that fails.
Result<std::string> read_whole(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return file_error(path, "cannot open");
  std::string bytes;
  std::array<char, std::size_t{1} << 16> buffer;
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error(path, "cannot read");
    if (n == 0) return bytes;
    bytes.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

}  // namespace

Result<DiskImage> read_image(const std::string& directory) {
  DiskImage image;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(directory, ec)) {
    if (!entry.is_regular_file(ec)) continue;
    auto bytes = read_whole(entry.path().string());
    if (!bytes) return bytes.error();
    image[entry.path().filename().string()] = std::move(*bytes);
  }
  if (ec) return Error{ErrorCode::kIo, true, directory + ": cannot list: " + ec.message()};
  return image;
}

Result<void> write_image(const std::string& directory, const DiskImage& image) {
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(directory, ec)) {
    if (image.count(entry.path().filename().string()) != 0) continue;
    std::error_code failed;
    fs::remove(entry.path(), failed);
    if (failed) {
      return Error{ErrorCode::kIo, true,
                   entry.path().string() + ": cannot remove: " + failed.message()};
    }
  }
  if (ec) return Error{ErrorCode::kIo, true, directory + ": cannot clear: " + ec.message()};
  for (const auto& [name, bytes] : image) {
    const std::string path = directory + "/" + name;
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    out.flush();
    if (!out) return file_error(path, "cannot write");
  }
  return {};
}

std::vector<std::string> sanitizer_lines(const std::string& nodes_directory, std::uint32_t nodes) {
  std::vector<std::string> out;
  constexpr std::size_t kTail = std::size_t{1} << 20;
  for (std::uint32_t i = 1; i <= nodes; ++i) {
    const std::string node = name_of(NodeId{i});
    std::istringstream in(tail_of(nodes_directory + "/" + node + "/stderr.log", kTail));
    for (std::string line; std::getline(in, line);) {
      const bool speaks = line.find("Sanitizer") != std::string::npos ||
                          line.find("runtime error:") != std::string::npos;
      if (speaks) out.push_back(node + ": " + line);
    }
  }
  return out;
}

std::string tail_of(const std::string& path, std::size_t limit) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) return {};
  const auto size = static_cast<std::size_t>(in.tellg());
  const std::size_t begin = size > limit ? size - limit : 0;
  in.seekg(static_cast<std::streamoff>(begin));
  std::string out(size - begin, '\0');
  in.read(out.data(), static_cast<std::streamsize>(out.size()));
  return out;
}

}  // namespace ww::worlds
