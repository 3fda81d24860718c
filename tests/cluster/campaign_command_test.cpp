// Campaigns as their users meet them: the built program, the simulated world, files and statuses.
#include <signal.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/support/program.hpp"

namespace {

using ww::test::eventually;
using ww::test::Finished;
using ww::test::Program;
using ww::test::run_program;
using ww::test::slurp;
using ww::test::TemporaryFolder;
namespace fs = std::filesystem;

using Words = std::vector<std::string>;

Finished campaign(const Words& words) {
  Words arguments = {WW_CONTROLLER, "campaign"};
  arguments.insert(arguments.end(), words.begin(), words.end());
  return run_program(arguments);
}

/// The one campaign of a store, once it has a file of that name.
std::string directory_with(const std::string& store, const std::string& file) {
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(store + "/campaign", ec)) {
    if (fs::exists(entry.path() / file)) return entry.path().string();
  }
  return {};
}

/// The lines of the seeds in a campaign.json: all that depends on nothing but them.
std::string seeds_of(const std::string& directory) {
  const std::string text = slurp(directory + "/campaign.json");
  const std::size_t at = text.find("\"seeds\": [\n");
  return at == std::string::npos ? "" : text.substr(at);
}

std::string after(const std::string& text, const std::string& mark) {
  const std::size_t at = text.find(mark);
  if (at == std::string::npos) return {};
  return text.substr(at + mark.size(), text.find('\n', at) - at - mark.size());
}

/// Short and busy, so that twenty seeds take seconds.
const Words kShort = {"--time-limit", "4s", "--nemesis-interval", "200ms-500ms", "-r", "400"};

Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace

TEST_CASE("a campaign finds a planted bug, keeps the fastest run, and its command shows it again") {
  const TemporaryFolder store;
  const Finished end =
      campaign(with(kShort, {"--seeds", "20", "-j", "2", "--bug", "ack-before-fsync", "-o",
                             store.path(), "--junit", store.path() + "/copy.xml"}));
  INFO(end.out << end.err);
  CHECK(end.status == 1);
  const std::string directory = directory_with(store.path(), "index.html");
  REQUIRE_FALSE(directory.empty());
  CHECK(after(end.out, "report   ") == directory + "/index.html");
  CHECK(slurp(store.path() + "/copy.xml") == slurp(directory + "/junit.xml"));
  CHECK(slurp(directory + "/junit.xml").find("<failure ") != std::string::npos);
  std::string plan;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (fs::exists(entry.path() / "report.html")) plan = (entry.path() / "plan.json").string();
  }
  REQUIRE_FALSE(plan.empty());
  CHECK(end.out.find("./whitewater run --plan " + directory) != std::string::npos);
  const Finished again =
      run_program({WW_CONTROLLER, "run", "--plan", plan, "--store", store.path()});
  INFO(again.out << again.err);
  CHECK(again.status == 1);
  // The worker's last words are of no use any more.
  CHECK_FALSE(fs::exists(directory + "/worker-1.stderr"));
}

TEST_CASE("shards merge to the same bytes in any order, and one that is missing is told") {
  const TemporaryFolder store;
  Words parts;
  for (const char* shard : {"1/3", "2/3", "3/3"}) {
    parts.push_back(store.path() + "/" + std::string(1, shard[0]));
    const Finished end = campaign(
        with(kShort, {"--seeds", "9", "--shard", shard, "-j", "2", "-o", parts.back(), "-q"}));
    INFO(end.out << end.err);
    CHECK((end.status == 0 || end.status == 2));
    parts.back() = directory_with(parts.back(), "campaign.json");
  }
  const auto merge = [&](const Words& which, const std::string& output) {
    return run_program(with({WW_CONTROLLER, "merge", "-o", store.path() + "/" + output}, which));
  };
  const Finished forth = merge(parts, "forth");
  INFO(forth.out << forth.err);
  const Finished back = merge({parts[2], parts[0], parts[1], parts[0]}, "back");
  CHECK(forth.status == back.status);
  for (const char* file : {"/campaign.json", "/junit.xml"}) {
    CHECK(slurp(store.path() + "/forth" + file) == slurp(store.path() + "/back" + file));
  }
  const Finished whole =
      campaign(with(kShort, {"--seeds", "9", "-j", "1", "-o", store.path() + "/w", "-q"}));
  CHECK(whole.status == forth.status);
  CHECK(seeds_of(directory_with(store.path() + "/w", "campaign.json")) ==
        seeds_of(store.path() + "/forth"));

  const Finished partial = merge({parts[0], parts[2]}, "partial");
  CHECK(partial.status == 2);
  CHECK(partial.out.find("shard 2/3 of seeds 1 to 9 is missing") != std::string::npos);
  CHECK(slurp(store.path() + "/partial/junit.xml").find("<error ") != std::string::npos);

  const Finished other =
      campaign(with(kShort, {"--seeds", "2", "-n", "3", "-o", store.path() + "/o", "-q"}));
  CHECK(other.err.empty());
  const Finished refused =
      merge({parts[0], directory_with(store.path() + "/o", "campaign.json")}, "refused");
  CHECK(refused.status == 64);
  CHECK(refused.err.find("--nodes 3") != std::string::npos);
}

TEST_CASE("an interrupted campaign says so, is resumed, and ends as one that ran through") {
  const TemporaryFolder store;
  const Words words = with(kShort, {"--seeds", "150", "-j", "2", "-q"});
  Program first(with({WW_CONTROLLER, "campaign", "-o", store.path() + "/a"}, words));
  REQUIRE(
      eventually([&] { return !directory_with(store.path() + "/a", "worker-2.stderr").empty(); }));
  first.signal(SIGINT);
  const Finished end = first.wait(std::chrono::seconds(120));
  INFO(end.out << end.err);
  CHECK(end.status == 75);
  const std::string directory = directory_with(store.path() + "/a", "campaign.json");
  CHECK(end.out.find("--resume " + directory) != std::string::npos);
  const std::size_t before = seeds_of(directory).size();

  const Finished refused = campaign({"--resume", directory, "--nodes", "3"});
  CHECK(refused.status == 64);
  CHECK(refused.err.find("--nodes cannot stand beside --resume") != std::string::npos);

  const Finished resumed = campaign({"--resume", directory, "-q"});
  INFO(resumed.out << resumed.err);
  const Finished through = campaign(with(words, {"-o", store.path() + "/b"}));
  CHECK(resumed.status == through.status);
  CHECK(seeds_of(directory).size() > before);
  CHECK(seeds_of(directory) == seeds_of(directory_with(store.path() + "/b", "campaign.json")));
}

TEST_CASE("after kill -9 of a campaign no worker is left") {
  const TemporaryFolder store;
  Program run(with({WW_CONTROLLER, "campaign", "--seeds", "100000", "-j", "2", "-o", store.path()},
                   kShort));
  REQUIRE(eventually([&] { return !directory_with(store.path(), "worker-2.stderr").empty(); }));
  // A worker is a fork: its command line is that of the campaign.
  CHECK(eventually([&] { return ww::test::processes_with(store.path()).size() >= 3; }));
  run.signal(SIGKILL);
  // The killed one is a zombie, without a command line, until it is waited for.
  CHECK(eventually([&] { return ww::test::processes_with(store.path()).empty(); }));
  // However early it came, there is something to go on with.
  const std::string directory = directory_with(store.path(), "campaign.json");
  REQUIRE_FALSE(directory.empty());
  Program resumed({WW_CONTROLLER, "campaign", "--resume", directory, "-q"});
  REQUIRE(eventually([&] { return ww::test::processes_with(directory).size() >= 3; }));
  resumed.signal(SIGINT);
  const Finished end = resumed.wait(std::chrono::seconds(60));
  INFO(end.out << end.err);
  CHECK((end.status == 75 || end.status == 1));
}

TEST_CASE("what cannot be meant is refused with 64 and says why") {
  const TemporaryFolder store;
  struct Row {
    Words words;
    std::string complaint;
  };
  const Row rows[] = {
      {{"--shard", "4/3"}, "'4/3' is not a shard"},
      {{"--seeds", "0"}, "--seeds must be"},
      {{"--seeds", "5", "--for", "1m"}, "--for"},
      {{"--world", "live"}, "a world that repeats a seed exactly"},
      {{"--concurrency", "4n"}, "--nodes"},
      {{"--bug", "locl-read"}, "did you mean 'local-read'"},
      {{"--resume", store.path()}, "--store cannot stand beside --resume"},
      {{"--resume", ""}, "--resume"},
      {{"--corpus", store.path() + "/none"}, "none"},
      {{"--known", store.path() + "/none"}, "none"},
  };
  for (const Row& row : rows) {
    const Finished end = campaign(with(row.words, {"--store", store.path()}));
    INFO(row.complaint << ": " << end.err);
    CHECK(end.status >= 64);
    CHECK(end.status < 70);
    CHECK(end.err.find(row.complaint) != std::string::npos);
  }
  CHECK(fs::is_empty(store.path()));
  const Finished merge = run_program({WW_CONTROLLER, "merge", store.path() + "/none.json"});
  CHECK(merge.status == 69);
  CHECK(merge.err.find("none.json") != std::string::npos);
}
