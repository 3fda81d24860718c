// What a client and a node say about a watch: a stream of the changes of keys, in their order.
//
// The revision of a change is the index of the log entry that made it. A stream is opened with the
// first revision that the client wants, at any node; the node answers with frames. Each says which
// revisions it covers, and holds all changes of the watched keys among these: nothing is inferred
// from silence, and an empty frame is a progress notice. Frames are numbered, and the next covers
// what follows the one before, so that a client sees when one is lost, doubled or late, and
// resumes, here or at another node, behind what it has.
//
// The client acknowledges frames; a node has a bounded number of them on the way, and keeps nothing
// else for a client that lags but a number. When the history no longer has what such a client needs
// next, or it acknowledges nothing for long, its stream is ended, and it resumes when it can.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/wire/envelope.hpp"
#include "base/wire/kv.hpp"

namespace ww::wire {

inline constexpr std::size_t kMaxWatchKeys = 64;
/// Of keys and values in a frame, unless its first change alone has more.
inline constexpr std::size_t kMaxWatchFrameBytes = std::size_t{64} << 10;
inline constexpr std::size_t kMaxWatchFrameChanges = 32;
/// Frames that are on the way to a client, or not acknowledged yet.
inline constexpr std::uint64_t kWatchWindow = 16;

enum class WatchVerb : std::uint8_t { kOpen, kAcknowledge, kClose };
template <>
struct EnumSize<WatchVerb> {
  static constexpr std::uint64_t value = 3;
};
std::string_view name_of(WatchVerb verb);

struct WatchRequest {
  std::uint64_t request = 0;  // numbered like the other requests of the connection
  WatchVerb verb = WatchVerb::kOpen;
  std::uint64_t stream = 0;       // acknowledge, close: the request that opened it
  Index from = 0;                 // open: the first revision wanted; 0: what the node applies next
  std::uint64_t frames = 0;       // acknowledge: so many of the stream's first frames were taken
  std::vector<std::string> keys;  // open: in ascending order; none: all keys
  friend bool operator==(const WatchRequest&, const WatchRequest&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("request", s.request), v("verb", s.verb), v("stream", s.stream), v("from", s.from);
    v("frames", s.frames), v("keys", s.keys);
  }
};

/// What a key became.
struct Change {
  Index revision = 0;
  bool exists = true;  // false: the key was deleted
  std::string key;
  std::string value;
  friend bool operator==(const Change&, const Change&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("revision", s.revision), v("exists", s.exists), v("key", s.key), v("value", s.value);
  }
};

struct WatchFrame {
  std::uint64_t request = 0;  // that opened the stream
  std::uint64_t number = 0;   // in the stream: 1, 2, ...
  Index first = 0;            // The changes of the watched keys from `first` to `upto` are these;
  Index upto = 0;  // with upto = first - 1 it is for none, and says where the next begins.
  std::vector<Change> changes;
  Refusal refusal = Refusal::kNone;  // why the stream ends with this frame; none: it goes on
  Index oldest = 0;                  // compacted: the first revision that can be had
  friend bool operator==(const WatchFrame&, const WatchFrame&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("request", s.request), v("number", s.number), v("first", s.first), v("upto", s.upto);
    v("changes", s.changes), v("refusal", s.refusal), v("oldest", s.oldest);
  }
};

/// Payloads of frames: envelope (term 0, id = the request's or the frame's number; content = the
/// request, or a hash of what the frame covers), then the fields.
void encode_watch(std::string& out, ClientId from, NodeId to, const WatchRequest& request);
void encode_watch_frame(std::string& out, NodeId from, ClientId to, const WatchFrame& frame);
struct WatchMessage {
  Envelope envelope;
  WatchRequest request;
};
struct WatchFrameMessage {
  Envelope envelope;
  WatchFrame frame;
};
/// Errors: kCorrupt or kTooLarge, definite: keys that are too many, too long or not in order.
Result<WatchMessage> decode_watch(std::string_view payload);
/// Errors: kCorrupt, definite.
Result<WatchFrameMessage> decode_watch_frame(std::string_view payload);

}  // namespace ww::wire
