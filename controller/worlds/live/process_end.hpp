// How the end of a node's process compares with what was asked of it.
#pragma once

#include "base/evidence.hpp"
#include "controller/worlds/live/node_process.hpp"

namespace ww::live {

// Exit statuses of the node that do not speak of a mistake in it (docs/node.md).
inline constexpr int kNodeExitEnvironment = 69;
inline constexpr int kNodeExitDisk = 74;
/// It refuses to start on a log or snapshot that is damaged.
inline constexpr int kNodeExitDamaged = 65;

/// What was done to a process before it ended.
struct EndAsked {
  bool dying = false;                 // a signal or a shutdown is under way
  Death expected = Death::kByItself;  // how it is to end then
  bool shutdown = false;              // the message, not the signal
  bool damaged = false;               // its files, by our will
  bool disk_failed = false;           // its disk, by our will
};

struct ProcessEnd {
  bool as_asked = false;
  bool refused = false;  // it found the damage of its files
  bool made_to = false;  // its own doing, but what a correct node does
};

/// A process may end by itself while our signal is under way: what it did then counts.
ProcessEnd judge_end(const EndAsked& asked, const Exit& exit);

}  // namespace ww::live
