#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/history.hpp"
#include "reports/files.hpp"
#include "reports/reports.hpp"
#include "tests/unit/report_samples.hpp"

using namespace ww;
using namespace ww::reports;

namespace {

/// A directory that goes when the test does.
class Scratch {
 public:
  Scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ww-reports-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::size_t files() const {
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(path_)) ++n;
    return n;
  }

 private:
  std::string path_;
};

void write_history(const std::string& path, const History& history) {
  Result<HistoryWriter> writer = HistoryWriter::create(path);
  REQUIRE(writer.ok());
  for (const Op& op : history) REQUIRE(writer->write(op).ok());
  REQUIRE(writer->flush().ok());
}

/// Runs `body` in a child that may write files of at most `bytes`; its result is the exit status.
template <class F>
int in_child_with_file_limit(rlim_t bytes, F body) {
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, bytes};
    setrlimit(RLIMIT_FSIZE, &limit);
    _exit(body());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

}  // namespace

TEST_CASE("a file is replaced whole, and leaves nothing beside it") {
  const Scratch scratch;
  const std::string path = scratch.file("results.json");
  REQUIRE(write_file_atomically(path, "one").ok());
  REQUIRE(write_file_atomically(path, "two").ok());
  CHECK(read_file(path).value() == "two");
  CHECK(scratch.files() == 1);
}

TEST_CASE("a full disk leaves the old file and names the new one") {
  const Scratch scratch;
  const std::string path = scratch.file("report.html");
  REQUIRE(write_file_atomically(path, "old").ok());
  const int status = in_child_with_file_limit(4096, [&] {
    const Result<void> written = write_file_atomically(path, std::string(100'000, 'x'));
    if (written.ok()) return 1;
    if (written.error().code != ErrorCode::kNoSpace) return 2;
    return written.error().message.find(path) == std::string::npos ? 3 : 0;
  });
  CHECK(status == 0);
  CHECK(read_file(path).value() == "old");
  CHECK(scratch.files() == 1);
}

TEST_CASE("write_all keeps what fits on a full disk and reports the first file that did not") {
  const Scratch scratch;
  const samples::Sample sample = samples::valid_run(2000);
  const int status = in_child_with_file_limit(40'000, [&] {
    const Result<void> written = write_all(sample.report, scratch.path());
    return !written.ok() && written.error().code == ErrorCode::kNoSpace ? 0 : 1;
  });
  CHECK(status == 0);
  CHECK(std::filesystem::exists(scratch.file("results.json")));
  CHECK(std::filesystem::exists(scratch.file("junit.xml")));
  CHECK_FALSE(std::filesystem::exists(scratch.file("report.html")));
}

TEST_CASE("errors name the file that cannot be written or read") {
  const Result<void> written = write_file_atomically("/nonexistent-dir/x.json", "x");
  REQUIRE_FALSE(written.ok());
  CHECK(written.error().code == ErrorCode::kIo);
  CHECK(written.error().message.find("/nonexistent-dir/x.json") != std::string::npos);
  const Result<LoadedRun> loaded = load("/nonexistent-dir");
  REQUIRE_FALSE(loaded.ok());
  CHECK(loaded.error().message.find("/nonexistent-dir/report.json") != std::string::npos);
}

TEST_CASE("a run that is written and loaded renders the same again") {
  for (const samples::Sample& sample :
       {samples::stale_read_run(300), samples::two_leaders_run(300), samples::unknown_run(300)}) {
    const Scratch scratch;
    REQUIRE(write_all(sample.report, scratch.path()).ok());
    write_history(scratch.file("history.jsonl"), sample.history);
    Result<LoadedRun> loaded = load(scratch.path());
    REQUIRE(loaded.ok());
    const LoadedRun moved = std::move(*loaded);
    CHECK_FALSE(moved.torn);
    CHECK(moved.history == sample.history);
    CHECK(report_json(moved.report) == report_json(sample.report));
    CHECK(report_html(moved.report) == report_html(sample.report));
    CHECK(results_json(moved.report) == results_json(sample.report));
    CHECK(junit_xml(moved.report) == junit_xml(sample.report));
  }
}

TEST_CASE("a report keeps its causality, and one that was written before there was any is read") {
  const Scratch scratch;
  samples::Sample sample = samples::stale_read_run(50);
  write_history(scratch.file("history.jsonl"), sample.history);
  Causality causality;
  causality.signature = "LIN: key #";
  causality.violation = 9'000'000'000;
  causality.points = {{1'000'000'000, 20, 3, 0.05, 0.36}, {8'000'000'000, 20, 20, 0.84, 1.0}};
  causality.doomed_from = 8'000'000'000;
  for (const std::optional<std::int64_t> open : {std::optional<std::int64_t>(), {1'000'000'000}}) {
    causality.open_until = open;
    sample.report.causality = causality;
    REQUIRE(write_file_atomically(scratch.file("report.json"), report_json(sample.report)).ok());
    const Result<LoadedRun> loaded = load(scratch.path());
    REQUIRE(loaded.ok());
    CHECK(loaded->report.causality == causality);
  }
  auto older = nlohmann::json::parse(report_json(sample.report));
  older.erase("causality");
  REQUIRE(write_file_atomically(scratch.file("report.json"), older.dump()).ok());
  const Result<LoadedRun> loaded = load(scratch.path());
  REQUIRE(loaded.ok());
  CHECK_FALSE(loaded->report.causality);
}

TEST_CASE("a damaged report.json is refused with the key that is wrong") {
  const Scratch scratch;
  const samples::Sample sample = samples::valid_run(10);
  write_history(scratch.file("history.jsonl"), sample.history);
  const auto original = nlohmann::json::parse(report_json(sample.report));
  const auto error_of = [&](const std::string& text) {
    REQUIRE(write_file_atomically(scratch.file("report.json"), text).ok());
    const Result<LoadedRun> loaded = load(scratch.path());
    REQUIRE_FALSE(loaded.ok());
    CHECK(loaded.error().code == ErrorCode::kCorrupt);
    return loaded.error().message;
  };
  const auto contains = [](const std::string& part) { return Catch::Matchers::Contains(part); };
  CHECK_THAT(error_of("{\"schema\":"), contains("report.json"));
  CHECK_THAT(error_of("[]"), contains("is not a report"));
  auto json = original;
  json["v"] = 99;
  CHECK_THAT(error_of(json.dump()), contains("schema version 99"));
  json = original;
  json.erase("cause");
  CHECK_THAT(error_of(json.dump()), contains("has no key \"cause\""));
  json = original;
  json["faults"][0]["planned-at"] = "soon";
  CHECK_THAT(error_of(json.dump()),
             contains("in \"faults\": in \"planned-at\": is not an integer"));
  json = original;
  json["roles"][0]["role"] = "king";
  CHECK_THAT(error_of(json.dump()), contains("knows no \"king\""));
}
