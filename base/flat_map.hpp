// A hash map from 64-bit words to 32-bit numbers: one array, linear probing, cheap to empty.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/hash.hpp"

namespace ww {

/// Never iterated, so that its layout cannot leak into a result. Emptying it is O(1): each slot
/// carries the generation that wrote it.
class FlatMap {
 public:
  /// The number stored under `word`; when there is none, stores `fresh` and says so.
  std::pair<std::uint32_t, bool> find_or_insert(std::uint64_t word, std::uint32_t fresh) {
    if ((size_ + 1) * 2 > slots_.size()) grow();
    Slot& slot = slots_[position(word)];
    if (slot.generation == generation_) return {slot.number, false};
    slot = Slot{word, fresh, generation_};
    ++size_;
    return {fresh, true};
  }

  /// The number stored under `word`, or `otherwise`.
  [[nodiscard]] std::uint32_t find(std::uint64_t word, std::uint32_t otherwise) const {
    if (slots_.empty()) return otherwise;
    const Slot& slot = slots_[position(word)];
    return slot.generation == generation_ ? slot.number : otherwise;
  }

  /// How often it was counted, this time included; up to 2^32 - 1 times.
  std::uint32_t count(std::uint64_t word) {
    if ((size_ + 1) * 2 > slots_.size()) grow();
    Slot& slot = slots_[position(word)];
    if (slot.generation != generation_) {
      slot = Slot{word, 0, generation_};
      ++size_;
    }
    return ++slot.number;
  }

  void clear() {
    size_ = 0;
    if (++generation_ == 0) {
      slots_.assign(slots_.size(), Slot{});
      generation_ = 1;
    }
  }

 private:
  struct Slot {
    std::uint64_t word = 0;
    std::uint32_t number = 0;
    std::uint32_t generation = 0;
  };

  /// Where `word` is, or would be.
  [[nodiscard]] std::size_t position(std::uint64_t word) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = static_cast<std::size_t>(mix64(word)) & mask;
    while (slots_[i].generation == generation_ && slots_[i].word != word) i = (i + 1) & mask;
    return i;
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? 64 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.generation == generation_) slots_[position(slot.word)] = slot;
    }
  }

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
  std::uint32_t generation_ = 1;
};

}  // namespace ww
