// A replica's whole state for people: one line a field, in the paper's words.
#pragma once

#include <string>
#include <vector>

#include "nodes/raft/replica.hpp"

namespace ww::raft {

/// One line: "commit_index" and "17", "peer n2" and "next_index 18, match_index 17, ...".
struct Fact {
  std::string name;
  std::string text;
  friend bool operator==(const Fact&, const Fact&) = default;
};

/// Everything that the replica remembers, what matters most first. Long lists, values and maps are
/// cut short and say so.
std::vector<Fact> describe(const Replica& replica);

}  // namespace ww::raft
