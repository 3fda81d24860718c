#include "controller/campaign/mix.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "base/log_uniform.hpp"
#include "faults/registry.hpp"

namespace ww::campaign {

namespace {

constexpr std::uint64_t kUniformOneIn = 10;
constexpr Duration kTorture = seconds(10);
/// Ten seconds are short for the defaults: so is a fault then.
constexpr Duration kUniformLongest = seconds(2);
constexpr std::uint32_t kUniformRate = 200;

/// A value and how many cards it has.
struct Card {
  std::int64_t value;
  std::uint32_t weight;
};
/// A number whose size is uniform.
struct Span {
  std::int64_t low;
  std::int64_t high;
};
/// How often a kind of fault is in the subset of a seed, in a hundred.
struct Share {
  std::string_view kind;
  std::uint32_t percent;
};

constexpr std::array kNodes = {Card{3, 4}, Card{5, 4}, Card{7, 1}};
constexpr std::array kSpares = {Card{0, 2}, Card{1, 2}, Card{2, 1}};
constexpr std::array kSingleServer = {Card{0, 2}, Card{1, 1}};
constexpr std::array kWorkersPerNode = {Card{1, 1}, Card{2, 2}, Card{3, 2}};
constexpr std::array kFollowOneIn = {Card{0, 1}, Card{1, 2}, Card{2, 2}, Card{3, 2}};
constexpr std::array kLogReadPercent = {Card{0, 2}, Card{20, 2}, Card{60, 1}};
/// How often the clients watch keys instead of working on registers.
constexpr std::array kWatches = {Card{0, 5}, Card{1, 1}};
constexpr std::array kWatchEntries = {Card{16, 1}, Card{256, 1}, Card{4096, 2}};
constexpr std::array kSmallDomain = {Card{0, 7}, Card{1, 1}};
constexpr std::array kQuorumHeals = {Card{0, 1}, Card{1, 3}};
constexpr std::array kHeartbeatsPerTimeout = {Card{3, 1}, Card{5, 2}, Card{8, 1}};
constexpr std::array kOpTimeoutMs = {Card{250, 1}, Card{500, 1}, Card{1000, 1}};
constexpr std::array kSegmentBytes = {Card{4096, 1}, Card{16384, 1}, Card{65536, 1}};
/// Whether a seed takes snapshots by the number of entries, by their size, by time, or not at all.
constexpr std::array kSnapshots = {Card{0, 1}, Card{1, 4}, Card{2, 2}, Card{3, 1}};
constexpr std::array kSnapshotTrailing = {Card{0, 2}, Card{4, 2}, Card{64, 1}};
constexpr std::array kLeases = {Card{0, 1}, Card{1, 1}};
constexpr std::array kLeaseDrift = {Card{10, 1}, Card{30, 1}, Card{100, 1}};
constexpr std::array kFollowerReads = {Card{0, 2}, Card{1, 1}};
constexpr std::array kSessionEntries = {Card{0, 1}, Card{30, 1}, Card{200, 1}};
constexpr std::array kBatching = {Card{0, 1}, Card{1, 3}};
constexpr std::array kPipelining = {Card{0, 1}, Card{1, 3}};
constexpr std::array kTriggered = {Card{0, 1}, Card{1, 2}};

constexpr Span kRate = {100, 300};
constexpr Span kSnapshotEntries = {5, 1000};
constexpr Span kSnapshotBytes = {200, 50'000};
constexpr Span kSnapshotIntervalMs = {20, 1000};
constexpr Span kSnapshotPiece = {100, 65'536};
constexpr Span kElectionTimeoutMs = {60, 300};
constexpr Span kIntervalMs = {250, 1000};
/// The longest fault, in hundredths of the interval: how many of them overlap follows from it.
constexpr Span kLongestPercent = {60, 200};
constexpr Span kTriggerPpm = {50'000, 800'000};

constexpr std::array kShares = {
    Share{"kill", 75},   Share{"pause", 50},    Share{"partition", 60},
    Share{"packet", 60}, Share{"clock", 30},    Share{"power-loss", 60},
    Share{"disk", 50},   Share{"transfer", 40}, Share{"membership", 40}};
constexpr std::uint32_t kOtherShare = 50;
/// A kind is in the subset only if it gets so many faults for each of its cards.
constexpr std::int64_t kFaultsPerCard = 3;

std::uint32_t share_of(std::string_view kind) {
  const auto at = std::find_if(kShares.begin(), kShares.end(),
                               [&](const Share& share) { return share.kind == kind; });
  return at == kShares.end() ? kOtherShare : at->percent;
}

/// The draws of one seed.
class Draw {
 public:
  Draw(std::uint64_t seed, const std::vector<std::string>& pins) : seed_(seed), pins_(pins) {}

  [[nodiscard]] bool pinned(std::string_view name) const {
    return std::find(pins_.begin(), pins_.end(), name) != pins_.end();
  }
  [[nodiscard]] std::int64_t pick(std::string_view name, std::span<const Card> cards) const {
    std::uint64_t weights = 0;
    for (const Card& card : cards) weights += card.weight;
    std::uint64_t place = rng(name).below(weights);
    std::size_t i = 0;
    for (; place >= cards[i].weight; ++i) place -= cards[i].weight;
    return cards[i].value;
  }
  [[nodiscard]] std::int64_t size(std::string_view name, Span span) const {
    return log_uniform(rng(name), span.low, span.high);
  }
  /// Sets a field of the test unless its flag is pinned.
  template <class T, class Value>
  void set(std::string_view flag, T& field, const Value& value) const {
    if (!pinned(flag)) field = static_cast<T>(value);
  }
  /// The kinds of this seed: each by its share, in the order of a shuffle while there are faults
  /// enough for all of them, but at least one.
  [[nodiscard]] std::vector<std::string> subset(std::vector<std::string> kinds,
                                                std::int64_t faults) const {
    std::vector<std::string> out;
    rng("kinds").shuffle(std::span(kinds));
    for (const std::string& kind : kinds) {
      const std::int64_t wanted = kFaultsPerCard * faults::find_kind(kind)->cards;
      const bool in = keyed(seed_, "mix.kind", kind).below(100) < share_of(kind);
      if (!in || (faults < wanted && !out.empty())) continue;
      out.push_back(kind);
      faults -= wanted;
    }
    if (out.empty() && !kinds.empty()) out.push_back(kinds.front());
    return out;
  }

 private:
  [[nodiscard]] Rng rng(std::string_view name) const { return keyed(seed_, "mix", name); }

  std::uint64_t seed_;
  const std::vector<std::string>& pins_;
};

void draw_cluster(const Draw& draw, run::TestSpec& spec, std::int64_t interval) {
  draw.set("nodes", spec.nodes, draw.pick("nodes", kNodes));
  draw.set("spares", spec.spares,
           std::min<std::int64_t>(draw.pick("spares", kSpares),
                                  std::int64_t{run::kMaxNodes} - spec.nodes));
  draw.set("membership", spec.membership,
           draw.pick("membership", kSingleServer) != 0 ? "single" : "joint");
  // Where faults are dense, a cluster that is slow to elect never has a leader.
  const Span timeouts = {kElectionTimeoutMs.low, std::min(kElectionTimeoutMs.high, interval)};
  const Duration timeout = milliseconds(draw.size("election-timeout", timeouts));
  draw.set("election-timeout", spec.election_timeout, timeout);
  const auto heartbeats = draw.pick("heartbeats", kHeartbeatsPerTimeout);
  // Of the timeout that counts, be it pinned.
  draw.set("heartbeat-interval", spec.heartbeat_interval,
           milliseconds(spec.election_timeout / milliseconds(1) / heartbeats));
  draw.set("segment-bytes", spec.segment_bytes, draw.pick("segment-bytes", kSegmentBytes));
  draw.set("reads", spec.reads, draw.pick("leases", kLeases) != 0 ? "lease" : "index");
  draw.set("lease-drift", spec.lease_drift, draw.pick("lease-drift", kLeaseDrift));
  draw.set("follower-reads", spec.follower_reads, draw.pick("follower-reads", kFollowerReads));
  draw.set("batching", spec.batching, draw.pick("batching", kBatching) != 0 ? "on" : "off");
  draw.set("pipelining", spec.pipelining, draw.pick("pipelining", kPipelining) != 0 ? "on" : "off");
  const auto snapshots = draw.pick("snapshots", kSnapshots);
  draw.set("snapshot-entries", spec.snapshot_entries,
           snapshots == 1 ? draw.size("snapshot-entries", kSnapshotEntries) : 0);
  draw.set("snapshot-bytes", spec.snapshot_bytes,
           snapshots == 2 ? draw.size("snapshot-bytes", kSnapshotBytes) : 0);
  const auto between = draw.size("snapshot-interval", kSnapshotIntervalMs);
  draw.set("snapshot-interval", spec.snapshot_interval, milliseconds(snapshots == 3 ? between : 0));
  draw.set("snapshot-trailing", spec.snapshot_trailing,
           draw.pick("snapshot-trailing", kSnapshotTrailing));
  draw.set("snapshot-piece", spec.snapshot_piece, draw.size("snapshot-piece", kSnapshotPiece));
  draw.set("heal", spec.heal, draw.pick("heal", kQuorumHeals) != 0 ? "quorum" : "all");
}

void draw_clients(const Draw& draw, run::TestSpec& spec) {
  draw.set("concurrency", spec.concurrency, draw.pick("workers", kWorkersPerNode) * spec.nodes);
  draw.set("rate", spec.rate, draw.size("rate", kRate));
  draw.set("op-timeout", spec.op_timeout, milliseconds(draw.pick("op-timeout", kOpTimeoutMs)));
  draw.set("session-entries", spec.session_entries, draw.pick("session-entries", kSessionEntries));
  if (draw.pick("watches", kWatches) != 0) draw.set("workload", spec.workload, "watch");
  draw.set("watch-entries", spec.watch_entries, draw.pick("watch-entries", kWatchEntries));
  const bool unique = spec.workload == "watch";
  draw.set("small-domain", spec.small_domain,
           !unique && draw.pick("small-domain", kSmallDomain) != 0);
  draw.set("follow-one-in", spec.follow_one_in, draw.pick("follow-one-in", kFollowOneIn));
  draw.set("log-read-percent", spec.log_read_percent,
           draw.pick("log-read-percent", kLogReadPercent));
}

Result<run::PlanFile> finish(run::PlanFile plan, const faults::PlanOptions& options) {
  auto schedule = faults::make_plan(plan.test.seed, options);
  if (!schedule) return schedule.error();
  plan.faults = std::move(*schedule);
  plan.faults.redeal = is_uniform(plan.test.seed);
  return plan;
}

void add(std::string& text, std::string_view name, std::span<const Card> cards) {
  text += std::string(name) + ':';
  for (const Card& card : cards) {
    text += ' ' + std::to_string(card.value) + '*' + std::to_string(card.weight);
  }
  text += '\n';
}
void add(std::string& text, std::string_view name, Span span) {
  text += std::string(name) + ": " + std::to_string(span.low) + " to " + std::to_string(span.high) +
          '\n';
}

std::string text_of(const faults::KindInfo& kind) {
  std::string text = std::string(kind.name) + ": " + std::to_string(share_of(kind.name)) + " % x" +
                     std::to_string(kind.cards) + ", " + std::to_string(kind.shortest.count()) +
                     " to " + std::to_string(kind.longest.count()) + " ns;";
  for (const faults::TargetInfo& target : kind.targets) {
    text += ' ' + std::string(name_of(target.target)) + '*' + std::to_string(target.weight);
  }
  for (const faults::ShapeInfo& shape : kind.shapes) {
    text += "; " + std::string(shape.name) + '*' + std::to_string(shape.weight);
    for (const faults::ParamInfo& param : shape.params) {
      text += ' ' + std::string(param.name) + ' ' + std::to_string(param.draw_low) + ".." +
              std::to_string(param.draw_high) + (param.either_sign ? "+-" : "");
    }
  }
  return text + '\n';
}

}  // namespace

bool is_uniform(std::uint64_t seed) {
  return keyed(seed, "mix.uniform").below(kUniformOneIn) == 0;
}

Result<run::PlanFile> draw(std::uint64_t seed, const run::TestSpec& base,
                           const std::vector<std::string>& pins) {
  const Draw draw(seed, pins);
  run::PlanFile plan;
  run::TestSpec& spec = plan.test;
  spec = base;
  spec.seed = seed;
  draw.set("time-limit", spec.time_limit, kTorture);
  if (is_uniform(seed)) {
    draw.set("rate", spec.rate, kUniformRate);
    auto options = run::plan_options(spec);
    if (!options) return options.error();
    options->longest = kUniformLongest;
    return finish(std::move(plan), *options);
  }
  const std::int64_t interval = draw.size("interval", kIntervalMs);
  draw_cluster(draw, spec, interval);
  draw_clients(draw, spec);
  draw.set("nemesis-interval-min", spec.interval_low, milliseconds(interval * 2 / 3));
  draw.set("nemesis-interval-max", spec.interval_high,
           std::max<Duration>(spec.interval_low, milliseconds(interval * 4 / 3)));
  auto options = run::plan_options(spec);
  if (!options) return options.error();
  if (!draw.pinned("faults")) {
    options->kinds = draw.subset(options->kinds, spec.time_limit / spec.interval_high);
    spec.faults = options->kinds;
  }
  options->longest = spec.interval_high * draw.size("longest", kLongestPercent) / 100;
  if (draw.pick("triggered", kTriggered) != 0) {
    options->trigger_ppm = static_cast<std::uint32_t>(draw.size("triggers", kTriggerPpm));
  }
  return finish(std::move(plan), *options);
}

std::string mix_text() {
  std::string text = "uniform: one in " + std::to_string(kUniformOneIn) + '\n' +
                     "torture: " + std::to_string(kTorture.count()) + " ns\n" +
                     "uniform: longest " + std::to_string(kUniformLongest.count()) + " ns, rate " +
                     std::to_string(kUniformRate) + "\n" +
                     "faults a card: " + std::to_string(kFaultsPerCard) + "\n";
  add(text, "nodes", kNodes);
  add(text, "spares", kSpares);
  add(text, "single-server changes", kSingleServer);
  add(text, "workers per node", kWorkersPerNode);
  add(text, "follow-one-in", kFollowOneIn);
  add(text, "log-read-percent", kLogReadPercent);
  add(text, "watches", kWatches);
  add(text, "watch-entries", kWatchEntries);
  add(text, "small-domain", kSmallDomain);
  add(text, "heal quorum", kQuorumHeals);
  add(text, "heartbeats per timeout", kHeartbeatsPerTimeout);
  add(text, "op-timeout ms", kOpTimeoutMs);
  add(text, "segment-bytes", kSegmentBytes);
  add(text, "leases", kLeases);
  add(text, "lease-drift", kLeaseDrift);
  add(text, "follower-reads", kFollowerReads);
  add(text, "session-entries", kSessionEntries);
  add(text, "batching", kBatching);
  add(text, "pipelining", kPipelining);
  add(text, "snapshots", kSnapshots);
  add(text, "snapshot-trailing", kSnapshotTrailing);
  add(text, "triggered", kTriggered);
  add(text, "rate", kRate);
  add(text, "snapshot-entries", kSnapshotEntries);
  add(text, "snapshot-bytes", kSnapshotBytes);
  add(text, "snapshot-interval ms", kSnapshotIntervalMs);
  add(text, "snapshot-piece", kSnapshotPiece);
  add(text, "election-timeout ms", kElectionTimeoutMs);
  add(text, "interval ms", kIntervalMs);
  add(text, "longest percent", kLongestPercent);
  add(text, "triggers ppm", kTriggerPpm);
  for (const faults::KindInfo& kind : faults::registry()) text += text_of(kind);
  return text;
}

std::string mix_hash() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const std::uint64_t hash = hash_bytes(mix_text());
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4) out += kDigits[(hash >> shift) & 15];
  return out;
}

}  // namespace ww::campaign
