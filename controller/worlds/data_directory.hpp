// What processes of nodes leave behind, seen from outside: a data directory, read whole after a
// crash and replaced after a power loss, and what was said on stderr.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/evidence.hpp"
#include "base/result.hpp"

namespace ww::worlds {

/// Reads every plain file. Errors: kIo naming the file.
Result<DiskImage> read_image(const std::string& directory);

/// Makes the directory hold exactly `image`. Errors: kIo or kNoSpace naming the file.
Result<void> write_image(const std::string& directory, const DiskImage& image);

/// Lines of sanitizer reports in what the nodes said: in stderr.log of n1/, n2/, ... there. The end
/// of each, a megabyte, is looked at.
std::vector<std::string> sanitizer_lines(const std::string& nodes_directory, std::uint32_t nodes);

/// The last `limit` bytes of a text file; empty when there is none.
std::string tail_of(const std::string& path, std::size_t limit);

}  // namespace ww::worlds
