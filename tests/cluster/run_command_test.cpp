// The command as its users meet it: its end, its errors, what it leaves behind.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/history.hpp"
#include "tests/support/program.hpp"

namespace {

using ww::test::eventually;
using ww::test::Finished;
using ww::test::Program;
using ww::test::run_program;
using ww::test::slurp;
using ww::test::TemporaryFolder;
namespace fs = std::filesystem;

std::size_t lines_of(const std::string& path) {
  const std::string text = slurp(path);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// The one run directory in a store, once it is there.
std::string run_directory(const std::string& store) {
  std::error_code ec;
  for (const auto& test : fs::directory_iterator(store, ec)) {
    if (test.is_symlink()) continue;
    for (const auto& run : fs::directory_iterator(test.path(), ec)) return run.path().string();
  }
  return {};
}

}  // namespace

TEST_CASE("a run without faults is valid and leaves every file that is promised") {
  const TemporaryFolder store;
  const Finished run = run_program({WW_CONTROLLER, "run", "--store", store.path(), "--faults",
                                    "none", "--time-limit", "3s", "--nodes", "3", "--seed", "5"});
  INFO(run.out << run.err);
  CHECK(run.status == 0);
  for (const char* name : {"test.json", "plan.json", "history.jsonl", "trace.jsonl", "results.json",
                           "report.html", "junit.xml", "nodes/n1/stderr.log"}) {
    INFO(name);
    CHECK(fs::exists(store.path() + "/latest/" + name));
  }
  CHECK(run.out.find("report.html") != std::string::npos);
  CHECK(run.out.find("./whitewater run --seed 5") != std::string::npos);
  const auto history = ww::read_history(store.path() + "/latest/history.jsonl");
  REQUIRE(history);
  CHECK(history->ops.size() > 100);
}

TEST_CASE("real processes tell those who watch of every change, also when they die in between") {
  const TemporaryFolder store;
  const Finished run = run_program({WW_CONTROLLER, "run", "--store", store.path(), "--workload",
                                    "watch", "--faults", "kill,partition", "--time-limit", "12s",
                                    "--nemesis-interval", "1s-2s", "--nodes", "3", "--seed", "5"});
  INFO(run.out << run.err);
  CHECK(run.status == 0);
  const auto history = ww::read_history(store.path() + "/latest/history.jsonl");
  REQUIRE(history);
  std::size_t told = 0;
  std::set<ww::NodeId> nodes;
  for (const ww::Op& op : history->ops) {
    if (op.f != ww::Func::kWatch || op.type != ww::OpType::kOk) continue;
    told += op.changes.size();
    nodes.insert(op.node);
  }
  CHECK(told > 50);
  CHECK(nodes.size() == 3);
  const Finished check =
      run_program({WW_CONTROLLER, "check", store.path() + "/latest/history.jsonl"});
  INFO(check.out << check.err);
  CHECK(check.status == 0);
  CHECK(check.out.find("watch") != std::string::npos);
}

TEST_CASE("after kill -9 of the controller no process is left and the directory is readable") {
  const TemporaryFolder store;
  Program run({WW_CONTROLLER, "run", "--store", store.path(), "--time-limit", "60s"});
  std::string directory;
  REQUIRE(eventually([&] {
    directory = run_directory(store.path());
    return !directory.empty() && lines_of(directory + "/history.jsonl") > 500;
  }));
  const std::string mark = "--parent-pid " + std::to_string(run.pid());
  CHECK_FALSE(ww::test::processes_with(mark).empty());
  run.signal(SIGKILL);
  CHECK(eventually([&] { return ww::test::processes_with(mark).empty(); }));
  const auto history = ww::read_history(directory + "/history.jsonl");
  REQUIRE(history);
  CHECK(history->ops.size() > 400);
  CHECK(fs::exists(directory + "/plan.json"));
  const Finished check = run_program({WW_CONTROLLER, "check", directory + "/history.jsonl"});
  INFO(check.out << check.err);
  CHECK(check.status == 0);
}

TEST_CASE("an interrupt heals, judges and reports") {
  const TemporaryFolder store;
  Program run({WW_CONTROLLER, "run", "--store", store.path(), "--time-limit", "120s"});
  REQUIRE(eventually([&] {
    const std::string directory = run_directory(store.path());
    return !directory.empty() && lines_of(directory + "/history.jsonl") > 500;
  }));
  run.signal(SIGINT);
  const Finished end = run.wait(std::chrono::seconds(90));
  INFO(end.out << end.err);
  CHECK(end.status == 130);
  CHECK(fs::exists(store.path() + "/latest/report.html"));
}

TEST_CASE("an interrupt ends a run in virtual time too, and its verdict says so") {
  for (const char* world : {"simulated", "stepped"}) {
    const TemporaryFolder store;
    // More virtual time than anyone waits for.
    Program run({WW_CONTROLLER, "run", "--world", world, "--store", store.path(), "--time-limit",
                 "1000h", "--max-events", "1000000000"});
    REQUIRE(eventually([&] {
      const std::string directory = run_directory(store.path());
      return !directory.empty() && lines_of(directory + "/history.jsonl") > 500;
    }));
    run.signal(world == std::string("stepped") ? SIGTERM : SIGINT);
    const Finished end = run.wait(std::chrono::seconds(90));
    INFO(end.out << end.err);
    CHECK(end.status == 130);
    CHECK(end.out.find("INTERRUPTED") != std::string::npos);
    CHECK(fs::exists(store.path() + "/latest/report.html"));
    CHECK_FALSE(fs::exists(store.path() + "/latest/fingerprint.json"));
  }
}

TEST_CASE("a taken address is an environment error that names it") {
  // The controller's own address, and one that a node wants.
  for (const auto& [host, port] : {std::pair{"127.201.17.250", 7000}, {"127.201.17.2", 7002}}) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    ::inet_pton(AF_INET, host, &address.sin_addr);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    REQUIRE(::listen(fd, 1) == 0);
    const TemporaryFolder store;
    const Finished run =
        run_program({WW_CONTROLLER, "run", "--store", store.path(), "--address", "127.201.17"});
    ::close(fd);
    INFO(run.out << run.err);
    CHECK(run.status == 69);
    const std::string name = std::string(host) + ":" + std::to_string(port);
    CHECK((run.out + run.err).find(name) != std::string::npos);
  }
}

TEST_CASE(
    "a file that cannot grow any more ends the run with a clear word and keeps what there is") {
  const TemporaryFolder store;
  Program::Options options;
  options.file_size_limit = 600'000;  // the trace reaches it within a second or two
  const Finished run = run_program(
      {WW_CONTROLLER, "run", "--store", store.path(), "--faults", "none", "--time-limit", "30s"},
      options);
  INFO(run.out << run.err);
  CHECK(run.status == 69);
  CHECK((run.out + run.err).find("cannot write") != std::string::npos);
  const std::string directory = run_directory(store.path());
  const auto history = ww::read_history(directory + "/history.jsonl");
  CHECK(history);
}

TEST_CASE("wrong flags, plans and histories exit 64 and say what is wrong") {
  const TemporaryFolder store;
  struct Case {
    std::vector<std::string> arguments;
    std::string expected;
  };
  const std::string broken = store.path() + "/broken.json";
  { std::ofstream(broken) << "{\"schema\": 1"; }
  const std::string mistyped = store.path() + "/mistyped.json";
  { std::ofstream(mistyped) << R"({"schema": 1, "v": "x"})"; }
  const Case cases[] = {
      {{"rum"}, "did you mean 'run'"},
      {{"run", "--faults", "partitoin"}, "did you mean 'partition'"},
      {{"run", "--bug", "locl-read"}, "did you mean 'local-read'"},
      {{"run", "--nodse", "3"}, "--nodes"},
      {{"run", "--nodes", "0"}, "--nodes"},
      {{"run", "--time-limit", "soon"}, "soon"},
      {{"run", "--plan", broken}, "broken.json"},
      {{"run", "--plan", mistyped}, "mistyped.json"},
      {{"run", "--plan", mistyped, "--bug", "local-read"}, "--bug cannot stand beside --plan"},
      {{"run", "--address", "10.0.0"}, "--address"},
      {{"check", broken}, "broken.json"},
      {{"check", store.path() + "/none.jsonl"}, "none.jsonl"},
      {{"report", store.path()}, "report.json"},
  };
  for (const Case& c : cases) {
    std::vector<std::string> arguments = {WW_CONTROLLER};
    arguments.insert(arguments.end(), c.arguments.begin(), c.arguments.end());
    const Finished run = run_program(arguments);
    INFO(c.arguments[0] << " " << (c.arguments.size() > 1 ? c.arguments[1] : "") << ": "
                        << run.err);
    CHECK(run.status >= 64);
    CHECK(run.status < 70);
    CHECK(run.err.find(c.expected) != std::string::npos);
    CHECK(run.out.empty());
  }
}
