// A node's data directory seen from outside: read whole after a crash, replaced after a power loss.
#pragma once

#include <string>

#include "base/evidence.hpp"
#include "base/result.hpp"

namespace ww::worlds {

/// Reads every plain file. Errors: kIo naming the file.
Result<DiskImage> read_image(const std::string& directory);

/// Makes the directory hold exactly `image`. Errors: kIo or kNoSpace naming the file.
Result<void> write_image(const std::string& directory, const DiskImage& image);

/// The last `limit` bytes of a text file; empty when there is none.
std::string tail_of(const std::string& path, std::size_t limit);

}  // namespace ww::worlds
