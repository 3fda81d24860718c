#include "base/wire/watch.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "base/hash.hpp"

namespace ww::wire {

namespace {

/// No log comes so far.
constexpr Index kMaxRevision = ~std::uint64_t{0} >> 2;

std::uint64_t content_of(const WatchFrame& frame) {
  return hash_words<4>({frame.request, frame.number, frame.first, frame.upto});
}

Error no_watch(const char* what) {
  return Error{ErrorCode::kCorrupt, true, std::string("malformed ") + what};
}

}  // namespace

std::string_view name_of(WatchVerb verb) {
  static constexpr std::array<std::string_view, 3> kNames = {"open", "acknowledge", "close"};
  return kNames[static_cast<std::size_t>(verb)];
}

void encode_watch(std::string& out, ClientId from, NodeId to, const WatchRequest& request) {
  encode_record(out, Envelope{endpoint_of(from), endpoint_of(to), MessageType::kWatch, 0,
                              MessageId{request.request}, request.request});
  encode_record(out, request);
}

void encode_watch_frame(std::string& out, NodeId from, ClientId to, const WatchFrame& frame) {
  encode_record(out, Envelope{endpoint_of(from), endpoint_of(to), MessageType::kWatchFrame, 0,
                              MessageId{frame.number}, content_of(frame)});
  encode_record(out, frame);
}

Result<WatchMessage> decode_watch(std::string_view payload) {
  ByteReader in(payload);
  WatchMessage out;
  decode_record(in, out.envelope);
  decode_record(in, out.request);
  const WatchRequest& request = out.request;
  if (!in.done() || out.envelope.type != MessageType::kWatch ||
      out.envelope.content != request.request) {
    return no_watch("watch");
  }
  if (request.keys.size() > kMaxWatchKeys ||
      std::any_of(request.keys.begin(), request.keys.end(),
                  [](const std::string& key) { return key.size() > kMaxKey; })) {
    return Error{ErrorCode::kTooLarge, true,
                 "a watch of too many keys, or of one that is too long"};
  }
  if (std::adjacent_find(request.keys.begin(), request.keys.end(), std::greater_equal<>()) !=
      request.keys.end()) {
    return no_watch("watch: its keys are not in order");
  }
  return out;
}

Result<WatchFrameMessage> decode_watch_frame(std::string_view payload) {
  ByteReader in(payload);
  WatchFrameMessage out;
  decode_record(in, out.envelope);
  decode_record(in, out.frame);
  if (!in.done() || out.envelope.type != MessageType::kWatchFrame ||
      out.envelope.content != content_of(out.frame) || out.frame.upto > kMaxRevision ||
      out.frame.first > out.frame.upto + 1) {
    return no_watch("frame of a watch");
  }
  return out;
}

}  // namespace ww::wire
