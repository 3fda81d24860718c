// One 64-bit mixing function for digests and keyed randomness; the same on every compiler.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace ww {

/// SplitMix64's finaliser: every input bit moves every output bit. (Steele, Lea & Flood 2014.)
constexpr std::uint64_t mix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

/// Appends a word to a hash; order matters.
constexpr std::uint64_t hash_combine(std::uint64_t hash, std::uint64_t word) {
  return mix64(hash ^ (word * 0x9fb21c651e98df25ULL + 0xd6e8feb86659fd93ULL));
}

namespace hash_detail {
/// Up to eight bytes as a little-endian number.
constexpr std::uint64_t word_of(const char* bytes, std::size_t count) {
  std::uint64_t word = 0;
  for (std::size_t b = 0; b < count; ++b) {
    word |= std::uint64_t{static_cast<unsigned char>(bytes[b])} << (8 * b);
  }
  return word;
}
/// Eight of them; where memory is little-endian this is one load.
constexpr std::uint64_t word_of(const char* bytes) {
  if (std::is_constant_evaluated() || std::endian::native != std::endian::little) {
    return word_of(bytes, 8);
  }
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, 8);
  return word;
}
}  // namespace hash_detail

/// Hash of a byte string, eight little-endian bytes a step; not cryptographic.
constexpr std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed = 0) {
  std::uint64_t hash = hash_combine(seed, bytes.size());
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    hash = hash_combine(hash, hash_detail::word_of(bytes.data() + i));
  }
  if (i < bytes.size()) {
    hash = hash_combine(hash, hash_detail::word_of(bytes.data() + i, bytes.size() - i));
  }
  return hash;
}

/// Hash of a fixed number of words, whose order matters: each has an odd factor of its own, so the
/// multiplications need not wait for each other. (Multilinear hashing; Lemire & Kaser 2014.)
template <std::size_t N>
constexpr std::uint64_t hash_words(const std::array<std::uint64_t, N>& words) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < N; ++i) {
    sum += (words[i] ^ (words[i] >> 32)) * (mix64(i + 1) | 1);
  }
  return mix64(sum);
}

}  // namespace ww
