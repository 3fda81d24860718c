// What no tripwire stops is not in the object code of the deterministic part of the node: no
// instruction that yields a random number or a time, and no call of what would tell the process
// something of its own. (structure_test looks at the includes.)
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/program.hpp"

namespace ww {
namespace {

const std::set<std::string, std::less<>> kInstructions = {"rdrand",  "rdseed",  "rdtsc", "rdtscp",
                                                          "rdpid",   "rdpru",   "rdpmc", "cpuid",
                                                          "syscall", "sysenter"};

/// Names of functions, or with a trailing star the beginnings of names.
constexpr std::string_view kSymbols[] = {
    // Random sources.
    "getauxval", "getrandom", "getentropy", "arc4random*", "rand", "random", "rand_r", "drand48",
    "std::random_device*",
    // Clocks.
    "clock_gettime", "gettimeofday", "time", "clock", "times", "std::chrono::_V2::*", "nanosleep",
    // Who and where the process is.
    "getpid", "getppid", "gettid", "getenv", "secure_getenv", "environ", "sched_getcpu", "getcpu",
    "uname", "gethostname", "setlocale",
    // Threads, files and the network: the host's affair.
    "pthread_create", "std::thread::*", "fork", "vfork", "stat", "fstat", "lstat", "fstatat",
    "open", "open64", "openat", "fopen", "fopen64", "opendir", "socket", "syscall"};

bool is_forbidden(std::string_view symbol) {
  for (std::string_view forbidden : kSymbols) {
    if (forbidden.back() == '*') {
      forbidden.remove_suffix(1);
      if (symbol.substr(0, forbidden.size()) == forbidden) return true;
    } else if (symbol == forbidden || symbol.substr(0, symbol.find('@')) == forbidden) {
      return true;
    }
  }
  return false;
}

std::set<std::string> symbols_wanted_by(const std::string& library) {
  const test::Finished nm = test::run_program({"/usr/bin/env", "nm", "-u", "-C", library});
  INFO(nm.err);
  REQUIRE(nm.status == 0);
  std::set<std::string> found;
  std::size_t lines = 0;
  std::istringstream text(nm.out);
  for (std::string line; std::getline(text, line);) {
    const std::size_t at = line.find(" U ");
    if (at == std::string::npos) continue;
    ++lines;
    if (is_forbidden(std::string_view(line).substr(at + 3))) found.insert(line.substr(at + 3));
  }
  REQUIRE(lines > 0);
  return found;
}

std::set<std::string> instructions_of(const std::string& library) {
  const test::Finished objdump =
      test::run_program({"/usr/bin/env", "objdump", "-d", "--no-show-raw-insn", library});
  INFO(objdump.err);
  REQUIRE(objdump.status == 0);
  std::set<std::string> found;
  std::size_t lines = 0;
  std::istringstream text(objdump.out);
  for (std::string line; std::getline(text, line);) {
    // "  4a:\trdrand %rax"
    const std::size_t tab = line.find(":\t");
    if (tab == std::string::npos) continue;
    ++lines;
    const std::string_view rest = std::string_view(line).substr(tab + 2);
    const std::string_view mnemonic = rest.substr(0, rest.find(' '));
    if (kInstructions.contains(mnemonic)) found.emplace(mnemonic);
  }
  REQUIRE(lines > 100);
  return found;
}

std::vector<std::string> pure_libraries() {
  std::vector<std::string> out;
  std::istringstream text(WW_PURE_LIBRARIES);
  for (std::string path; std::getline(text, path, ':');) out.push_back(path);
  return out;
}

}  // namespace

TEST_CASE("The deterministic part of the node calls nothing that the world does not know of") {
  const auto libraries = pure_libraries();
  REQUIRE(libraries.size() >= 6);
  for (const std::string& library : libraries) {
    INFO(library);
    CHECK(symbols_wanted_by(library) == std::set<std::string>{});
    CHECK(instructions_of(library) == std::set<std::string>{});
  }
}

TEST_CASE("Code that leaks is found") {
  const auto instructions = instructions_of(WW_LEAKING_LIBRARY);
  for (const char* name : {"rdrand", "rdseed", "rdpid", "rdtsc", "rdtscp"}) {
    INFO(name);
    CHECK(instructions.count(name) == 1);
  }
  const auto symbols = symbols_wanted_by(WW_LEAKING_LIBRARY);
  for (const char* name : {"getauxval", "sched_getcpu", "stat", "clock_gettime", "getpid"}) {
    INFO(name);
    CHECK(symbols.count(name) == 1);
  }
  CHECK(std::any_of(symbols.begin(), symbols.end(), [](const std::string& symbol) {
    return symbol.find("std::random_device") == 0;
  }));
}

}  // namespace ww
