// CRC-32C (Castagnoli), as in iSCSI (RFC 3720) and most log formats.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace ww {

namespace crc_detail {
using Tables = std::array<std::array<std::uint32_t, 256>, 8>;
constexpr Tables make_tables() {
  Tables t{};
  for (std::uint32_t n = 0; n < 256; ++n) {
    std::uint32_t c = n;
    for (int k = 0; k < 8; ++k) c = (c & 1U) ? 0x82f63b78U ^ (c >> 1) : c >> 1;
    t[0][n] = c;
  }
  for (std::uint32_t n = 0; n < 256; ++n) {
    for (std::size_t k = 1; k < 8; ++k) t[k][n] = t[0][t[k - 1][n] & 0xff] ^ (t[k - 1][n] >> 8);
  }
  return t;
}
inline constexpr Tables kTables = make_tables();
}  // namespace crc_detail

/// Continues `crc` (0 to begin) over `bytes`, eight at a step, by tables.
constexpr std::uint32_t crc32c_by_tables(std::string_view bytes, std::uint32_t crc = 0) {
  const auto& t = crc_detail::kTables;
  const auto byte = [&](std::size_t i) {
    return std::uint32_t{static_cast<unsigned char>(bytes[i])};
  };
  crc = ~crc;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    const std::uint32_t low =
        crc ^ (byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24);
    crc = t[7][low & 0xff] ^ t[6][(low >> 8) & 0xff] ^ t[5][(low >> 16) & 0xff] ^ t[4][low >> 24] ^
          t[3][byte(i + 4)] ^ t[2][byte(i + 5)] ^ t[1][byte(i + 6)] ^ t[0][byte(i + 7)];
  }
  for (; i < bytes.size(); ++i) crc = t[0][(crc ^ byte(i)) & 0xff] ^ (crc >> 8);
  return ~crc;
}

/// The same, by the processor's instruction where it has one: audits and recoveries read every
/// byte of every log again.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc = 0);

}  // namespace ww
