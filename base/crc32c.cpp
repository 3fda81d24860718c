#include "base/crc32c.hpp"

#include <cstring>

namespace ww {

namespace {

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) std::uint32_t by_instruction(std::string_view bytes,
                                                               std::uint32_t crc) {
  std::uint64_t wide = ~crc;
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, 8);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  auto narrow = static_cast<std::uint32_t>(wide);
  for (; i < bytes.size(); ++i) {
    narrow = __builtin_ia32_crc32qi(narrow, static_cast<unsigned char>(bytes[i]));
  }
  return ~narrow;
}

bool has_instruction() {
  static const bool has = __builtin_cpu_supports("sse4.2") != 0;
  return has;
}

#else

std::uint32_t by_instruction(std::string_view bytes, std::uint32_t crc) {
  return crc32c_by_tables(bytes, crc);
}

bool has_instruction() {
  return false;
}

#endif

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t crc) {
  return has_instruction() ? by_instruction(bytes, crc) : crc32c_by_tables(bytes, crc);
}

}  // namespace ww
