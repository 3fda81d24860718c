// The node's disk as the controller makes it: slow, hung, failing. It stands between the node's
// code and its files, so that the node sees what a bad disk would show it, and nothing else.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/real_time.hpp"
#include "base/wire/control.hpp"
#include "base/wire/trace.hpp"
#include "nodes/storage/byte_store.hpp"

namespace ww::host {

/// Passes everything on to `inner`, as long as the disk is sound. A write that fails has written a
/// first part of its bytes; a sync that fails has synced nothing. Where there is no space, a file
/// that was created here does not grow either.
///
/// Errors: those of `inner`, and kIo or kNoSpace as the trouble says, indefinite.
/// Thread safety: set() from any thread; the rest as `inner`.
class FaultyStore final : public storage::ByteStore {
 public:
  /// Told of every operation that the trouble made late or fail, on the thread that performs it.
  using Tell = std::function<void(const wire::trace::Disk&)>;
  /// REQUIRES: `inner` outlives this.
  FaultyStore(storage::ByteStore& inner, Tell tell) : inner_(inner), tell_(std::move(tell)) {}

  /// From now on the disk is so; what hangs, and need not any more, goes on.
  void set(const wire::control::SetDisk& trouble);

  Result<std::vector<std::string>> list() override { return inner_.list(); }
  Result<std::string> read(const std::string& file) override { return inner_.read(file); }
  Result<void> create(const std::string& file) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> unlink(const std::string& file) override;
  Result<void> truncate(const std::string& file, std::uint64_t size) override;
  Result<void> write(const std::string& file, std::uint64_t offset, std::string_view data) override;
  Result<void> sync_file(const std::string& file) override;
  Result<void> sync_dir() override;

 private:
  template <class Sync>
  Result<void> synced(const std::string& file, Sync sync);
  [[nodiscard]] wire::control::SetDisk trouble();
  [[nodiscard]] static Error refusal(const wire::control::SetDisk& trouble, std::string what);

  storage::ByteStore& inner_;
  const Tell tell_;
  const RealClock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  wire::control::SetDisk trouble_;
  std::map<std::string, std::uint64_t> sizes_;  // of files that were created here
};

}  // namespace ww::host
