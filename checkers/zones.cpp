#include "checkers/zones.hpp"

#include <algorithm>
#include <limits>
#include <vector>

namespace ww::checkers {

namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();
constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

/// The ops around one value. Its writer is kept apart, because it comes first.
struct Cluster {
  std::uint32_t writer = kNone;
  std::uint32_t next = kNone;            // the cas that found the value and replaced it
  std::int64_t first_return = kForever;  // of the ops that saw the value
  std::int64_t last_call = kNever;
  bool seen = false;  // by anything at all
};

struct Zone {
  std::int64_t f = kForever;
  std::int64_t s = kNever;
};

class Zones {
 public:
  Zones(const StateTable& table, State initial, std::span<const KeyOp> ops)
      : table_(table), initial_(initial), ops_(ops), clusters_(table.size()) {}

  Answer decide() {
    if (!find_writers()) return Answer::kNotApplicable;
    if (!find_observers() || !build_chains()) return Answer::kNot;
    return chains_can_be_ordered() ? Answer::kLinearizable : Answer::kNot;
  }

 private:
  /// False when the algorithm does not apply.
  bool find_writers() {
    for (std::uint32_t i = 0; i < ops_.size(); ++i) {
      const KeyOp& op = ops_[i];
      if (op.kind == KeyOpKind::kAppend || op.kind == KeyOpKind::kCasMissUnseen) return false;
      if (!is_mutator(op.kind)) continue;
      const State made = op.kind == KeyOpKind::kCas ? op.out : op.arg;
      if (made == initial_ || clusters_[made].writer != kNone || table_.is_list(made)) return false;
      clusters_[made].writer = i;
    }
    return true;
  }

  /// False when some op saw what it cannot have seen.
  bool find_observers() {
    for (std::uint32_t i = 0; i < ops_.size(); ++i) {
      const KeyOp& op = ops_[i];
      if (op.kind == KeyOpKind::kWrite) continue;
      Cluster& cluster = clusters_[op.kind == KeyOpKind::kCas ? op.arg : op.out];
      cluster.seen = true;
      if (op.kind == KeyOpKind::kCas) {
        if (cluster.next != kNone) return false;
        cluster.next = i;
        continue;
      }
      if (op.kind == KeyOpKind::kCasMiss && op.arg == op.out) return false;
      cluster.first_return = std::min(cluster.first_return, op.ret);
      cluster.last_call = std::max(cluster.last_call, op.call);
    }
    for (State v = 0; v < clusters_.size(); ++v) {
      if (clusters_[v].seen && clusters_[v].writer == kNone && v != initial_) return false;
    }
    return true;
  }

  bool build_chains() {
    std::size_t writers = 0;
    std::size_t visited = 0;
    for (State v = 0; v < clusters_.size(); ++v) {
      const std::uint32_t writer = clusters_[v].writer;
      if (writer != kNone) ++writers;
      const bool heads = v == initial_ || (writer != kNone && ops_[writer].kind != KeyOpKind::kCas);
      if (heads && !walk_chain(v, visited)) return false;
    }
    // A writer that no chain reached belongs to a ring of cas, which nothing can have begun.
    return visited == writers;
  }

  /// Checks the only order of the chain that begins with `head`, and notes its zone.
  bool walk_chain(State head, std::size_t& visited) {
    Zone zone;
    if (head == initial_) zone.f = kNever;
    for (State v = head;;) {
      const Cluster& cluster = clusters_[v];
      if (cluster.writer != kNone) {
        ++visited;
        const KeyOp& writer = ops_[cluster.writer];
        if (writer.ret < zone.s) return false;
        zone.f = std::min(zone.f, writer.ret);
        zone.s = std::max(zone.s, writer.call);
      }
      if (cluster.first_return < zone.s) return false;
      zone.f = std::min(zone.f, cluster.first_return);
      zone.s = std::max(zone.s, cluster.last_call);
      if (cluster.next == kNone) break;
      v = ops_[cluster.next].out;
    }
    zones_.push_back(zone);
    return true;
  }

  /// Looks for two chains that must precede each other: f_A < s_B and f_B < s_A.
  bool chains_can_be_ordered() {
    std::sort(zones_.begin(), zones_.end(), [](const Zone& a, const Zone& b) { return a.f < b.f; });
    // The two largest s among the first i zones, by position: the second for when the first is B.
    struct Top {
      std::size_t first = SIZE_MAX;
      std::size_t second = SIZE_MAX;
    };
    std::vector<Top> top(zones_.size() + 1);
    const auto s_of = [&](std::size_t i) { return i == SIZE_MAX ? kNever : zones_[i].s; };
    for (std::size_t i = 0; i < zones_.size(); ++i) {
      Top t = top[i];
      if (t.first == SIZE_MAX || zones_[i].s > s_of(t.first)) {
        t = Top{i, t.first};
      } else if (t.second == SIZE_MAX || zones_[i].s > s_of(t.second)) {
        t.second = i;
      }
      top[i + 1] = t;
    }
    for (std::size_t b = 0; b < zones_.size(); ++b) {
      const auto end =
          std::lower_bound(zones_.begin(), zones_.end(), zones_[b].s,
                           [](const Zone& zone, std::int64_t s) { return zone.f < s; });
      const Top& t = top[static_cast<std::size_t>(end - zones_.begin())];
      if (s_of(t.first == b ? t.second : t.first) > zones_[b].f) return false;
    }
    return true;
  }

  const StateTable& table_;
  State initial_;
  std::span<const KeyOp> ops_;
  std::vector<Cluster> clusters_;
  std::vector<Zone> zones_;
};

}  // namespace

Answer decide_by_zones(const StateTable& table, State initial, std::span<const KeyOp> ops) {
  return Zones(table, initial, ops).decide();
}

}  // namespace ww::checkers
