// What of a replica's state is on disk: writes in flight, and how far log, term and vote are
// durable.
//
// Writes complete in issue order. A completion is matched with what was written, not with an index:
// when the tail of the log is replaced while its write is in flight, the completion of that write
// says nothing about the new tail (etcd-io/raft, rawnode.go, calls this the ABA problem).
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>

#include "base/ids.hpp"
#include "base/time.hpp"

namespace ww::raft {

struct HardState {
  Term term = 0;
  NodeId vote = kNobody;
  friend bool operator==(const HardState&, const HardState&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("current_term", s.term), v("voted_for", s.vote);
  }
};

/// A regular value.
class Durability {
 public:
  Durability() = default;
  /// What a start found is durable.
  Durability(HardState state, Index stable) : state_(state), stable_(stable) {}

  [[nodiscard]] const HardState& state() const { return state_; }
  /// The log is durable up to here, as it is in memory now.
  [[nodiscard]] Index stable_index() const { return stable_; }
  /// The hard state that the disk will hold once every write in flight is done.
  [[nodiscard]] const HardState& issued_state() const {
    return in_flight_.empty() ? state_ : in_flight_.back().state;
  }

  [[nodiscard]] WriteId last_issued() const { return WriteId{issued_}; }
  /// How long the disk has owed a completion: since then; kNever when it owes none.
  [[nodiscard]] Instant waits_since() const {
    return in_flight_.empty() ? kNever : std::max(in_flight_.front().issued, completed_);
  }

  /// Notes that a write was issued after which the disk will hold `state` and the log up to `upto`.
  /// `sync` false: its completion does not make it durable, but that of a later synced write does.
  WriteId issue(HardState state, Index upto, bool sync, Instant now);
  /// Takes `state` for durable without any write; only vote-ram-only does.
  void pretend(HardState state);
  /// The log in memory was cut back to before `from`: nothing in flight counts beyond it any more.
  void truncated(Index from);
  /// A durable snapshot stands for the log up to `index`.
  void covered(Index index);
  struct Completion {
    bool synced = false;         // it made something durable
    bool tail_replaced = false;  // entries of it were replaced while it was in flight
  };
  /// A write is done. REQUIRES: it is the oldest in flight.
  Completion complete(WriteId id, Instant now);

  /// The write whose completion makes `state` durable; 0 when it is. REQUIRES: it was issued.
  [[nodiscard]] WriteId needed_for(HardState state) const;
  /// The write whose completion makes the log durable up to `index`; 0 when it is; the next one to
  /// be issued when none in flight does.
  [[nodiscard]] WriteId needed_for(Index index) const;

  friend bool operator==(const Durability&, const Durability&) = default;
  /// Every member, for checkpoints (checkpoint.hpp).
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("state", s.state_), v("stable_index", s.stable_), v("issued", s.issued_);
    v("in_flight", s.in_flight_), v("completed_at", s.completed_);
  }

 private:
  struct InFlight {
    WriteId id;
    HardState state;
    Index upto = 0;  // never falls from one write to the next
    bool sync = true;
    bool overtaken = false;
    Instant issued{};
    friend bool operator==(const InFlight&, const InFlight&) = default;
    template <class Self, class V>
    static void fields(Self& s, V& v) {
      v("write", s.id), v("state", s.state), v("upto", s.upto), v("sync", s.sync);
      v("overtaken", s.overtaken), v("issued_at", s.issued);
    }
  };
  HardState state_;
  Index stable_ = 0;
  std::uint64_t issued_ = 0;
  std::deque<InFlight> in_flight_;
  Instant completed_{};  // the last one
};

}  // namespace ww::raft
