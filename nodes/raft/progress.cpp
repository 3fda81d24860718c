#include "nodes/raft/progress.hpp"

#include <algorithm>

namespace ww::raft {

bool Progress::has_room(std::size_t max_in_flight) const {
  return probing_ ? !probe_sent_ : in_flight_count_ < std::min(max_in_flight, kMaxInFlightAppends);
}

void Progress::sent(wire::EntryRange range) {
  if (probing_) {
    probe_sent_ = true;
    return;
  }
  if (range.count == 0) return;
  next_ = range.end();
  in_flight_[in_flight_count_++] = range.end() - 1;
}

bool Progress::accepted(Index match) {
  const bool news = match > match_;
  match_ = std::max(match_, match);
  if (probing_) {
    // An older success is true, but it does not answer the probe.
    if (match_ + 1 < next_) return news;
    probing_ = false;
    probe_sent_ = false;
    in_flight_count_ = 0;
  }
  next_ = std::max(next_, match_ + 1);
  const auto begin = in_flight_.begin();
  const auto end = begin + static_cast<std::ptrdiff_t>(in_flight_count_);
  const auto kept = std::upper_bound(begin, end, match_);
  const auto rest = std::move(kept, end, begin);
  // Equality is by value: what lies behind the count must not differ between equal states.
  std::fill(rest, end, Index{0});
  in_flight_count_ = static_cast<std::size_t>(rest - begin);
  return news;
}

bool Progress::rejected(Index refused, LogPosition conflict, const Log& log) {
  if (refused <= match_ || refused >= next_ || (probing_ && refused != next_ - 1)) return false;
  // Where the peer has entries of term conflict.term, from conflict.index to `refused` at least,
  // ours of higher terms cannot match. Ours of that very term match if the peer's run covers them;
  // if they lie before it, the whole term is ruled out.
  Index meet = conflict.index == 0 ? 0 : conflict.index - 1;
  if (conflict.term != 0) {
    const Index same = log.last_with_term_up_to(conflict.term, refused - 1);
    if (same >= conflict.index && log.term_at(same) == conflict.term) {
      meet = same;
    } else {
      meet = log.last_with_term_up_to(conflict.term - 1, meet);
    }
  }
  next_ = std::max(std::min(meet, refused - 1), match_) + 1;
  probing_ = true;
  probe_sent_ = false;
  in_flight_count_ = 0;
  in_flight_.fill(0);
  return true;
}

}  // namespace ww::raft
