// A node's log as the checker follows it: term, hash and chain of hashes by index.
//
// The chain H(i) covers every entry up to i, so that comparing one word compares two whole
// prefixes. It is computed here from the entries' hashes; nodes never send it.
#pragma once

#include <algorithm>
#include <deque>
#include <optional>
#include <vector>

#include "base/assert.hpp"
#include "base/hash.hpp"
#include "base/ids.hpp"

namespace ww::checkers::invariants {

/// H(i) from H(i-1).
constexpr std::uint64_t chain_next(std::uint64_t chain, Term term, std::uint64_t hash) {
  return hash_combine(hash_combine(chain, term), hash);
}

/// Entries of one term that follow each other, from `first` on.
struct TermRun {
  Index first = 0;
  Term term = 0;
};

/// A log whose oldest entries may be forgotten. A regular value.
class LogChain {
 public:
  [[nodiscard]] Index last() const { return anchor_ + slots_.size(); }
  /// Whether term and chain at `i` are known; 0 is before the first entry.
  [[nodiscard]] bool has(Index i) const { return i >= anchor_ && i <= last() && whole_; }
  /// Whether the entry itself is known.
  [[nodiscard]] bool has_entry(Index i) const { return i > anchor_ && i <= last() && whole_; }
  /// REQUIRES: has(i), for these two.
  [[nodiscard]] Term term(Index i) const { return i == anchor_ ? anchor_term_ : slot(i).term; }
  [[nodiscard]] std::uint64_t chain(Index i) const {
    return i == anchor_ ? anchor_chain_ : slot(i).chain;
  }
  /// REQUIRES: has_entry(i).
  [[nodiscard]] std::uint64_t hash(Index i) const { return slot(i).hash; }
  [[nodiscard]] Term last_term() const { return term_or_zero(last()); }
  /// The entry before the first one held.
  [[nodiscard]] Index base() const { return anchor_; }
  /// Whether the entry at `at` has that term, or is the one before the first held and had it. Needs
  /// no chain.
  [[nodiscard]] bool holds(LogPosition at) const {
    if (at.index == anchor_) return at.term == anchor_term_;
    return at.index > anchor_ && at.index <= last() && slot(at.index).term == at.term;
  }
  [[nodiscard]] const std::vector<TermRun>& runs() const { return runs_; }

  void append(Term term, std::uint64_t hash) {
    const std::uint64_t before = slots_.empty() ? anchor_chain_ : slots_.back().chain;
    slots_.push_back({term, hash, chain_next(before, term, hash)});
    if (runs_.empty() || runs_.back().term != term) runs_.push_back({last(), term});
  }
  /// Forgets the entries from `from` on. Below what is known nothing can be said any more: the log
  /// is then not whole, and `has` is false everywhere until it is assigned anew.
  void truncate(Index from) {
    if (from > last()) return;
    if (from <= anchor_) {
      whole_ = false;
      anchor_ = from == 0 ? 0 : from - 1;
      anchor_term_ = 0;
      slots_.clear();
    } else {
      slots_.erase(slots_.begin() + static_cast<std::ptrdiff_t>(from - anchor_ - 1), slots_.end());
    }
    while (!runs_.empty() && runs_.back().first >= from) runs_.pop_back();
  }
  /// Holds nothing any more and goes on behind `at`. Without a chain up to there nothing is known
  /// of what follows either.
  void anchor(LogPosition at, std::optional<std::uint64_t> chain) {
    slots_.clear();
    runs_.clear();
    if (at.index != 0) runs_.push_back({at.index, at.term});
    set_anchor(at, chain);
  }
  /// Goes on behind `at` with the entries behind it that are held. REQUIRES: holds(at).
  void rebase(LogPosition at, std::optional<std::uint64_t> chain) {
    slots_.erase(slots_.begin(), slots_.begin() + static_cast<std::ptrdiff_t>(at.index - anchor_));
    set_anchor(at, chain);
    std::uint64_t before = anchor_chain_;
    runs_.assign(1, {at.index, at.term});
    Index index = at.index;
    for (Slot& slot : slots_) {
      before = slot.chain = chain_next(before, slot.term, slot.hash);
      ++index;
      if (runs_.back().term != slot.term) runs_.push_back({index, slot.term});
    }
  }
  [[nodiscard]] bool whole() const { return whole_; }
  /// Forgets the entries below `index`; term and chain of the one before it stay known.
  void prune(Index index) {
    while (!slots_.empty() && anchor_ + 1 < index) {
      anchor_chain_ = slots_.front().chain;
      anchor_term_ = slots_.front().term;
      slots_.pop_front();
      ++anchor_;
    }
    const auto next = std::upper_bound(runs_.begin(), runs_.end(), anchor_,
                                       [](Index i, const TermRun& run) { return i < run.first; });
    if (next - runs_.begin() > 1) runs_.erase(runs_.begin(), next - 1);
  }
  /// How many entries it holds.
  [[nodiscard]] std::size_t size() const { return slots_.size(); }

 private:
  struct Slot {
    Term term = 0;
    std::uint64_t hash = 0;
    std::uint64_t chain = 0;
  };
  void set_anchor(LogPosition at, std::optional<std::uint64_t> chain) {
    anchor_ = at.index;
    anchor_term_ = at.term;
    anchor_chain_ = chain.value_or(0);
    whole_ = chain.has_value();
  }
  [[nodiscard]] const Slot& slot(Index i) const {
    WW_ASSERT(i > anchor_ && i <= last(), "a log index that is not held");
    return slots_[static_cast<std::size_t>(i - anchor_ - 1)];
  }
  [[nodiscard]] Term term_or_zero(Index i) const { return has(i) ? term(i) : 0; }

  Index anchor_ = 0;  // the entry before the first one held
  Term anchor_term_ = 0;
  std::uint64_t anchor_chain_ = 0;
  bool whole_ = true;
  std::deque<Slot> slots_;
  std::vector<TermRun> runs_;
};

}  // namespace ww::checkers::invariants
