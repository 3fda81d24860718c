// Ctrl-C and SIGTERM as something to ask for, in a loop that has no event loop.
#pragma once

#include <csignal>

namespace ww::run {

/// While it lives, SIGINT and SIGTERM are counted; the third one ends the process as if nobody
/// listened, for a loop that hangs. Afterwards both do what they did before. A signal that is
/// blocked or ignored where it begins stays so.
///
/// REQUIRES: one at a time.
class SignalCount {
 public:
  SignalCount();
  ~SignalCount();
  SignalCount(const SignalCount&) = delete;
  SignalCount& operator=(const SignalCount&) = delete;
  [[nodiscard]] int count() const;

 private:
  struct sigaction interrupt_ {};
  struct sigaction terminate_ {};
};

}  // namespace ww::run
