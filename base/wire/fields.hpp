// One description of a record serves its encoder, its decoder and its JSON.
//
// A record has `template <class Self, class V> static void fields(Self& s, V& v)`, which calls
// `v("name", s.member)` for each member in wire order. Numbers travel as varints, signed ones
// zigzag.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/bytes.hpp"
#include "base/history.hpp"
#include "base/ids.hpp"
#include "base/time.hpp"

namespace ww::wire {

template <class T>
concept Record = requires(T& t, int& v) {
  T::fields(t, v);
};

constexpr std::uint64_t zigzag(std::int64_t v) {
  return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t v) {
  return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
}

/// No list in a record is longer; a decoder that meets a longer one fails.
inline constexpr std::uint64_t kMaxListLength = std::uint64_t{1} << 20;

class Encoder {
 public:
  explicit Encoder(std::string& out) : w_(out) {}

  template <class T>
  void operator()(const char*, const T& x) {
    put(x);
  }

 private:
  void put(bool x) { w_.u8(x ? 1 : 0); }
  void put(std::string_view x) { w_.bytes(x); }
  void put(Instant x) { w_.varint(zigzag(to_ns(x))); }
  void put(Duration x) { w_.varint(zigzag(x.count())); }
  void put(const LogPosition& x) {
    w_.varint(x.index);
    w_.varint(x.term);
  }
  template <class Tag, class Rep>
  void put(const Id<Tag, Rep>& x) {
    w_.varint(x.value);
  }
  template <class T>
  void put(const std::vector<T>& x) {
    w_.varint(x.size());
    for (const T& item : x) put(item);
  }
  template <class T>
  requires(std::is_integral_v<T> || std::is_enum_v<T> || Record<T>) void put(const T& x) {
    if constexpr (Record<T>) {
      T::fields(x, *this);
    } else if constexpr (std::is_enum_v<T>) {
      w_.varint(static_cast<std::uint64_t>(x));
    } else if constexpr (std::is_signed_v<T>) {
      w_.varint(zigzag(x));
    } else {
      w_.varint(x);
    }
  }
  ByteWriter w_;
};

/// Enumerations say how many values they have, so that a decoder can refuse others.
template <class E>
struct EnumSize;

class Decoder {
 public:
  explicit Decoder(ByteReader& in) : r_(in) {}

  template <class T>
  void operator()(const char*, T& x) {
    get(x);
  }

 private:
  void get(bool& x) {
    const std::uint8_t b = r_.u8();
    if (b > 1) r_.fail();
    x = b == 1;
  }
  void get(std::string& x) { x = r_.bytes(); }
  void get(std::string_view& x) { x = r_.bytes(); }
  void get(Instant& x) { x = instant_at(unzigzag(r_.varint())); }
  void get(Duration& x) { x = Duration{unzigzag(r_.varint())}; }
  void get(LogPosition& x) {
    x.index = r_.varint();
    x.term = r_.varint();
  }
  template <class Tag, class Rep>
  void get(Id<Tag, Rep>& x) {
    get(x.value);
  }
  template <class T>
  void get(std::vector<T>& x) {
    const std::uint64_t n = r_.varint();
    x.clear();
    // Every item takes a byte at least, so a length beyond the input is a lie.
    if (n > kMaxListLength || n > r_.remaining()) return r_.fail();
    x.resize(static_cast<std::size_t>(n));
    for (T& item : x) get(item);
  }
  template <class T>
  requires(std::is_integral_v<T> || std::is_enum_v<T> || Record<T>) void get(T& x) {
    if constexpr (Record<T>) {
      T::fields(x, *this);
    } else if constexpr (std::is_enum_v<T>) {
      const std::uint64_t v = r_.varint();
      if (v >= EnumSize<T>::value) return r_.fail();
      x = static_cast<T>(v);
    } else if constexpr (std::is_signed_v<T>) {
      x = static_cast<T>(unzigzag(r_.varint()));
    } else {
      const std::uint64_t v = r_.varint();
      if (v > static_cast<std::uint64_t>(static_cast<T>(~T{0}))) return r_.fail();
      x = static_cast<T>(v);
    }
  }
  ByteReader& r_;
};

/// Renders a record's fields as JSON members, each with a leading comma. Byte strings are printed
/// as text with escapes; enumerations by `name_of`.
class JsonFields {
 public:
  explicit JsonFields(std::string& out) : out_(out) {}

  template <class T>
  void operator()(const char* name, const T& x) {
    out_ += ",\"";
    out_ += name;
    out_ += "\":";
    put(x);
  }

 private:
  void put(bool x) { out_ += x ? "true" : "false"; }
  void put(std::string_view x) { append_json_string(out_, x); }
  void put(Instant x) { out_ += std::to_string(to_ns(x)); }
  void put(Duration x) { out_ += std::to_string(x.count()); }
  void put(const LogPosition& x) {
    out_ += '[' + std::to_string(x.index) + ',' + std::to_string(x.term) + ']';
  }
  void put(NodeId x) { out_ += '"' + name_of(x) + '"'; }
  template <class Tag, class Rep>
  void put(const Id<Tag, Rep>& x) {
    out_ += std::to_string(x.value);
  }
  template <class T>
  void put(const std::vector<T>& x) {
    out_ += '[';
    bool first = true;
    for (const T& item : x) {
      if (!first) out_ += ',';
      first = false;
      put(item);
    }
    out_ += ']';
  }
  template <class T>
  requires(std::is_integral_v<T> || std::is_enum_v<T> || Record<T>) void put(const T& x) {
    if constexpr (Record<T>) {
      std::string members;
      JsonFields nested(members);
      T::fields(x, nested);
      out_ += '{';
      if (!members.empty()) out_.append(members, 1);
      out_ += '}';
    } else if constexpr (std::is_enum_v<T>) {
      out_ += '"';
      out_ += name_of(x);
      out_ += '"';
    } else {
      out_ += std::to_string(x);
    }
  }
  std::string& out_;
};

template <Record T>
void encode_record(std::string& out, const T& record) {
  Encoder encoder(out);
  T::fields(record, encoder);
}

/// Decodes the fields of `record`; `in.ok()` says whether they were all there.
template <Record T>
void decode_record(ByteReader& in, T& record) {
  Decoder decoder(in);
  T::fields(record, decoder);
}

}  // namespace ww::wire
