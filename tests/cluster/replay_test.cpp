// replay as its users meet it: journals of real nodes, exact runs, rates.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/program.hpp"

namespace {

using ww::test::Finished;
using ww::test::Program;
using ww::test::run_program;
using ww::test::slurp;
using ww::test::TemporaryFolder;
namespace fs = std::filesystem;

Finished replay(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {WW_CONTROLLER, "replay"});
  return run_program(arguments);
}

bool says(const Finished& run, const std::string& text) {
  return run.out.find(text) != std::string::npos || run.err.find(text) != std::string::npos;
}

/// A copy of the latest run of a store, as another machine would get it.
std::string copy_of_latest(const std::string& store, const std::string& target) {
  fs::copy(fs::canonical(store + "/latest"), target, fs::copy_options::recursive);
  fs::remove_all(store);
  return target;
}

}  // namespace

TEST_CASE("each node of a live run with kills is executed again from its journal alone") {
  const TemporaryFolder store;
  const TemporaryFolder elsewhere;
  const Finished run =
      run_program({WW_CONTROLLER, "run", "--store", store.path() + "/s", "--nodes", "3", "--seed",
                   "3", "--faults", "kill,partition", "--time-limit", "8s", "--nemesis-interval",
                   "500ms-1s", "-r", "300"});
  INFO(run.out << run.err);
  REQUIRE(run.status <= 2);
  const std::string copy = copy_of_latest(store.path() + "/s", elsewhere.path() + "/run");
  std::size_t segments = 0;
  for (const char* node : {"n1", "n2", "n3"}) {
    const Finished again = replay({copy, "--node", node});
    INFO(node << "\n" << again.out << again.err);
    REQUIRE(again.status == 0);
    CHECK(says(again, "every recorded effect is the same"));
    CHECK(says(again, "1.0 is the first step held"));
    for (const auto& entry : fs::directory_iterator(copy + "/nodes/" + node + "/journal")) {
      static_cast<void>(entry);
      ++segments;
    }
  }
  // A segment for every start: some nodes were killed.
  CHECK(segments > 3);

  const Finished shown = replay({copy, "--node", "n1", "--at", "1.20", "--step", "--count", "2"});
  INFO(shown.out << shown.err);
  CHECK(shown.status == 0);
  for (const char* text : {"step 1.20 at", "step 1.21 at", "before\n", "effects\n", "after (* ",
                           "current_term", "durability.stable_index", R"({"in":")"}) {
    INFO(text);
    CHECK(says(shown, text));
  }
  CHECK_FALSE(says(shown, "step 1.22 at"));
  const Finished found = replay({copy, "--node", "n1", "--find", R"("ev":"boot")"});
  INFO(found.out << found.err);
  CHECK(says(found, "1.0  "));

  CHECK(replay({copy, "--node", "n1", "--at", "99.1"}).status == 64);
  const Finished stranger = replay({copy, "--node", "n9"});
  CHECK(stranger.status == 64);
  CHECK(says(stranger, "there are journals of: n1, n2, n3"));

  const std::string segment = copy + "/nodes/n2/journal/journal-0000000001.seg";
  std::string bytes = slurp(segment);
  bytes[bytes.size() / 2] ^= 4;
  { std::ofstream(segment, std::ios::binary) << bytes; }
  const Finished damaged = replay({copy, "--node", "n2"});
  INFO(damaged.out << damaged.err);
  CHECK(damaged.status == 64);
  CHECK(says(damaged, "journal-0000000001.seg: byte "));
}

TEST_CASE("a simulated run is replayed exactly, in both worlds, and a forged one is told") {
  const TemporaryFolder store;
  const Finished run =
      run_program({WW_CONTROLLER, "run", "--world", "simulated", "--store", store.path(), "--seed",
                   "5", "--nodes", "3", "--time-limit", "5s", "-r", "200"});
  INFO(run.out << run.err);
  REQUIRE(run.status <= 2);
  const std::string directory = store.path() + "/latest";
  const Finished same = replay({directory});
  INFO(same.out << same.err);
  CHECK(same.status == run.status);
  CHECK(says(same, "replay   the same run: "));
  const Finished stepped = replay({directory, "--world", "stepped"});
  INFO(stepped.out << stepped.err);
  CHECK(stepped.status == run.status);
  CHECK(says(stepped, "replay   the same run: "));

  std::string print = slurp(directory + "/fingerprint.json");
  const std::size_t hash = print.find("\"hash\": \"") + 9;
  print[hash] = print[hash] == '0' ? '1' : '0';
  { std::ofstream(directory + "/fingerprint.json") << print; }
  const Finished forged = replay({directory});
  INFO(forged.out << forged.err);
  CHECK(forged.status == 70);
  CHECK(says(forged, "NOT the same run"));

  const Finished slow = replay({directory, "--slow", "10"});
  CHECK(slow.status == 64);
}

TEST_CASE("a seed is run twice and compared") {
  const Finished twice = replay({"--seed", "9", "--nodes", "3", "--time-limit", "4s", "-r", "100"});
  INFO(twice.out << twice.err);
  CHECK(twice.status <= 2);
  CHECK(says(twice, "replay   the same run: "));
}

TEST_CASE("a live run is repeated from its plan, and the rate is told with its interval") {
  const TemporaryFolder store;
  const Finished run =
      run_program({WW_CONTROLLER, "run", "--store", store.path(), "--nodes", "3", "--seed", "5",
                   "--faults", "none", "--time-limit", "2s", "-r", "200"});
  INFO(run.out << run.err);
  REQUIRE(run.status == 0);
  const std::string directory = fs::canonical(store.path() + "/latest").string();
  const Finished again =
      replay({directory, "--times", "2", "--store", store.path() + "/again", "--slow", "2"});
  INFO(again.out << again.err);
  // A busy machine may make a run vacuous; then that run is a failure, and is kept.
  std::size_t kept = 0;
  for (const auto& entry : fs::directory_iterator(store.path() + "/again/register")) {
    CHECK(says(again, "kept in " + entry.path().string()));
    ++kept;
  }
  CHECK(says(again, "rate     " + std::to_string(kept) + " of 2, 95 % interval "));
  CHECK((again.status == 0) == (kept == 0));
  CHECK(again.status <= 3);
}
