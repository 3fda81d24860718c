// A folder for what a run needs and nobody keeps. It goes with its object, and if the owner is
// killed, with the next sweep: the owner holds a lock on a file in it, and a lock that can be had
// is an orphan's.
#pragma once

#include <cstddef>
#include <string>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace ww::run {

class TemporaryFolder {
 public:
  /// Makes `base`/whitewater-XXXXXX. Errors: kEnvironment.
  static Result<TemporaryFolder> make(const std::string& base);
  TemporaryFolder(TemporaryFolder&& other) noexcept;
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder();
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  TemporaryFolder(std::string path, Fd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;  // empty: moved from
  Fd lock_;
};

/// Removes the folders of this user in `base` whose owners are gone; how many. What cannot be
/// looked at or removed stays.
std::size_t sweep_temporary_folders(const std::string& base);

}  // namespace ww::run
