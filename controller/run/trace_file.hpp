// trace.jsonl, written through one large buffer.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "controller/run/director.hpp"

namespace ww::run {

/// Shape:  after the first error nothing more is written, so that the file stays a readable prefix.
class TraceFile final : public TraceSink {
 public:
  /// Errors: kIo naming the file.
  static Result<std::unique_ptr<TraceFile>> create(const std::string& path);
  ~TraceFile() override;
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

  void write(std::string_view json_line) override;
  void flush();
  /// The first error: kNoSpace or kIo naming the file and what to do.
  [[nodiscard]] const Result<void>& state() const { return state_; }

 private:
  TraceFile(std::FILE* file, std::string path) : file_(file), path_(std::move(path)) {}
  void fail();

  std::FILE* file_;
  std::string path_;
  Result<void> state_;
};

}  // namespace ww::run
