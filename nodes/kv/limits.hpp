// Bounds of the key-value machine. They are part of what it computes: every node of a cluster has
// the same.
#pragma once

#include <cstdint>

namespace ww::kv {

struct Limits {
  std::uint32_t max_sessions = 1U << 20;
  /// A session expires that executed nothing in so many entries of the log: its time is the log's,
  /// the same on every node, and no clock's. 0: sessions never expire.
  std::uint64_t session_entries = 1'000'000;
  /// Those who watch keys can go back over so many entries of the log, and over changes of so many
  /// bytes of keys and values.
  std::uint64_t history_entries = 4096;
  std::uint64_t history_bytes = std::uint64_t{4} << 20;
  friend bool operator==(const Limits&, const Limits&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("max_sessions", s.max_sessions), v("session_entries", s.session_entries);
    v("history_entries", s.history_entries), v("history_bytes", s.history_bytes);
  }
};

}  // namespace ww::kv
