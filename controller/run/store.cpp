#include "controller/run/store.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <filesystem>
#include <tuple>
#include <vector>

#include "base/real_time.hpp"
#include "reports/files.hpp"

namespace ww::run {

namespace fs = std::filesystem;

namespace {

std::string utc_text(const char* format) {
  const std::time_t now = realtime_ns() / 1'000'000'000;
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 64> buffer{};
  std::strftime(buffer.data(), buffer.size(), format, &parts);
  return buffer.data();
}

Error io_error(const std::string& path, const std::error_code& ec) {
  return Error{ec == std::errc::no_space_on_device ? ErrorCode::kNoSpace : ErrorCode::kIo, true,
               path + ": " + ec.message()};
}

struct StoredRun {
  bool valid = false;
  fs::file_time_type time;
  std::uint64_t bytes = 0;
  fs::path path;
};

/// Folders in a folder, links apart; whatever cannot be read is passed over.
std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code ec;
  fs::directory_iterator it(folder, ec);
  for (; !ec && it != fs::directory_iterator(); it.increment(ec)) {
    std::error_code gone;
    if (!it->is_symlink(gone) && it->is_directory(gone)) out.push_back(it->path());
  }
  return out;
}

std::uint64_t bytes_in(const fs::path& folder) {
  std::uint64_t bytes = 0;
  std::error_code ec;
  fs::recursive_directory_iterator it(folder, ec);
  for (; !ec && it != fs::recursive_directory_iterator(); it.increment(ec)) {
    std::error_code gone;
    if (it->is_regular_file(gone)) bytes += it->file_size(gone);
  }
  return bytes;
}

/// Finished runs: one without results may be another controller's, still under way.
std::vector<StoredRun> stored_runs(const std::string& store) {
  std::vector<StoredRun> out;
  for (const fs::path& test : folders_in(store)) {
    for (const fs::path& run : folders_in(test)) {
      const auto results = reports::read_file((run / "results.json").string());
      if (!results) continue;
      StoredRun stored;
      stored.path = run;
      std::error_code ec;
      stored.time = fs::last_write_time(run, ec);
      stored.bytes = bytes_in(run);
      stored.valid = results->find("\n  \"valid\": true") != std::string::npos;
      out.push_back(std::move(stored));
    }
  }
  return out;
}

}  // namespace

std::string utc_now() {
  return utc_text("%Y-%m-%dT%H:%M:%SZ");
}

Result<RunDirectory> make_run_directory(const std::string& store, const std::string& test,
                                        std::uint64_t seed) {
  RunDirectory run;
  run.store = store;
  run.started = utc_now();
  const std::string base =
      store + "/" + test + "/" + utc_text("%Y%m%dT%H%M%SZ") + "-s" + std::to_string(seed);
  for (int k = 1; k < 1000; ++k) {
    run.path = base + (k == 1 ? "" : "-" + std::to_string(k));
    std::error_code ec;
    fs::create_directories(fs::path(run.path).parent_path(), ec);
    if (ec) return io_error(fs::path(run.path).parent_path().string(), ec);
    if (fs::create_directory(run.path, ec)) return run;
    if (ec) return io_error(run.path, ec);
  }
  return Error{ErrorCode::kIo, true, base + ": a thousand runs in one second"};
}

Result<void> link_latest(const RunDirectory& run, bool failed) {
  for (const char* name : {"latest", "latest-failure"}) {
    if (!failed && std::string_view(name) == "latest-failure") continue;
    const fs::path link = fs::path(run.store) / name;
    const fs::path fresh = link.string() + ".tmp";
    std::error_code ec;
    fs::remove(fresh, ec);
    fs::create_directory_symlink(fs::relative(run.path, run.store, ec), fresh, ec);
    if (!ec) fs::rename(fresh, link, ec);
    if (ec) return io_error(link.string(), ec);
  }
  return {};
}

void remove_run(const RunDirectory& run) {
  std::error_code ec;
  fs::remove_all(run.path, ec);
}

std::size_t prune_store(const std::string& store, std::uint64_t limit, const std::string& keep) {
  std::vector<StoredRun> runs = stored_runs(store);
  std::sort(runs.begin(), runs.end(), [](const StoredRun& a, const StoredRun& b) {
    return std::tie(b.valid, a.time) < std::tie(a.valid, b.time);
  });
  std::uint64_t total = 0;
  for (const StoredRun& run : runs) total += run.bytes;
  std::size_t removed = 0;
  for (const StoredRun& run : runs) {
    if (total <= limit) break;
    std::error_code ec;
    if (fs::equivalent(run.path, keep, ec)) continue;
    fs::remove_all(run.path, ec);
    if (ec) continue;
    total -= run.bytes;
    ++removed;
  }
  return removed;
}

}  // namespace ww::run
