// The writer formats by hand, because a history is written while the run goes on and every op waits
// for it; the reader takes its time and explains what is wrong.
//
// The file is written through a buffer of our own and not through stdio's: after a failed write
// stdio would try the same bytes again on close, and could so put a later piece behind a missing
// one.

#include "base/history.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>

namespace ww {

namespace {

using Json = nlohmann::json;

constexpr std::string_view kHistorySchemaName = "whitewater.history";
constexpr std::size_t kWriteBuffer = std::size_t{64} << 10;

template <class Number>
void append_number(std::string& out, Number n) {
  std::array<char, 24> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), n).ptr;
  out.append(buffer.data(), end);
}

void append_value(std::string& out, const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    append_number(out, *number);
  } else if (const auto* list = std::get_if<std::vector<std::int64_t>>(&value)) {
    out += '[';
    for (std::size_t i = 0; i < list->size(); ++i) {
      if (i > 0) out += ',';
      append_number(out, (*list)[i]);
    }
    out += ']';
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    append_json_string(out, *text);
  } else {
    out += "null";
  }
}

void append_changes(std::string& out, const std::vector<WatchedChange>& changes) {
  out += ",\"changes\":[";
  bool first = true;
  for (const WatchedChange& change : changes) {
    out += first ? "[" : ",[";
    first = false;
    append_number(out, change.revision);
    out += ',';
    append_number(out, change.key);
    out += ',';
    append_value(out, change.value);
    out += ']';
  }
  out += ']';
}

/// The length of the UTF-8 character at the start of `s`, or 0 when there is none (Unicode 15,
/// table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view s) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < s.size() ? static_cast<unsigned char>(s[i]) : 0U;
  };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return tail(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const unsigned low = lead == 0xe0 ? 0xa0U : 0x80U;
    const unsigned high = lead == 0xed ? 0x9fU : 0xbfU;
    return byte(1) >= low && byte(1) <= high && tail(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const unsigned low = lead == 0xf0 ? 0x90U : 0x80U;
    const unsigned high = lead == 0xf4 ? 0x8fU : 0xbfU;
    return byte(1) >= low && byte(1) <= high && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto code = static_cast<unsigned char>(c);
  out += "\\u00";
  out += kHex[code >> 4];
  out += kHex[code & 0xf];
}

/// One line's way into an Op; the first complaint is kept.
class LineReader {
 public:
  explicit LineReader(const Json& line) : line_(line) {}

  /// The op, or what is wrong with the line.
  Op read() {
    Op op;
    op.index = natural("index");
    op.time = integer("time");
    op.type = type();
    op.process = process();
    op.f = func();
    if (op.f == Func::kNemesis) {
      op.value = value_of(member("value"), "value");
    } else {
      read_pair(op);
    }
    if (op.f == Func::kCas && op.type == OpType::kOk) read_cas_result(op);
    if (op.f == Func::kWatch && op.type == OpType::kOk) read_changes(op);
    read_optional(op);
    return op;
  }
  [[nodiscard]] const std::string& complaint() const { return complaint_; }

 private:
  void complain(std::string what) {
    if (complaint_.empty()) complaint_ = std::move(what);
  }
  /// The member, or null (a complaint when it is missing).
  const Json& member(const char* name) {
    static const Json kNull;
    const auto found = line_.find(name);
    if (found != line_.end()) return *found;
    complain("has no \"" + std::string(name) + "\"");
    return kNull;
  }
  std::int64_t integer_of(const Json& json, const char* name) {
    if (!json.is_number_integer() ||
        (json.is_number_unsigned() && json.get<std::uint64_t>() > INT64_MAX)) {
      complain("\"" + std::string(name) + "\" is not an integer of 64 bits");
      return 0;
    }
    return json.get<std::int64_t>();
  }
  std::uint64_t natural_of(const Json& json, const char* name) {
    if (json.is_number_unsigned()) return json.get<std::uint64_t>();
    complain("\"" + std::string(name) + "\" is not a natural number");
    return 0;
  }
  std::int64_t integer(const char* name) { return integer_of(member(name), name); }
  std::uint64_t natural(const char* name) { return natural_of(member(name), name); }
  std::string text(const char* name) {
    const Json& json = member(name);
    if (json.is_string()) return json.get<std::string>();
    complain("\"" + std::string(name) + "\" is not a string");
    return {};
  }

  OpType type() {
    const std::string name = text("type");
    for (const auto t : {OpType::kInvoke, OpType::kOk, OpType::kFail, OpType::kInfo}) {
      if (name_of(t) == name) return t;
    }
    complain("\"type\" is \"" + name + "\", not invoke, ok, fail or info");
    return OpType::kInvoke;
  }
  Func func() {
    const std::string name = text("f");
    for (const auto f : {Func::kRead, Func::kWrite, Func::kCas, Func::kAppend, Func::kDelete,
                         Func::kWatch, Func::kNemesis}) {
      if (name_of(f) == name) return f;
    }
    complain("\"f\" is \"" + name + "\", which is no function of a workload");
    return Func::kRead;
  }
  std::int64_t process() {
    const Json& json = member("process");
    if (json == "nemesis") return kNemesisProcess;
    const std::int64_t number = integer_of(json, "process");
    if (number < 0) complain("\"process\" is negative");
    return number;
  }
  Value value_of(const Json& json, const char* name) {
    if (json.is_null()) return {};
    if (json.is_string()) return json.get<std::string>();
    if (!json.is_array()) return integer_of(json, name);
    std::vector<std::int64_t> list;
    for (const Json& item : json) list.push_back(integer_of(item, name));
    return list;
  }
  /// "value":[key, value], for a cas [key, [expected, to]], for a watch that is ok [key, [from,
  /// upto]].
  void read_pair(Op& op) {
    const Json& pair = member("value");
    if (!pair.is_array() || pair.size() != 2) {
      return complain("\"value\" is not the pair [key, value]");
    }
    const bool watch = op.f == Func::kWatch;
    op.key = watch && pair[0] == "*" ? kEveryKey : natural_of(pair[0], "value");
    if (op.f != Func::kCas && !(watch && op.type == OpType::kOk)) {
      op.value = value_of(pair[1], "value");
      return;
    }
    if (!pair[1].is_array() || pair[1].size() != 2) {
      return complain(watch ? "\"value\" of a watch is not [key, [from, upto]]"
                            : "\"value\" of a cas is not [key, [expected, to]]");
    }
    op.value = value_of(pair[1][0], "value");
    op.to = value_of(pair[1][1], "value");
  }
  void read_cas_result(Op& op) {
    const Json& matched = member("matched");
    if (!matched.is_boolean()) return complain("\"matched\" is not true or false");
    op.matched = matched.get<bool>();
    if (!op.matched) op.seen = value_of(member("seen"), "seen");
  }
  void read_changes(Op& op) {
    const Json& changes = member("changes");
    if (!changes.is_array()) return complain("\"changes\" is not a list");
    for (const Json& change : changes) {
      if (!change.is_array() || change.size() != 3) {
        return complain("a change is not [revision, key, value]");
      }
      op.changes.push_back({natural_of(change[0], "changes"), natural_of(change[1], "changes"),
                            value_of(change[2], "changes")});
    }
  }
  void read_optional(Op& op) {
    if (line_.contains("at")) {
      const Json& at = member("at");
      if (!at.is_array() || at.size() != 2) return complain("\"at\" is not [index, term]");
      op.at = LogPosition{natural_of(at[0], "at"), natural_of(at[1], "at")};
    }
    if (line_.contains("node")) op.node = node();
    if (line_.contains("error")) op.error = text("error");
  }
  NodeId node() {
    const std::string name = text("node");
    NodeId id;
    const char* end = name.data() + name.size();
    if (name.size() < 2 || name[0] != 'n') {
      complain("\"node\" is \"" + name + "\", not n1, n2, ...");
      return id;
    }
    const auto parsed = std::from_chars(name.data() + 1, end, id.value);
    if (parsed.ec != std::errc() || parsed.ptr != end || id == kNobody) {
      complain("\"node\" is \"" + name + "\", not n1, n2, ...");
    }
    return id;
  }

  const Json& line_;
  std::string complaint_;
};

/// The rules between the lines.
class Sequence {
 public:
  /// What is wrong with `op` as the next of the history, or nothing.
  std::string accept(const Op& op) {
    if (op.index != next_index_) {
      return "has index " + std::to_string(op.index) + " where " + std::to_string(next_index_) +
             " is next";
    }
    if (op.time < time_) {
      return "is at " + std::to_string(op.time) + " ns, before its predecessor at " +
             std::to_string(time_) + " ns";
    }
    ++next_index_;
    time_ = op.time;
    const bool nemesis = op.process == kNemesisProcess;
    if (nemesis != (op.f == Func::kNemesis)) return "mixes a nemesis with a client's op";
    return nemesis ? std::string() : pair_up(op);
  }

 private:
  struct Open {
    Func f;
    std::uint64_t key;
  };

  std::string pair_up(const Op& op) {
    const std::string who = "process " + std::to_string(op.process);
    if (op.type == OpType::kInvoke) {
      if (open_.emplace(op.process, Open{op.f, op.key}).second) return {};
      return who + " invokes an op while its previous one is open";
    }
    const auto found = open_.find(op.process);
    if (found == open_.end()) return who + " completes an op that it did not invoke";
    const Open open = found->second;
    open_.erase(found);
    if (open.f != op.f || open.key != op.key) return who + " completes another op than it invoked";
    return {};
  }

  std::uint64_t next_index_ = 0;
  std::int64_t time_ = INT64_MIN;
  std::unordered_map<std::int64_t, Open> open_;  // looked up only, never walked
};

Error corrupt(const std::string& name, std::size_t line, const std::string& what) {
  return Error{ErrorCode::kCorrupt, true, name + ":" + std::to_string(line) + ": " + what};
}

Result<void> check_header(const Json& header, const std::string& name) {
  const auto schema = header.find("schema");
  if (schema == header.end() || *schema != kHistorySchemaName) {
    return corrupt(name, 1, "this line is not the header of a Whitewater history");
  }
  const auto version = header.find("v");
  if (version == header.end() || !version->is_number_unsigned() || *version < 1) {
    return corrupt(name, 1, "the header has no schema version \"v\"");
  }
  if (*version > kHistorySchema) {
    return corrupt(name, 1,
                   "the history has schema version " + version->dump() +
                       "; this program reads versions up to " + std::to_string(kHistorySchema));
  }
  return {};
}

/// `line` as a JSON object, or nothing.
std::optional<Json> parse_object(std::string_view line) {
  Json json = Json::parse(line.begin(), line.end(), nullptr, false);
  if (!json.is_object()) return std::nullopt;
  return json;
}

Error write_error(const std::string& path, int code) {
  const bool full = code == ENOSPC || code == EFBIG || code == EDQUOT;
  return Error{full ? ErrorCode::kNoSpace : ErrorCode::kIo, false,
               "cannot write " + path + ": " + std::strerror(code)};
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain = 0;  // text[plain, i) needs no escape
  std::size_t i = 0;
  while (i < text.size()) {
    const char c = text[i];
    const std::size_t length = utf8_length(text.substr(i, 4));
    const bool escape = static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || c == 0x7f;
    if (length > 0 && !escape) {
      i += length;
      continue;
    }
    out.append(text.substr(plain, i - plain));
    if (escape) {
      append_escaped(out, c);
    } else {
      out += "\xef\xbf\xbd";
    }
    plain = ++i;
  }
  out.append(text.substr(plain));
  out += '"';
}

void append_json(std::string& out, const Op& op) {
  out += "{\"index\":";
  append_number(out, op.index);
  out += ",\"time\":";
  append_number(out, op.time);
  out += ",\"type\":\"";
  out += name_of(op.type);
  out += "\",\"process\":";
  if (op.process == kNemesisProcess) {
    out += "\"nemesis\"";
  } else {
    append_number(out, op.process);
  }
  out += ",\"f\":\"";
  out += name_of(op.f);
  out += "\",\"value\":";
  if (op.f == Func::kNemesis) {
    append_value(out, op.value);
  } else {
    out += '[';
    if (op.key == kEveryKey) {
      out += "\"*\"";
    } else {
      append_number(out, op.key);
    }
    const bool pair = op.f == Func::kCas || (op.f == Func::kWatch && op.type == OpType::kOk);
    out += pair ? ",[" : ",";
    append_value(out, op.value);
    if (pair) {
      out += ',';
      append_value(out, op.to);
      out += ']';
    }
    out += ']';
  }
  if (op.f == Func::kCas && op.type == OpType::kOk) {
    out += op.matched ? ",\"matched\":true" : ",\"matched\":false,\"seen\":";
    if (!op.matched) append_value(out, op.seen);
  }
  if (op.f == Func::kWatch && op.type == OpType::kOk) append_changes(out, op.changes);
  if (op.at != LogPosition{}) {
    out += ",\"at\":[";
    append_number(out, op.at.index);
    out += ',';
    append_number(out, op.at.term);
    out += ']';
  }
  if (op.node != kNobody) {
    out += ",\"node\":\"n";
    append_number(out, op.node.value);
    out += '"';
  }
  if (!op.error.empty()) {
    out += ",\"error\":";
    append_json_string(out, op.error);
  }
  out += "}\n";
}

Result<HistoryWriter> HistoryWriter::create(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "wbe");
  if (file == nullptr) {
    return Error{ErrorCode::kIo, true, "cannot create " + path + ": " + std::strerror(errno)};
  }
  std::setvbuf(file, nullptr, _IONBF, 0);
  HistoryWriter writer(file, path);
  writer.line_.reserve(kWriteBuffer + (kWriteBuffer >> 2));
  writer.line_ += "{\"schema\":\"" + std::string(kHistorySchemaName) +
                  "\",\"v\":" + std::to_string(kHistorySchema) + "}\n";
  if (auto flushed = writer.flush(); !flushed) return flushed.error();
  return writer;
}

HistoryWriter::~HistoryWriter() {
  if (file_) static_cast<void>(flush());
}

Result<void> HistoryWriter::write(const Op& op) {
  if (!state_) return state_;
  const std::size_t begin = line_.size();
  append_json(line_, op);
  if (line_.size() - begin > kMaxHistoryLine) {
    line_.resize(begin);
    static_cast<void>(flush());
    state_ = Error{ErrorCode::kTooLarge, true,
                   "op " + std::to_string(op.index) + " makes a line of " + path_ +
                       " longer than " + std::to_string(kMaxHistoryLine) + " bytes"};
    return state_;
  }
  return line_.size() >= kWriteBuffer ? flush() : state_;
}

Result<void> HistoryWriter::flush() {
  WW_ASSERT(file_ != nullptr, "a history writer that was moved away writes");
  std::size_t written = 0;
  while (state_.ok() && written < line_.size()) {
    errno = 0;
    written += std::fwrite(line_.data() + written, 1, line_.size() - written, file_.get());
    if (written == line_.size()) break;
    if (errno == EINTR) {
      std::clearerr(file_.get());
    } else {
      state_ = write_error(path_, errno);
    }
  }
  line_.clear();
  return state_;
}

Result<HistoryFile> parse_history(std::string_view text, const std::string& name) {
  if (text.empty()) return corrupt(name, 1, "the file is empty: not even the header is there");
  HistoryFile out;
  Sequence sequence;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    const bool last = end == std::string_view::npos;  // a whole line ends in a newline
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(last ? text.size() : end + 1);
    if (line.size() > kMaxHistoryLine) {
      return corrupt(name, number,
                     "the line is longer than " + std::to_string(kMaxHistoryLine) + " bytes");
    }
    const std::optional<Json> json = parse_object(line);
    if (!json) {
      if (!last) return corrupt(name, number, "the line is not a JSON object");
      out.torn = true;
      break;
    }
    if (number == 1) {
      if (auto header = check_header(*json, name); !header) return header.error();
      continue;
    }
    LineReader reader(*json);
    Op op = reader.read();
    if (!reader.complaint().empty()) return corrupt(name, number, "the op " + reader.complaint());
    if (const std::string wrong = sequence.accept(op); !wrong.empty()) {
      return corrupt(name, number, "the op " + wrong);
    }
    out.ops.push_back(std::move(op));
  }
  return out;
}

Result<HistoryFile> read_history(const std::string& path) {
  struct Close {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rbe"));
  if (!file) {
    return Error{ErrorCode::kIo, true, "cannot open " + path + ": " + std::strerror(errno)};
  }
  std::string text;
  std::string block(kWriteBuffer, '\0');
  for (;;) {
    errno = 0;
    const std::size_t n = std::fread(block.data(), 1, block.size(), file.get());
    text.append(block, 0, n);
    if (n == block.size()) continue;
    if (std::ferror(file.get()) != 0) {
      return Error{ErrorCode::kIo, false, "cannot read " + path + ": " + std::strerror(errno)};
    }
    return parse_history(text, path);
  }
}

}  // namespace ww
