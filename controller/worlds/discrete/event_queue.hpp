// The one queue of a deterministic world: events by (time, sequence), so that what is due at the
// same moment happens in the order in which it was scheduled.
//
// The heap moves small keys; the events stay where they are, in slots that are used again with the
// memory of their strings.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/assert.hpp"
#include "base/time.hpp"

namespace ww::discrete {

template <class Event>
class EventQueue {
 public:
  /// Schedules an event and returns it to be filled in: a used one, whose fields are all to be set.
  Event& push(Instant at) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    heap_.push_back({at, ++sequence_, slot});
    std::push_heap(heap_.begin(), heap_.end(), later);
    return slots_[slot];
  }

  [[nodiscard]] bool empty() const { return heap_.empty(); }
  /// When the next event is due; kNever without one.
  [[nodiscard]] Instant next() const { return heap_.empty() ? kNever : heap_.front().at; }

  /// Takes the next event, which stays valid until the next pop(). REQUIRES: there is one.
  Event& pop() {
    WW_ASSERT(!heap_.empty(), "an event taken from an empty queue");
    if (in_hand_) free_.push_back(*in_hand_);
    std::pop_heap(heap_.begin(), heap_.end(), later);
    in_hand_ = heap_.back().slot;
    heap_.pop_back();
    return slots_[*in_hand_];
  }

 private:
  struct Key {
    Instant at{};
    std::uint64_t sequence = 0;
    std::uint32_t slot = 0;
  };
  static bool later(const Key& a, const Key& b) {
    return a.at != b.at ? a.at > b.at : a.sequence > b.sequence;
  }

  std::vector<Key> heap_;
  std::deque<Event> slots_;  // a deque: an event in hand stays where it is while others come
  std::vector<std::uint32_t> free_;
  std::optional<std::uint32_t> in_hand_;
  std::uint64_t sequence_ = 0;
};

}  // namespace ww::discrete
