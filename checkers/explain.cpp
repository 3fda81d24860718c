#include "checkers/explain.hpp"

#include <algorithm>
#include <optional>

namespace ww::checkers {

std::string text_of(const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return '"' + *text + '"';
  const auto* list = std::get_if<std::vector<std::int64_t>>(&value);
  if (list == nullptr) return "nil";
  std::string out = "[";
  for (const std::int64_t element : *list) {
    if (out.size() > 1) out += ' ';
    out += std::to_string(element);
  }
  return out + ']';
}

std::string text_of_time(std::int64_t time, bool times_are_lines) {
  if (times_are_lines) return "line " + std::to_string(time);
  constexpr std::int64_t kMicro = 1'000;
  std::string digits = std::to_string(time / kMicro % 1'000'000);
  digits.insert(0, 6 - digits.size(), '0');
  if (digits.ends_with("000")) digits.resize(3);
  return std::to_string(time / (kMicro * 1'000'000)) + '.' + digits + " s";
}

namespace {

class Explanation {
 public:
  Explanation(const History& history, std::span<const OpPair> pairs, const Minimal& minimal,
              const Value& initial, bool times_are_lines)
      : history_(history),
        pairs_(pairs),
        minimal_(minimal),
        culprit_(minimal.ops[minimal.culprit]),
        initial_(initial),
        times_are_lines_(times_are_lines) {}

  /// Writes the sentence and its kind.
  void tell(Violation& violation) const {
    std::string& text = violation.summary;
    text += past(culprit_) + " at " + time(culprit_.ret);
    const std::optional<Value> seen = seen_by(culprit_);
    const std::string why = seen ? why_unwritten(*seen) : "";
    if (!why.empty()) {
      text += ", " + why;
      violation.kind = "a value that was not written";
    } else if (const KeyOp* other = contradiction(seen)) {
      text += " after " + perfect(*other) + " at " + time(other->ret);
      violation.kind = "a state that was over";
    } else {
      text += ", which no order of these " + std::to_string(minimal_.ops.size()) + " ops explains";
      violation.kind = "no order";
    }
  }

 private:
  [[nodiscard]] const Op& invocation(const KeyOp& op) const { return history_[op.invoke]; }
  [[nodiscard]] std::string who(const KeyOp& op) const {
    return "process " + std::to_string(invocation(op).process);
  }
  [[nodiscard]] std::string time(std::int64_t t) const { return text_of_time(t, times_are_lines_); }

  /// What an answer says that the key held; nothing for writes and appends.
  [[nodiscard]] std::optional<Value> seen_by(const KeyOp& op) const {
    if (op.kind == KeyOpKind::kRead) return history_[op.complete].value;
    if (op.kind == KeyOpKind::kCas) return invocation(op).value;
    if (op.kind == KeyOpKind::kCasMiss) return history_[op.complete].seen;
    return std::nullopt;
  }

  [[nodiscard]] std::string past(const KeyOp& op) const {
    const Op& in = invocation(op);
    const std::string from = text_of(in.value);
    switch (op.kind) {
      case KeyOpKind::kRead:
        return who(op) + " read " + text_of(history_[op.complete].value);
      case KeyOpKind::kWrite:
        return in.f == Func::kDelete ? who(op) + " deleted the key" : who(op) + " wrote " + from;
      case KeyOpKind::kCas:
        return who(op) + " found " + from + " and replaced it by " + text_of(in.to);
      case KeyOpKind::kCasMiss:
        return who(op) + "'s cas of " + from + " found " + text_of(history_[op.complete].seen);
      case KeyOpKind::kCasMissUnseen:
        return who(op) + "'s cas did not find " + from;
      case KeyOpKind::kAppend:
        return who(op) + " appended " + from;
    }
    return who(op);
  }

  [[nodiscard]] std::string perfect(const KeyOp& op) const {
    const Op& in = invocation(op);
    const std::string from = text_of(in.value);
    switch (op.kind) {
      case KeyOpKind::kRead:
        return who(op) + " had read " + text_of(history_[op.complete].value);
      case KeyOpKind::kWrite:
        if (in.f == Func::kDelete) return who(op) + "'s delete had completed";
        return who(op) + "'s write of " + from + " had completed";
      case KeyOpKind::kCas:
        return who(op) + "'s cas from " + from + " to " + text_of(in.to) + " had completed";
      case KeyOpKind::kCasMiss:
        return who(op) + "'s cas had found " + text_of(history_[op.complete].seen);
      case KeyOpKind::kCasMissUnseen:
        return who(op) + "'s cas had not found " + from;
      case KeyOpKind::kAppend:
        return who(op) + "'s append of " + from + " had completed";
    }
    return who(op);
  }

  /// Why `seen` cannot have been there at all; empty when somebody may have written it in time.
  [[nodiscard]] std::string why_unwritten(const Value& seen) const {
    if (seen == initial_ || std::holds_alternative<std::vector<std::int64_t>>(seen)) return "";
    std::string why = "which nobody wrote";
    for (const OpPair& pair : pairs_) {
      const Op& in = history_[pair.invoke];
      if (!writes(in, seen)) continue;
      const Op* end = pair.complete == kNoLine ? nullptr : &history_[pair.complete];
      const std::string process = "process " + std::to_string(in.process);
      if (end != nullptr && end->type == OpType::kFail) {
        why = "which only " + process + " tried to write, and that surely failed";
      } else if (end != nullptr && end->type == OpType::kOk && !end->matched) {
        why = "which only " + process + "'s cas would have written, and that did not match";
      } else if (in.time > culprit_.ret) {
        return "before " + process + " began to write it at " + time(in.time);
      } else {
        return "";
      }
    }
    return why;
  }

  static bool writes(const Op& in, const Value& value) {
    switch (in.f) {
      case Func::kWrite:
      case Func::kAppend:
        return in.value == value;
      case Func::kCas:
        return in.to == value;
      case Func::kDelete:
        return std::holds_alternative<std::monostate>(value);
      default:
        return false;
    }
  }

  /// The op that shows best that the culprit came too late: of those that ended before it began,
  /// and left another value, the last.
  [[nodiscard]] const KeyOp* contradiction(const std::optional<Value>& seen) const {
    const KeyOp* best = nullptr;
    for (const KeyOp& op : minimal_.ops) {
      if (op.ret >= culprit_.call || op.optional) continue;
      if (seen && leaves(op) == *seen) continue;
      if (best == nullptr || op.ret >= best->ret) best = &op;
    }
    return best;
  }
  [[nodiscard]] Value leaves(const KeyOp& op) const {
    const Op& in = invocation(op);
    switch (op.kind) {
      case KeyOpKind::kRead:
        return history_[op.complete].value;
      case KeyOpKind::kCasMiss:
        return history_[op.complete].seen;
      case KeyOpKind::kCas:
        return in.to;
      case KeyOpKind::kWrite:
        return in.f == Func::kDelete ? Value{} : in.value;
      default:
        return Value{std::string("?")};
    }
  }

  const History& history_;
  std::span<const OpPair> pairs_;
  const Minimal& minimal_;
  const KeyOp& culprit_;
  const Value& initial_;
  bool times_are_lines_;
};

}  // namespace

Violation explain(const History& history, std::span<const OpPair> pairs, std::uint64_t key,
                  const Minimal& minimal, const Value& initial, bool times_are_lines) {
  Violation violation;
  violation.property = "LIN";
  violation.summary = "key " + std::to_string(key) + ": ";
  Explanation(history, pairs, minimal, initial, times_are_lines).tell(violation);
  violation.time = minimal.ops[minimal.culprit].ret;
  std::vector<std::uint32_t> lines;
  for (const KeyOp& op : minimal.ops) {
    lines.push_back(op.invoke);
    if (op.complete != kNoLine) lines.push_back(op.complete);
  }
  std::sort(lines.begin(), lines.end());
  for (const std::uint32_t line : lines) {
    const Op& op = history[line];
    violation.witness.push_back(op);
    const std::string node = op.node == kNobody ? "" : name_of(op.node);
    if (!node.empty() &&
        std::find(violation.nodes.begin(), violation.nodes.end(), node) == violation.nodes.end()) {
      violation.nodes.push_back(node);
    }
  }
  return violation;
}

}  // namespace ww::checkers
