#include "workloads/script.hpp"

#include <string>
#include <tuple>

namespace ww::workloads {

namespace {

bool is_number(const Value& value) {
  return std::holds_alternative<std::int64_t>(value);
}

bool is_nil(const Value& value) {
  return std::holds_alternative<std::monostate>(value);
}

/// What is wrong with the call by itself; empty when nothing is.
std::string fault_of(const Call& call) {
  switch (call.f) {
    case Func::kRead:
      return is_nil(call.value) && is_nil(call.to) ? "" : "a read takes no value";
    case Func::kWrite:
      return is_number(call.value) && is_nil(call.to) ? "" : "a write takes a number";
    case Func::kCas:
      return is_number(call.value) && is_number(call.to) ? "" : "a cas takes two numbers";
    case Func::kWatch:
      return is_nil(call.value) && is_nil(call.to) ? "" : "a watch takes no value";
    default:
      return "a call is a read, a write, a cas or a watch";
  }
}

}  // namespace

bool earlier(const ScriptedCall& a, const ScriptedCall& b) {
  return std::tie(a.at, a.worker, a.ordinal) < std::tie(b.at, b.worker, b.ordinal);
}

Result<void> check_script(const Script& script, std::uint32_t workers) {
  const auto usage = [](std::size_t i, const std::string& what) {
    return Error{ErrorCode::kUsage, true, "ops[" + std::to_string(i) + "]: " + what};
  };
  if (script.size() > kMaxScript) {
    return Error{ErrorCode::kUsage, true, "ops: more than " + std::to_string(kMaxScript)};
  }
  std::vector<std::uint64_t> least(workers, 0);  // each worker's next ordinal
  for (std::size_t i = 0; i < script.size(); ++i) {
    const ScriptedCall& call = script[i];
    if (call.at < Duration{}) return usage(i, "at_ms: must not be negative");
    if (call.worker >= workers) {
      return usage(i, "worker: " + std::to_string(call.worker) + " is not one of the " +
                          std::to_string(workers) + " workers, counted from 0");
    }
    if (call.ordinal > kMaxOrdinal || call.ordinal < least[call.worker]) {
      return usage(i, "ordinal: must grow from call to call of a worker, and stay below 2^32");
    }
    if (i > 0 && !earlier(script[i - 1], call)) {
      return usage(i, "at_ms: before the op above it");
    }
    if (const std::string fault = fault_of(call.call); !fault.empty()) return usage(i, fault);
    least[call.worker] = call.ordinal + 1;
  }
  return {};
}

}  // namespace ww::workloads
