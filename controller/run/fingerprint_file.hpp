// fingerprint.json: what a deterministic run was, so that a replay can say whether it was it again.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "controller/run/fingerprint.hpp"
#include "controller/run/finished_run.hpp"

namespace ww::run {

struct StoredFingerprint {
  Fingerprint print;  // without a window
  std::string world;
  bool stop_at_violation = false;  // RunOptions: it ended there
  std::string version;             // of the build that ran it, as the next two
  std::string commit;
  std::string compiler;
};

/// What is to be kept of a run that this build made.
StoredFingerprint stored_fingerprint(const FinishedRun& run);

std::string to_json(const StoredFingerprint& stored);
/// Errors: kCorrupt or kUsage naming the key and what it must be.
Result<StoredFingerprint> parse_fingerprint(std::string_view text, const std::string& name);

}  // namespace ww::run
