#include "base/wire/control.hpp"

#include "base/wire/variant.hpp"

namespace ww::wire::control {

void encode(std::string& out, const Message& message) {
  ByteWriter(out).u8(static_cast<std::uint8_t>(message.index()));
  std::visit([&](const auto& m) { encode_record(out, m); }, message);
}

Result<Message> decode(std::string_view payload) {
  ByteReader in(payload);
  Message message;
  const std::size_t kind = in.u8();
  decode_alternative(in, kind, message);
  if (!in.done()) return Error{ErrorCode::kCorrupt, true, "malformed control message"};
  return message;
}

}  // namespace ww::wire::control
