#include "controller/worlds/data_directory.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace ww::worlds {

namespace fs = std::filesystem;

namespace {

Error file_error(const std::string& path, const std::string& what) {
  return Error{errno == ENOSPC ? ErrorCode::kNoSpace : ErrorCode::kIo, true,
               path + ": " + what + ": " + std::strerror(errno)};
}

}  // namespace

Result<DiskImage> read_image(const std::string& directory) {
  DiskImage image;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(directory, ec)) {
    if (!entry.is_regular_file(ec)) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::ostringstream bytes;
    bytes << in.rdbuf();
    if (!in) return file_error(entry.path().string(), "cannot read");
    image[entry.path().filename().string()] = std::move(bytes).str();
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
