#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "base/hash.hpp"
#include "base/rng.hpp"
#include "tests/unit/test_seed.hpp"

namespace ww {
namespace {

TEST_CASE("CRC-32C gives the values of RFC 3720, appendix B.4") {
  std::string ascending;
  std::string descending;
  for (int i = 0; i < 32; ++i) {
    ascending.push_back(static_cast<char>(i));
    descending.push_back(static_cast<char>(31 - i));
  }
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aaU);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43U);
  CHECK(crc32c(ascending) == 0x46dd794eU);
  CHECK(crc32c(descending) == 0x113fdb5cU);
  CHECK(crc32c("123456789") == 0xe3069283U);
  CHECK(crc32c("") == 0U);
}

TEST_CASE("CRC-32C of a whole is that of its parts, wherever it is cut") {
  const std::string text = "the Raft goes through the rapids, and back";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const std::string_view whole(text);
    REQUIRE(crc32c(whole.substr(cut), crc32c(whole.substr(0, cut))) == crc32c(whole));
  }
}

TEST_CASE("CRC-32C is the same by tables and by the processor's instruction") {
  INFO(test::repeat_with());
  Rng rng = keyed(test::seed(), "crc32c_test");
  std::string text;
  for (std::size_t size = 0; size < 100; ++size) {
    const auto begin = static_cast<std::uint32_t>(rng.next());
    REQUIRE(crc32c(text, begin) == crc32c_by_tables(text, begin));
    text.push_back(static_cast<char>(rng.below(256)));
  }
}

TEST_CASE("Numbers read back as written, and the reader knows when all is read") {
  std::string out;
  ByteWriter w(out);
  const std::vector<std::uint64_t> numbers = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX};
  for (const std::uint64_t n : numbers) w.varint(n);
  w.u8(200);
  w.u32(0xdeadbeefU);
  w.u64(0x0123456789abcdefULL);
  w.i64(-5);
  w.bytes("hello");
  ByteReader r(out);
  for (const std::uint64_t n : numbers) CHECK(r.varint() == n);
  CHECK(r.u8() == 200);
  CHECK(r.u32() == 0xdeadbeefU);
  CHECK(r.u64() == 0x0123456789abcdefULL);
  CHECK(r.i64() == -5);
  CHECK_FALSE(r.done());
  CHECK(r.bytes() == "hello");
  CHECK(r.done());
}

TEST_CASE("A reader that met a short read yields zeros ever after") {
  std::string out;
  ByteWriter w(out);
  w.u32(7);
  w.varint(100);  // announces more than there is
  ByteReader r(out);
  CHECK(r.u32() == 7);
  CHECK(r.bytes().empty());
  CHECK_FALSE(r.ok());
  CHECK(r.u8() == 0);
  CHECK(r.rest().empty());
  CHECK_FALSE(r.done());
}

TEST_CASE("A varint of more than 64 bits is refused") {
  const std::string fitting = std::string(9, '\xff') + '\x01';
  ByteReader fits(fitting);
  CHECK(fits.varint() == UINT64_MAX);
  CHECK(fits.done());
  const std::string large = std::string(9, '\xff') + '\x02';
  ByteReader over(large);
  CHECK(over.varint() == 0);
  CHECK_FALSE(over.ok());
  const std::string longer(20, '\x80');
  ByteReader endless(longer);
  CHECK(endless.varint() == 0);
  CHECK_FALSE(endless.ok());
}

TEST_CASE("A hash tells apart strings that differ in one bit or in their length") {
  INFO(test::repeat_with());
  Rng rng = keyed(test::seed(), "bytes_test");
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (std::uint64_t n = rng.below(40); n > 0; --n) text.push_back(static_cast<char>(rng.next()));
    const std::uint64_t hash = hash_bytes(text);
    REQUIRE(hash_bytes(text + '\0') != hash);
    REQUIRE(hash_bytes(text, 1) != hash);
    for (std::size_t i = 0; i < text.size(); ++i) {
      std::string other = text;
      other[i] = static_cast<char>(other[i] ^ (1 << rng.below(8)));
      REQUIRE(hash_bytes(other) != hash);
    }
  }
}

}  // namespace
}  // namespace ww
