// Opens the page in headless Chromium: a script that throws or a page that never finishes fails
// here.

#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "reports/files.hpp"
#include "reports/reports.hpp"
#include "tests/unit/campaign_report_samples.hpp"
#include "tests/unit/report_samples.hpp"

using namespace ww;
using namespace ww::reports;

namespace {

/// The first Chromium on the path, or "".
std::string find_browser() {
  const char* path = std::getenv("PATH");
  std::string rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    for (const char* name : {"chromium", "chromium-browser", "google-chrome"}) {
      const std::string candidate = rest.substr(0, colon) + "/" + name;
      if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    }
    rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
  }
  return "";
}

/// The document after its scripts ran.
std::string dump_dom(const std::string& browser, const std::string& page, const std::string& dir) {
  const std::string command =
      "timeout 120 '" + browser + "' --headless --no-sandbox --disable-gpu --user-data-dir='" +
      dir + "/profile' --virtual-time-budget=5000 --dump-dom 'file://" + page + "' 2>/dev/null";
  std::FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string out;
  std::array<char, 1 << 16> buffer{};
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) {
    out.append(buffer.data(), n);
  }
  CHECK(::pclose(pipe) == 0);
  return out;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the page renders in a browser without an error, whatever the run") {
  const std::string browser = find_browser();
  if (browser.empty()) {
    std::cout << "SKIPPED: no chromium on the path\n";
    return;
  }
  std::string dir = (std::filesystem::temp_directory_path() / "ww-browser-XXXXXX").string();
  REQUIRE(mkdtemp(dir.data()) != nullptr);
  struct Row {
    const char* name;
    samples::Sample sample;
    std::size_t ops;
    const char* verdict;
  };
  std::vector<Row> rows;
  rows.push_back({"empty", samples::valid_run(0), 0, "valid"});
  rows.push_back({"one", samples::valid_run(1), 1, "valid"});
  rows.push_back({"many", samples::valid_run(100'000), 100'000, "valid"});
  rows.push_back({"stale", samples::stale_read_run(2'000), 2'003, "invalid"});
  rows.push_back({"leaders", samples::two_leaders_run(2'000), 2'000, "invalid"});
  rows.push_back({"unknown", samples::unknown_run(2'000), 2'000, "unknown"});
  rows.push_back({"hostile", samples::hostile_run(), 203, "&lt;/script&gt;"});
  for (const Row& row : rows) {
    INFO(row.name);
    const std::string page = dir + "/" + row.name + ".html";
    REQUIRE(write_file_atomically(page, report_html(row.sample.report)).ok());
    const std::string dom = dump_dom(browser, page, dir);
    // The script sets the one when it is done and the other when anything threw.
    CHECK(has(dom, "data-rendered=\"" + std::to_string(row.ops) + "\""));
    CHECK_FALSE(has(dom.substr(0, dom.find("<head")), "data-error"));
    CHECK(has(dom, std::string("<span id=\"verdict\">") + row.verdict));
  }
  const std::string page = dir + "/campaign.html";
  REQUIRE(write_file_atomically(page, campaign_html(samples::campaign())).ok());
  const std::string dom = dump_dom(browser, page, dir);
  // A button for each command: of the campaign, and of its signatures.
  CHECK(has(dom, "data-rendered=\"9\""));
  CHECK_FALSE(has(dom.substr(0, dom.find("<head")), "data-error"));
  std::filesystem::remove_all(dir);
}
