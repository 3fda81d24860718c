// A deterministic run, once more: whether it was the same, and where it parts if it was not.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "controller/run/divergence.hpp"
#include "controller/run/fingerprint_file.hpp"
#include "controller/run/finished_run.hpp"

namespace ww::run {

struct Replayed {
  FinishedRun run;                   // the last one
  std::optional<Fingerprint> other;  // what it was held against
  bool same = false;
  std::string difference;  // the first event that differs, with both sides, when known
};

/// Runs a plan and holds it against what was stored of it.
///
/// Shape:  one run when they are equal. Else, `other` is the world that the run is stored from
/// where
///         this is another one: both are run again around the first difference. Within one world a
///         second run shows whether the world repeats itself now, and the lines of the run's
///         directory tell what was otherwise then.
/// Errors: those of the runs.
Result<Replayed> replay_against(const StoredFingerprint& stored, const std::string& directory,
                                const Repeat& now, const Repeat* other);

/// Runs both sides and compares them; they may be the same.
/// Errors: those of the runs; kInternal when a side does not repeat itself.
Result<Replayed> replay_twice(const Repeat& first, const Repeat& second);

/// The first line in which two text files differ: "line 17 of trace.jsonl" with both sides; empty
/// when there is none, or one of them cannot be read.
std::string first_different_line(const std::string& name, const std::string& then_path,
                                 const std::string& now_path);

}  // namespace ww::run
