// What clients say to nodes, and the commands of the replicated key-value machine.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/wire/envelope.hpp"

namespace ww::wire {

enum class CommandKind : std::uint8_t {
  kOpenSession,  // the session's id is the log index of this entry (dissertation, 6.3)
  kRead,
  kWrite,
  kCas,
  kAppend,  // appends bytes to the value
  kDelete,
};
template <>
struct EnumSize<CommandKind> {
  static constexpr std::uint64_t value = 6;
};
std::string_view name_of(CommandKind kind);

inline constexpr std::size_t kMaxKey = 1024;
inline constexpr std::size_t kMaxValue = std::size_t{256} << 10;

/// One command. `session` 0 with `seq` 0 means "no session": executed as often as it is logged.
template <class Text>
struct BasicCommand {
  CommandKind kind = CommandKind::kRead;
  SessionId session;
  std::uint64_t seq = 0;  // 1, 2, ... within the session; a retry repeats it
  Text key{};
  Text value{};     // write, append: the bytes; cas: what to write
  Text expected{};  // cas: the value that must be there
  friend bool operator==(const BasicCommand&, const BasicCommand&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("kind", s.kind);
    v("session", s.session);
    v("seq", s.seq);
    v("key", s.key);
    v("value", s.value);
    v("expected", s.expected);
  }
};

using Command = BasicCommand<std::string>;
/// Its texts are lent: every node applies every command of the log, where it is.
using CommandView = BasicCommand<std::string_view>;
inline CommandView view_of(const Command& c) {
  return {c.kind, c.session, c.seq, c.key, c.value, c.expected};
}
inline Command copy_of(const CommandView& c) {
  return {
      c.kind, c.session, c.seq, std::string(c.key), std::string(c.value), std::string(c.expected)};
}

void encode_command(std::string& out, const Command& command);
/// Lent by `bytes`. Errors: kCorrupt or kTooLarge, definite.
Result<CommandView> decode_command(std::string_view bytes);

/// How a read is made linearizable. Writes are always logged.
enum class ReadMode : std::uint8_t { kIndex, kLog };
template <>
struct EnumSize<ReadMode> {
  static constexpr std::uint64_t value = 2;
};
std::string_view name_of(ReadMode mode);

struct ClientRequest {
  /// Numbers the requests of one connection, growing; a node drops one that does not grow, so that
  /// a copy made by the network is not a second attempt.
  std::uint64_t request = 0;
  ReadMode read_mode = ReadMode::kIndex;
  Command command;
  friend bool operator==(const ClientRequest&, const ClientRequest&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("request", s.request);
    v("read_mode", s.read_mode);
    v("command", s.command);
  }
};

/// `failed`: this attempt surely took and takes no effect. `unknown`: it may have, or may yet.
enum class Outcome : std::uint8_t { kOk, kFailed, kUnknown };
template <>
struct EnumSize<Outcome> {
  static constexpr std::uint64_t value = 3;
};
std::string_view name_of(Outcome outcome);

enum class Refusal : std::uint8_t {
  kNone,
  kNotLeader,
  kBusy,
  kExpired,
  kTooLarge,
  kStopped,
  kLost,
  kCompacted,  // a watch: what it asks for is not kept any more
  kTooSlow,    // a watch: its client acknowledges nothing
};
template <>
struct EnumSize<Refusal> {
  static constexpr std::uint64_t value = 9;
};
std::string_view name_of(Refusal refusal);

struct ClientReply {
  std::uint64_t request = 0;
  Outcome outcome = Outcome::kUnknown;
  Refusal refusal = Refusal::kNone;  // why, when not ok
  /// Where it took effect: the command's entry, or for an index read the last applied entry.
  LogPosition at;
  bool matched = true;           // cas: whether it took effect
  bool exists = false;           // read, cas, delete: whether the key was there before
  std::string value;             // read, cas: what was there
  SessionId session;             // open: the new session
  NodeId leader_hint = kNobody;  // not-leader: whom to ask instead
  friend bool operator==(const ClientReply&, const ClientReply&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("request", s.request);
    v("outcome", s.outcome);
    v("refusal", s.refusal);
    v("at", s.at);
    v("matched", s.matched);
    v("exists", s.exists);
    v("value", s.value);
    v("session", s.session);
    v("leader", s.leader_hint);
  }
};

/// Payloads of frames: envelope (term 0, id and content = the request number), then the fields.
void encode_request(std::string& out, ClientId from, NodeId to, const ClientRequest& request);
void encode_reply(std::string& out, NodeId from, ClientId to, const ClientReply& reply);
struct RequestFrame {
  Envelope envelope;
  ClientRequest request;
};
struct ReplyFrame {
  Envelope envelope;
  ClientReply reply;
};
/// Errors: kCorrupt or kTooLarge, definite.
Result<RequestFrame> decode_request(std::string_view payload);
Result<ReplyFrame> decode_reply(std::string_view payload);

}  // namespace ww::wire
