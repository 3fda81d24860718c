// How fast the disk below a directory is, without any cluster: what the targets are measured by.
#pragma once

#include <string>

#include "base/histogram.hpp"
#include "base/result.hpp"

namespace ww::bench {

/// Appends 512 bytes to a fresh file of `directory` and syncs them, again and again for about
/// `length`, at least 20 times. The file is removed.
/// Errors: kEnvironment naming the file and the reason.
Result<Histogram> time_syncs(const std::string& directory, Duration length);

/// Whether the directory's files live in memory only (tmpfs): a sync costs nothing there.
bool is_in_memory(const std::string& directory);

}  // namespace ww::bench
