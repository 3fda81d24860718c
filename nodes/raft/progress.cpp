#include "nodes/raft/progress.hpp"

#include <algorithm>
#include <array>

namespace ww::raft {

std::string_view name_of(Progress::Mode mode) {
  static constexpr std::array<std::string_view, 3> kNames = {"probe", "replicate", "snapshot"};
  return kNames[static_cast<std::size_t>(mode)];
}

bool Progress::has_room(std::size_t max_in_flight) const {
  if (mode_ == Mode::kProbe) return !probe_sent_;
  return mode_ == Mode::kReplicate &&
         in_flight_count_ < std::min(max_in_flight, kMaxInFlightAppends);
}

void Progress::sent(wire::EntryRange range) {
  if (mode_ == Mode::kProbe) {
    probe_sent_ = true;
    return;
  }
  if (range.count == 0) return;
  next_ = range.end();
  in_flight_[in_flight_count_++] = range.end() - 1;
}

void Progress::enter(Mode mode) {
  mode_ = mode;
  probe_sent_ = false;
  in_flight_count_ = 0;
  // Equality is by value: what is not in use must not differ between equal states.
  in_flight_.fill(0);
  snapshot_ = {};
  snapshot_bytes_ = 0;
  received_ = 0;
  piece_sent_ = false;
  piece_round_ = 0;
}

bool Progress::accepted(Index match) {
  const bool news = match > match_;
  match_ = std::max(match_, match);
  // An older success is true, but it does not answer the probe, nor end the snapshot.
  if (mode_ == Mode::kProbe && match_ + 1 < next_) return news;
  next_ = std::max(next_, match_ + 1);
  if (mode_ == Mode::kSnapshot && match_ < snapshot_.index) return news;
  if (mode_ != Mode::kReplicate) enter(Mode::kReplicate);
  const auto begin = in_flight_.begin();
  const auto end = begin + static_cast<std::ptrdiff_t>(in_flight_count_);
  const auto kept = std::upper_bound(begin, end, match_);
  const auto rest = std::move(kept, end, begin);
  std::fill(rest, end, Index{0});
  in_flight_count_ = static_cast<std::size_t>(rest - begin);
  return news;
}

bool Progress::rejected(Index refused, LogPosition conflict, const Log& log) {
  if (in_snapshot()) return false;
  if (refused <= match_ || refused >= next_ || (probing() && refused != next_ - 1)) return false;
  // Where the peer has entries of term conflict.term, from conflict.index to `refused` at least,
  // ours of higher terms cannot match. Ours of that very term match if the peer's run covers them;
  // if they lie before it, the whole term is ruled out. Below our base nothing is known: the peer
  // needs the snapshot then, which is what 0 leads to.
  Index meet = conflict.index == 0 ? 0 : conflict.index - 1;
  if (conflict.term != 0) {
    const Index same = log.last_with_term_up_to(conflict.term, refused - 1);
    if (same >= std::max(conflict.index, log.base().index) && log.term_at(same) == conflict.term) {
      meet = same;
    } else {
      meet = log.last_with_term_up_to(conflict.term - 1, meet);
    }
  }
  next_ = std::max(std::min(meet, refused - 1), match_) + 1;
  enter(Mode::kProbe);
  return true;
}

void Progress::fell_in_doubt(Incarnation incarnation, Index cover_index) {
  doubt_ = incarnation;
  cover_index_ = cover_index;
  covered_ = false;
  match_ = 0;
  confirmed = 0;
  enter(Mode::kProbe);
}

void Progress::begin_snapshot(LogPosition at, std::uint64_t bytes) {
  enter(Mode::kSnapshot);
  snapshot_ = at;
  snapshot_bytes_ = bytes;
}

void Progress::piece_sent(std::uint64_t round) {
  piece_sent_ = true;
  piece_round_ = round;
}

bool Progress::pieces_answered(std::uint64_t received, std::uint64_t round) {
  if (received > snapshot_bytes_) return false;
  if (piece_sent_ && received > received_) {
    received_ = received;
    piece_sent_ = false;
    return false;
  }
  // An answer to a later round than the piece's, on a link that keeps its order, comes after the
  // piece's own. (On another link it may be wrong, which costs a piece sent twice.)
  if (round <= piece_round_ || (!piece_sent_ && received >= received_)) return false;
  received_ = received;
  piece_sent_ = false;
  return true;
}

}  // namespace ww::raft
