// How far a leader has brought one peer (Raft paper, figure 2: nextIndex and matchIndex).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "base/wire/peer.hpp"
#include "nodes/raft/log.hpp"

namespace ww::raft {

/// Limits::max_in_flight_appends is at most this; entries beyond gather into larger appends.
inline constexpr std::size_t kMaxInFlightAppends = 8;

/// A peer is probed until it is known where its log meets ours; then appends are pipelined. One
/// that needs entries which were dropped gets no appends, but a snapshot, piece by piece.
class Progress {
 public:
  enum class Mode : std::uint8_t { kProbe, kReplicate, kSnapshot };

  Progress() = default;
  /// A new leader begins at its own end and assumes contact, which the election just showed.
  Progress(NodeId peer, Index next, Instant now) : id(peer), heard(now), next_(next) {}

  NodeId id;
  Instant heard{};              // when its last reply of this term came
  std::uint64_t confirmed = 0;  // the highest round it echoed

  [[nodiscard]] Index next_index() const { return next_; }
  [[nodiscard]] Index match_index() const { return match_; }
  [[nodiscard]] bool probing() const { return mode_ == Mode::kProbe; }
  [[nodiscard]] bool in_snapshot() const { return mode_ == Mode::kSnapshot; }
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

  // A peer that may have lost what it acknowledged (doubt.cpp); all zero when there is none.
  /// Its incarnation then.
  [[nodiscard]] Incarnation doubt() const { return doubt_; }
  /// The entry of ours that has to be committed without it, and be at it.
  [[nodiscard]] Index cover_index() const { return cover_index_; }
  [[nodiscard]] bool covered() const { return covered_; }
  /// Whether what it acknowledges and echoes counts.
  [[nodiscard]] bool counts() const { return doubt_ == 0 || covered_; }
  /// Nothing that it said before holds.
  void fell_in_doubt(Incarnation incarnation, Index cover_index);
  void cover() { covered_ = true; }
  /// As `before` was, when it left: an answer of then may be on its way still.
  void recall_doubt(const Progress& before) {
    doubt_ = before.doubt_, cover_index_ = before.cover_index_, covered_ = before.covered_;
  }

  // The snapshot under way; all zero when there is none.
  [[nodiscard]] LogPosition snapshot() const { return snapshot_; }
  [[nodiscard]] std::uint64_t snapshot_bytes() const { return snapshot_bytes_; }
  /// So much of it is there; the next piece begins behind that.
  [[nodiscard]] std::uint64_t received_bytes() const { return received_; }
  [[nodiscard]] bool piece_under_way() const { return piece_sent_; }
  /// From here on it is sent that snapshot, from its beginning.
  void begin_snapshot(LogPosition at, std::uint64_t bytes);
  /// A piece is sent in `round`. REQUIRES: none is under way.
  void piece_sent(std::uint64_t round);
  /// The peer says that `received` bytes are there, in its answer to a message of `round`. Returns
  /// whether that shows a piece to be lost.
  bool pieces_answered(std::uint64_t received, std::uint64_t round);

  friend bool operator==(const Progress&, const Progress&) = default;
  /// Every member, for checkpoints (checkpoint.hpp).
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("peer", s.id), v("next_index", s.next_), v("match_index", s.match_), v("heard", s.heard);
    v("confirmed", s.confirmed), v("mode", s.mode_), v("probe_sent", s.probe_sent_);
    v("in_flight", s.in_flight_), v("in_flight_count", s.in_flight_count_);
    v("snapshot", s.snapshot_), v("snapshot_bytes", s.snapshot_bytes_);
    v("received", s.received_), v("piece_sent", s.piece_sent_), v("piece_round", s.piece_round_);
    v("doubt", s.doubt_), v("cover_index", s.cover_index_), v("covered", s.covered_);
  }
  /// Whether it could be the progress of a peer of a log that ends at `last`.
  [[nodiscard]] bool is_sound(Index last) const {
    return match_ < next_ && next_ <= last + 1 && in_flight_count_ <= in_flight_.size() &&
           received_ <= snapshot_bytes_ && in_snapshot() == (snapshot_.index != 0);
  }

 private:
  void enter(Mode mode);

  Index next_ = 1;
  Index match_ = 0;
  Mode mode_ = Mode::kProbe;
  bool probe_sent_ = false;
  std::array<Index, kMaxInFlightAppends> in_flight_{};  // last index of each append, ascending
  std::size_t in_flight_count_ = 0;
  LogPosition snapshot_;
  std::uint64_t snapshot_bytes_ = 0;
  std::uint64_t received_ = 0;
  bool piece_sent_ = false;
  std::uint64_t piece_round_ = 0;  // of the last piece
  Incarnation doubt_ = 0;
  Index cover_index_ = 0;
  bool covered_ = false;
};
std::string_view name_of(Progress::Mode mode);

}  // namespace ww::raft

template <>
struct ww::wire::EnumSize<ww::raft::Progress::Mode> {
  static constexpr std::uint64_t value = 3;
};
