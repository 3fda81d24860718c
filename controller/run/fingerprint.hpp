// What happened in a deterministic run, as a rolling hash with checkpoints.
//
// Everything that a run does goes in, in order, in its canonical binary encoding: trace records,
// frames, disk images, state digests, lines of the history. Two runs are the same when their hashes
// are; when not, the first checkpoint that differs tells where to look, and a second run of each
// side with a window there yields the first event that differs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace ww::run {

/// Events [first, first + count) of a run, to be written down.
struct Window {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};

struct Fingerprint {
  /// Events between two checkpoints.
  static constexpr std::uint64_t kCheckpointEvery = 1024;

  std::uint64_t hash = 0;
  std::uint64_t events = 0;
  std::vector<std::uint64_t> checkpoints;  // the hash after every kCheckpointEvery events
  std::vector<std::string> window;         // the events asked for, one a line, for people
  friend bool operator==(const Fingerprint& a, const Fingerprint& b) {
    return a.hash == b.hash && a.events == b.events;
  }
};

/// "3f2a9c0d11e0b7aa".
std::string hex(std::uint64_t hash);

/// Where two runs part: the window that holds the first differing event.
Window first_difference(const Fingerprint& a, const Fingerprint& b);

}  // namespace ww::run
