#include "base/op.hpp"

namespace ww {

std::string_view name_of(OpType type) {
  switch (type) {
    case OpType::kInvoke:
      return "invoke";
    case OpType::kOk:
      return "ok";
    case OpType::kFail:
      return "fail";
    case OpType::kInfo:
      return "info";
  }
  return "?";
}

std::string_view name_of(Func f) {
  switch (f) {
    case Func::kRead:
      return "read";
    case Func::kWrite:
      return "write";
    case Func::kCas:
      return "cas";
    case Func::kAppend:
      return "append";
    case Func::kDelete:
      return "delete";
    case Func::kWatch:
      return "watch";
    case Func::kNemesis:
      return "nemesis";
  }
  return "?";
}

std::string key_text(std::uint64_t key) {
  return key == kEveryKey ? "*" : std::to_string(key);
}

}  // namespace ww
