// What the exit status says. (interface of the command line; the README has the table.)
#pragma once

#include <span>

namespace ww::cli {

enum ExitCode : int {
  kExitValid = 0,
  kExitInvalid = 1,      // a safety violation
  kExitUnknown = 2,      // unknown or vacuous
  kExitNoRecovery = 3,   // no recovery after the heal
  kExitNodeCrashed = 4,  // a node ended by itself, or a sanitizer spoke
  kExitRegression = 5,   // performance
  kExitUsage = 64,
  kExitEnvironment = 69,
  kExitHarness = 70,      // a bug of the harness
  kExitInterrupted = 75,  // resumable
  kExitSigint = 130,
};

/// The status of several runs together: an unknown never hides a failure.
constexpr int worst_exit(std::span<const int> codes) {
  constexpr int kOrder[] = {kExitInvalid,     kExitNodeCrashed, kExitNoRecovery,
                            kExitHarness,     kExitEnvironment, kExitSigint,
                            kExitInterrupted, kExitUnknown,     kExitRegression};
  for (const int code : kOrder) {
    for (const int seen : codes) {
      if (seen == code) return code;
    }
  }
  for (const int seen : codes) {
    if (seen != kExitValid) return seen;
  }
  return kExitValid;
}

}  // namespace ww::cli
