// What no tripwire stops is not in the object code of the deterministic part of the node: no
// instruction that yields a random number or a time, and no call of what would tell the process
// something of its own. (structure_test looks at the includes.)
#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
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

/// What was found in the object code of a library, and how much was looked at.
struct Search {
  std::set<std::string> found;
  std::size_t lines = 0;
};

Search symbols_wanted_by(const std::string& library) {
  Search out;
  const test::Finished nm = test::run_program({"/usr/bin/env", "nm", "-u", "-C", library});
  INFO(nm.err);
  REQUIRE(nm.status == 0);
  std::istringstream text(nm.out);
  bool history = false;
  for (std::string line; std::getline(text, line);) {
    // The controller's history files are in base, and are not the node's.
    if (line.find(".o:") != std::string::npos) history = line.find("history.cpp.o:") == 0;
    if (history) continue;
    const std::size_t at = line.find(" U ");
    if (at == std::string::npos) continue;
    ++out.lines;
    if (is_forbidden(std::string_view(line).substr(at + 3))) out.found.insert(line.substr(at + 3));
  }
  return out;
}

Search instructions_of(const std::string& library) {
  Search out;
  const test::Finished objdump =
      test::run_program({"/usr/bin/env", "objdump", "-d", "--no-show-raw-insn", library});
  INFO(objdump.err);
  REQUIRE(objdump.status == 0);
  std::istringstream text(objdump.out);
  for (std::string line; std::getline(text, line);) {
    // "  4a:\trdrand %rax"
    const std::size_t tab = line.find(":\t");
    if (tab == std::string::npos) continue;
    ++out.lines;
    const std::string_view rest = std::string_view(line).substr(tab + 2);
    const std::string_view mnemonic = rest.substr(0, rest.find(' '));
    if (kInstructions.contains(mnemonic)) out.found.emplace(mnemonic);
  }
  return out;
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
  Search symbols;
  Search instructions;
  for (const std::string& library : libraries) {
    INFO(library);
    for (auto [search, total] : {std::pair{symbols_wanted_by(library), &symbols},
                                 std::pair{instructions_of(library), &instructions}}) {
      CHECK(search.found == std::set<std::string>{});
      total->lines += search.lines;
    }
  }
  // Else another format of the tools' output would make everything look clean.
  CHECK(symbols.lines > 200);
  CHECK(instructions.lines > 10'000);
}

TEST_CASE("Code that leaks is found") {
  const std::set<std::string> instructions = instructions_of(WW_LEAKING_LIBRARY).found;
  for (const char* name : {"rdrand", "rdseed", "rdpid", "rdtsc", "rdtscp"}) {
    INFO(name);
    CHECK(instructions.count(name) == 1);
  }
  const std::set<std::string> symbols = symbols_wanted_by(WW_LEAKING_LIBRARY).found;
  for (const char* name : {"getauxval", "sched_getcpu", "stat", "clock_gettime", "getpid"}) {
    INFO(name);
    CHECK(symbols.count(name) == 1);
  }
  CHECK(std::any_of(symbols.begin(), symbols.end(), [](const std::string& symbol) {
    return symbol.find("std::random_device") == 0;
  }));
}

}  // namespace ww
