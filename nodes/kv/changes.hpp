// The recent changes of the key-value machine's keys, for those who watch them.
//
// A bounded part of what the machine computes: the same on every node at the same position of the
// log, in the snapshot and in the digest. So a stream of changes goes on at any node where it ended
// at another, and after a restart or an installed snapshot as if nothing had happened.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/ids.hpp"
#include "base/wire/watch.hpp"
#include "nodes/kv/limits.hpp"

namespace ww::kv {

class Changes {
 public:
  struct Kept {
    wire::Change change;
    std::uint64_t digest = 0;  // what it adds to digest_
    friend bool operator==(const Kept&, const Kept&) = default;
    template <class Self, class V>
    static void fields(Self& s, V& v) {
      v("change", s.change), v("digest", s.digest);
    }
  };
  using Iterator = std::deque<Kept>::const_iterator;

  /// REQUIRES: revisions grow from call to call; `hash` is that of what the key became.
  void add(wire::Change change, std::uint64_t hash, const Limits& limits);
  /// The log has come to `now`: what is too old for the limits is forgotten.
  void forget(Index now, const Limits& limits);

  /// From this revision on, every change is there.
  [[nodiscard]] Index oldest() const { return forgotten_ + 1; }
  /// The first kept change of this revision or a later one.
  [[nodiscard]] Iterator from(Index revision) const;
  [[nodiscard]] Iterator begin() const { return kept_.begin(); }
  [[nodiscard]] Iterator end() const { return kept_.end(); }
  [[nodiscard]] std::size_t size() const { return kept_.size(); }
  [[nodiscard]] std::uint64_t digest() const { return digest_; }

  /// Appends them as a snapshot holds them: varint of the last one forgotten, varint count, each.
  void encode(std::string& out) const;
  /// Reads what encode() wrote into an empty object; `in` fails if it did not.
  void decode(ByteReader& in);

  friend bool operator==(const Changes&, const Changes&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("kept", s.kept_), v("forgotten", s.forgotten_), v("bytes", s.bytes_), v("digest", s.digest_);
  }

 private:
  void keep(wire::Change change, std::uint64_t hash);
  void forget_first();

  std::deque<Kept> kept_;
  Index forgotten_ = 0;      // the revision of the last change that was; 0: none was
  std::uint64_t bytes_ = 0;  // of keys and values
  std::uint64_t digest_ = 0;
};

/// Of a key's value, or of its absence.
std::uint64_t hash_of_pair(std::string_view key, std::string_view value);
std::uint64_t hash_of_absence(std::string_view key);

}  // namespace ww::kv
