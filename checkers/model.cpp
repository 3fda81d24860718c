#include "checkers/model.hpp"

#include "base/assert.hpp"

namespace ww::checkers {

void StateTable::clear() {
  nodes_ = {Node{kNil, kNil}, Node{kNil, kUnheardOf}};
  frozen_ = false;
  numbers_.clear();
  lists_.clear();
  texts_.clear();
}

State StateTable::scalar(std::pair<std::uint32_t, bool> found) {
  if (found.second) nodes_.push_back(Node{kNil, found.first});
  return found.first;
}

State StateTable::intern(const Value& value) {
  WW_ASSERT(!frozen_, "a value that no op of the key speaks of");
  const auto fresh = static_cast<State>(nodes_.size());
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    return scalar(numbers_.find_or_insert(static_cast<std::uint64_t>(*number), fresh));
  }
  if (const auto* list = std::get_if<std::vector<std::int64_t>>(&value)) {
    State state = kNil;
    for (const std::int64_t element : *list) state = append(state, intern(Value{element}));
    return state;
  }
  if (const auto* text = std::get_if<std::string>(&value)) {
    const auto [it, added] = texts_.try_emplace(*text, fresh);
    return scalar({it->second, added});
  }
  return kNil;
}

State StateTable::append(State list, State element) {
  if (list == kUnheardOf) return kUnheardOf;
  if (list != kNil && !is_list(list)) list = append(kNil, list);
  const std::uint64_t word = std::uint64_t{list} << 32 | element;
  if (frozen_) return lists_.find(word, kUnheardOf);
  const auto [state, added] = lists_.find_or_insert(word, static_cast<State>(nodes_.size()));
  if (added) nodes_.push_back(Node{list, element});
  return state;
}

bool step(StateTable& table, State& state, const KeyOp& op) {
  switch (op.kind) {
    case KeyOpKind::kWrite:
      state = op.arg;
      return true;
    case KeyOpKind::kCas:
      if (state != op.arg) return false;
      state = op.out;
      return true;
    case KeyOpKind::kAppend:
      state = table.append(state, op.arg);
      return true;
    default:
      return fits(state, op);
  }
}

}  // namespace ww::checkers
