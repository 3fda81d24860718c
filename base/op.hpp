// An operation of a client, in Jepsen's words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.hpp"

namespace ww {

/// `invoke` opens an op, one of the others closes it. `fail`: it surely did not happen.
/// `info`: unknown; it may still happen, at any later time.
enum class OpType : std::uint8_t { kInvoke, kOk, kFail, kInfo };

/// What an op does to its key. The nemesis writes its own ops with kNemesis.
enum class Func : std::uint8_t { kRead, kWrite, kCas, kAppend, kDelete, kWatch, kNemesis };

std::string_view name_of(OpType type);
std::string_view name_of(Func f);

/// The process that injects faults; its ops are marks in the history and never checked.
inline constexpr std::int64_t kNemesisProcess = -1;

/// The key of an op that is about all of them.
inline constexpr std::uint64_t kEveryKey = ~std::uint64_t{0};

/// Nil (monostate), a number, a list of numbers, or text (the nemesis' marks only).
using Value = std::variant<std::monostate, std::int64_t, std::vector<std::int64_t>, std::string>;

/// What a watch was told: the value of a key from a revision on; nil: the key was deleted.
struct WatchedChange {
  Index revision = 0;
  std::uint64_t key = 0;
  Value value;
  friend bool operator==(const WatchedChange&, const WatchedChange&) = default;
};

/// One line of a history.
///
/// A read's value is what it saw (nil in its invocation). A write's value is what it writes. A cas
/// has `value` = the value it expects and `to` = the value it writes; its `ok` says in `matched`
/// whether it took effect and in `seen` what it saw when it did not. An append adds `value` to the
/// key's list. A watch, of its key or of kEveryKey, has `value` = the first revision that it asks
/// for; its `ok` says that the changes from revision `value` up to revision `to` were `changes`.
struct Op {
  std::uint64_t index = 0;  // dense from 0, in the order of the history's lines
  std::int64_t time = 0;    // ns since the run began
  OpType type = OpType::kInvoke;
  std::int64_t process = 0;  // kNemesisProcess for the nemesis
  Func f = Func::kRead;
  std::uint64_t key = 0;
  Value value;
  Value to;               // cas and watch only
  bool matched = true;    // cas ok only
  Value seen;             // cas ok with matched == false
  LogPosition at;         // where it took effect, as the node said (an untrusted witness); or {0,0}
  NodeId node = kNobody;  // the node that answered, or was asked
  std::string error;      // fail and info: why
  std::vector<WatchedChange> changes{};  // watch ok only
  friend bool operator==(const Op&, const Op&) = default;
};

/// "7", or "*" for kEveryKey.
std::string key_text(std::uint64_t key);

using History = std::vector<Op>;

}  // namespace ww
