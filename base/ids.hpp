// Names of things: nodes, sessions, terms, log positions.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace ww {

/// A number that only mixes with numbers of its own kind.
template <class Tag, class Rep = std::uint64_t>
struct Id {
  Rep value{};
  friend constexpr auto operator<=>(const Id&, const Id&) = default;
};

/// A cluster member: 1..n; 0 is nobody.
using NodeId = Id<struct NodeTag, std::uint32_t>;
inline constexpr NodeId kNobody{0};

/// A client connection as seen by a node, or a client endpoint as seen by the network: 1..m.
using ClientId = Id<struct ClientTag, std::uint32_t>;

/// A client session; the log index of the entry that opened it. 0 is "none".
using SessionId = Id<struct SessionTag>;

/// A disk write of one replica; ids grow by one in issue order from 1.
using WriteId = Id<struct WriteTag>;

/// A snapshot that one replica has saved; ids grow by one in issue order from 1.
using SaveId = Id<struct SaveTag>;

/// A message of one sender: incarnation in the upper 20 bits, a counter from 1 below.
using MessageId = Id<struct MessageTag>;

/// Raft terms and log indices are plain numbers, because the paper computes with them.
using Term = std::uint64_t;
using Index = std::uint64_t;

/// The boot count of a node: 1 for its first start.
using Incarnation = std::uint32_t;

/// Where in the log something is, or took effect. {0, 0} is before the first entry.
struct LogPosition {
  Index index = 0;
  Term term = 0;
  friend constexpr auto operator<=>(const LogPosition&, const LogPosition&) = default;
};

/// "n3", as users write it.
inline std::string name_of(NodeId node) {
  return "n" + std::to_string(node.value);
}
inline std::string name_of(ClientId client) {
  return "c" + std::to_string(client.value);
}

}  // namespace ww
