// Histories as JSON Lines: written as the run goes, read back with a torn last line tolerated.
//
// One op a line with Jepsen's keys: {"index":4,"time":120000,"type":"ok","process":3,"f":"cas",
// "value":[7,[1,2]],"matched":false,"seen":5,"at":[31,2],"node":"n1"}. As in jepsen.independent the
// value is the pair [key, value]. A watch of every key has "*" for its key; its value is [key,
// from] in the invocation and [key, [from, upto]] when it is ok, with its changes beside it:
// "changes":[[revision,key,value],...]. The first line is a header:
// {"schema":"whitewater.history","v":1}.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "base/op.hpp"
#include "base/result.hpp"

namespace ww {

inline constexpr int kHistorySchema = 1;
/// No line of a history is longer.
inline constexpr std::size_t kMaxHistoryLine = std::size_t{1} << 20;

/// Appends the JSON of `op` and a newline to `out`.
void append_json(std::string& out, const Op& op);

/// Appends `text` as a JSON string, quotes included; bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

/// Writes a history line by line.
///
/// Shape:  buffered; flush() hands everything to the operating system, and the destructor flushes.
/// Errors: kNoSpace or kIo naming the file; after the first error nothing more is written, and
/// every
///         later call returns the same error, so that the file stays a readable prefix.
class HistoryWriter {
 public:
  static Result<HistoryWriter> create(const std::string& path);
  HistoryWriter(HistoryWriter&&) noexcept = default;
  HistoryWriter& operator=(HistoryWriter&&) noexcept = default;
  ~HistoryWriter();

  Result<void> write(const Op& op);
  Result<void> flush();

 private:
  struct Close {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  HistoryWriter(std::FILE* file, std::string path) : file_(file), path_(std::move(path)) {}
  std::unique_ptr<std::FILE, Close> file_;
  std::string path_;
  std::string line_;
  Result<void> state_;
};

struct HistoryFile {
  History ops;
  bool torn = false;  // the last line was incomplete and was dropped
};

/// Reads a history of ours from text. `name` is used in errors.
///
/// Errors: kCorrupt naming the line and what is wrong with it: not JSON, a missing or mistyped key,
/// an
///         index that is not dense, a time that falls, a completion without an invocation, a
///         process that invokes twice. Only the last line may be torn.
Result<HistoryFile> parse_history(std::string_view text, const std::string& name);

/// Reads a history file. Errors: kIo, and those of parse_history.
Result<HistoryFile> read_history(const std::string& path);

}  // namespace ww
