#include "base/wire/frame.hpp"

#include "base/bytes.hpp"

namespace ww::wire {

void append_frame(std::string& out, std::string_view payload) {
  WW_ASSERT(payload.size() <= kMaxFrame, "a frame over the limit");
  ByteWriter(out).u32(static_cast<std::uint32_t>(payload.size()));
  out.append(payload);
}

std::size_t begin_frame(std::string& out) {
  const std::size_t begin = out.size();
  out.append(kFrameHeader, '\0');
  return begin;
}

void end_frame(std::string& out, std::size_t begin, std::uint32_t limit) {
  const std::size_t size = out.size() - begin - kFrameHeader;
  WW_ASSERT(size <= limit, "a frame over the limit");
  for (std::size_t i = 0; i < kFrameHeader; ++i) {
    out[begin + i] = static_cast<char>(size >> (8 * i));
  }
}

void FrameBuffer::feed(std::string_view bytes) {
  if (at_ > 0) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  buffer_.append(bytes);
}

Result<std::optional<std::string_view>> FrameBuffer::next() {
  if (pending() < kFrameHeader) return std::optional<std::string_view>();
  ByteReader header(std::string_view(buffer_).substr(at_, kFrameHeader));
  const std::uint32_t size = header.u32();
  if (size > limit_) {
    return Error{
        ErrorCode::kTooLarge, true,
        "a frame of " + std::to_string(size) + " bytes; the limit is " + std::to_string(limit_)};
  }
  if (pending() < kFrameHeader + size) return std::optional<std::string_view>();
  const std::string_view payload = std::string_view(buffer_).substr(at_ + kFrameHeader, size);
  at_ += kFrameHeader + size;
  return std::optional<std::string_view>(payload);
}

}  // namespace ww::wire
