#include "controller/run/trace_file.hpp"

#include <cerrno>
#include <cstring>

namespace ww::run {

namespace {
constexpr std::size_t kFileBuffer = std::size_t{1} << 20;
}

Result<std::unique_ptr<TraceFile>> TraceFile::create(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) {
    return Error{ErrorCode::kIo, true, path + ": cannot create: " + std::strerror(errno)};
  }
  std::setvbuf(file, nullptr, _IOFBF, kFileBuffer);
  return std::unique_ptr<TraceFile>(new TraceFile(file, path));
}

TraceFile::~TraceFile() {
  std::fclose(file_);
}

void TraceFile::write(std::string_view json_line) {
  if (!state_) return;
  if (std::fwrite(json_line.data(), 1, json_line.size(), file_) != json_line.size()) fail();
}

void TraceFile::flush() {
  if (state_ && std::fflush(file_) != 0) fail();
}

void TraceFile::fail() {
  const bool full = errno == ENOSPC || errno == EFBIG || errno == EDQUOT;
  state_ = Error{full ? ErrorCode::kNoSpace : ErrorCode::kIo, true,
                 path_ + ": cannot write: " + std::strerror(errno) +
                     (full ? "; free some space, or name another folder with --store" : "")};
}

}  // namespace ww::run
