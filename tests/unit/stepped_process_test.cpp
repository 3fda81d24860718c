// The controller's side of a stepped process, against programs of one line: how each end is told.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <string>

#include "base/wire/frame.hpp"
#include "controller/worlds/stepped/process.hpp"
#include "tests/support/program.hpp"

namespace ww::stepped {
namespace {

class Shell {
 public:
  /// Runs a line of shell; its end of the socket is descriptor 3.
  explicit Shell(const std::string& line, Duration patience = seconds(30)) {
    auto process = Process::spawn({.executable = "/bin/sh",
                                   .arguments = {"-c", line},
                                   .stderr_file = folder_.path() + "/stderr.log",
                                   .patience = patience});
    REQUIRE(process);
    process_.emplace(std::move(*process));
  }
  Result<std::string_view> exchange() {
    std::string frame;
    wire::append_frame(frame, "event");
    return process_->exchange(frame);
  }
  Error failure() {
    const auto answer = exchange();
    REQUIRE_FALSE(answer);
    return answer.error();
  }

 private:
  test::TemporaryFolder folder_;
  std::optional<Process> process_;
};

// Takes the nine bytes of the event, then goes on.
const std::string kTake = "head -c 9 <&3 >/dev/null; ";

}  // namespace

TEST_CASE("An answer is a whole frame, however it is cut") {
  Shell shell(kTake + "printf '\\003\\000' >&3; printf '\\000\\000ye' >&3; printf s >&3; read x");
  const auto answer = shell.exchange();
  REQUIRE(answer);
  CHECK(*answer == "yes");
}

TEST_CASE("A process sees the socket and the standard streams, and nothing else of ours") {
  Shell shell(kTake + "for fd in 4 5 6 7 8 9; do (: <&$fd) 2>/dev/null && exit 7; done; " +
              "printf '\\002\\000\\000\\000ok' >&3; read x <&3");
  const auto answer = shell.exchange();
  REQUIRE(answer);
  CHECK(*answer == "ok");
}

TEST_CASE("What interrupts the controller's group does not end a process") {
  Shell shell(kTake + "kill -INT $$; kill -TERM $$; " +
              "printf '\\002\\000\\000\\000ok' >&3; read x <&3");
  const auto answer = shell.exchange();
  REQUIRE(answer);
  CHECK(*answer == "ok");
}

TEST_CASE("How a process ended is told, with its last words") {
  CHECK(Shell("exit 3").failure().message ==
        "the process ended without an answer; it exited with status 3");
  CHECK(Shell(kTake + "echo early >&2; echo late; kill -ABRT $$").failure().message ==
        "the process ended without an answer; it was killed by signal 6 (SIGABRT); its last words: "
        "early\nlate");
  const Error silent = Shell("sleep 600", milliseconds(20)).failure();
  CHECK(silent.code == ErrorCode::kIo);
  CHECK(silent.message ==
        "the process gave no answer within 20ms; it was killed by signal 9 (SIGKILL)");
}

TEST_CASE("What is no answer is told") {
  const Error huge = Shell(kTake + "printf '\\377\\377\\377\\377' >&3; read x <&3").failure();
  CHECK(huge.code == ErrorCode::kCorrupt);
  CHECK_THAT(huge.message, Catch::Contains("announced a frame of 4294967295 bytes"));
  const Error more = Shell(kTake + "printf '\\001\\000\\000\\000ab' >&3; read x <&3").failure();
  CHECK(more.code == ErrorCode::kCorrupt);
  CHECK_THAT(more.message, Catch::Contains("said more than one frame"));
}

TEST_CASE("An executable that cannot be started is the environment's fault") {
  const test::TemporaryFolder folder;
  const auto process = Process::spawn(
      {.executable = "/nowhere", .arguments = {}, .stderr_file = folder.path() + "/stderr.log"});
#if defined(__SANITIZE_THREAD__)
  WARN("ThreadSanitizer's posix_spawn does not tell that there is nothing to execute");
  return;
#endif
  REQUIRE_FALSE(process);
  CHECK(process.error().code == ErrorCode::kEnvironment);
  CHECK(process.error().message == "cannot start /nowhere: No such file or directory");
}

TEST_CASE("A process dies with its object") {
  const std::string name = "whitewater-marker-" + std::to_string(::getpid());
  {
    Shell shell(": " + name + "; " + kTake + "printf '\\000\\000\\000\\000' >&3; read x <&3");
    REQUIRE(shell.exchange());
    CHECK(test::processes_with(name).size() == 1);
  }
  CHECK(test::processes_with(name).empty());
}

}  // namespace ww::stepped
