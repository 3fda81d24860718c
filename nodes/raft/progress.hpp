// How far a leader has brought one peer (Raft paper, figure 2: nextIndex and matchIndex).
#pragma once

#include <array>
#include <cstdint>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "base/wire/peer.hpp"
#include "nodes/raft/log.hpp"

namespace ww::raft {

/// Limits::max_in_flight_appends is at most this; entries beyond gather into larger appends.
inline constexpr std::size_t kMaxInFlightAppends = 8;

/// A peer is probed until it is known where its log meets ours; then appends are pipelined.
class Progress {
 public:
  Progress() = default;
  /// A new leader begins at its own end and assumes contact, which the election just showed.
  Progress(NodeId peer, Index next, Instant now) : id(peer), heard(now), next_(next) {}

  NodeId id;
  Instant heard{};              // when its last reply of this term came
  std::uint64_t confirmed = 0;  // the highest round it echoed

  [[nodiscard]] Index next_index() const { return next_; }
  [[nodiscard]] Index match_index() const { return match_; }
  [[nodiscard]] bool probing() const { return probing_; }
  /// Whether an append with entries may be sent now, where `max_in_flight` may be under way.
  [[nodiscard]] bool has_room(std::size_t max_in_flight) const;
  /// An append with `range` is sent.
  void sent(wire::EntryRange range);
  /// The peer holds our log up to `match`, durably. Returns whether that was news.
  bool accepted(Index match);
  /// The peer refused an append behind `refused`. Returns whether the refusal is current; it then
  /// says where to go on: one round trip rules out one term of the peer's (paper, end of
  /// section 5.3).
  bool rejected(Index refused, LogPosition conflict, const Log& log);

  friend bool operator==(const Progress&, const Progress&) = default;
  /// Every member, for checkpoints (checkpoint.hpp).
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("peer", s.id), v("next_index", s.next_), v("match_index", s.match_), v("heard", s.heard);
    v("confirmed", s.confirmed), v("probing", s.probing_), v("probe_sent", s.probe_sent_);
    v("in_flight", s.in_flight_), v("in_flight_count", s.in_flight_count_);
  }
  /// Whether it could be the progress of a peer of a log that ends at `last`.
  [[nodiscard]] bool is_sound(Index last) const {
    return match_ < next_ && next_ <= last + 1 && in_flight_count_ <= in_flight_.size();
  }

 private:
  Index next_ = 1;
  Index match_ = 0;
  bool probing_ = true;
  bool probe_sent_ = false;
  std::array<Index, kMaxInFlightAppends> in_flight_{};  // last index of each append, ascending
  std::size_t in_flight_count_ = 0;
};

}  // namespace ww::raft
