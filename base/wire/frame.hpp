// Length-prefixed frames: a little-endian u32, then that many bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace ww::wire {

inline constexpr std::size_t kFrameHeader = 4;
/// The largest payload on any connection between nodes, to clients, or on a control connection.
inline constexpr std::uint32_t kMaxFrame = 4U << 20;

/// Appends a frame around `payload`. REQUIRES: payload.size() <= kMaxFrame.
void append_frame(std::string& out, std::string_view payload);

/// Starts a frame in place: appends the header's room and returns where the frame begins; the
/// caller appends the payload, then calls end_frame with that position.
/// REQUIRES: the payload is at most `limit` bytes.
std::size_t begin_frame(std::string& out);
void end_frame(std::string& out, std::size_t begin, std::uint32_t limit = kMaxFrame);

/// Cuts a byte stream into frames.
///
/// Shape:  feed() what arrived, then next() until it yields nothing. A payload is valid until the
/// next
///         call of feed(). Memory is bounded by `limit` plus what one feed() brought.
/// Errors: kTooLarge (definite) when a header announces more than `limit`; the stream is then dead,
///         and every later next() returns the same error.
class FrameBuffer {
 public:
  explicit FrameBuffer(std::uint32_t limit = kMaxFrame) : limit_(limit) {}
  void feed(std::string_view bytes);
  Result<std::optional<std::string_view>> next();
  /// Bytes of an unfinished frame.
  [[nodiscard]] std::size_t pending() const { return buffer_.size() - at_; }

 private:
  std::uint32_t limit_;
  std::string buffer_;
  std::size_t at_ = 0;
};

}  // namespace ww::wire
