#include "controller/run/temporary_folder.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>

#include "tests/support/program.hpp"

namespace ww::run {
namespace {

namespace fs = std::filesystem;

TEST_CASE("a temporary folder goes with its object") {
  const test::TemporaryFolder base;
  std::string path;
  {
    auto made = TemporaryFolder::make(base.path());
    REQUIRE(made);
    const TemporaryFolder folder = std::move(*made);
    path = folder.path();
    fs::create_directories(path + "/n1/data");
    CHECK(fs::exists(path));
  }
  CHECK_FALSE(fs::exists(path));
  const auto nowhere = TemporaryFolder::make(base.path() + "/nowhere");
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().code == ErrorCode::kEnvironment);
}

TEST_CASE("what a killed owner left is swept, and what belongs to the living stays") {
  const test::TemporaryFolder base;
  auto alive = TemporaryFolder::make(base.path());
  REQUIRE(alive);
  fs::create_directories(base.path() + "/whitewater-unlocked");
  fs::create_directories(base.path() + "/other");
  const pid_t child = ::fork();
  if (child == 0) {
    auto left = TemporaryFolder::make(base.path());
    if (left) fs::create_directories(left->path() + "/n1/data");
    ::kill(::getpid(), SIGKILL);
  }
  REQUIRE(child > 0);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  const auto entries = [&] {
    return std::distance(fs::directory_iterator(base.path()), fs::directory_iterator());
  };
  CHECK(entries() == 4);
  CHECK(sweep_temporary_folders(base.path()) == 1);
  CHECK(entries() == 3);
  CHECK(fs::exists(alive->path()));
  CHECK(sweep_temporary_folders(base.path()) == 0);
  CHECK(sweep_temporary_folders(base.path() + "/nowhere") == 0);
}

}  // namespace
}  // namespace ww::run
