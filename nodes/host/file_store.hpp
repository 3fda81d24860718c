// The byte store over a real directory: what survives a power loss is what fdatasync and the
// directory's fsync say.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "nodes/host/sync_times.hpp"
#include "nodes/storage/byte_store.hpp"

namespace ww::host {

/// Errors: messages name the directory or file, the operation and the system's reason. kNoSpace for
///         ENOSPC, EDQUOT and EFBIG (RLIMIT_FSIZE), else kIo. All are indefinite except those of
///         open(): part of what was asked may have happened.
/// Thread safety: one thread at a time.
class FileStore final : public storage::ByteStore {
 public:
  /// Opens the directory, which is made when only its last component is missing, and locks it for
  /// this process. Makes the process ignore SIGXFSZ, since a file size limit is an error to report.
  /// Errors: kEnvironment: missing, not writable, or in use by another process.
  static Result<FileStore> open(const std::string& directory);
  /// From now on every sync is recorded in `times`, and one that took less than `floor` waits until
  /// that is over: an emulated disk. REQUIRES: `times` outlives the store.
  void time_syncs(SyncTimes& times, Duration floor);
  /// From now on syncs do nothing, and say that all went well: to measure what they cost.
  void never_sync() { syncs_ = false; }
  /// The directory's descriptor, through which every file is opened.
  [[nodiscard]] int directory() const { return dir_.get(); }

  Result<std::vector<std::string>> list() override;
  Result<std::string> read(const std::string& file) override;
  Result<void> create(const std::string& file) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> unlink(const std::string& file) override;
  Result<void> truncate(const std::string& file, std::uint64_t size) override;
  Result<void> write(const std::string& file, std::uint64_t offset, std::string_view data) override;
  Result<void> sync_file(const std::string& file) override;
  Result<void> sync_dir() override;

 private:
  /// Open files are kept, the oldest is closed beyond this: the log writes to its last segments.
  static constexpr std::size_t kMaxOpenFiles = 8;

  FileStore(std::string directory, Fd fd) : path_(std::move(directory)), dir_(std::move(fd)) {}
  template <class Sync>
  int timed(Sync sync);
  Result<int> opened(const std::string& file);
  int keep(const std::string& file, Fd fd);
  void forget(const std::string& file);
  [[nodiscard]] Error failed(std::string_view operation, const std::string& file) const;

  std::string path_;
  Fd dir_;
  std::vector<std::pair<std::string, Fd>> open_;
  SyncTimes* sync_times_ = nullptr;
  Duration sync_floor_{};
  bool syncs_ = true;
};

}  // namespace ww::host
