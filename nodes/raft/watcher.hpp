// A client's stream of changes, as the node that serves it remembers it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "nodes/raft/contract.hpp"

namespace ww::raft {

struct Watcher {
  RequestId id;                   // of the request that opened it
  std::vector<std::string> keys;  // in ascending order; none: all
  Index next = 0;                 // the first revision that no frame covers
  std::uint64_t frames = 0;       // sent
  std::uint64_t taken = 0;        // of them, by the client
  Instant heard{};                // when it acknowledged, or last had nothing to acknowledge
  Instant told{};                 // when the last frame was sent
  friend bool operator==(const Watcher&, const Watcher&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("id", s.id), v("keys", s.keys), v("next", s.next), v("frames", s.frames);
    v("taken", s.taken), v("heard", s.heard), v("told", s.told);
  }
};

}  // namespace ww::raft
