#include "controller/bench/targets.hpp"

#include <algorithm>
#include <string>

#include "reports/format.hpp"

namespace ww::bench {

namespace {

constexpr double kMostOnDisk = 30'000;
constexpr double kInMemory = 40'000;
constexpr double kIndexReads = 40'000;
constexpr double kLeaseReads = 60'000;
// From the client to the leader, to a follower and back again, and all their wake-ups.
constexpr double kRoundTrips = 0.2e-3;
constexpr double kOneClient = 0.25e-3;
constexpr double kWakeUps = 0.05e-3;  // that one command after the other costs beside its sync

double seconds_of(Duration d) {
  return static_cast<double>(d.count()) * 1e-9;
}

/// `bound` of t in seconds, for as many writers as nodes and, where it differs, for one alone.
template <class Bound>
reports::BenchTarget by_syncs(const Settings& s, const SyncMedians& sync,
                              const std::string& formula, Bound bound) {
  struct Told {
    double least;
    std::string given;
  };
  const auto told = [&](Duration measured, const std::string& writers) -> Told {
    const Duration t = std::max(measured, s.fsync_floor);
    const double least = bound(seconds_of(t));
    return {std::min(least, kMostOnDisk), "t = " + reports::duration_text(t.count()) +
                                              (measured < s.fsync_floor ? ", the floor" : writers) +
                                              (least > kMostOnDisk ? ", at most 30 000" : "")};
  };
  const Told together = told(sync.together, ", " + std::to_string(s.nodes) + " at once");
  const Told alone = told(sync.alone, "");
  reports::BenchTarget out{together.least, formula + ", " + together.given};
  const bool same = std::max(sync.together, s.fsync_floor) == std::max(sync.alone, s.fsync_floor);
  if (!same) out.alone = {alone.least, alone.given};
  return out;
}

}  // namespace

std::optional<reports::BenchTarget> target_of(const Settings& s, const SyncMedians& sync,
                                              bool in_memory) {
  const bool plain = s.nodes == 3 && s.value_size == 100 && s.rate == 0 && s.pipelining &&
                     s.fsync && !s.tracing && !s.journal && !s.checks;
  if (!plain) return std::nullopt;
  if (s.read_share == 100 && s.clients >= 64 && s.reads == Reads::kIndex) {
    return reports::BenchTarget{kIndexReads, "reads by ReadIndex"};
  }
  if (s.read_share == 100 && s.clients >= 64 && s.reads == Reads::kLease) {
    return reports::BenchTarget{kLeaseReads, "reads by a lease"};
  }
  if (s.read_share != 0) return std::nullopt;
  const bool never_waits = in_memory && s.fsync_floor == Duration{};
  if (!s.batching) {
    if (never_waits) return std::nullopt;
    return by_syncs(s, sync, "0.8 / (t + 0.05 ms)", [](double t) { return 0.8 / (t + kWakeUps); });
  }
  if (s.clients == 1) {
    return by_syncs(s, sync, "0.8 / (t + 0.25 ms)",
                    [](double t) { return 0.8 / (t + kOneClient); });
  }
  if (never_waits) {
    if (s.clients < 64) return std::nullopt;
    return reports::BenchTarget{kInMemory, "files in memory"};
  }
  return by_syncs(s, sync, "0.75 x " + std::to_string(s.clients) + " / (2t + 0.2 ms)",
                  [&s](double t) { return 0.75 * s.clients / (2 * t + kRoundTrips); });
}

std::optional<reports::BenchTarget> ratio_target_of(const Settings& above, const Settings& below) {
  Settings same = above;
  same.batching = false;
  const bool asked = above.batching && same == below && above.clients == 64 &&
                     above.read_share == 0 && above.fsync_floor == milliseconds(1);
  if (!asked) return std::nullopt;
  return reports::BenchTarget{20, "batching on : off, with a floor of 1 ms"};
}

}  // namespace ww::bench
