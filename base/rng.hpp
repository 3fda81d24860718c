// Randomness that is a function of names, never of order.
//
// A draw is keyed by its *content*: the run's seed, a domain ("packet.delay") and the numbers that
// identify the thing decided. Two things never share a stream, so removing one decision leaves
// every other as it was. There is no std::*_distribution: their results differ between libraries.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/assert.hpp"
#include "base/hash.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"

namespace ww {

/// A short stream of 64-bit words from one key (SplitMix64). A regular value.
class Rng {
 public:
  explicit constexpr Rng(std::uint64_t key) : state_(key) {}

  constexpr std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    return mix64(state_);
  }
  /// Uniform in [0, bound), without bias. REQUIRES: bound > 0.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in [low, high], both included. REQUIRES: low <= high.
  std::int64_t between(std::int64_t low, std::int64_t high);
  Duration between(Duration low, Duration high) {
    return Duration{between(low.count(), high.count())};
  }
  /// True with probability ppm / 1 000 000; all decisions are integers.
  bool chance_ppm(std::uint32_t ppm) { return below(1'000'000) < ppm; }
  /// An element of `items`. REQUIRES: not empty.
  template <class T>
  T& pick(std::span<T> items) {
    WW_ASSERT(!items.empty(), "pick from nothing");
    return items[below(items.size())];
  }
  /// Fisher-Yates.
  template <class T>
  void shuffle(std::span<T> items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }
  friend constexpr bool operator==(const Rng&, const Rng&) = default;

 private:
  std::uint64_t state_;
};

namespace rng_detail {
template <class T>
constexpr std::uint64_t word(const T& part) {
  if constexpr (std::is_enum_v<T>) {
    return static_cast<std::uint64_t>(part);
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<std::uint64_t>(part);
  } else if constexpr (std::is_convertible_v<T, std::string_view>) {
    return hash_bytes(std::string_view(part));
  } else {
    return static_cast<std::uint64_t>(part.value);  // Id<>
  }
}
}  // namespace rng_detail

/// The name of a kind of decision ("packet.delay"), hashed when the program is compiled: a world
/// draws for every message.
class Domain {
 public:
  template <std::size_t N>
  consteval Domain(const char (&name)[N])  // NOLINT: implicit by design
      : hash_(hash_bytes(std::string_view(name, N - 1))) {}
  [[nodiscard]] constexpr std::uint64_t hash() const { return hash_; }

 private:
  std::uint64_t hash_;
};

/// The key of one decision. `domain` names the kind of decision; `parts` name the thing decided.
template <class... Parts>
constexpr std::uint64_t key_of(std::uint64_t seed, Domain domain, const Parts&... parts) {
  std::uint64_t hash = hash_combine(mix64(seed), domain.hash());
  ((hash = hash_combine(hash, rng_detail::word(parts))), ...);
  return hash;
}

/// The stream of one decision.
template <class... Parts>
constexpr Rng keyed(std::uint64_t seed, Domain domain, const Parts&... parts) {
  return Rng(key_of(seed, domain, parts...));
}

}  // namespace ww
