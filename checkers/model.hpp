// The sequential meaning of a key: what the checkers hold a history against.
//
// It shares no code with nodes/kv, the machine under test. Values become small numbers (states), so
// that a configuration of a search is a few words: nil is 0; a scalar is a number of its own; a
// list is a node of a trie, whose parent is the list without its last element. An empty list is
// nil: a key to which nothing was appended is absent.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "base/op.hpp"
#include "base/flat_map.hpp"

namespace ww::checkers {

using State = std::uint32_t;
inline constexpr State kNil = 0;
/// Every list that no op ever speaks of. They need not be told apart: nothing can see one before
/// the key is overwritten, and whatever is appended to one makes another.
inline constexpr State kUnheardOf = 1;

/// Gives every value of one key its state. Equal values get equal states.
class StateTable {
 public:
  StateTable() { clear(); }

  State intern(const Value& value);
  /// The state after `element` is appended to `list`. A scalar counts as a list of one.
  State append(State list, State element);
  /// The list without its last element; nil for a scalar and for nil.
  [[nodiscard]] State parent(State state) const { return nodes_[state].parent; }
  /// A list's last element; the state itself for a scalar and for nil.
  [[nodiscard]] State last(State state) const { return nodes_[state].last; }
  [[nodiscard]] bool is_list(State state) const { return nodes_[state].last != state; }
  /// From now on no state is made: a list that is not known by now is kUnheardOf. Without this, ten
  /// appends in flight would make ten million lists, of which reads speak of ten.
  void freeze() { frozen_ = true; }
  /// States are below this.
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  /// Forgets everything but nil, and thaws.
  void clear();

 private:
  struct Node {
    State parent;
    State last;
  };
  State scalar(std::pair<std::uint32_t, bool> found);

  std::vector<Node> nodes_;
  bool frozen_ = false;
  FlatMap numbers_;                     // a number -> its state
  FlatMap lists_;                       // (parent, last) -> its state
  std::map<std::string, State> texts_;  // rare
};

enum class KeyOpKind : std::uint8_t {
  kRead,           // saw `out`
  kWrite,          // of `arg`; a delete writes nil
  kCas,            // found `arg` and wrote `out`
  kCasMiss,        // expected `arg` and saw `out`
  kCasMissUnseen,  // expected `arg` and saw something else
  kAppend,         // of `arg`
};

/// The return of an op that may happen at any later time.
inline constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();
inline constexpr std::uint32_t kNoLine = std::numeric_limits<std::uint32_t>::max();

/// One op of one key, as the deciders see it.
struct KeyOp {
  std::int64_t call = 0;
  std::int64_t ret = kForever;
  Index at = 0;  // the log index that the node named; 0 is none
  State arg = kNil;
  State out = kNil;
  std::uint32_t invoke = 0;  // its lines in the history
  std::uint32_t complete = kNoLine;
  KeyOpKind kind = KeyOpKind::kRead;
  bool optional = false;  // indeterminate: it may also never have happened
};

constexpr bool is_mutator(KeyOpKind kind) {
  return kind == KeyOpKind::kWrite || kind == KeyOpKind::kCas || kind == KeyOpKind::kAppend;
}

/// Takes `op` in `state`: changes it as the op does, or returns false when the op's answer does not
/// fit there.
/// Requires: `table` is frozen, with every value of the key's ops in it.
bool step(StateTable& table, State& state, const KeyOp& op);

/// What `op` would make of `state` if it only observes: true when its answer fits.
inline bool fits(State state, const KeyOp& op) {
  switch (op.kind) {
    case KeyOpKind::kRead:
      return state == op.out;
    case KeyOpKind::kCasMiss:
      return state == op.out && op.out != op.arg;
    case KeyOpKind::kCasMissUnseen:
      return state != op.arg;
    default:
      return false;
  }
}

}  // namespace ww::checkers
