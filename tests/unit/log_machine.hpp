// Files in memory that a power loss or a full disk ends after any operation, over the disk model.
#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "faults/disk/disk_model.hpp"
#include "nodes/storage/byte_store.hpp"

namespace ww::storage::testing {

/// Files in memory whose power fails after a number of operations: nothing is done or logged then.
class Machine {
 public:
  /// Boots after a power loss that left `found`.
  explicit Machine(const DiskImage& found) {
    memory_.files = found;
    model_.reset(found);
  }
  /// Goes on after its process was killed.
  Machine(const DiskImage& files, const faults::DiskModel& model) : model_(model) {
    memory_.files = files;
    REQUIRE(model_.survive_kill(files).ok());
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  ByteStore& store() { return fuse_; }
  const faults::DiskModel& model() const { return model_; }
  const DiskImage& files() const { return memory_.files; }
  void fail_after(std::uint64_t operations) { fuse_.left = operations; }
  /// One operation finds the disk full (a write fits by half); those after it would succeed.
  void fill_disk_after(std::uint64_t operations) {
    fuse_.left = operations;
    fuse_.full_once = true;
  }
  std::uint64_t operations() const { return fuse_.done; }
  std::uint64_t attempts() const { return fuse_.tried; }
  /// The last operation that was done, and on what kind of file.
  const std::string& last_operation() const { return fuse_.last; }

 private:
  /// Forwards until the fuse blows, then fails everything.
  struct Fuse final : ByteStore {
    explicit Fuse(ByteStore& to) : inner(to) {}
    template <class Operation>
    Result<void> guard(const std::string& name, const std::string& file, Operation operation) {
      ++tried;
      if (left == 0) return blow();
      --left;
      ++done;
      last = name + (file.empty() ? " after " + last : ' ' + file.substr(file.rfind('.')));
      return operation();
    }
    Error blow() {
      if (!full_once) return Error{ErrorCode::kIo, false, "the power is off"};
      left = ~std::uint64_t{0};
      return Error{ErrorCode::kNoSpace, true, "the disk is full"};
    }
    Result<std::vector<std::string>> list() override { return inner.list(); }
    Result<std::string> read(const std::string& file) override { return inner.read(file); }
    Result<void> create(const std::string& file) override {
      return guard("create", file, [&] { return inner.create(file); });
    }
    Result<void> rename(const std::string& from, const std::string& to) override {
      return guard("rename", from, [&] { return inner.rename(from, to); });
    }
    Result<void> unlink(const std::string& file) override {
      return guard("unlink", file, [&] { return inner.unlink(file); });
    }
    Result<void> truncate(const std::string& file, std::uint64_t size) override {
      return guard("truncate", file, [&] { return inner.truncate(file, size); });
    }
    Result<void> write(const std::string& file, std::uint64_t at, std::string_view data) override {
      if (left == 0 && full_once) {
        REQUIRE(inner.write(file, at, data.substr(0, data.size() / 2)).ok());
      }
      return guard("write", file, [&] { return inner.write(file, at, data); });
    }
    Result<void> sync_file(const std::string& file) override {
      return guard("sync_file", file, [&] { return inner.sync_file(file); });
    }
    Result<void> sync_dir() override {
      return guard("sync_dir", "", [&] { return inner.sync_dir(); });
    }
    ByteStore& inner;
    std::uint64_t left = ~std::uint64_t{0};
    std::uint64_t done = 0;
    std::uint64_t tried = 0;
    std::string last;
    bool full_once = false;
  };

  MemoryStore memory_;
  faults::DiskModel model_;
  LoggedStore logged_{memory_, [this](const wire::trace::Store& op) { model_.apply(op); }};
  Fuse fuse_{logged_};
};

}  // namespace ww::storage::testing
