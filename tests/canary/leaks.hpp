// Ways in which the world outside leaks into a process: what a deterministic node must not do. They
// are what the tripwire is tried on, and what the search for such code must find.
#pragma once

#include <span>

namespace ww::canary {

struct Leak {
  const char* name;
  int signal;  // by which the tripwire kills
  void (*spring)();
};

std::span<const Leak> all_leaks();

/// Leaks that no tripwire can stop; never called, only looked for in the object code.
unsigned long long unstoppable();

}  // namespace ww::canary
