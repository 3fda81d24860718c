// What the tests' stores that misbehave have in common: all that does not.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nodes/storage/byte_store.hpp"

namespace ww::test {

/// Passes everything on, to files in memory of its own or to `inner`.
class PassingStore : public storage::ByteStore {
 public:
  PassingStore() : inner_(&files_) {}
  /// REQUIRES: `inner` outlives this.
  explicit PassingStore(storage::ByteStore& inner) : inner_(&inner) {}
  PassingStore(const PassingStore&) = delete;
  PassingStore& operator=(const PassingStore&) = delete;

  Result<std::vector<std::string>> list() override { return inner_->list(); }
  Result<std::string> read(const std::string& file) override { return inner_->read(file); }
  Result<void> create(const std::string& file) override { return inner_->create(file); }
  Result<void> rename(const std::string& from, const std::string& to) override {
    return inner_->rename(from, to);
  }
  Result<void> unlink(const std::string& file) override { return inner_->unlink(file); }
  Result<void> truncate(const std::string& file, std::uint64_t size) override {
    return inner_->truncate(file, size);
  }
  Result<void> write(const std::string& file, std::uint64_t offset,
                     std::string_view data) override {
    return inner_->write(file, offset, data);
  }
  Result<void> sync_file(const std::string& file) override { return inner_->sync_file(file); }
  Result<void> sync_dir() override { return inner_->sync_dir(); }

 private:
  storage::MemoryStore files_;
  storage::ByteStore* inner_;
};

}  // namespace ww::test
