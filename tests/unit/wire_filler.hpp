// Random records of the wire formats, and damage done to their bytes.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/rng.hpp"
#include "base/wire/fields.hpp"

namespace ww::test {

using wire::EnumSize;
using wire::Record;

/// Gives each field of a record a random value that the format allows.
class Filler {
 public:
  explicit Filler(Rng& rng) : rng_(rng) {}

  template <class T>
  void operator()(const char*, T& x) {
    fill(x);
  }

 private:
  /// Small numbers as often as large ones: varints have edges at each seventh bit.
  std::uint64_t word() { return rng_.next() >> rng_.below(64); }

  void fill(bool& x) { x = rng_.below(2) == 1; }
  void fill(std::string& x) {
    x.assign(rng_.below(20), '\0');
    for (char& c : x) c = static_cast<char>(rng_.next());
  }
  void fill(Instant& x) { x = instant_at(static_cast<std::int64_t>(word())); }
  void fill(Duration& x) { x = Duration{static_cast<std::int64_t>(word())}; }
  void fill(LogPosition& x) { x = LogPosition{word(), word()}; }
  template <class Tag, class Rep>
  void fill(Id<Tag, Rep>& x) {
    x.value = static_cast<Rep>(word());
  }
  template <class T>
  void fill(std::vector<T>& x) {
    x.resize(rng_.below(5));
    for (T& item : x) fill(item);
  }
  template <class T>
  requires(std::is_integral_v<T> || std::is_enum_v<T> || Record<T>) void fill(T& x) {
    if constexpr (Record<T>) {
      T::fields(x, *this);
    } else if constexpr (std::is_enum_v<T>) {
      x = static_cast<T>(rng_.below(EnumSize<T>::value));
    } else {
      x = static_cast<T>(word());
    }
  }
  Rng& rng_;
};

template <Record T>
T random_record(Rng& rng) {
  T out;
  Filler filler(rng);
  T::fields(out, filler);
  return out;
}

template <class Variant, std::size_t I = 0>
Variant random_alternative(Rng& rng, std::size_t which) {
  if constexpr (I + 1 < std::variant_size_v<Variant>) {
    if (which != I) return random_alternative<Variant, I + 1>(rng, which);
  }
  return random_record<std::variant_alternative_t<I, Variant>>(rng);
}

/// A few bits flipped, a byte more, or cut short.
inline std::string corrupted(std::string bytes, Rng& rng) {
  switch (rng.below(4)) {
    case 0:
      return bytes.substr(0, rng.below(bytes.size() + 1));
    case 1:
      bytes.push_back(static_cast<char>(rng.next()));
      return bytes;
    default:
      for (std::uint64_t flips = 1 + rng.below(3); flips > 0; --flips) {
        char& victim = bytes[rng.below(bytes.size())];
        victim = static_cast<char>(victim ^ (1 << rng.below(8)));
      }
      return bytes;
  }
}

}  // namespace ww::test
