#include "base/wire/kv.hpp"

#include <array>

namespace ww::wire {

namespace {

constexpr std::array<std::string_view, 6> kCommandNames = {"open", "read",   "write",
                                                           "cas",  "append", "delete"};
constexpr std::array<std::string_view, EnumSize<Refusal>::value> kRefusalNames = {
    "none",    "not-leader",      "busy",      "session-expired", "too-large",
    "stopped", "leadership-lost", "compacted", "too-slow"};

Error malformed(const char* what) {
  return Error{ErrorCode::kCorrupt, true, std::string("malformed ") + what};
}

template <class Text>
Result<void> check_sizes(const BasicCommand<Text>& command) {
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

template <class Frame, class Message>
Result<Frame> decode_message(std::string_view payload, MessageType type, Message Frame::*message,
                             const char* what) {
  ByteReader in(payload);
  Frame out;
  decode_record(in, out.envelope);
  decode_record(in, out.*message);
  if (!in.done() || out.envelope.type != type) return malformed(what);
  if (out.envelope.content != (out.*message).request) return malformed(what);
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

Result<CommandView> decode_command(std::string_view bytes) {
  ByteReader in(bytes);
  CommandView command;
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
  auto decoded =
      decode_message(payload, MessageType::kClientRequest, &RequestFrame::request, "request");
  if (!decoded) return decoded;
  if (auto sizes = check_sizes(decoded->request.command); !sizes) return sizes.error();
  return decoded;
}

Result<ReplyFrame> decode_reply(std::string_view payload) {
  return decode_message(payload, MessageType::kClientReply, &ReplyFrame::reply, "reply");
}

}  // namespace ww::wire
