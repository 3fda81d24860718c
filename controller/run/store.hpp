// The folder of results: one directory a run, links to the latest, pruning.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace ww::run {

/// A run's own directory: <store>/<test>/<UTC>-s<seed>[-k].
struct RunDirectory {
  std::string path;
  std::string store;
  std::string started;  // "2026-11-23T00:14:47Z"
  [[nodiscard]] std::string file(const std::string& name) const { return path + "/" + name; }
};

/// "2026-11-23T00:14:47Z": the clock's time, for names and reports.
std::string utc_now();

/// Makes a new directory. Errors: kIo or kNoSpace naming it.
Result<RunDirectory> make_run_directory(const std::string& store, const std::string& test,
                                        std::uint64_t seed);

/// Points <store>/latest at the run, and <store>/latest-failure too when it failed.
Result<void> link_latest(const RunDirectory& run, bool failed);

/// Removes a run directory.
void remove_run(const RunDirectory& run);

/// Removes old runs until the store takes at most `limit` bytes: valid runs first, oldest first;
/// then the others; never `keep`. Returns how many went.
std::size_t prune_store(const std::string& store, std::uint64_t limit, const std::string& keep);

}  // namespace ww::run
