#include "nodes/raft/checkpoint.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/wire/fields.hpp"

namespace ww::raft {

namespace {

Error corrupt(std::string what) {
  return Error{ErrorCode::kCorrupt, true, std::move(what)};
}

void write_version(std::string& out) {
  ByteWriter(out).varint(kCheckpointVersion);
}

Result<void> read_version(ByteReader& in) {
  const std::uint64_t version = in.varint();
  if (!in.ok() || version == kCheckpointVersion) return {};
  return corrupt("a replica's checkpoint of version " + std::to_string(version) +
                 "; this build reads version " + std::to_string(kCheckpointVersion));
}

/// Containers, variants and described types; numbers, ids, times and strings are wire::Encoder's.
class Writer {
 public:
  explicit Writer(std::string& out) : w_(out), leaf_(out) {}

  template <class T>
  void operator()(const char*, const T& x) {
    put(x);
  }

 private:
  template <class T>
  void put(const T& x) {
    if constexpr (wire::Record<T>) {
      T::fields(x, *this);
    } else {
      leaf_("", x);
    }
  }
  template <class T>
  void put(const std::vector<T>& x) {
    put_all(x);
  }
  template <class T>
  void put(const std::deque<T>& x) {
    put_all(x);
  }
  template <class K, class T, class C>
  void put(const std::map<K, T, C>& x) {
    put_all(x);
  }
  template <class A, class B>
  void put(const std::pair<A, B>& x) {
    put(x.first);
    put(x.second);
  }
  template <class T, std::size_t N>
  void put(const std::array<T, N>& x) {
    for (const T& item : x) put(item);
  }
  template <class T>
  void put(const std::optional<T>& x) {
    put(x.has_value());
    if (x) put(*x);
  }
  template <class... Ts>
  void put(const std::variant<Ts...>& x) {
    w_.u8(static_cast<std::uint8_t>(x.index()));
    std::visit([this](const auto& alternative) { this->put(alternative); }, x);
  }
  /// The term of a message stands in its envelope elsewhere.
  void put(const wire::PeerMessage& x) {
    w_.u8(static_cast<std::uint8_t>(x.index()));
    std::visit(
        [this](const auto& m) {
          put(m.term);
          put(m);
        },
        x);
  }
  void put(const Log& x) {
    const Index count = x.last_index() - x.base().index;
    put(x.base());
    put(count);
    w_.bytes(x.encoded({x.first_index(), static_cast<std::uint32_t>(count)}));
  }
  template <class List>
  void put_all(const List& x) {
    w_.varint(x.size());
    for (const auto& item : x) put(item);
  }

  ByteWriter w_;
  wire::Encoder leaf_;
};

class Reader {
 public:
  explicit Reader(ByteReader& in) : in_(in), leaf_(in) {}

  template <class T>
  void operator()(const char*, T& x) {
    get(x);
  }

 private:
  template <class T>
  void get(T& x) {
    if constexpr (wire::Record<T>) {
      T::fields(x, *this);
    } else {
      leaf_("", x);
    }
  }
  template <class T>
  void get(std::vector<T>& x) {
    get_all(x);
  }
  template <class T>
  void get(std::deque<T>& x) {
    get_all(x);
  }
  template <class K, class T, class C>
  void get(std::map<K, T, C>& x) {
    x.clear();
    for (std::uint64_t left = length(); left > 0 && in_.ok(); --left) {
      K key{};
      T value{};
      get(key);
      get(value);
      if (!x.empty() && !(x.rbegin()->first < key)) return in_.fail();
      x.emplace_hint(x.end(), std::move(key), std::move(value));
    }
  }
  template <class T, std::size_t N>
  void get(std::array<T, N>& x) {
    for (T& item : x) get(item);
  }
  template <class T>
  void get(std::optional<T>& x) {
    bool there = false;
    get(there);
    x.reset();
    if (there) get(x.emplace());
  }
  template <class... Ts>
  void get(std::variant<Ts...>& x) {
    pick(x, in_.u8());
    std::visit([this](auto& alternative) { this->get(alternative); }, x);
  }
  void get(wire::PeerMessage& x) {
    pick(x, in_.u8());
    std::visit(
        [this](auto& m) {
          get(m.term);
          get(m);
        },
        x);
  }
  void get(Log& x) {
    LogPosition base;
    get(base);
    const std::uint64_t count = in_.varint();
    if (!x.load(base, count, std::string(in_.bytes()))) in_.fail();
  }
  template <class List>
  void get_all(List& x) {
    x.clear();
    for (std::uint64_t left = length(); left > 0 && in_.ok(); --left) get(x.emplace_back());
  }
  /// Every item takes a byte at least, so a length beyond the input is a lie.
  std::uint64_t length() {
    const std::uint64_t n = in_.varint();
    if (n <= in_.remaining()) return n;
    in_.fail();
    return 0;
  }
  template <class Variant, std::size_t I = 0>
  void pick(Variant& x, std::size_t index) {
    if constexpr (I < std::variant_size_v<Variant>) {
      if (index != I) return pick<Variant, I + 1>(x, index);
      x.template emplace<I>();
    } else {
      in_.fail();
    }
  }

  ByteReader& in_;
  wire::Decoder leaf_;
};

/// What the replica's code takes for granted about a configuration.
bool is_sound(const Config& config) {
  const auto& voters = config.voters;
  return !voters.empty() && voters.size() <= kMaxVoters &&
         std::adjacent_find(voters.begin(), voters.end(), std::greater_equal<>()) == voters.end() &&
         std::binary_search(voters.begin(), voters.end(), config.self) &&
         config.limits.max_append_entries > 0 && config.limits.max_in_flight_appends > 0 &&
         config.lease_drift_percent <= kMaxLeaseDrift && config.election_timeout > Duration{0} &&
         config.election_timeout < Duration::max() / 4;
}

/// Whether a start or a replica could stand on this snapshot and this log.
bool fits(const Snapshot& snapshot, const Log& log, const Limits& limits) {
  if (!log.has(snapshot.at)) return false;
  return snapshot.at.index == 0 || decode_snapshot(snapshot.bytes, limits.machine).ok();
}

bool holds_what_it_sends(const Leader& leader) {
  return std::all_of(leader.peers.begin(), leader.peers.end(), [&](const Progress& peer) {
    return !peer.in_snapshot() ||
           std::any_of(leader.outgoing.begin(), leader.outgoing.end(), [&](const Snapshot& held) {
             return held.at == peer.snapshot() && held.bytes.size() == peer.snapshot_bytes();
           });
  });
}

bool leads_its_peers(const Leader& leader, const Config& config, Index last) {
  std::vector<NodeId> others = config.voters;
  std::erase(others, config.self);
  return std::equal(
      leader.peers.begin(), leader.peers.end(), others.begin(), others.end(),
      [last](const Progress& p, NodeId id) { return p.id == id && p.is_sound(last); });
}

}  // namespace

void encode_checkpoint(std::string& out, const Replica& replica) {
  write_version(out);
  Writer writer(out);
  writer("", replica);
}

Result<Replica> decode_checkpoint(std::string_view bytes) {
  ByteReader in(bytes);
  if (auto known = read_version(in); !known) return known.error();
  Replica replica;
  Reader reader(in);
  reader("", replica);
  if (!in.done()) return corrupt("a replica's checkpoint that does not decode");
  const auto* leader = std::get_if<Leader>(&replica.role_);
  const Index last = replica.log_.last_index();
  const Index base = replica.snapshot_.at.index;
  const bool in_order =
      base <= replica.last_applied_ && replica.last_applied_ <= replica.commit_index_ &&
      replica.commit_index_ <= last && base <= replica.durability_.stable_index() &&
      replica.durability_.stable_index() <= last;
  if (!is_sound(replica.config_) || !in_order ||
      !fits(replica.snapshot_, replica.log_, replica.config_.limits) ||
      (leader != nullptr &&
       (!leads_its_peers(*leader, replica.config_, last) || !holds_what_it_sends(*leader)))) {
    return corrupt("a replica's checkpoint of a state that no replica can be in");
  }
  return replica;
}

void encode_start(std::string& out, const Config& config, const Durable& survived) {
  write_version(out);
  Writer writer(out);
  writer("", config);
  writer("", survived);
}

Result<Start> decode_start(std::string_view bytes) {
  ByteReader in(bytes);
  if (auto known = read_version(in); !known) return known.error();
  Start start;
  Reader reader(in);
  reader("", start.config);
  reader("", start.survived);
  Log log;
  const Durable& found = start.survived;
  if (!in.done() || !is_sound(start.config) || !log.load(found.base, found.count, found.entries) ||
      !fits(found.snapshot, log, start.config.limits)) {
    return corrupt("a replica's start that does not decode");
  }
  return start;
}

}  // namespace ww::raft
