#include "checkers/edn.hpp"

#include <charconv>
#include <optional>
#include <utility>

namespace ww::checkers::edn {

const Node* get(const Node& node, std::string_view name) {
  const auto* map = std::get_if<Map>(&node.value);
  if (map == nullptr) return nullptr;
  for (std::size_t i = 0; i < map->keys.size(); ++i) {
    const auto* word = std::get_if<Word>(&map->keys[i].value);
    if (word != nullptr && word->text == name) return &map->values[i];
  }
  return nullptr;
}

namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<std::vector<Node>> all() {
    std::vector<Node> out;
    for (skip_blanks(); at_ < text_.size(); skip_blanks()) {
      std::optional<Node> node = form(0);
      if (!node) return Error{ErrorCode::kCorrupt, true, error_};
      out.push_back(std::move(*node));
    }
    return out;
  }

 private:
  std::nullopt_t fail(const std::string& what, std::size_t line) {
    if (error_.empty()) error_ = "line " + std::to_string(line) + ": " + what;
    return std::nullopt;
  }

  void skip_blanks() {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == ';') {
        while (at_ + 1 < text_.size() && text_[at_ + 1] != '\n') ++at_;
      } else if (c == '\n') {
        ++line_;
      } else if (c != ' ' && c != '\t' && c != '\r' && c != ',') {
        return;
      }
    }
  }

  static bool ends_word(char c) {
    return std::string_view(" \t\r\n,;\"()[]{}").find(c) != std::string_view::npos;
  }

  std::optional<Node> form(int depth) {
    if (depth > kMaxDepth) return fail("forms are nested too deeply", line_);
    skip_blanks();
    if (at_ == text_.size()) return fail("the text ends in the middle of a form", line_);
    const std::size_t line = line_;
    const char c = text_[at_];
    if (c == '(' || c == '[') return sequence(c == '(' ? ')' : ']', depth, line);
    if (c == '{') return map(depth, line);
    if (c == '"') return string(line);
    if (c == '#') {
      ++at_;
      if (at_ < text_.size() && text_[at_] == '{') return sequence('}', depth, line);
      while (at_ < text_.size() && !ends_word(text_[at_])) ++at_;
      return form(depth + 1);
    }
    if (ends_word(c)) return fail(std::string("'") + c + "' closes nothing", line);
    return word(line);
  }

  std::optional<Node> sequence(char close, int depth, std::size_t line) {
    ++at_;
    Sequence out;
    for (;;) {
      skip_blanks();
      if (at_ == text_.size()) return fail("a form that begins here is never closed", line);
      if (text_[at_] == close) break;
      std::optional<Node> item = form(depth + 1);
      if (!item) return std::nullopt;
      out.items.push_back(std::move(*item));
    }
    ++at_;
    return Node{std::move(out), line};
  }

  std::optional<Node> map(int depth, std::size_t line) {
    std::optional<Node> flat = sequence('}', depth, line);
    if (!flat) return std::nullopt;
    std::vector<Node>& items = std::get_if<Sequence>(&flat->value)->items;
    if (items.size() % 2 != 0) return fail("a map has a key without a value", line);
    Map out;
    for (std::size_t i = 0; i < items.size(); i += 2) {
      out.keys.push_back(std::move(items[i]));
      out.values.push_back(std::move(items[i + 1]));
    }
    return Node{std::move(out), line};
  }

  std::optional<Node> string(std::size_t line) {
    Text out;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      char c = text_[at_];
      if (c == '\n') ++line_;
      if (c == '\\' && at_ + 1 < text_.size()) {
        c = text_[++at_];
        if (c == 'n') c = '\n';
        if (c == 't') c = '\t';
        if (c == 'r') c = '\r';
      }
      out.text += c;
    }
    if (at_ == text_.size()) return fail("a string that begins here is never closed", line);
    ++at_;
    return Node{std::move(out), line};
  }

  std::optional<Node> word(std::size_t line) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && !ends_word(text_[at_])) ++at_;
    const std::string_view text = text_.substr(begin, at_ - begin);
    if (text == "nil") return Node{Nil{}, line};
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size()) return Node{number, line};
    return Node{Word{std::string(text)}, line};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::string error_;
};

}  // namespace

Result<std::vector<Node>> parse(std::string_view text) {
  return Reader(text).all();
}

}  // namespace ww::checkers::edn
