// Records of several kinds, told apart by the index of their alternative.
#pragma once

#include <cstddef>
#include <variant>

#include "base/wire/fields.hpp"

namespace ww::wire {

/// Fills `out` with the alternative numbered `kind`, its fields read from `in`; `in.ok()` is false
/// when there is none of that number or its fields were not all there.
template <class Variant, std::size_t I = 0>
void decode_alternative(ByteReader& in, std::size_t kind, Variant& out) {
  if constexpr (I < std::variant_size_v<Variant>) {
    if (kind != I) return decode_alternative<Variant, I + 1>(in, kind, out);
    decode_record(in, out.template emplace<I>());
  } else {
    in.fail();
  }
}

}  // namespace ww::wire
