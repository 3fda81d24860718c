#include "nodes/raft/marks.hpp"

namespace ww::raft {

namespace {

constexpr std::array<std::string_view, kRarePathCount> kNames = {
    "sticky-refusal",     "low-term-request",
    "check-quorum",       "log-conflict",
    "stale-append",       "append-refused",
    "stale-reply",        "ack-waited",
    "tail-replaced",      "held-dropped",
    "old-term-held",      "reads-batched",
    "retry-answered",     "busy",
    "rival-leader",       "snapshot-taken",
    "snapshot-installed", "suffix-kept",
    "snapshot-overtaken", "snapshot-unneeded",
    "snapshot-refused",   "stray-piece",
    "piece-again",        "promise-kept",
    "stood-for-transfer", "refusal-waived",
    "transfer-pause",     "lease-lapsed",
    "read-given-up",      "configuration-reverted",
    "not-standing",       "barrier",
    "leader-removed",     "catch-up-given-up",
    "watch-resumed",      "watch-compacted",
    "watch-cut",          "disk-stall",
    "doubt-refusal",      "doubt-seen",
    "doubt-covered",      "doubted-change",
    "watch-leaderless"};

}  // namespace

std::string_view name_of(RarePath path) {
  return kNames[static_cast<std::size_t>(path)];
}

}  // namespace ww::raft
