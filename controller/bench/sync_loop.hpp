// How fast the disk below a directory is, without any cluster: what the targets are measured by.
#pragma once

#include <cstdint>
#include <string>

#include "base/histogram.hpp"
#include "base/result.hpp"

namespace ww::bench {

/// Appends 512 bytes to a fresh file of `directory` and syncs them, again and again for about
/// `length`; `writers` loops do so at once, each on a thread and to a file of its own. As a node's
/// log does, a file grows by a MiB at a time. All go on until the last has made 20 syncs, so that
/// each competes with all the others throughout. The files are removed.
/// Shape:    the times of all syncs of all loops.
/// Requires: writers > 0.
/// Errors:   kEnvironment naming the file and the reason.
Result<Histogram> time_syncs(const std::string& directory, Duration length, std::uint32_t writers);

/// Whether the directory's files live in memory only (tmpfs): a sync costs nothing there.
bool is_in_memory(const std::string& directory);

}  // namespace ww::bench
