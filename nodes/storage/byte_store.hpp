// The port through which a node keeps bytes: one flat directory of plain files.
//
// The operations are those whose crash behaviour differs (see docs/faults.md, power loss): what was
// synced stays; everything later may survive or vanish independently.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/wire/trace.hpp"

namespace ww::storage {

/// Errors: kIo, kNoSpace when the disk fails; kInternal when a file is missing, or exists already:
///         then its caller is wrong, not the disk.
class ByteStore {
 public:
  virtual ~ByteStore() = default;

  /// Names of all files, sorted bytewise.
  virtual Result<std::vector<std::string>> list() = 0;
  virtual Result<std::string> read(const std::string& file) = 0;
  /// Makes an empty file.
  virtual Result<void> create(const std::string& file) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> unlink(const std::string& file) = 0;
  /// Cuts the file to `size`, or lengthens it to that by zeros for which the disk has room then.
  virtual Result<void> truncate(const std::string& file, std::uint64_t size) = 0;
  /// Writes all of `data` at `offset`. Errors: kNoSpace (disk or file size limit), kIo; a failed
  /// write may have written a prefix.
  virtual Result<void> write(const std::string& file, std::uint64_t offset,
                             std::string_view data) = 0;
  /// Makes the file's bytes and size durable.
  virtual Result<void> sync_file(const std::string& file) = 0;
  /// Makes the file's bytes before `upto` durable, where those behind it may stay as they are.
  virtual Result<void> sync_prefix(const std::string& file, std::uint64_t /*upto*/) {
    return sync_file(file);
  }
  /// Makes the directory's entries durable.
  virtual Result<void> sync_dir() = 0;
};

/// Tells `log` of every operation and hands it on: intents before, syncs after they returned.
class LoggedStore final : public ByteStore {
 public:
  using Log = std::function<void(const wire::trace::Store&)>;
  /// REQUIRES: `inner` outlives this.
  LoggedStore(ByteStore& inner, Log log) : inner_(inner), log_(std::move(log)) {}
  Result<std::vector<std::string>> list() override;
  Result<std::string> read(const std::string& file) override;
  Result<void> create(const std::string& file) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> unlink(const std::string& file) override;
  Result<void> truncate(const std::string& file, std::uint64_t size) override;
  Result<void> write(const std::string& file, std::uint64_t offset, std::string_view data) override;
  Result<void> sync_file(const std::string& file) override;
  Result<void> sync_prefix(const std::string& file, std::uint64_t upto) override;
  Result<void> sync_dir() override;

 private:
  void tell(wire::trace::StoreOp op, std::string_view file, std::string_view other = {},
            std::uint64_t offset = 0, std::string_view data = {}, bool ok = true);

  ByteStore& inner_;
  Log log_;
  wire::trace::Store line_;  // told last; kept for the memory of its strings
};

/// Files in memory; sync is a no-op. Tests and the simulated world.
class MemoryStore final : public ByteStore {
 public:
  Result<std::vector<std::string>> list() override;
  Result<std::string> read(const std::string& file) override;
  Result<void> create(const std::string& file) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> unlink(const std::string& file) override;
  Result<void> truncate(const std::string& file, std::uint64_t size) override;
  Result<void> write(const std::string& file, std::uint64_t offset, std::string_view data) override;
  Result<void> sync_file(const std::string& file) override;
  Result<void> sync_dir() override;
  std::map<std::string, std::string> files;
};

}  // namespace ww::storage
