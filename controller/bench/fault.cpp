#include "controller/bench/fault.hpp"

#include <array>

#include "base/nearest.hpp"

namespace ww::bench {

namespace {

constexpr std::array<FaultKind, 4> kKinds = {FaultKind::kKill, FaultKind::kPause,
                                             FaultKind::kKillFollower, FaultKind::kPauseFollower};
// Faults of the link: `run` injects them at its proxies.
constexpr std::array<std::string_view, 5> kNeedProxies = {"partition", "packet", "isolate-leader",
                                                          "leader-deaf", "leader-mute"};

}  // namespace

std::string_view name_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::kKill:
      return "kill";
    case FaultKind::kPause:
      return "pause";
    case FaultKind::kKillFollower:
      return "kill-follower";
    case FaultKind::kPauseFollower:
      return "pause-follower";
  }
  return "?";
}

bool hits_follower(FaultKind kind) {
  return kind == FaultKind::kKillFollower || kind == FaultKind::kPauseFollower;
}

bool kills(FaultKind kind) {
  return kind == FaultKind::kKill || kind == FaultKind::kKillFollower;
}

Result<FaultKind> parse_fault_kind(const std::string& text) {
  std::array<std::string_view, kKinds.size()> names;
  std::string known;
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    if (text == name_of(kKinds[i])) return kKinds[i];
    names[i] = name_of(kKinds[i]);
    known += (known.empty() ? "" : ", ") + std::string(names[i]);
  }
  std::string why = "'" + text + "' is no fault of a benchmark; known: " + known;
  for (const std::string_view name : kNeedProxies) {
    if (text == name)
      return Error{ErrorCode::kUsage, true,
                   why + "; bench bypasses the proxies, " +
                       "so that no link can be cut or slowed: see 'run --faults'"};
  }
  if (const auto near = nearest(text, names)) why += "; did you mean '" + *near + "'?";
  return Error{ErrorCode::kUsage, true, why + " (bench bypasses the proxies: no partitions)"};
}

}  // namespace ww::bench
