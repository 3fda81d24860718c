// The benchmark as its users meet it: what it writes and how it ends, never how fast it was.
#include <signal.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/support/program.hpp"

namespace {

using ww::test::eventually;
using ww::test::Finished;
using ww::test::Program;
using ww::test::run_program;
using ww::test::slurp;
using ww::test::TemporaryFolder;
namespace fs = std::filesystem;

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// The one result in a store.
std::string result_in(const std::string& store) {
  for (const auto& run : fs::directory_iterator(store + "/bench")) return run.path().string();
  return {};
}

/// A quick benchmark.
std::vector<std::string> bench(const std::string& store, std::vector<std::string> more,
                               const std::string& duration = "300ms") {
  std::vector<std::string> out = {WW_CONTROLLER, "bench",  "--store",   store,   "--blocks",  "1",
                                  "--duration",  duration, "--warm-up", "100ms", "--clients", "8"};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

}  // namespace

TEST_CASE("a benchmark writes its three files, prints ratio and noise, and leaves nothing behind") {
  const TemporaryFolder store;
  const Finished run =
      run_program(bench(store.path(), {"--vary", "batching=on,off", "--fail-if", "ratio<0"}));
  INFO(run.out << run.err);
  REQUIRE(run.status == 0);
  const std::string result = result_in(store.path());
  for (const char* const name : {"bench.json", "bench.csv", "bench.html"}) {
    INFO(name);
    CHECK(fs::file_size(result + "/" + name) > 0);
  }
  // The nodes' files are gone.
  CHECK(std::distance(fs::directory_iterator(result), fs::directory_iterator{}) == 3);
  CHECK(contains(run.out, "batching=on / batching=off: "));
  CHECK(contains(run.out, "noise floor (A/A): "));
  CHECK(contains(run.out, "\none alone "));
  CHECK(contains(run.out, "\n3 at once "));
  CHECK(contains(run.out, "\nin the nodes: median "));
  CHECK(contains(run.out, "not ratio<0"));
  CHECK(contains(run.out, "./whitewater bench --vary batching=on,off"));
  CHECK(std::ranges::count(slurp(result + "/bench.csv"), '\n') == 4);
  CHECK(contains(slurp(result + "/bench.html"), "batching=off"));

  // The same against itself is no regression.
  const std::string file = result + "/bench.json";
  const Finished same = run_program({WW_CONTROLLER, "compare", result, file});
  INFO(same.out << same.err);
  CHECK(same.status == 0);
  CHECK(contains(same.out, "not slower"));
}

TEST_CASE("a condition that holds exits 5, in the text and in the files") {
  const TemporaryFolder store;
  const Finished run = run_program(
      bench(store.path(), {"--read-share", "50", "--nodes", "1", "--fail-if", "throughput>0"}));
  INFO(run.out << run.err);
  CHECK(run.status == 5);
  CHECK(contains(run.out, "FAILS if throughput>0"));
  CHECK(contains(slurp(result_in(store.path()) + "/bench.json"), "\"exit\": 5"));
}

TEST_CASE("slower than the baseline exits 5") {
  const TemporaryFolder store;
  const Finished first = run_program(bench(store.path(), {"--nodes", "1"}));
  REQUIRE(first.status == 0);
  // A past that was a hundred times as fast.
  const std::string file = result_in(store.path()) + "/bench.json";
  std::string text = slurp(file);
  const std::string key = "\"throughput\": ";
  for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + 1)) {
    const std::size_t number = at + key.size();
    if (text[number] != '{') text.insert(text.find('.', number), "00");
  }
  const std::string past = store.path() + "/past.json";
  FILE* const out = std::fopen(past.c_str(), "w");
  REQUIRE(out != nullptr);
  std::fwrite(text.data(), 1, text.size(), out);
  std::fclose(out);
  const Finished compared = run_program({WW_CONTROLLER, "compare", past, file});
  INFO(compared.out << compared.err);
  CHECK(compared.status == 5);
  CHECK(contains(compared.out, "slower than the baseline: as given"));
  CHECK(run_program({WW_CONTROLLER, "compare", file, past}).status == 0);
  const TemporaryFolder other;
  const Finished run = run_program(bench(other.path(), {"--nodes", "1", "--baseline", past}));
  INFO(run.out << run.err);
  CHECK(run.status == 5);
}

TEST_CASE("tracing, journal, checks, an open loop and a floor all run") {
  const TemporaryFolder store;
  const Finished run = run_program(
      bench(store.path(), {"--checks", "on", "--journal", "on", "--rate", "300", "--fsync-floor",
                           "2ms", "--pipelining", "off", "--format", "json"}));
  INFO(run.out << run.err);
  REQUIRE(run.status == 0);
  CHECK(contains(run.out, "\"open_loop\": true"));
  CHECK(contains(run.out, "\"fsync-floor\": \"2ms\""));
}

namespace {

/// A quick benchmark during faults. How fast the machine is must not matter: the recovery phase is
/// long enough for an election, and nothing below speaks of a time.
std::vector<std::string> faulty(const std::string& store, std::vector<std::string> more) {
  auto out = bench(store, {"--recovery", "6s", "--format", "json"}, "1s");
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

/// The values of a key in JSON text, in order.
std::vector<std::string> values_of(const std::string& json, const std::string& key) {
  std::vector<std::string> out;
  const std::string quoted = "\"" + key + "\": ";
  for (std::size_t at = json.find(quoted); at != std::string::npos;
       at = json.find(quoted, at + 1)) {
    const std::size_t from = at + quoted.size();
    out.push_back(json.substr(from, json.find_first_of(",\n", from) - from));
  }
  return out;
}

}  // namespace

TEST_CASE("a killed leader is replaced, served without, and started again") {
  const TemporaryFolder store;
  const Finished run = run_program(faulty(
      store.path(), {"--during-faults", "kill", "--checks", "on", "--fail-if", "unavailable>1h"}));
  INFO(run.out << run.err);
  REQUIRE(run.status == 0);
  const auto hit = values_of(run.out, "node");
  const auto led = values_of(run.out, "leader");
  const auto term = values_of(run.out, "term");
  const auto then = values_of(run.out, "term_at_end");
  REQUIRE(hit.size() == 2);  // a round and its A/A
  CHECK(hit == led);
  for (std::size_t i = 0; i < hit.size(); ++i) CHECK(std::stoull(then[i]) > std::stoull(term[i]));
  for (const std::string& ns : values_of(run.out, "unavailable_ns")) CHECK(std::stoull(ns) > 0);
  for (const std::string& ns : values_of(run.out, "serving_after_ns")) CHECK(std::stoull(ns) > 0);
  CHECK(contains(slurp(result_in(store.path()) + "/bench.html"), "<rect class=\"faulty\""));
}

TEST_CASE("a paused leader is seen stopped and goes on, in an open loop with reads by lease") {
  const TemporaryFolder store;
  const Finished run =
      run_program(faulty(store.path(), {"--during-faults", "pause", "--rate", "500", "--read-share",
                                        "50", "--reads", "lease", "--attempt-timeout", "300ms"}));
  INFO(run.out << run.err);
  REQUIRE(run.status == 0);
  const auto hit = values_of(run.out, "node");
  REQUIRE(hit.size() == 2);
  CHECK(hit == values_of(run.out, "leader"));
  for (const std::string& ns : values_of(run.out, "seen_after_ns")) CHECK(std::stoull(ns) > 0);
  for (const std::string& ns : values_of(run.out, "unavailable_ns")) CHECK(std::stoull(ns) > 0);
}

TEST_CASE("a follower that is killed does not lead") {
  const TemporaryFolder store;
  const Finished run = run_program(
      faulty(store.path(), {"--during-faults", "kill-follower", "--fault-duration", "300ms"}));
  INFO(run.out << run.err);
  REQUIRE(run.status == 0);
  const auto hit = values_of(run.out, "node");
  const auto led = values_of(run.out, "leader");
  REQUIRE(hit.size() == 2);
  for (std::size_t i = 0; i < hit.size(); ++i) CHECK(hit[i] != led[i]);
}

TEST_CASE("an interrupt while a node is stopped leaves none behind") {
  const TemporaryFolder store;
  Program run(bench(store.path(), {"--during-faults", "pause", "--fault-duration", "60s"}, "1s"));
  const std::string mark = "--parent-pid " + std::to_string(run.pid());
  REQUIRE(eventually([&] {
    const auto all = ww::test::processes_with(mark);
    return std::any_of(all.begin(), all.end(), [](int pid) {
      return contains(slurp("/proc/" + std::to_string(pid) + "/status"), "T (stopped)");
    });
  }));
  run.signal(SIGINT);
  const Finished end = run.wait(std::chrono::seconds(60));
  INFO(end.out << end.err);
  CHECK(end.status == 130);
  CHECK(ww::test::processes_with(mark).empty());
}

TEST_CASE("an interrupt ends the nodes and the results") {
  const TemporaryFolder store;
  Program run({WW_CONTROLLER, "bench", "--store", store.path(), "--duration", "60s"});
  const std::string mark = "--parent-pid " + std::to_string(run.pid());
  REQUIRE(eventually([&] { return ww::test::processes_with(mark).size() == 3; }));
  run.signal(SIGINT);
  const Finished end = run.wait(std::chrono::seconds(60));
  INFO(end.out << end.err);
  CHECK(end.status == 130);
  CHECK(ww::test::processes_with(mark).empty());
  CHECK(fs::is_empty(store.path() + "/bench"));
}

TEST_CASE("what cannot be measured is refused with a reason") {
  const TemporaryFolder store;
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"bench", "--vary", "batchin=on,off"}, "did you mean 'batching'"},
      {{"bench", "--clients", "none"}, "--clients"},
      {{"bench", "--fail-if", "ratio"}, "ratio<10"},
      {{"bench", "--duration", "1ms"}, "--duration"},
      {{"bench", "--during-faults", "partition"}, "bypasses the proxies"},
      {{"bench", "--baseline", store.path() + "/none.json"}, "none.json"},
      {{"compare", store.path(), store.path()}, "bench.json"},
      {{"bench", "--data", "/proc/none"}, "/proc/none"},
  };
  for (const auto& [arguments, expected] : cases) {
    std::vector<std::string> all = {WW_CONTROLLER};
    all.insert(all.end(), arguments.begin(), arguments.end());
    if (arguments.front() == "bench") all.insert(all.end(), {"--store", store.path()});
    const Finished run = run_program(all);
    INFO(arguments.back() << ": " << run.err);
    CHECK(run.status >= 64);
    CHECK(run.status < 70);
    CHECK(contains(run.err, expected));
  }
}
