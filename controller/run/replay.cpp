#include "controller/run/replay.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "controller/run/temporary_folder.hpp"

namespace ww::run {

namespace {

namespace fs = std::filesystem;

RunOptions with_fingerprint() {
  RunOptions options;
  options.fingerprint = true;
  return options;
}

/// A side that ends where the stored run did.
Repeat ending_like(const StoredFingerprint& stored, const Repeat& repeat) {
  return [&repeat, stop = stored.stop_at_violation](const RunOptions& options) {
    RunOptions own = options;
    own.stop_at_violation = stop;
    return repeat(own);
  };
}

/// The first line that two windows on the same events do not share.
std::optional<Divergence> part(const Window& window, const Fingerprint& a, const Fingerprint& b) {
  const auto [x, y] =
      std::mismatch(a.window.begin(), a.window.end(), b.window.begin(), b.window.end());
  if (x == a.window.end() && y == b.window.end()) return std::nullopt;
  const auto text = [](auto at, auto end) { return at == end ? "(no more events)" : *at; };
  return Divergence{window.first + static_cast<std::uint64_t>(x - a.window.begin()),
                    text(x, a.window.end()), text(y, b.window.end())};
}

/// For sides that do not repeat themselves: pairs of runs until one parts where it was looked at.
Result<std::optional<Divergence>> find_in_fresh_runs(Window window, const Repeat& first,
                                                     const Repeat& second) {
  constexpr int kTries = 8;
  for (int i = 0; i < kTries; ++i) {
    RunOptions options = with_fingerprint();
    options.window = window;
    const auto a = first(options);
    if (!a) return a.error();
    const auto b = second(options);
    if (!b) return b.error();
    if (a->fingerprint == b->fingerprint) continue;
    const Window parts = first_difference(a->fingerprint, b->fingerprint);
    if (parts.first == window.first) return part(window, a->fingerprint, b->fingerprint);
    window = parts;
  }
  return std::optional<Divergence>();
}

Result<std::string> difference_of(const Fingerprint& a, const Fingerprint& b, const Repeat& first,
                                  const Repeat& second) {
  auto found = find_divergence(a, b, first, second);
  if (found) return *found ? describe(**found) : std::string();
  if (found.error().code != ErrorCode::kInternal) return found.error();
  const std::string lead = found.error().message + "\n";
  found = find_in_fresh_runs(first_difference(a, b), first, second);
  if (!found) return found.error();
  return lead + (*found ? describe(**found) : "no two runs parted at the same place");
}

/// What a world that repeats itself now did otherwise when the run was stored.
Result<std::string> difference_from_files(const std::string& directory, const Window& window,
                                          const Repeat& now) {
  std::error_code ec;
  const std::string base = fs::temp_directory_path(ec).string();
  sweep_temporary_folders(base);
  const auto folder = TemporaryFolder::make(base);  // without one, the events alone must tell
  RunOptions options = with_fingerprint();
  if (folder) options.run_directory = folder->path();
  options.window = window;
  const auto run = now(options);
  if (!run) return run.error();
  for (const char* name : {"trace.jsonl", "history.jsonl"}) {
    if (!folder) break;
    std::string line =
        first_different_line(name, directory + "/" + name, folder->path() + "/" + name);
    if (!line.empty()) return line;
  }
  return "the first event that differs is among those from " + std::to_string(window.first) +
         " to " + std::to_string(window.first + window.count - 1) +
         (run->fingerprint.window.empty()
              ? ""
              : ", which begin with\n  now    " + run->fingerprint.window.front());
}

}  // namespace

std::string first_different_line(const std::string& name, const std::string& then_path,
                                 const std::string& now_path) {
  std::ifstream then(then_path);
  std::ifstream now(now_path);
  if (!then || !now) return {};
  std::string a;
  std::string b;
  for (std::uint64_t line = 1;; ++line) {
    const bool more_then = static_cast<bool>(std::getline(then, a));
    const bool more_now = static_cast<bool>(std::getline(now, b));
    if (!more_then && !more_now) return {};
    if (more_then && more_now && a == b) continue;
    return "line " + std::to_string(line) + " of " + name +
           " is the first that differs:\n  then   " + (more_then ? a : "(no more lines)") +
           "\n  now    " + (more_now ? b : "(no more lines)");
  }
}

Result<Replayed> replay_twice(const Repeat& first, const Repeat& second) {
  auto a = first(with_fingerprint());
  if (!a) return a.error();
  auto b = second(with_fingerprint());
  if (!b) return b.error();
  Replayed out;
  out.same = a->fingerprint == b->fingerprint;
  if (!out.same) {
    auto difference = difference_of(a->fingerprint, b->fingerprint, first, second);
    if (!difference) return difference.error();
    out.difference = std::move(*difference);
  }
  out.other = std::move(a->fingerprint);
  out.run = std::move(*b);
  return out;
}

Result<Replayed> replay_against(const StoredFingerprint& stored, const std::string& directory,
                                const Repeat& now, const Repeat* other) {
  const Repeat here = ending_like(stored, now);
  auto run = here(with_fingerprint());
  if (!run) return run.error();
  Replayed out;
  out.other = stored.print;
  out.same = run->fingerprint == stored.print;
  out.run = std::move(*run);
  if (out.same) return out;
  if (other != nullptr) {
    // The stored run is of another world: where the two part is what is asked, not since when.
    const Repeat there = ending_like(stored, *other);
    auto twin = replay_twice(there, here);
    if (!twin) return twin.error();
    if (!twin->same) {
      out.difference = std::move(twin->difference);
      return out;
    }
    out.difference = "both worlds agree now, on another run than the stored one\n";
  } else {
    auto again = replay_twice(here, here);
    if (!again) return again.error();
    if (!again->same) {
      out.difference = std::move(again->difference);
      return out;
    }
  }
  auto difference =
      difference_from_files(directory, first_difference(stored.print, out.run.fingerprint), here);
  if (!difference) return difference.error();
  out.difference += *difference;
  return out;
}

}  // namespace ww::run
