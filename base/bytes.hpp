// Little-endian encoding of numbers and byte strings; readers never trust a length.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ww {

/// Appends to a string that the caller owns and reuses.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}

  [[gnu::always_inline]] void u8(std::uint8_t v) { out_.push_back(static_cast<char>(v)); }
  void u32(std::uint32_t v) { fixed(v, 4); }
  void u64(std::uint64_t v) { fixed(v, 8); }
  void i64(std::int64_t v) { fixed(static_cast<std::uint64_t>(v), 8); }
  /// LEB128: small numbers are short.
  [[gnu::always_inline]] void varint(std::uint64_t v) {
    if (v < 0x80) [[likely]] return u8(static_cast<std::uint8_t>(v));
    long_varint(v);
  }
  void raw(std::string_view bytes) { out_.append(bytes); }
  /// A length (varint), then the bytes.
  void bytes(std::string_view b) {
    varint(b.size());
    raw(b);
  }
  [[nodiscard]] std::size_t size() const { return out_.size(); }

 private:
  void long_varint(std::uint64_t v) {
    char buffer[10];
    std::size_t n = 0;
    for (; v >= 0x80; v >>= 7) buffer[n++] = static_cast<char>(v | 0x80);
    buffer[n++] = static_cast<char>(v);
    out_.append(buffer, n);
  }
  void fixed(std::uint64_t v, int n) {
    char buffer[8];
    for (int i = 0; i < n; ++i) buffer[i] = static_cast<char>(v >> (8 * i));
    out_.append(buffer, static_cast<std::size_t>(n));
  }
  std::string& out_;
};

/// Reads in the order of writing. After the first short or malformed read `ok()` is false, and
/// every later read yields zeros: decoders check once, at the end.
class ByteReader {
 public:
  explicit ByteReader(std::string_view in) : in_(in) {}

  [[nodiscard]] bool ok() const { return ok_; }
  /// Everything was read, and all of it was there.
  [[nodiscard]] bool done() const { return ok_ && at_ == in_.size(); }
  [[nodiscard]] std::size_t position() const { return at_; }
  [[nodiscard]] std::size_t remaining() const { return in_.size() - at_; }
  void fail() { ok_ = false; }

  [[gnu::always_inline]] std::uint8_t u8() {
    if (!ok_ || at_ == in_.size()) {
      ok_ = false;
      return 0;
    }
    return static_cast<std::uint8_t>(in_[at_++]);
  }
  std::uint32_t u32() { return static_cast<std::uint32_t>(fixed(4)); }
  std::uint64_t u64() { return fixed(8); }
  std::int64_t i64() { return static_cast<std::int64_t>(fixed(8)); }
  [[gnu::always_inline]] std::uint64_t varint() {
    if (ok_ && at_ != in_.size() && static_cast<unsigned char>(in_[at_]) < 0x80) [[likely]] {
      return static_cast<unsigned char>(in_[at_++]);
    }
    return long_varint();
  }
  std::string_view raw(std::size_t n) {
    if (!ok_ || n > remaining()) {
      ok_ = false;
      return {};
    }
    const std::string_view out = in_.substr(at_, n);
    at_ += n;
    return out;
  }
  std::string_view bytes() {
    const std::uint64_t n = varint();
    if (n > remaining()) {
      ok_ = false;
      return {};
    }
    return raw(static_cast<std::size_t>(n));
  }
  std::string_view rest() { return raw(remaining()); }

 private:
  std::uint64_t long_varint() {
    std::uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const std::uint8_t b = u8();
      if (shift == 63 && b > 1) break;
      v |= std::uint64_t{b & 0x7fU} << shift;
      if ((b & 0x80) == 0) return ok_ ? v : 0;
    }
    ok_ = false;
    return 0;
  }
  std::uint64_t fixed(std::size_t n) {
    if (!ok_ || n > remaining()) {
      ok_ = false;
      return 0;
    }
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < n; ++i) {
      v |= std::uint64_t{static_cast<unsigned char>(in_[at_ + i])} << (8 * i);
    }
    at_ += n;
    return v;
  }
  std::string_view in_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace ww
