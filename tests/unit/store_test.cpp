#include "controller/run/store.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/program.hpp"

using namespace ww;
using namespace ww::run;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kRunBytes = 10'000;

/// A run directory that ended with this "valid", or still goes on when it is empty.
RunDirectory stored(const std::string& store, std::uint64_t seed, const std::string& valid) {
  auto run = make_run_directory(store, "register", seed);
  REQUIRE(run);
  std::ofstream(run->file("history.jsonl")) << std::string(kRunBytes, 'x');
  if (!valid.empty()) {
    std::ofstream(run->file("results.json")) << "{\n  \"valid\": " << valid << "\n}\n";
  }
  return *run;
}

}  // namespace

TEST_CASE("pruning takes valid runs first, and never one that is wanted or still under way") {
  const test::TemporaryFolder store;
  const RunDirectory failed = stored(store.path(), 1, "false");
  const RunDirectory valid = stored(store.path(), 2, "true");
  const RunDirectory going_on = stored(store.path(), 3, "");
  const RunDirectory present = stored(store.path(), 4, "true");
  CHECK(prune_store(store.path(), 10 * kRunBytes, present.path) == 0);
  CHECK(prune_store(store.path(), 2 * kRunBytes + kRunBytes / 2, present.path) == 1);
  CHECK_FALSE(fs::exists(valid.path));
  CHECK(fs::exists(failed.path));
  CHECK(prune_store(store.path(), 1, present.path) == 1);
  CHECK_FALSE(fs::exists(failed.path));
  CHECK(fs::exists(going_on.path));
  CHECK(fs::exists(present.path));
}

TEST_CASE("the links name the latest run, and the latest that failed") {
  const test::TemporaryFolder store;
  const RunDirectory failed = stored(store.path(), 1, "false");
  const RunDirectory valid = stored(store.path(), 2, "true");
  REQUIRE(link_latest(failed, true));
  REQUIRE(link_latest(valid, false));
  CHECK(fs::equivalent(store.path() + "/latest", valid.path));
  CHECK(fs::equivalent(store.path() + "/latest-failure", failed.path));
}

TEST_CASE("two runs of one second and seed do not share a directory") {
  const test::TemporaryFolder store;
  CHECK(stored(store.path(), 7, "true").path != stored(store.path(), 7, "true").path);
}
