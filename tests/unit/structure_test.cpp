// The rules of the tree that a compiler does not know, as a test: who may include whom (the include
// star of the design), what may not stand in a header, and what would make a run irreproducible.
//
// Each rule is a function of one file's path and text, so that the tests can also show it text that
// breaks it: a rule that never fires would be no rule.

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace ww {
namespace {

using Complaints = std::vector<std::string>;

constexpr std::size_t kMaxColumns = 100;
constexpr std::size_t kMaxLines = 700;
constexpr std::array<std::string_view, 9> kFolders = {
    "base", "nodes", "workloads", "faults", "checkers", "reports", "controller", "tests", "bench"};

struct File {
  std::string path;  // from the root of the tree: "base/op.hpp"
  std::string text;
  std::string code;  // the text with comments and literals blanked out, line by line as long
};

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

std::string folder_of(std::string_view path) {
  return std::string(path.substr(0, path.find('/')));
}

bool is_header(std::string_view path) {
  return std::filesystem::path(path).extension() == ".hpp";
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

/// The end of the comment or literal that begins at `at`, or `at` when none does.
std::size_t end_of_opaque(std::string_view text, std::size_t at) {
  const auto end_at = [&](std::string_view close, std::size_t from) {
    const std::size_t found = text.find(close, from);
    return found == std::string_view::npos ? text.size() : found + close.size();
  };
  const std::string_view rest = text.substr(at);
  if (starts_with(rest, "//")) return std::min(text.find('\n', at), text.size());
  if (starts_with(rest, "/*")) return end_at("*/", at + 2);
  if (starts_with(rest, "R\"")) {
    const std::size_t open = text.find('(', at);
    if (open == std::string_view::npos) return text.size();
    const std::string close = ")" + std::string(text.substr(at + 2, open - at - 2)) + "\"";
    return end_at(close, open);
  }
  // A quote between digits separates thousands.
  const bool separator =
      text[at] == '\'' && at > 0 && std::isxdigit(static_cast<unsigned char>(text[at - 1])) != 0;
  if ((text[at] != '"' && text[at] != '\'') || separator) return at;
  for (std::size_t i = at + 1; i < text.size() && text[i] != '\n'; ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == text[at]) {
      return i + 1;
    }
  }
  return at + 1;
}

std::string without_comments_and_literals(std::string_view text) {
  std::string out(text);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = end_of_opaque(text, at);
    for (std::size_t i = at; i < end; ++i) {
      if (out[i] != '\n') out[i] = ' ';
    }
    at = std::max(end, at + 1);
  }
  return out;
}

File file_of(std::string path, std::string text) {
  File file{std::move(path), std::move(text), {}};
  file.code = without_comments_and_literals(file.text);
  return file;
}

struct Include {
  std::size_t line = 0;
  bool ours = false;  // "quoted"
  std::string path;
};

std::vector<Include> includes_of(const File& file) {
  std::vector<Include> out;
  const auto lines = lines_of(file.text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (!starts_with(lines[i], "#include ")) continue;
    const std::size_t open = lines[i].find_first_of("\"<");
    const std::size_t close = lines[i].find_last_of("\">");
    if (open == std::string_view::npos || close <= open) continue;
    out.push_back(
        {i + 1, lines[i][open] == '"', std::string(lines[i].substr(open + 1, close - open - 1))});
  }
  return out;
}

void complain(Complaints& out, const File& file, std::size_t line, const std::string& what) {
  out.push_back(file.path + ":" + std::to_string(line) + ": " + what);
}

/// base knows nobody; the five arms know base; the controller knows all of them; tests know all.
void check_star(const File& file, Complaints& out) {
  const std::string from = folder_of(file.path);
  if (from == "tests" || from == "bench") return;
  for (const Include& include : includes_of(file)) {
    if (!include.ours) continue;
    const std::string to = folder_of(include.path);
    const bool known = std::find(kFolders.begin(), kFolders.end(), to) != kFolders.end();
    if (!known) {
      complain(out, file, include.line,
               "include \"" + include.path + "\" from the root of the tree");
    } else if (to == "tests" || to == "bench" ||
               (to != "base" && to != from && from != "controller")) {
      complain(out, file, include.line, from + "/ may not include " + include.path);
    }
  }
}

/// Boost, JSON and the option parser cost seconds per translation unit that sees them.
void check_heavy_headers(const File& file, Complaints& out) {
  if (!is_header(file.path)) return;
  for (const Include& include : includes_of(file)) {
    for (const std::string_view heavy : {"boost/", "nlohmann/", "CLI/"}) {
      if (starts_with(include.path, heavy)) {
        complain(out, file, include.line, "<" + include.path + "> stays out of headers");
      }
    }
  }
}

/// Only the processes of the live world, and who measures them, may ask what time it is.
void check_clock_header(const File& file, Complaints& out) {
  for (const std::string_view allowed :
       {"base/net/", "nodes/host/", "controller/", "tests/", "bench/"}) {
    if (starts_with(file.path, allowed)) return;
  }
  for (const Include& include : includes_of(file)) {
    if (include.path == "base/real_time.hpp") {
      complain(out, file, include.line, "no clock here: time comes in as an argument");
    }
  }
}

/// The part of the node that runs in every world: what it does follows from its inputs.
bool is_deterministic(std::string_view path) {
  for (const std::string_view pure :
       {"nodes/raft/", "nodes/kv/", "nodes/storage/", "nodes/bugs/", "nodes/host/driver.",
        "nodes/host/clock.", "nodes/host/step_machine."}) {
    if (starts_with(path, pure)) return true;
  }
  return false;
}

/// What a deterministic part may not even see the declarations of: clocks, threads, random sources,
/// the system. (What the object code uses is purity_test's to tell.)
void check_pure_includes(const File& file, Complaints& out) {
  if (!is_deterministic(file.path)) return;
  static constexpr std::array<std::string_view, 19> kForbidden = {"atomic",
                                                                  "condition_variable",
                                                                  "ctime",
                                                                  "filesystem",
                                                                  "fstream",
                                                                  "future",
                                                                  "locale",
                                                                  "mutex",
                                                                  "random",
                                                                  "semaphore",
                                                                  "thread",
                                                                  "time.h",
                                                                  "pthread.h",
                                                                  "sched.h",
                                                                  "sys/",
                                                                  "linux/",
                                                                  "unistd.h",
                                                                  "fcntl.h",
                                                                  "base/real_time.hpp"};
  for (const Include& include : includes_of(file)) {
    const bool folder_or_name =
        std::any_of(kForbidden.begin(), kForbidden.end(), [&](std::string_view forbidden) {
          return forbidden.back() == '/' ? starts_with(include.path, forbidden)
                                         : include.path == forbidden;
        });
    if (folder_or_name || include.path.find("intrin.h") != std::string::npos) {
      complain(out, file, include.line, "<" + include.path + "> in code that is deterministic");
    }
  }
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// Finds `token` where it begins a word; one that begins with an underscore may also end a word.
std::size_t find_token(std::string_view code, std::string_view token) {
  for (std::size_t at = code.find(token); at != std::string_view::npos;
       at = code.find(token, at + 1)) {
    if (token.front() == '_' || at == 0 || !is_word(code[at - 1])) return at;
  }
  return std::string_view::npos;
}

struct Banned {
  std::string_view token;
  std::string_view reason;
};

void check_tokens(const File& file, Complaints& out) {
  static constexpr std::array kBanned = {
      Banned{"_distribution", "its results differ between standard libraries; use ww::Rng"},
      Banned{"rand()", "randomness is keyed: use ww::keyed"},
      Banned{"random_device", "randomness is keyed: use ww::keyed"},
      Banned{"mt19937", "randomness is keyed: use ww::keyed"},
      Banned{"_clock::now", "only base/real_time.hpp asks a clock"},
      Banned{"clock_gettime", "only base/real_time.hpp asks a clock"},
      Banned{"gettimeofday", "only base/real_time.hpp asks a clock"},
      Banned{"time(nullptr)", "only base/real_time.hpp asks a clock"},
      Banned{"setlocale", "output does not depend on the user's locale"},
      Banned{"std::async", "threads are owned by the processes' hosts"},
  };
  // The canaries do what is forbidden, to be caught.
  if (file.path == "base/real_time.hpp" || starts_with(file.path, "tests/canary/")) return;
  const auto lines = lines_of(file.code);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (const Banned& banned : kBanned) {
      if (find_token(lines[i], banned.token) == std::string_view::npos) continue;
      complain(out, file, i + 1, std::string(banned.token) + ": " + std::string(banned.reason));
    }
    if (starts_with(file.path, "tests/") && lines[i].find("sleep_") != std::string_view::npos) {
      complain(out, file, i + 1, "a test waits for an event, never for time");
    }
    if (is_header(file.path) && starts_with(lines[i], "using namespace")) {
      complain(out, file, i + 1, "a header opens no namespace for others");
    }
  }
}

std::size_t columns(std::string_view line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;  // UTF-8 continuations take no column
  }));
}

void check_layout(const File& file, Complaints& out) {
  const auto lines = lines_of(file.text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (columns(lines[i]) > kMaxColumns) complain(out, file, i + 1, "a line over 100 columns");
    if (lines[i].find('\t') != std::string_view::npos) complain(out, file, i + 1, "a tab");
    if (!lines[i].empty() && (lines[i].back() == ' ' || lines[i].back() == '\r')) {
      complain(out, file, i + 1, "white space at the end of the line");
    }
  }
  if (lines.size() > kMaxLines) {
    complain(out, file, lines.size(), "a file over " + std::to_string(kMaxLines) + " lines");
  }
  if (file.text.empty() || file.text.back() != '\n') {
    complain(out, file, lines.size(), "no newline at the end of the file");
  }
  if (is_header(file.path) && file.code.find("#pragma once") == std::string::npos) {
    complain(out, file, 1, "a header without #pragma once");
  }
}

void check_all(const File& file, Complaints& out) {
  check_star(file, out);
  check_heavy_headers(file, out);
  check_clock_header(file, out);
  check_pure_includes(file, out);
  check_tokens(file, out);
  check_layout(file, out);
}

std::vector<File> files_of_the_tree() {
  std::vector<File> out;
  for (const std::string_view folder : kFolders) {
    if (!std::filesystem::exists(folder)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
      const std::filesystem::path& path = entry.path();
      if (path.extension() != ".hpp" && path.extension() != ".cpp") continue;
      std::ostringstream text;
      text << std::ifstream(path, std::ios::binary).rdbuf();
      out.push_back(file_of(path.generic_string(), text.str()));
    }
  }
  std::sort(out.begin(), out.end(), [](const File& a, const File& b) { return a.path < b.path; });
  return out;
}

std::string joined(const Complaints& complaints) {
  std::string out;
  for (const std::string& complaint : complaints) out += complaint + "\n";
  return out;
}

TEST_CASE("The tree keeps to the include star and to its style") {
  const std::vector<File> files = files_of_the_tree();
  // Run from elsewhere, the test would find nothing and be content.
  REQUIRE(files.size() > 50);
  Complaints complaints;
  for (const File& file : files) check_all(file, complaints);
  INFO(joined(complaints));
  CHECK(complaints.empty());
}

TEST_CASE("Each folder of the tree is one that the rules know") {
  for (const auto& entry : std::filesystem::directory_iterator(".")) {
    if (!entry.is_directory() || !std::filesystem::exists(entry.path() / "CMakeLists.txt"))
      continue;
    const std::string name = entry.path().filename().string();
    INFO(name << "/ has sources that no rule covers");
    CHECK((name == "build" || std::find(kFolders.begin(), kFolders.end(), name) != kFolders.end()));
  }
}

TEST_CASE("An include that breaks the star is found, and one that keeps it is not") {
  struct Row {
    const char* from;
    const char* include;
    bool allowed;
  };
  const Row rows[] = {
      {"base/a.hpp", "base/b.hpp", true},
      {"base/a.hpp", "nodes/raft/replica.hpp", false},
      {"nodes/raft/a.cpp", "nodes/kv/b.hpp", true},
      {"nodes/raft/a.cpp", "base/op.hpp", true},
      {"nodes/host/a.cpp", "controller/b.hpp", false},
      {"workloads/a.cpp", "nodes/bugs/bugs.hpp", false},
      {"faults/a.cpp", "nodes/storage/log.hpp", false},
      {"checkers/a.cpp", "workloads/engine.hpp", false},
      {"checkers/invariants/a.cpp", "nodes/storage/log.hpp", false},
      {"reports/a.cpp", "checkers/registry.hpp", false},
      {"controller/a.cpp", "checkers/registry.hpp", true},
      {"controller/a.cpp", "nodes/raft/replica.hpp", true},
      {"controller/a.cpp", "tests/unit/test_seed.hpp", false},
      {"tests/unit/a.cpp", "nodes/raft/replica.hpp", true},
      {"workloads/a.cpp", "engine.hpp", false},
  };
  for (const Row& row : rows) {
    Complaints out;
    check_star(file_of(row.from, "#include \"" + std::string(row.include) + "\"\n"), out);
    INFO(row.from << " includes " << row.include);
    CHECK(out.empty() == row.allowed);
  }
}

TEST_CASE("Clocks, threads and the system are kept out of the deterministic part of the node") {
  const auto complaints_about = [](const std::string& path, const std::string& include) {
    Complaints out;
    check_pure_includes(file_of(path, "#include <" + include + ">\n"), out);
    return out.size();
  };
  CHECK(complaints_about("nodes/raft/a.cpp", "random") == 1);
  CHECK(complaints_about("nodes/kv/a.hpp", "thread") == 1);
  CHECK(complaints_about("nodes/storage/a.cpp", "sys/stat.h") == 1);
  CHECK(complaints_about("nodes/host/driver.cpp", "x86intrin.h") == 1);
  CHECK(complaints_about("nodes/host/step_machine.hpp", "unistd.h") == 1);
  CHECK(complaints_about("nodes/host/file_store.cpp", "unistd.h") == 0);
  CHECK(complaints_about("nodes/raft/a.cpp", "string") == 0);
}

TEST_CASE("Each rule of the style finds what it forbids, and nothing in comments and literals") {
  const auto complaints_about = [](const std::string& path, const std::string& text) {
    Complaints out;
    check_all(file_of(path, text), out);
    return out.size();
  };
  const std::string once = "#pragma once\n";
  CHECK(complaints_about("base/a.hpp", once) == 0);
  CHECK(complaints_about("base/a.hpp", "int x;\n") == 1);
  CHECK(complaints_about("base/a.hpp", once + "#include <nlohmann/json.hpp>\n") == 1);
  CHECK(complaints_about("base/a.cpp", "#include <nlohmann/json.hpp>\n") == 0);
  CHECK(complaints_about("reports/a.hpp", once + "#include <boost/asio.hpp>\n") == 1);
  CHECK(complaints_about("base/a.hpp", once + "using namespace std;\n") == 1);
  CHECK(complaints_about("workloads/a.cpp", "#include \"base/real_time.hpp\"\n") == 1);
  CHECK(complaints_about("nodes/host/a.cpp", "#include \"base/real_time.hpp\"\n") == 0);
  CHECK(complaints_about("base/a.cpp", "std::uniform_int_distribution<int> d;\n") == 1);
  CHECK(complaints_about("base/a.cpp", "int x = rand();\n") == 1);
  CHECK(complaints_about("base/a.cpp", "int x = grand();\n") == 0);
  CHECK(complaints_about("base/a.cpp", "auto t = std::chrono::steady_clock::now();\n") == 1);
  CHECK(complaints_about("base/real_time.hpp", once + "clock_gettime(0, &t);\n") == 0);
  CHECK(complaints_about("faults/a.cpp", "clock_gettime(0, &t);\n") == 1);
  CHECK(complaints_about("tests/unit/a.cpp", "std::this_thread::sleep_for(x);\n") == 1);
  CHECK(complaints_about("base/a.cpp", "// rand() is not used\nauto s = \"rand()\";\n") == 0);
  CHECK(complaints_about("base/a.cpp", "int n = 1'000; int m = rand(); // '\n") == 1);
  CHECK(complaints_about("base/a.cpp", "auto s = R\"(rand() \")\"; rand();\n") == 1);
  CHECK(complaints_about("base/a.cpp", std::string(100, 'x') + "\n") == 0);
  CHECK(complaints_about("base/a.cpp", std::string(101, 'x') + "\n") == 1);
  CHECK(complaints_about("base/a.cpp", "int x; \n") == 1);
  CHECK(complaints_about("base/a.cpp", "\tint x;\n") == 1);
  CHECK(complaints_about("base/a.cpp", "int x;") == 1);
  std::string tall;
  for (std::size_t i = 0; i <= kMaxLines; ++i) tall += "\n";
  CHECK(complaints_about("base/a.cpp", tall) == 1);
}

}  // namespace
}  // namespace ww
