// Golden transcripts of the replica. With WW_REWRITE=1 in the environment the files are rewritten
// to what comes out now; a change is committed only when it is understood.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/unit/raft_transcript.hpp"

namespace ww::raft::testing {

namespace {

std::string contents_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("the replica does what its transcripts say") {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator("tests/transcripts/raft")) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  REQUIRE(files.size() >= 10);
  const bool rewrite = std::getenv("WW_REWRITE") != nullptr;
  for (const auto& file : files) {
    const std::string expected = contents_of(file);
    const std::string actual = replay(expected);
    INFO(file.string() << "; WW_REWRITE=1 rewrites it");
    CHECK(actual.find("error:") == std::string::npos);
    if (rewrite) {
      std::ofstream(file, std::ios::binary) << actual;
    } else {
      CHECK(actual == expected);
    }
  }
}

}  // namespace ww::raft::testing
