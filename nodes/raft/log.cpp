#include "nodes/raft/log.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"

namespace ww::raft {

Result<void> Log::load(LogPosition base, std::uint64_t count, std::string encoded) {
  std::vector<Entry> entries;
  ByteReader in(encoded);
  Term previous = base.term;
  for (Index index = base.index + 1; index <= base.index + count; ++index) {
    const wire::EntryView entry = wire::read_entry(in);
    if (!in.ok() || entry.term < previous) {
      return Error{ErrorCode::kCorrupt, true,
                   "log entry " + std::to_string(index) +
                       (in.ok() ? " has a lower term than the one before it" : " is malformed")};
    }
    previous = entry.term;
    entries.push_back({in.position(), entry.term, wire::entry_hash(index, entry)});
  }
  if (!in.done()) return Error{ErrorCode::kCorrupt, true, "bytes behind the last log entry"};
  base_ = base;
  entries_ = std::move(entries);
  bytes_ = std::move(encoded);
  return {};
}

Term Log::term_at(Index index) const {
  if (index == base_.index) return base_.term;
  WW_ASSERT(index > base_.index && index <= last_index(), "a term from outside the log");
  return entries_[place_of(index)].term;
}

bool Log::has(LogPosition position) const {
  return position.index >= base_.index && position.index <= last_index() &&
         term_at(position.index) == position.term;
}

wire::EntryView Log::at(Index index) const {
  ByteReader in(encoded({index, 1}));
  return wire::read_entry(in);
}

std::uint64_t Log::hash_at(Index index) const {
  WW_ASSERT(index > base_.index && index <= last_index(), "a hash from outside the log");
  return entries_[place_of(index)].hash;
}

std::string_view Log::encoded(wire::EntryRange range) const {
  if (range.count == 0) return {};
  WW_ASSERT(range.first > base_.index && range.end() - 1 <= last_index(),
            "entries from outside the log");
  const std::uint64_t begin = offset_behind(range.first - 1);
  const std::uint64_t end = offset_behind(range.end() - 1);
  return std::string_view(bytes_).substr(static_cast<std::size_t>(begin),
                                         static_cast<std::size_t>(end - begin));
}

std::uint64_t Log::bytes_between(Index from, Index to) const {
  WW_ASSERT(from >= base_.index && from <= to && to <= last_index(), "bytes from outside the log");
  return offset_behind(to) - offset_behind(from);
}

Index Log::first_of_same_term(Index index) const {
  const Term term = term_at(index);
  if (term == base_.term) return base_.index;
  const auto begin = entries_.begin();
  const auto end = begin + static_cast<std::ptrdiff_t>(index - base_.index);
  const auto first =
      std::partition_point(begin, end, [term](const Entry& e) { return e.term < term; });
  return base_.index + static_cast<Index>(first - begin) + 1;
}

Index Log::last_with_term_up_to(Term term, Index limit) const {
  if (limit < base_.index || term < base_.term) return 0;
  const auto begin = entries_.begin();
  const auto end = begin + static_cast<std::ptrdiff_t>(std::min(limit, last_index()) - base_.index);
  const auto behind =
      std::partition_point(begin, end, [term](const Entry& e) { return e.term <= term; });
  return base_.index + static_cast<Index>(behind - begin);
}

wire::EntryRange Log::batch_from(Index first, std::uint64_t max_bytes) const {
  if (first > last_index()) return {first, 0};
  const std::uint64_t end = offset_behind(first - 1) + max_bytes;
  const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(place_of(first));
  const auto behind =
      std::partition_point(begin, entries_.end(), [end](const Entry& e) { return e.end <= end; });
  return {first, std::max<std::uint32_t>(1, static_cast<std::uint32_t>(behind - begin))};
}

void Log::append(const wire::EntryView& entry) {
  WW_ASSERT(entry.term >= term_at(last_index()), "an entry of a lower term than the last");
  wire::append_entry(bytes_, entry);
  const std::uint64_t hash = wire::entry_hash(last_index() + 1, entry);
  entries_.push_back({bytes_.size(), entry.term, hash});
}

void Log::truncate(Index from) {
  WW_ASSERT(from > base_.index && from <= last_index(), "truncation outside the log");
  bytes_.resize(static_cast<std::size_t>(offset_behind(from - 1)));
  entries_.resize(place_of(from));
}

void Log::drop_to(Index upto) {
  const LogPosition base{upto, term_at(upto)};
  const std::uint64_t bytes = offset_behind(upto);
  const auto dropped = static_cast<std::ptrdiff_t>(upto - base_.index);
  entries_.erase(entries_.begin(), entries_.begin() + dropped);
  for (Entry& entry : entries_) entry.end -= bytes;
  bytes_.erase(0, static_cast<std::size_t>(bytes));
  base_ = base;
}

void Log::reset(LogPosition base) {
  base_ = base;
  entries_.clear();
  bytes_.clear();
}

}  // namespace ww::raft
