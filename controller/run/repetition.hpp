// How often a failure of the live world comes back: its plan again and again, and a count.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace ww::run {

/// One run of the plan.
struct Attempt {
  int exit_code = 0;
  std::string signature;       // empty: it did not fail
  std::string directory = {};  // where it was kept; empty: it was not
  bool interrupted = false;
  bool judged = true;      // whether it says anything about the failure
  std::string cause = {};  // of what was not judged
};

struct Repetition {
  std::uint32_t runs = 0;
  std::uint32_t same = 0;    // with the signature looked for
  std::uint32_t others = 0;  // that failed otherwise
  bool interrupted = false;
  std::string broken_off;  // what kept a run from being one, and so all that would follow
  std::vector<int> exit_codes;
};

struct RepetitionOptions {
  std::uint32_t times = 10;  // at most; 0: no bound
  bool until_fail = false;   // end with the first that has the signature
  std::string signature;     // what is looked for; empty: any failure
};

/// Runs `once` as often as the options say, or until it is interrupted or cannot be done, and tells
/// `seen` of each. A run that was interrupted or not judged counts for nothing.
///
/// Requires: a bound on the times, or until_fail.
/// Errors:   that of `once`, when it was the first.
Result<Repetition> repeat(const RepetitionOptions& options,
                          const std::function<Result<Attempt>()>& once,
                          const std::function<void(const Repetition&, const Attempt&)>& seen);

}  // namespace ww::run
