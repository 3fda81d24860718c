#include "checkers/key_history.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/assert.hpp"

namespace ww::checkers {

KeyGroups group_by_key(const History& history) {
  WW_ASSERT(history.size() < kNoLine, "a history's lines are numbered with 32 bits");
  KeyGroups groups;
  std::vector<OpPair> pairs;
  std::vector<std::uint32_t> group_of;
  std::unordered_map<std::int64_t, std::uint32_t> open;  // process -> its pair; looked up only
  FlatMap key_ids;
  std::vector<std::size_t> counts;
  for (std::uint32_t line = 0; line < history.size(); ++line) {
    const Op& op = history[line];
    if (op.process == kNemesisProcess || op.f == Func::kNemesis) continue;
    if (op.type == OpType::kInvoke) {
      open[op.process] = static_cast<std::uint32_t>(pairs.size());
      pairs.push_back(OpPair{line, kNoLine});
      const auto fresh = static_cast<std::uint32_t>(groups.keys.size());
      const auto [id, added] = key_ids.find_or_insert(op.key, fresh);
      if (added) {
        groups.keys.push_back(op.key);
        counts.push_back(0);
      }
      group_of.push_back(id);
      ++counts[id];
    } else if (const auto it = open.find(op.process); it != open.end()) {
      pairs[it->second].complete = line;
      open.erase(it);
    }
  }
  groups.begins.assign(groups.keys.size() + 1, 0);
  for (std::size_t g = 0; g < counts.size(); ++g)
    groups.begins[g + 1] = groups.begins[g] + counts[g];
  std::vector<std::size_t> next(groups.begins.begin(), groups.begins.end() - 1);
  groups.pairs.resize(pairs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) groups.pairs[next[group_of[i]]++] = pairs[i];
  return groups;
}

namespace {

KeyOp make_key_op(const Op& invoke, const Op* ok, bool failed_cas_observes, StateTable& table) {
  KeyOp op;
  switch (invoke.f) {
    case Func::kRead:
      op.kind = KeyOpKind::kRead;
      op.out = table.intern(ok->value);
      break;
    case Func::kCas:
      op.arg = table.intern(invoke.value);
      if (ok == nullptr || ok->matched) {
        op.kind = KeyOpKind::kCas;
        op.out = table.intern(invoke.to);
      } else if (failed_cas_observes) {
        op.kind = KeyOpKind::kCasMiss;
        op.out = table.intern(ok->seen);
      } else {
        op.kind = KeyOpKind::kCasMissUnseen;
      }
      break;
    case Func::kAppend:
      op.kind = KeyOpKind::kAppend;
      op.arg = table.intern(invoke.value);
      break;
    case Func::kWrite:
      op.kind = KeyOpKind::kWrite;
      op.arg = table.intern(invoke.value);
      break;
    case Func::kDelete:
    case Func::kWatch:
    case Func::kNemesis:
      op.kind = KeyOpKind::kWrite;
      op.arg = kNil;
      break;
  }
  return op;
}

}  // namespace

void build_key_ops(const History& history, std::span<const OpPair> pairs, bool failed_cas_observes,
                   StateTable& table, std::vector<KeyOp>& out) {
  out.clear();
  for (const OpPair& pair : pairs) {
    const Op& invoke = history[pair.invoke];
    const Op* completion = pair.complete == kNoLine ? nullptr : &history[pair.complete];
    if (completion != nullptr && completion->type == OpType::kFail) continue;
    if (invoke.f == Func::kWatch) continue;
    const bool ok = completion != nullptr && completion->type == OpType::kOk;
    if (!ok && invoke.f == Func::kRead) continue;
    KeyOp op = make_key_op(invoke, ok ? completion : nullptr, failed_cas_observes, table);
    op.call = invoke.time;
    op.invoke = pair.invoke;
    op.complete = pair.complete;
    op.optional = !ok;
    if (ok) {
      op.ret = completion->time;
      op.at = completion->at.index;
    }
    out.push_back(op);
  }
  table.freeze();
}

namespace {

/// The values that some op is known to have found: in `seen`, by state.
class Observed {
 public:
  explicit Observed(std::size_t states) : seen_(states, 0) {}

  /// Whoever saw a list saw each of its elements, and each list that it grew from.
  bool add(const StateTable& table, State state) {
    bool grew = false;
    for (;;) {
      grew = set(state) || grew;
      if (!table.is_list(state)) return grew;
      grew = set(table.last(state)) || grew;
      state = table.parent(state);
      if (state == kNil) return grew;
    }
  }
  [[nodiscard]] bool has(State state) const { return seen_[state] != 0; }
  bool set(State state) { return !std::exchange(seen_[state], 1); }

 private:
  std::vector<unsigned char> seen_;
};

}  // namespace

std::size_t drop_unobserved(const StateTable& table, std::vector<KeyOp>& ops) {
  const auto is_optional = [](const KeyOp& op) { return op.optional; };
  if (std::none_of(ops.begin(), ops.end(), is_optional)) return 0;
  Observed observed(table.size());
  for (const KeyOp& op : ops) {
    if (op.kind == KeyOpKind::kCasMissUnseen) return 0;
    // A list may have grown from a key made absent, or from the initial value.
    if (op.kind == KeyOpKind::kAppend) observed.set(kNil);
    if (op.optional) continue;
    if (op.kind == KeyOpKind::kRead || op.kind == KeyOpKind::kCasMiss) observed.add(table, op.out);
    if (op.kind == KeyOpKind::kCas) observed.add(table, op.arg);
  }
  const auto matters = [&](const KeyOp& op) {
    State made = op.kind == KeyOpKind::kCas ? op.out : op.arg;
    if (!table.is_list(made)) return observed.has(made);
    for (; table.is_list(made); made = table.parent(made)) {
      if (observed.has(table.last(made))) return true;
    }
    return false;
  };
  for (bool grew = true; grew;) {
    grew = false;
    for (const KeyOp& op : ops) {
      if (!op.optional || op.kind != KeyOpKind::kCas || !matters(op)) continue;
      grew = observed.add(table, op.arg) || grew;
    }
  }
  return std::erase_if(ops, [&](const KeyOp& op) { return op.optional && !matters(op); });
}

}  // namespace ww::checkers
