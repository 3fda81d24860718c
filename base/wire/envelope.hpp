// The outside of every message: all that a proxy reads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/wire/fields.hpp"

namespace ww::wire {

enum class MessageType : std::uint8_t {
  kPreVote,
  kPreVoteReply,
  kVote,
  kVoteReply,
  kAppend,
  kAppendReply,
  kInstallSnapshot,
  kInstallSnapshotReply,
  kClientRequest,
  kClientReply,
  kTimeoutNow,
  kReadIndex,
  kReadIndexReply,
  kWatch,       // a client to a node
  kWatchFrame,  // a node to a client
};
template <>
struct EnumSize<MessageType> {
  static constexpr std::uint64_t value = 15;
};
std::string_view name_of(MessageType type);
/// Whether one end of such a message is a client.
constexpr bool is_client_message(MessageType type) {
  return type == MessageType::kClientRequest || type == MessageType::kClientReply ||
         type == MessageType::kWatch || type == MessageType::kWatchFrame;
}
/// The type of that name ("append-reply"), or nothing.
std::optional<MessageType> message_type_of(std::string_view name);

/// A party on the network: node n is n, client c is kFirstClient + c.
using Endpoint = Id<struct EndpointTag, std::uint32_t>;
inline constexpr std::uint32_t kFirstClient = 1U << 16;
constexpr Endpoint endpoint_of(NodeId node) {
  return Endpoint{node.value};
}
constexpr Endpoint endpoint_of(ClientId client) {
  return Endpoint{kFirstClient + client.value};
}
constexpr bool is_node(Endpoint e) {
  return e.value > 0 && e.value < kFirstClient;
}
constexpr NodeId node_of(Endpoint e) {
  return is_node(e) ? NodeId{e.value} : kNobody;
}
constexpr ClientId client_of(Endpoint e) {
  return e.value > kFirstClient ? ClientId{e.value - kFirstClient} : ClientId{0};
}
inline std::string name_of(Endpoint e) {
  return is_node(e) ? ww::name_of(node_of(e)) : ww::name_of(client_of(e));
}

struct Envelope {
  Endpoint from;
  Endpoint to;
  MessageType type = MessageType::kAppend;
  Term term = 0;              // 0 for client messages
  MessageId id;               // unique per sender; copies of a message share it
  std::uint64_t content = 0;  // names the content, see content_of; a client's request id
  friend bool operator==(const Envelope&, const Envelope&) = default;

  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("from", s.from);
    v("to", s.to);
    v("type", s.type);
    v("term", s.term);
    v("id", s.id);
    v("content", s.content);
  }
};

/// Reads the envelope of a frame's payload; nothing when it is malformed.
std::optional<Envelope> peek_envelope(std::string_view payload);

}  // namespace ww::wire
