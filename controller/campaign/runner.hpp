// Carries a campaign out: hands seeds to workers in order, takes their results in the same order,
// and lets a campaign be broken off and taken up again.
//
// Results are added to the campaign in the order of the seeds, whoever is done first. So what it
// holds, and where --fail-fast ends it, is the same for any number of workers.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "controller/campaign/campaign.hpp"
#include "controller/campaign/seed_runner.hpp"

namespace ww::campaign {

struct RunnerOptions {
  Request request;
  std::uint32_t shard = 1;
  std::vector<std::string> corpus;  // paths of plans; they run first
  std::size_t workers = 1;
  CheckRates rates;
  std::optional<Duration> time;  // of the clock; nothing: until the seeds are done
  bool fail_fast = false;
  std::set<std::string> known;  // signatures, for the status alone
  std::string directory;  // where workers leave what they say, and failures their run directories
  Duration save_every = seconds(30);
  Duration job_limit = seconds(1200);
};

/// How far it is.
struct Status {
  std::uint64_t done = 0;  // seeds of this shard, those of earlier sessions included
  std::uint64_t all = 0;   // 0: unbounded
  std::uint64_t failures = 0;
  std::size_t signatures = 0;  // of failures
  std::size_t fresh = 0;       // of these, not known
  std::string phase;           // "seeds", then "keeping and shrinking failures"
  Duration wall{};             // of this session
  Duration length{};           // of virtual time in this session
  std::uint64_t events = 0;    // in this session
  std::uint64_t ran = 0;       // seeds of this session
};

enum class End {
  kDone,
  kFailFast,
  kTime,         // as long as was asked for
  kFull,         // kMaxSeeds are reached
  kInterrupted,  // the seeds in hand were finished; the rest can be resumed
  kKilled,       // by a second interrupt
  kEnvironment   // the machine lacks something that every seed would miss
};

struct Finished {
  End end = End::kDone;
  std::string reason;                 // with kEnvironment
  std::vector<std::string> warnings;  // what could not be kept or shrunk
};

struct Callbacks {
  std::function<void(const Status&)> on_progress;  // a few times a second
  /// Stores the campaign as it is.
  std::function<Result<void>(const Campaign&)> save;
};

/// Runs what `campaign` has not of its request's shard, then keeps a run directory of each failing
/// signature's fastest seed and shrinks it, once each.
///
/// Requires: the main thread, for workers die with the thread that forked them. `session` is in
///           `campaign.sessions`.
/// Errors:   kEnvironment without processes; those of the first `save`, before anything ran. What
///           fails later ends the campaign with what it has.
Result<Finished> run_campaign(Campaign& campaign, const std::string& session, const Hooks& hooks,
                              const RunnerOptions& options, const Callbacks& callbacks);

/// The folder of a signature's files below the campaign's directory: words of it and its hash.
std::string folder_of(const std::string& signature);

}  // namespace ww::campaign
