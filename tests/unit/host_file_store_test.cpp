#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "nodes/host/faulty_store.hpp"
#include "nodes/host/file_store.hpp"
#include "tests/unit/host_support.hpp"

namespace ww::host {

namespace {

using host_test::TempDir;

FileStore open_store(const TempDir& dir) {
  auto store = FileStore::open(dir.path() + "/data");
  REQUIRE(store.ok());
  return std::move(*store);
}

/// Runs `body` in a child process; yields its exit status.
template <class Body>
int in_child(Body body) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(body());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("where there is no space no file grows, and where writes fail otherwise it does") {
  const TempDir dir;
  FileStore files = open_store(dir);
  std::vector<wire::trace::Disk> told;
  FaultyStore store(files, [&told](const wire::trace::Disk& event) { told.push_back(event); });
  wire::control::SetDisk full;
  full.fails = wire::control::DiskFailure::kWrites;
  full.full = true;
  wire::control::SetDisk broken = full;
  broken.full = false;
  REQUIRE(store.create("log").ok());
  REQUIRE(store.truncate("log", 4096).ok());
  store.set(full);
  CHECK(store.truncate("log", 4096).ok());
  CHECK(store.truncate("log", 1024).ok());
  CHECK(told.empty());
  const Result<void> grown = store.truncate("log", 2048);
  REQUIRE_FALSE(grown.ok());
  CHECK(grown.error().code == ErrorCode::kNoSpace);
  REQUIRE(told.size() == 1);
  CHECK(told[0].write);
  CHECK_FALSE(told[0].ok);
  CHECK(store.read("log").value().size() == 1024);
  store.set(broken);
  CHECK(store.truncate("log", 2048).ok());
  store.set({});
  REQUIRE(store.write("log", 2048, "xyz").ok());
  REQUIRE(store.rename("log", "other").ok());
  store.set(full);
  CHECK(store.truncate("other", 2051).ok());
  CHECK_FALSE(store.truncate("other", 2052).ok());
}

TEST_CASE("files are made, written, cut, renamed, listed and removed") {
  const TempDir dir;
  FileStore store = open_store(dir);
  REQUIRE(store.create("b").ok());
  REQUIRE(store.create("a").ok());
  REQUIRE(store.write("a", 0, "hello").ok());
  REQUIRE(store.write("a", 3, "p!").ok());
  CHECK(*store.read("a") == "help!");
  REQUIRE(store.truncate("a", 4).ok());
  REQUIRE(store.sync_file("a").ok());
  REQUIRE(store.rename("a", "c").ok());
  REQUIRE(store.sync_dir().ok());
  CHECK(*store.list() == std::vector<std::string>{"b", "c"});
  CHECK(*store.read("c") == "help");
  REQUIRE(store.unlink("b").ok());
  CHECK(*store.list() == std::vector<std::string>{"c"});
}

TEST_CASE("a write beyond the end fills with zeros, as does a truncation that lengthens") {
  const TempDir dir;
  FileStore store = open_store(dir);
  REQUIRE(store.create("f").ok());
  REQUIRE(store.write("f", 2, "x").ok());
  REQUIRE(store.truncate("f", 5).ok());
  CHECK(*store.read("f") == std::string("\0\0x\0\0", 5));
}

TEST_CASE("a file renamed over another takes its place, also in what is kept open") {
  const TempDir dir;
  FileStore store = open_store(dir);
  REQUIRE(store.create("old").ok());
  REQUIRE(store.create("new").ok());
  REQUIRE(store.write("old", 0, "old").ok());
  REQUIRE(store.write("new", 0, "new").ok());
  REQUIRE(store.rename("new", "old").ok());
  CHECK(*store.read("old") == "new");
  CHECK(store.read("new").error().code == ErrorCode::kInternal);
}

TEST_CASE("more files than are kept open stay usable") {
  const TempDir dir;
  FileStore store = open_store(dir);
  for (char c = 'a'; c <= 'z'; ++c) {
    REQUIRE(store.create(std::string(1, c)).ok());
    REQUIRE(store.write(std::string(1, c), 0, std::string(1, c)).ok());
  }
  for (char c = 'a'; c <= 'z'; ++c) CHECK(*store.read(std::string(1, c)) == std::string(1, c));
}

TEST_CASE("errors name the file, the operation and the reason") {
  const TempDir dir;
  FileStore store = open_store(dir);
  REQUIRE(store.create("f").ok());
  const auto again = store.create("f");
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().code == ErrorCode::kInternal);
  CHECK_THAT(again.error().message, Catch::Contains("create") && Catch::Contains("/data/f") &&
                                        Catch::Contains("File exists"));
  const auto missing = store.write("g", 0, "x");
  REQUIRE_FALSE(missing.ok());
  CHECK_THAT(missing.error().message,
             Catch::Contains("/data/g") && Catch::Contains("No such file"));
}

TEST_CASE("a directory that cannot be made or opened is an error of the environment") {
  const TempDir dir;
  const auto deep = FileStore::open(dir.path() + "/no/such");
  REQUIRE_FALSE(deep.ok());
  CHECK(deep.error().code == ErrorCode::kEnvironment);
  CHECK_THAT(deep.error().message, Catch::Contains(dir.path() + "/no/such"));
  std::ofstream(dir.path() + "/file") << "x";
  const auto file = FileStore::open(dir.path() + "/file");
  REQUIRE_FALSE(file.ok());
  CHECK(file.error().code == ErrorCode::kEnvironment);
}

TEST_CASE("a directory has one owner at a time") {
  const TempDir dir;
  std::optional<FileStore> first(open_store(dir));
  const auto second = FileStore::open(dir.path() + "/data");
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == ErrorCode::kEnvironment);
  CHECK_THAT(second.error().message, Catch::Contains("in use"));
  first.reset();
  CHECK(FileStore::open(dir.path() + "/data").ok());
}

TEST_CASE("a file size limit comes back as no space, not as a signal") {
  const TempDir dir;
  const int status = in_child([&dir] {
    auto store = FileStore::open(dir.path() + "/data");
    if (!store || !store->create("f")) return 10;
    const rlimit limit{.rlim_cur = 4096, .rlim_max = 4096};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 11;
    if (!store->write("f", 0, std::string(4096, 'x'))) return 12;
    const auto over = store->write("f", 4096, "y");
    if (over.ok()) return 13;
    if (over.error().code != ErrorCode::kNoSpace) return 14;
    if (over.error().message.find("/data/f") == std::string::npos) return 15;
    // What was within the limit stays readable.
    return store->read("f")->size() == 4096 ? 0 : 16;
  });
  CHECK(status == 0);
}

}  // namespace ww::host
