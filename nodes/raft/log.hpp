// The log in memory: entries encoded as they travel, one after the other, so that a range of them
// is one piece of memory that goes to disk and to the network without being copied or encoded
// again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/wire/peer.hpp"

namespace ww::raft {

/// A sequence of entries behind a base, the position before the first, with terms that never fall.
/// What is at and below the base is in a snapshot. A regular value.
class Log {
 public:
  /// Replaces everything by `count` encoded entries behind `base`.
  /// Errors: kCorrupt, naming the first entry that is malformed or whose term falls.
  Result<void> load(LogPosition base, std::uint64_t count, std::string encoded);

  /// {0, 0} while nothing was dropped.
  [[nodiscard]] LogPosition base() const { return base_; }
  [[nodiscard]] Index first_index() const { return base_.index + 1; }
  [[nodiscard]] Index last_index() const { return base_.index + entries_.size(); }
  [[nodiscard]] LogPosition last() const { return {last_index(), term_at(last_index())}; }
  /// Of an entry, or of the base. REQUIRES: base().index <= index <= last_index().
  [[nodiscard]] Term term_at(Index index) const;
  /// Whether an entry of exactly this index and term is here, or is the base.
  [[nodiscard]] bool has(LogPosition position) const;
  /// REQUIRES: first_index() <= index <= last_index(). Valid until the log changes.
  [[nodiscard]] wire::EntryView at(Index index) const;
  /// wire::entry_hash of an entry, computed once. REQUIRES: as `at`.
  [[nodiscard]] std::uint64_t hash_at(Index index) const;
  /// The encoded entries of a range. REQUIRES: all of it is here. Valid until the log changes.
  [[nodiscard]] std::string_view encoded(wire::EntryRange range) const;
  /// Units: encoded bytes of the entries (from, to].
  /// REQUIRES: base().index <= from <= to <= last_index().
  [[nodiscard]] std::uint64_t bytes_between(Index from, Index to) const;

  /// The first index, from the base on, whose term is that of `index`. REQUIRES: as term_at.
  [[nodiscard]] Index first_of_same_term(Index index) const;
  /// The last index <= limit, from the base on, whose term is <= term; 0 when there is none.
  [[nodiscard]] Index last_with_term_up_to(Term term, Index limit) const;
  /// Entries from `first` on, as many as fit in `max_bytes` but at least one where there is one.
  [[nodiscard]] wire::EntryRange batch_from(Index first, std::uint64_t max_bytes) const;

  /// REQUIRES: the term is not below that of the last entry.
  void append(const wire::EntryView& entry);
  /// Removes the entries from `from` on. REQUIRES: first_index() <= from <= last_index().
  void truncate(Index from);
  /// Drops the entries up to `upto`, which becomes the base. REQUIRES: as term_at.
  void drop_to(Index upto);
  /// Drops everything; the next entry is the one behind `base`.
  void reset(LogPosition base);

  friend bool operator==(const Log&, const Log&) = default;

 private:
  struct Entry {
    std::uint64_t end = 0;  // offset in bytes_ behind the entry
    Term term = 0;
    std::uint64_t hash = 0;
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  [[nodiscard]] std::size_t place_of(Index index) const {
    return static_cast<std::size_t>(index - base_.index - 1);
  }
  [[nodiscard]] std::uint64_t offset_behind(Index index) const {
    return index == base_.index ? 0 : entries_[place_of(index)].end;
  }
  LogPosition base_;
  std::vector<Entry> entries_;
  std::string bytes_;
};

}  // namespace ww::raft
