#include "checkers/import_edn.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <utility>

#include "checkers/edn.hpp"

namespace ww::checkers {

namespace {

Error at_line(std::size_t line, const std::string& what) {
  return Error{ErrorCode::kCorrupt, true, "line " + std::to_string(line) + ": " + what};
}

}  // namespace

Result<void> ImportedOps::add(Op op, std::size_t line) {
  const auto open = std::find_if(open_.begin(), open_.end(),
                                 [&](const auto& entry) { return entry.first == op.process; });
  const std::string process = "process " + std::to_string(op.process);
  if (op.type == OpType::kInvoke) {
    if (open != open_.end()) return at_line(line, process + " invokes while its last op is open");
    open_.emplace_back(op.process, ops_.size());
  } else {
    if (open == open_.end()) return at_line(line, process + " completes an op it never invoked");
    const Op& invoke = ops_[open->second];
    if (invoke.f != op.f || invoke.key != op.key) {
      return at_line(line, process + " completes another op than it invoked");
    }
    if (op.f != Func::kRead) {
      op.value = invoke.value;
      op.to = invoke.to;
    }
    open_.erase(open);
  }
  if (!ops_.empty() && op.time < ops_.back().time) {
    return at_line(line, "time falls from " + std::to_string(ops_.back().time) + " to " +
                             std::to_string(op.time));
  }
  op.index = ops_.size();
  ops_.push_back(std::move(op));
  return {};
}

namespace {

using edn::Node;

std::string word_of(const Node* node) {
  const auto* word = node == nullptr ? nullptr : std::get_if<edn::Word>(&node->value);
  return word == nullptr ? "" : word->text;
}

std::optional<OpType> type_of(const std::string& word) {
  if (word == ":invoke") return OpType::kInvoke;
  if (word == ":ok") return OpType::kOk;
  if (word == ":fail") return OpType::kFail;
  if (word == ":info") return OpType::kInfo;
  return std::nullopt;
}

std::optional<Func> func_of(const std::string& word) {
  if (word == ":read" || word == ":get") return Func::kRead;
  if (word == ":write" || word == ":put") return Func::kWrite;
  if (word == ":cas") return Func::kCas;
  if (word == ":append") return Func::kAppend;
  if (word == ":delete") return Func::kDelete;
  return std::nullopt;
}

class Importer {
 public:
  explicit Importer(std::vector<Node> forms) {
    // A history is one map a line, or all maps in one vector.
    if (forms.size() == 1) {
      if (auto* all = std::get_if<edn::Sequence>(&forms[0].value)) {
        lines_ = std::move(all->items);
        return;
      }
    }
    lines_ = std::move(forms);
  }

  Result<ImportedHistory> run() {
    classify();
    ImportedHistory out;
    out.format = strings_ ? "porcupine-kv" : "edn";
    out.model.times_are_lines = !timed_;
    for (const Node& line : lines_) {
      const Node* process = edn::get(line, ":process");
      if (process == nullptr) return at_line(line.line, "this is no map with a :process");
      // The nemesis' lines are marks, not ops.
      if (!std::holds_alternative<std::int64_t>(process->value)) continue;
      Result<Op> op = op_of(line);
      if (!op) return op.error();
      if (Result<void> added = ops_.add(std::move(*op), line.line); !added) return added.error();
    }
    out.ops = ops_.take();
    return out;
  }

 private:
  /// Finds out which dialect it is, from all lines.
  void classify() {
    bool pairs = false;
    for (const Node& line : lines_) {
      const std::string f = word_of(edn::get(line, ":f"));
      if (f == ":get" || f == ":put") strings_ = true;
      const Node* process = edn::get(line, ":process");
      if (process == nullptr || !std::holds_alternative<std::int64_t>(process->value)) continue;
      if (edn::get(line, ":time") == nullptr) timed_ = false;
      const Node* value = edn::get(line, ":value");
      const auto* pair = value == nullptr ? nullptr : std::get_if<edn::Sequence>(&value->value);
      const bool two = pair != nullptr && pair->items.size() == 2;
      const bool nested = two && std::holds_alternative<edn::Sequence>(pair->items[1].value);
      if (f == ":read" && word_of(edn::get(line, ":type")) == ":invoke") plain_ = plain_ || !two;
      if (f == ":cas") plain_ = plain_ || (two && !nested);
      pairs = pairs || (two && (f == ":read" || nested));
    }
    if (!pairs) plain_ = true;
  }

  Result<Op> op_of(const Node& line) {
    const std::optional<OpType> type = type_of(word_of(edn::get(line, ":type")));
    if (!type) return at_line(line.line, ":type is not one of :invoke, :ok, :fail, :info");
    const std::string f = word_of(edn::get(line, ":f"));
    const std::optional<Func> func = func_of(f);
    if (!func) {
      return at_line(
          line.line,
          ":f " + f + " is not one of :read, :write, :cas, :append, :delete, :get, :put");
    }
    Op op;
    op.type = *type;
    op.f = *func;
    op.process = *std::get_if<std::int64_t>(&edn::get(line, ":process")->value);
    op.time = static_cast<std::int64_t>(line.line);
    if (timed_) {
      const auto* time = std::get_if<std::int64_t>(&edn::get(line, ":time")->value);
      if (time == nullptr) return at_line(line.line, ":time is not a number");
      op.time = *time;
    }
    if (const Node* error = edn::get(line, ":error")) op.error = word_of(error);
    const Node* value = edn::get(line, ":value");
    const Node nil;
    Result<void> read = read_value(line, value == nullptr ? nil : *value, op);
    if (!read) return read.error();
    return op;
  }

  Result<void> read_value(const Node& line, const Node& value, Op& op) {
    const Node* content = &value;
    if (const Node* key = edn::get(line, ":key")) {
      if (Result<void> set = set_key(*key, op); !set) return set;
    } else if (!plain_) {
      const auto* pair = std::get_if<edn::Sequence>(&value.value);
      if (pair == nullptr || pair->items.size() != 2) {
        return at_line(line.line, ":value is not a pair of key and value, as it is elsewhere");
      }
      if (Result<void> set = set_key(pair->items[0], op); !set) return set;
      content = &pair->items[1];
    }
    if (strings_) return read_string(line, *content, op);
    // What a completion without `ok` carries is not an answer.
    if (op.type == OpType::kFail || op.type == OpType::kInfo) return {};
    if (op.f != Func::kCas) {
      op.value = value_of(*content);
      return {};
    }
    const auto* change = std::get_if<edn::Sequence>(&content->value);
    if (change == nullptr || change->items.size() != 2) {
      return at_line(line.line, "a cas needs :value [from to]");
    }
    op.value = value_of(change->items[0]);
    op.to = value_of(change->items[1]);
    return {};
  }

  static Result<void> set_key(const Node& node, Op& op) {
    std::string digits;
    if (const auto* number = std::get_if<std::int64_t>(&node.value))
      digits = std::to_string(*number);
    if (const auto* text = std::get_if<edn::Text>(&node.value)) digits = text->text;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), op.key);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) {
      return at_line(node.line, "a key is not a natural number");
    }
    return {};
  }

  Value value_of(const Node& node) {
    if (const auto* number = std::get_if<std::int64_t>(&node.value)) return *number;
    if (const auto* word = std::get_if<edn::Word>(&node.value)) return word->text;
    if (const auto* text = std::get_if<edn::Text>(&node.value)) return text->text;
    if (const auto* list = std::get_if<edn::Sequence>(&node.value)) {
      std::vector<std::int64_t> out;
      for (const Node& item : list->items) out.push_back(number_of(item));
      return out;
    }
    return {};
  }
  /// A list's element; what is no number is numbered by its text.
  std::int64_t number_of(const Node& node) {
    if (const auto* number = std::get_if<std::int64_t>(&node.value)) return *number;
    const auto* text = std::get_if<edn::Text>(&node.value);
    return token_number(text != nullptr ? text->text : word_of(&node));
  }

  Result<void> read_string(const Node& line, const Node& content, Op& op) {
    const auto* text = std::get_if<edn::Text>(&content.value);
    if (op.f == Func::kRead) {
      if (op.type != OpType::kOk) return {};
      if (text == nullptr) return at_line(line.line, "a get that is :ok has no string");
      std::vector<std::int64_t> tokens;
      std::string token;
      for (const char c : text->text) {
        token += c;
        if (c != kTokenEnd) continue;
        tokens.push_back(token_number(token));
        token.clear();
      }
      if (!token.empty()) tokens.push_back(token_number(token));
      if (!tokens.empty()) op.value = std::move(tokens);
      return {};
    }
    if (text == nullptr || text->text.find(kTokenEnd) + 1 != text->text.size() ||
        text->text.empty()) {
      return at_line(line.line, "a put or append needs a string with one `y`, at its end");
    }
    const std::int64_t number = token_number(text->text);
    op.value = op.f == Func::kWrite ? Value{std::vector<std::int64_t>{number}} : Value{number};
    return {};
  }

  /// Numbers beyond those that a history is likely to hold itself.
  static constexpr std::int64_t kFirstToken = std::int64_t{1} << 48;
  static constexpr char kTokenEnd = 'y';
  std::int64_t token_number(const std::string& token) {
    const auto fresh = kFirstToken + static_cast<std::int64_t>(tokens_.size());
    return tokens_.try_emplace(token, fresh).first->second;
  }

  std::vector<Node> lines_;
  bool strings_ = false;  // Porcupine's kv
  bool plain_ = false;    // values are not [key value]
  bool timed_ = true;
  std::map<std::string, std::int64_t> tokens_;
  ImportedOps ops_;
};

}  // namespace

Result<ImportedHistory> import_edn(std::string_view text) {
  Result<std::vector<Node>> forms = edn::parse(text);
  if (!forms) return forms.error();
  return Importer(std::move(*forms)).run();
}

}  // namespace ww::checkers
