// The part of EDN that histories are written in (github.com/edn-format/edn).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace ww::checkers::edn {

struct Node;
struct Nil {};
/// A keyword (":ok", colon kept), a symbol, or a number that is not a 64-bit integer, as written.
struct Word {
  std::string text;
};
struct Text {
  std::string text;
};
/// A vector, a list or a set.
struct Sequence {
  std::vector<Node> items;
};
struct Map {
  std::vector<Node> keys;
  std::vector<Node> values;  // as many
};

struct Node {
  std::variant<Nil, std::int64_t, Word, Text, Sequence, Map> value;
  std::size_t line = 0;  // where it begins, from 1
};

/// The value of keyword `name` (":type") in a map; nothing when it is not there or `node` is no
/// map.
[[nodiscard]] const Node* get(const Node& node, std::string_view name);

/// Forms are nested no deeper.
inline constexpr int kMaxDepth = 64;

/// Reads every form of `text`. Commas are blanks, `;` begins a comment, tags (#inst ...) are
/// dropped. Errors: kCorrupt, "line 3: ...".
[[nodiscard]] Result<std::vector<Node>> parse(std::string_view text);

}  // namespace ww::checkers::edn
