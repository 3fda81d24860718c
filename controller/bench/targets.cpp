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

}  // namespace

std::optional<reports::BenchTarget> target_of(const Settings& s, Duration sync, bool in_memory) {
  const bool plain = s.nodes == 3 && s.value_size == 100 && s.rate == 0 && s.pipelining &&
                     !s.tracing && !s.journal && !s.checks;
  if (!plain) return std::nullopt;
  if (s.read_share == 100 && s.clients >= 64 && s.reads == Reads::kIndex) {
    return reports::BenchTarget{kIndexReads, "reads by ReadIndex"};
  }
  if (s.read_share == 100 && s.clients >= 64 && s.reads == Reads::kLease) {
    return reports::BenchTarget{kLeaseReads, "reads by a lease"};
  }
  if (s.read_share != 0) return std::nullopt;
  const Duration slowest = std::max(sync, s.fsync_floor);
  const double t = seconds_of(slowest);
  const std::string where = ", t = " + reports::duration_text(slowest.count());
  const bool floored = s.fsync_floor > Duration{};
  if (!s.batching) {
    if (in_memory && !floored) return std::nullopt;
    return reports::BenchTarget{0.8 / (t + kWakeUps), "0.8 / (t + 0.05 ms)" + where};
  }
  if (s.clients == 1) {
    return reports::BenchTarget{0.8 / (t + kOneClient), "0.8 / (t + 0.25 ms)" + where};
  }
  if (in_memory && !floored) {
    if (s.clients < 64) return std::nullopt;
    return reports::BenchTarget{kInMemory, "files in memory"};
  }
  const double bound = 0.75 * s.clients / (2 * t + kRoundTrips);
  const std::string formula = "0.75 x " + std::to_string(s.clients) + " / (2t + 0.2 ms)" + where;
  if (bound > kMostOnDisk) return reports::BenchTarget{kMostOnDisk, formula + ", at most 30 000"};
  return reports::BenchTarget{bound, formula};
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
