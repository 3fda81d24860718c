// Shrinking as its users meet it: the built program, in the simulated world.
#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/program.hpp"

namespace {

using ww::test::Finished;
using ww::test::run_program;
using ww::test::slurp;
using ww::test::TemporaryFolder;
namespace fs = std::filesystem;

Finished whitewater(std::vector<std::string> words) {
  words.insert(words.begin(), WW_CONTROLLER);
  return run_program(words);
}

/// A run that fails at once, whatever it is fed.
Finished failing_run(const std::string& store, const std::string& flag) {
  return whitewater({"run", "--world", "simulated", "--bug", "ack-before-fsync", "--time-limit",
                     "5s", "--seed", "3", "--store", store, flag});
}

std::size_t runs_in(const std::string& store) {
  std::size_t runs = 0;
  for (const auto& entry : fs::directory_iterator(store + "/register")) {
    if (!entry.is_symlink() && fs::exists(entry.path() / "report.html")) ++runs;
  }
  return runs;
}

}  // namespace

TEST_CASE("a failing run is shrunk by default, and its command shows the failure again") {
  const TemporaryFolder store;
  const Finished run = failing_run(store.path(), "--color=never");
  INFO(run.out << run.err);
  CHECK(run.status == 1);
  const std::string mark = "./whitewater run --plan ";
  const std::size_t at = run.out.find(mark);
  REQUIRE(at != std::string::npos);
  const std::size_t begin = at + mark.size();
  const std::string plan = run.out.substr(begin, run.out.find('\n', begin) - begin);
  CHECK(run.out.find("Shrunk: AckTruth") != std::string::npos);
  CHECK(runs_in(store.path()) == 2);

  const Finished again = whitewater({"run", "--plan", plan, "--store", store.path()});
  INFO(again.out << again.err);
  CHECK(again.status == 1);
  CHECK(again.out.find("acknowledged the log") != std::string::npos);
  // A plan is what somebody wrote down: it is left as it is.
  CHECK(again.out.find("Shrunk") == std::string::npos);
}

TEST_CASE("shrink takes a run's directory, and tells machines what it did") {
  const TemporaryFolder store;
  const Finished run = failing_run(store.path(), "--no-shrink");
  CHECK(run.status == 1);
  CHECK(run.out.find("Shrunk") == std::string::npos);
  REQUIRE(runs_in(store.path()) == 1);

  const Finished shrunk = whitewater({"shrink", store.path() + "/latest-failure", "--format",
                                      "json", "--store", store.path(), "-q"});
  INFO(shrunk.out << shrunk.err);
  CHECK(shrunk.status == 1);
  const auto json = nlohmann::json::parse(shrunk.out);
  CHECK(json.at("signature").get<std::string>().rfind("AckTruth", 0) == 0);
  CHECK(json.at("finished") == true);
  CHECK(json.at("before").at("ops") > 100);
  CHECK(json.at("after").at("ops") == 0);
  CHECK(json.at("after").at("faults") == 0);
  CHECK(fs::exists(json.at("directory").get<std::string>() + "/shrunk.txt"));
  CHECK(runs_in(store.path()) == 2);
}

TEST_CASE("what does not fail, or cannot be shrunk, is refused and named") {
  const TemporaryFolder store;
  const Finished run = whitewater({"run", "--world", "simulated", "--faults", "none",
                                   "--time-limit", "2s", "--store", store.path(), "-q"});
  INFO(run.out << run.err);
  CHECK(run.status == 0);
  const Finished valid = whitewater({"shrink", store.path() + "/latest", "--store", store.path()});
  CHECK(valid.status == 64);
  CHECK(valid.err.find("does not fail") != std::string::npos);

  const Finished missing = whitewater({"shrink", store.path() + "/nowhere"});
  CHECK(missing.status != 0);
  CHECK(missing.err.find("nowhere") != std::string::npos);

  const Finished plan = whitewater(
      {"shrink", store.path() + "/latest/plan.json", "--causality", "--store", store.path()});
  CHECK(plan.status == 64);
  CHECK(plan.err.find("--causality") != std::string::npos);
}
