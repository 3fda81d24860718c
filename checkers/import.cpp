#include "checkers/import.hpp"

#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "base/history.hpp"
#include "checkers/import_edn.hpp"

namespace ww::checkers {

namespace {

constexpr std::string_view kJepsenMark = "jepsen.util - ";
constexpr std::string_view kBlanks = " \t\r";

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0;;) {
    at = line.find_first_not_of(kBlanks, at);
    if (at == std::string_view::npos) return words;
    const std::size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end;
  }
}

bool parse_number(std::string_view text, std::int64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

/// "nil", or a number.
bool parse_value(std::string_view text, Value& out) {
  std::int64_t number = 0;
  if (text == "nil") {
    out = Value{};
    return true;
  }
  if (!parse_number(text, number)) return false;
  out = number;
  return true;
}

/// "[3" "0]" -> 3, 0.
bool parse_change(std::string_view from, std::string_view to, Op& op) {
  return from.starts_with('[') && to.ends_with(']') && parse_value(from.substr(1), op.value) &&
         parse_value(to.substr(0, to.size() - 1), op.to);
}

/// The words behind "jepsen.util - ". Nothing when they make no op. `skip`: they are the nemesis'.
std::optional<Op> jepsen_op(const std::vector<std::string_view>& words, bool& skip) {
  Op op;
  if (words.empty()) return std::nullopt;
  skip = words[0] == ":nemesis";
  if (skip || words.size() < 4 || !parse_number(words[0], op.process)) return std::nullopt;
  const std::string_view type = words[1];
  const std::string_view f = words[2];
  op.type = type == ":invoke" ? OpType::kInvoke
            : type == ":ok"   ? OpType::kOk
            : type == ":fail" ? OpType::kFail
                              : OpType::kInfo;
  if (op.type == OpType::kInfo && type != ":info") return std::nullopt;
  op.f = f == ":read" ? Func::kRead : f == ":write" ? Func::kWrite : Func::kCas;
  if (op.f == Func::kCas && f != ":cas") return std::nullopt;
  if (words[3].starts_with(':')) {
    // ":timed-out": no answer.
    if (op.type != OpType::kFail && op.type != OpType::kInfo) return std::nullopt;
    op.error = words[3].substr(1);
    return op;
  }
  const bool parsed = op.f == Func::kCas ? words.size() == 5 && parse_change(words[3], words[4], op)
                                         : words.size() == 4 && parse_value(words[3], op.value);
  if (!parsed) return std::nullopt;
  if (op.f == Func::kCas && op.type == OpType::kFail) {
    // It was executed and did not match; what it found instead was not logged.
    op.type = OpType::kOk;
    op.matched = false;
  }
  return op;
}

Result<ImportedHistory> import_jepsen_log(std::string_view text) {
  ImportedHistory out;
  out.format = "jepsen-log";
  out.model.failed_cas_observes = false;
  out.model.times_are_lines = true;
  ImportedOps ops;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    const std::size_t mark = line.find(kJepsenMark);
    if (mark == std::string_view::npos) continue;
    bool skip = false;
    std::optional<Op> op = jepsen_op(words_of(line.substr(mark + kJepsenMark.size())), skip);
    if (skip) continue;
    if (!op) {
      return Error{ErrorCode::kCorrupt, true,
                   "line " + std::to_string(number) + ": not an op: " + std::string(line)};
    }
    op->time = static_cast<std::int64_t>(number);
    if (Result<void> added = ops.add(std::move(*op), number); !added) return added.error();
  }
  out.ops = ops.take();
  return out;
}

/// JSON objects begin with `{"`, EDN maps with `{:`.
bool begins_with_json(std::string_view text) {
  const std::size_t brace = text.find_first_not_of(" \t\r\n");
  if (brace == std::string_view::npos || text[brace] != '{') return false;
  const std::size_t next = text.find_first_not_of(" \t\r\n", brace + 1);
  return next != std::string_view::npos && text[next] == '"';
}

bool begins_with_edn(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n,");
  return first != std::string_view::npos && std::strchr("{[(#;", text[first]) != nullptr;
}

}  // namespace

Result<ImportedHistory> import_history(std::string_view text, const std::string& name) {
  if (begins_with_json(text)) {
    Result<HistoryFile> file = parse_history(text, name);
    if (!file) return file.error();
    ImportedHistory out;
    out.ops = std::move(file->ops);
    out.format = "whitewater";
    out.torn = file->torn;
    return out;
  }
  const bool log = text.find(kJepsenMark) != std::string_view::npos;
  if (!log && !begins_with_edn(text)) {
    return Error{ErrorCode::kUsage, true,
                 name + ": neither a history of ours, nor a Jepsen log, nor EDN"};
  }
  Result<ImportedHistory> imported = log ? import_jepsen_log(text) : import_edn(text);
  if (!imported) {
    Error error = imported.error();
    error.message = name + ": " + error.message;
    return error;
  }
  if (imported->ops.empty()) {
    return Error{ErrorCode::kUsage, true, name + ": there is no op in it"};
  }
  return imported;
}

Result<ImportedHistory> import_history_file(const std::string& path) {
  struct Close {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) {
    return Error{ErrorCode::kIo, true, path + ": cannot open it: " + std::strerror(errno)};
  }
  std::string text;
  char buffer[1 << 16];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, file.get())) > 0;) {
    text.append(buffer, n);
  }
  if (std::ferror(file.get()) != 0) {
    return Error{ErrorCode::kIo, true, path + ": cannot read it: " + std::strerror(errno)};
  }
  return import_history(text, path);
}

}  // namespace ww::checkers
