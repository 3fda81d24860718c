// Every leak kills, by the signal of the wall that it runs into; what a stepped node needs does
// not.
#include "nodes/host/tripwire.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <string>
#include <vector>

#include "nodes/host/file_store.hpp"
#include "tests/canary/leaks.hpp"
#include "tests/support/program.hpp"

namespace ww::host {
namespace {

constexpr int kNotArmed = 99;

struct Fate {
  int signal = 0;  // that killed it, or 0
  int status = 0;  // that it exited with
};

/// Runs `what` in a child that has armed its tripwire.
template <class What>
Fate in_a_child(const std::string& directory, What what) {
  const pid_t child = ::fork();
  if (child == 0) {
    // The test runner's own handlers would make system calls.
    for (const int number : {SIGSEGV, SIGABRT, SIGSYS}) std::signal(number, SIG_DFL);
    auto files = FileStore::open(directory);
    if (!files || !arm_tripwire(files->directory())) ::_exit(kNotArmed);
    ::_exit(what(*files));
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return {WIFSIGNALED(status) ? WTERMSIG(status) : 0, WIFEXITED(status) ? WEXITSTATUS(status) : 0};
}

/// Every operation of the store, with a file large enough for memory to be mapped and unmapped.
int use_files(FileStore& files) {
  const std::string bytes(3U << 20, 'x');
  bool ok = files.create("a").ok() && files.write("a", 0, bytes).ok();
  ok = ok && files.truncate("a", bytes.size() - 1).ok() && files.rename("a", "b").ok();
  ok = ok && files.create("c").ok() && files.unlink("c").ok();
  const auto names = files.list();
  ok = ok && names.ok() && *names == std::vector<std::string>{"b"};
  const auto read = files.read("b");
  return ok && read.ok() && read->size() == bytes.size() - 1 ? 0 : 1;
}

}  // namespace

TEST_CASE("Every leak kills a process behind the tripwire") {
  if (!has_tripwire()) {
    WARN("no tripwire in this build");
    return;
  }
  const test::TemporaryFolder folder;
  const bool without_rdtsc = can_forbid_rdtsc();
  if (!without_rdtsc) WARN("this machine cannot forbid rdtsc; purity_test searches for it");
  for (const canary::Leak& leak : canary::all_leaks()) {
    if (!without_rdtsc && std::string(leak.name).find("rdtsc") == 0) continue;
    const Fate fate = in_a_child(folder.path(), [&](FileStore&) {
      leak.spring();
      return 0;
    });
    INFO(leak.name << ": exit status " << fate.status);
    CHECK(fate.signal == leak.signal);
  }
}

TEST_CASE("Files and memory may be used behind the tripwire") {
  if (!has_tripwire()) return;
  const test::TemporaryFolder folder;
  const Fate fate = in_a_child(folder.path(), use_files);
  CHECK(fate.signal == 0);
  CHECK(fate.status == 0);
}

TEST_CASE("Files are opened through the data directory alone") {
  if (!has_tripwire()) return;
  const test::TemporaryFolder folder;
  const Fate fate = in_a_child(folder.path(), [](FileStore&) {
    auto other = FileStore::open(".");
    return other.ok() ? 0 : 1;
  });
  CHECK(fate.signal == SIGSYS);
}

TEST_CASE("A failed assertion still dies, after its message") {
  if (!has_tripwire()) return;
  const test::TemporaryFolder folder;
  const Fate fate = in_a_child(folder.path(), [](FileStore&) {
    WW_ASSERT(false, "said by a test");
    return 0;
  });
  CHECK(fate.signal == SIGSYS);
}

}  // namespace ww::host
