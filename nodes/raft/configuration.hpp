// Configurations and the one place where a quorum is counted (Raft paper, section 6; dissertation,
// chapter 4).
//
// While a configuration is joint, an agreement takes a majority of C_old and a majority of C_new.
// A node that is not among the voters counts for nothing, itself included.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <type_traits>
#include <vector>

#include "base/ids.hpp"
#include "base/wire/configuration.hpp"

namespace ww::raft {

using wire::Configuration;
using wire::kMaxVoters;

[[nodiscard]] inline bool is_joint(const Configuration& c) {
  return !c.next.empty();
}
/// Of either half.
[[nodiscard]] bool is_voter(const Configuration& c, NodeId node);
[[nodiscard]] bool is_learner(const Configuration& c, NodeId node);
[[nodiscard]] inline bool is_member(const Configuration& c, NodeId node) {
  return is_voter(c, node) || is_learner(c, node);
}
/// Of both halves, sorted.
[[nodiscard]] std::vector<NodeId> voters_of(const Configuration& c);
/// The voters and the learners, sorted.
[[nodiscard]] std::vector<NodeId> members_of(const Configuration& c);

/// Whether `nodes`, sorted, hold a majority of each half. A configuration of nobody has no quorum.
[[nodiscard]] bool has_quorum(const Configuration& c, const std::vector<NodeId>& nodes);

/// The highest value that a majority of each half has reached, where `of` tells a voter's.
/// REQUIRES: there are voters.
template <class Of>
[[nodiscard]] auto reached_by_quorum(const Configuration& c, Of of) {
  using T = std::decay_t<decltype(of(NodeId{}))>;
  const auto of_half = [&of](const std::vector<NodeId>& half) {
    std::array<T, kMaxVoters> values{};
    std::transform(half.begin(), half.end(), values.begin(), of);
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(half.size() / 2);
    std::nth_element(values.begin(), middle,
                     values.begin() + static_cast<std::ptrdiff_t>(half.size()), std::greater<>());
    return *middle;
  };
  const T old = of_half(c.voters);
  return is_joint(c) ? std::min(old, of_half(c.next)) : old;
}

/// The configurations of a log: the one that holds at its beginning, and those of its entries. The
/// last is in force, committed or not. A regular value.
class Configurations {
 public:
  struct Item {
    Index index = 0;  // of its entry; the first: of some entry up to the log's beginning
    Configuration configuration;
    friend bool operator==(const Item&, const Item&) = default;
    template <class Self, class V>
    static void fields(Self& s, V& v) {
      v("index", s.index), v("configuration", s.configuration);
    }
  };

  Configurations() : items_(1) {}

  [[nodiscard]] const Configuration& latest() const { return items_.back().configuration; }
  [[nodiscard]] Index latest_index() const { return items_.back().index; }
  /// The one in force when the log ended at `index`. REQUIRES: it is not before the first.
  [[nodiscard]] const Configuration& at(Index index) const;
  /// Whether `node` votes in one that may be in force somewhere while `committed` is the commit
  /// index here.
  [[nodiscard]] bool may_count(NodeId node, Index committed) const;

  /// REQUIRES: `index` is beyond that of the last.
  void append(Index index, Configuration configuration);
  /// The log was cut back to before `from`. Returns whether another one is in force now.
  /// REQUIRES: that was not before the first.
  bool truncate(Index from);
  /// The log begins behind `base` now.
  void drop_to(Index base);
  /// A snapshot up to `index` has it; what the log has behind that stays.
  void begin_with(Index index, Configuration configuration);

  [[nodiscard]] bool is_sound(Index last) const;
  friend bool operator==(const Configurations&, const Configurations&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("items", s.items_);
  }

 private:
  [[nodiscard]] std::size_t place_at(Index index) const;
  std::vector<Item> items_;  // never empty, by index
};

}  // namespace ww::raft
