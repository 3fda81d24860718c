// The same seed gives the same bytes: in every environment, and in every build.
//
// The fingerprints of a few seeds are in tests/fingerprints/. A build by another compiler or at
// another optimisation level must come to the same ones, and so must this one under other
// environments, address layouts and contents of fresh memory. A change of behaviour changes them:
// WW_REWRITE=1 rewrites the file, and the change is committed only when it is understood.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "tests/support/program.hpp"

namespace {

using ww::test::Finished;
using ww::test::Program;
using ww::test::run_program;
using ww::test::slurp;
using ww::test::TemporaryFolder;

constexpr const char* kGolden = "tests/fingerprints/simulated.txt";
const std::vector<std::string> kSeeds = {"1", "2", "3", "5", "8"};

/// The fingerprint that a run of `world` prints, launched with `prefix` before its command.
std::string fingerprint(const std::string& world, const std::string& seed,
                        const Program::Options& options = {},
                        const std::vector<std::string>& prefix = {}) {
  const TemporaryFolder store;
  std::vector<std::string> command = prefix;
  for (const char* word :
       {WW_CONTROLLER, "run", "--time-limit", "4s", "--nemesis-interval", "200ms-600ms", "--rate",
        "300", "--format", "json", "--quiet", "--keep", "none", "--world"}) {
    command.emplace_back(word);
  }
  command.insert(command.end(), {world, "--seed", seed, "--store", store.path()});
  if (seed == kSeeds.back()) command.insert(command.end(), {"--workload", "watch"});
  const Finished run = run_program(command, options);
  const std::string key = "\"fingerprint\": \"";
  const std::size_t begin = run.out.find(key);
  INFO(run.out << run.err);
  REQUIRE(begin != std::string::npos);
  const std::size_t end = run.out.find('"', begin + key.size());
  return run.out.substr(begin + key.size(), end - begin - key.size());
}

std::string all_fingerprints() {
  std::string text;
  for (const std::string& seed : kSeeds) {
    text += "seed " + seed + ": " + fingerprint("simulated", seed) + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("every build comes to the fingerprints on record") {
  const std::string actual = all_fingerprints();
  if (std::getenv("WW_REWRITE") != nullptr) std::ofstream(kGolden) << actual;
  INFO("WW_REWRITE=1 rewrites " << kGolden);
  CHECK(actual == slurp(kGolden));
}

TEST_CASE("environment, address layout and fresh memory leave a fingerprint as it is") {
  const std::string expected = fingerprint("simulated", "3");
  Program::Options options;
  SECTION("a large environment, another locale and time zone") {
    options.environment = {{"WW_PADDING", std::string(100'000, 'x')},
                           {"LC_ALL", "tr_TR.UTF-8"},
                           {"TZ", "Asia/Kathmandu"}};
    CHECK(fingerprint("simulated", "3", options) == expected);
  }
  SECTION("fresh and freed memory full of other bytes") {
    options.environment = {{"MALLOC_PERTURB_", "165"}};
    CHECK(fingerprint("simulated", "3", options) == expected);
  }
  SECTION("another allocator's layout") {
    options.environment = {{"MALLOC_ARENA_MAX", "1"}, {"MALLOC_MMAP_THRESHOLD_", "4096"}};
    CHECK(fingerprint("simulated", "3", options) == expected);
  }
  SECTION("without randomised addresses") {
    CHECK(fingerprint("simulated", "3", options, {"/usr/bin/setarch", "-R"}) == expected);
  }
  SECTION("from another folder") {
    const TemporaryFolder elsewhere;
    options.directory = elsewhere.path();
    CHECK(fingerprint("simulated", "3", options) == expected);
  }
}

TEST_CASE("processes with random addresses come to the fingerprints of the simulated world") {
  for (const std::string& seed : kSeeds) {
    INFO("seed " << seed);
    CHECK(fingerprint("stepped", seed) == fingerprint("simulated", seed));
  }
  Program::Options options;
  options.environment = {{"WW_PADDING", std::string(100'000, 'x')},
                         {"LC_ALL", "tr_TR.UTF-8"},
                         {"TZ", "Asia/Kathmandu"},
                         {"MALLOC_PERTURB_", "165"},
                         {"MALLOC_MMAP_THRESHOLD_", "4096"}};
  CHECK(fingerprint("stepped", "3", options) == fingerprint("simulated", "3"));
}
