// Files that are either the old one or the whole new one.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace ww::reports {

/// Replaces the file at `path`: writes a neighbour under a temporary name, syncs it, renames it
/// over `path`, and syncs the directory. A reader and a crash see the old file or the new one.
///
/// Errors: kNoSpace (also past RLIMIT_FSIZE when SIGXFSZ is ignored, and over quota) and kIo,
/// naming
///         `path` and what failed; the old file is untouched and the temporary one is removed.
Result<void> write_file_atomically(const std::string& path, std::string_view content);

/// The whole file. Errors: kIo naming it.
Result<std::string> read_file(const std::string& path);

}  // namespace ww::reports
