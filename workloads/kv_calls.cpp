#include "workloads/kv_calls.hpp"

#include <charconv>

#include "base/assert.hpp"

namespace ww::workloads {

namespace {

wire::CommandKind kind_of(Func f) {
  switch (f) {
    case Func::kRead:
      return wire::CommandKind::kRead;
    case Func::kWrite:
      return wire::CommandKind::kWrite;
    case Func::kCas:
      return wire::CommandKind::kCas;
    case Func::kAppend:
      return wire::CommandKind::kAppend;
    case Func::kDelete:
      return wire::CommandKind::kDelete;
    case Func::kWatch:
    case Func::kNemesis:
      break;
  }
  WW_ASSERT(false, "no command does this");
}

std::string text_of(const Value& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  return number != nullptr ? std::to_string(*number) : std::string();
}

}  // namespace

Value value_of(const std::string& text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec == std::errc() && parsed.ptr == end && std::to_string(number) == text) {
    return number;
  }
  return text;
}

std::vector<std::string> watched_keys(std::uint64_t key) {
  if (key == kEveryKey) return {};
  return {std::to_string(key)};
}

bool mutates(Func f) {
  return f != Func::kRead && f != Func::kWatch;
}

wire::Command command_of(const Call& call) {
  wire::Command command;
  command.kind = kind_of(call.f);
  command.key = std::to_string(call.key);
  if (call.f == Func::kCas) {
    command.expected = text_of(call.value);
    command.value = text_of(call.to);
  } else if (mutates(call.f)) {
    command.value = text_of(call.value);
  }
  return command;
}

void read_answer(const wire::ClientReply& reply, Op& op) {
  op.at = reply.at;
  const Value seen = reply.exists ? value_of(reply.value) : Value();
  if (op.f == Func::kRead) op.value = seen;
  if (op.f == Func::kCas) {
    op.matched = reply.matched;
    if (!reply.matched) op.seen = seen;
  }
}

}  // namespace ww::workloads
