#include "base/wire/kv.hpp"

#include <array>

namespace ww::wire {

namespace {

constexpr std::array<std::string_view, 6> kCommandNames = {"open", "read",   "write",
                                                           "cas",  "append", "delete"};
constexpr std::array<std::string_view, 7> kRefusalNames = {
    "none", "not-leader", "busy", "session-expired", "too-large", "stopped", "leadership-lost"};

Error malformed(const char* what) {
  return Error{ErrorCode::kCorrupt, true, std::string("malformed ") + what};
}

Result<void> check_sizes(const Command& command) {
  if (command.key.size() > kMaxKey) {
    return Error{ErrorCode::kTooLarge, true,
                 "a key of " + std::to_string(command.key.size()) + " bytes; the limit is " +
                     std::to_string(kMaxKey)};
  }
  if (command.value.size() > kMaxValue || command.expected.size() > kMaxValue) {
    return Error{ErrorCode::kTooLarge, true,
                 "a value over the limit of " + std::to_string(kMaxValue) + " bytes"};
  }
  return {};
}

template <class Message>
Result<std::pair<Envelope, Message>> decode_message(std::string_view payload, MessageType type,
                                                    const char* what) {
  ByteReader in(payload);
  std::pair<Envelope, Message> out;
  decode_record(in, out.first);
  decode_record(in, out.second);
  if (!in.done() || out.first.type != type) return malformed(what);
  if (out.first.content != out.second.request) return malformed(what);
  return out;
}

}  // namespace

std::string_view name_of(CommandKind kind) {
  return kCommandNames[static_cast<std::size_t>(kind)];
}
std::string_view name_of(ReadMode mode) {
  return mode == ReadMode::kIndex ? "index" : "log";
}
std::string_view name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk:
      return "ok";
    case Outcome::kFailed:
      return "failed";
    case Outcome::kUnknown:
      return "unknown";
  }
  return "?";
}
std::string_view name_of(Refusal refusal) {
  return kRefusalNames[static_cast<std::size_t>(refusal)];
}

void encode_command(std::string& out, const Command& command) {
  encode_record(out, command);
}

Result<Command> decode_command(std::string_view bytes) {
  ByteReader in(bytes);
  Command command;
  decode_record(in, command);
  if (!in.done()) return malformed("command");
  if (auto sizes = check_sizes(command); !sizes) return sizes.error();
  return command;
}

void encode_request(std::string& out, ClientId from, NodeId to, const ClientRequest& request) {
  encode_record(out, Envelope{endpoint_of(from), endpoint_of(to), MessageType::kClientRequest, 0,
                              MessageId{request.request}, request.request});
  encode_record(out, request);
}

void encode_reply(std::string& out, NodeId from, ClientId to, const ClientReply& reply) {
  encode_record(out, Envelope{endpoint_of(from), endpoint_of(to), MessageType::kClientReply, 0,
                              MessageId{reply.request}, reply.request});
  encode_record(out, reply);
}

Result<RequestFrame> decode_request(std::string_view payload) {
  auto decoded = decode_message<ClientRequest>(payload, MessageType::kClientRequest, "request");
  if (!decoded) return decoded.error();
  if (auto sizes = check_sizes(decoded->second.command); !sizes) return sizes.error();
  return RequestFrame{decoded->first, std::move(decoded->second)};
}

Result<ReplyFrame> decode_reply(std::string_view payload) {
  auto decoded = decode_message<ClientReply>(payload, MessageType::kClientReply, "reply");
  if (!decoded) return decoded.error();
  return ReplyFrame{decoded->first, std::move(decoded->second)};
}

}  // namespace ww::wire
