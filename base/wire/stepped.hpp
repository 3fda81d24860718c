// What a deterministic world says to a node, and what the node answers: one event in, exactly one
// output out (docs/stepped.md). The simulated world passes these values, the stepped world sends
// them as frames over the node's control socket; nothing else passes between the two.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "base/wire/kv.hpp"
#include "base/wire/trace.hpp"
#include "base/wire/watch.hpp"

namespace ww::wire::stepped {

/// The moment of an event: what the node's clocks show, and true time, which only traces may hold.
struct Clock {
  Instant true_time{};
  Instant mono{};
  Instant wall{};
  friend bool operator==(const Clock&, const Clock&) = default;
};

/// The first event of a process: recover from the files and serve.
struct Boot {};
/// The deadline of the last output has come on the mono clock.
struct Timer {};
/// A message of another node: the payload that it sent.
struct Message {
  std::string_view payload;
};
/// A client's request; the answer names the connection again.
struct Request {
  ClientId connection;
  ClientRequest request;
};
/// Every write up to `upto` is durable.
struct Written {
  WriteId upto;
};
/// The write failed for good; what of it is on the disk, nobody knows.
struct WriteFailed {
  WriteId write;
  std::string reason;
};
/// The bytes of the snapshot are durable, and it may take its place.
struct Saved {
  SaveId id;
};
/// They are not, and will not be.
struct SaveFailed {
  SaveId id;
  std::string reason;
};
/// The node is asked to hand its leadership to `to`, or to whom it thinks best (kNobody). One that
/// does not lead, or cannot do it, does nothing.
struct Transfer {
  NodeId to;
};
/// The node is asked to make `voters`, sorted, the voters of its cluster.
struct ChangeMembership {
  std::vector<NodeId> voters;
  MembershipMode mode = MembershipMode::kJoint;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("voters", s.voters), v("mode", s.mode);
  }
};
/// A client opens a watch, acknowledges frames of one, or closes it; frames name the connection
/// again.
struct Watch {
  ClientId connection;
  WatchRequest request;
};
using Event = std::variant<Boot, Timer, Message, Request, Written, WriteFailed, Saved, SaveFailed,
                           Transfer, ChangeMembership, Watch>;

/// A write was handed to the file system: its store events stand before this. Its completion is an
/// event to come. With `sync` false it completes at once when the writes before it have.
struct Write {
  WriteId id;
  bool sync = true;
};
/// A snapshot was written to a file beside the log: its store events stand before this. Its
/// completion is an event to come, on which no write waits.
struct Save {
  SaveId id;
};
/// A message for another node: bytes of Output::bytes, envelope first.
struct Send {
  std::size_t begin = 0;
  std::size_t size = 0;
};
struct Reply {
  ClientId connection;
  ClientReply reply;
};
struct Notice {
  ClientId connection;
  WatchFrame frame;
};

/// Why a process ends by itself.
enum class EndCause : std::uint8_t {
  kOwn,      // its own reasons, a write that it was told has failed among them
  kDisk,     // an operation on its files failed: the machine's fault, not its own
  kNoSpace,  // the same, for want of space
  kDamaged,  // its files are damaged, and it refuses to serve on them
};

/// What one event led to, in order. Memory is reused from event to event.
struct Output {
  enum class Kind : std::uint8_t { kTrace, kWrite, kSend, kReply, kSave, kNotice };
  struct Item {
    Kind kind = Kind::kTrace;
    std::uint32_t index = 0;  // in the list of its kind
  };
  std::vector<Item> order;
  std::vector<trace::Event> events;  // those of the byte store among them
  std::vector<Write> writes;
  std::vector<Send> sends;
  std::vector<Reply> replies;
  std::vector<Save> saves;
  std::vector<Notice> notices;
  std::string bytes;
  /// When to feed Timer, on the mono clock; kNever: not at all.
  Instant deadline = kNever;
  /// A digest of the node's whole state, equal in every world; 0 from nodes that have none.
  std::uint64_t digest = 0;
  /// The process ends by itself after this, and why.
  bool ended = false;
  EndCause cause = EndCause::kOwn;
  std::string last_words;

  void clear();
  [[nodiscard]] std::string_view view(const Send& send) const {
    return std::string_view(bytes).substr(send.begin, send.size);
  }
  void add(trace::Event&& event);
  /// All of a list, which is empty then.
  void add(std::vector<trace::Event>& list);
  void add(const Write& write);
  void add(Reply&& reply);
  void add(const Save& save);
  void add(Notice&& notice);
  void add_send(std::string_view payload);
};

/// Appends an event's frame payload: the clock, u8 kind, fields.
void encode_event(std::string& out, const Clock& clock, const Event& event);
struct ClockedEvent {
  Clock clock;
  Event event;  // a message's payload points into the frame
};
/// Errors: kCorrupt, definite.
Result<ClockedEvent> decode_event(std::string_view payload);

/// The largest payload of a frame on the control socket, either way: an output may hold a large
/// append for every other node.
inline constexpr std::uint32_t kMaxSteppedFrame = 64U << 20;
/// The highest offset of a store record: the world keeps every file of a node in memory.
inline constexpr std::uint64_t kMaxSteppedFile = std::uint64_t{1} << 31;
/// The socket keeps packets apart (SOCK_SEQPACKET): a frame travels in packets of so many bytes,
/// the last one shorter, and most in one. (On a stream socket, the reader of a frame would wake up
/// its writer, who sleeps for the answer, once too often.)
inline constexpr std::size_t kMaxPacket = std::size_t{64} << 10;

/// Appends an output's frame payload. The bytes of a store's write stay in the file: the frame says
/// where, and the world reads them there. Only where they do not stay put until the end of the
/// output (the file is renamed, cut, written over) are they in the frame.
void encode_output(std::string& out, const Output& output);
/// Fills `output`. `lengths` gets one number a store write, in order: how many bytes are to be read
/// from its file, 0 when the event has them. Errors: kCorrupt, definite.
Result<void> decode_output(std::string_view payload, Output& output,
                           std::vector<std::uint64_t>& lengths);

}  // namespace ww::wire::stepped
