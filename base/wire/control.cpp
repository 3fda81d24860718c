#include "base/wire/control.hpp"

namespace ww::wire::control {

void encode(std::string& out, const Message& message) {
  ByteWriter(out).u8(static_cast<std::uint8_t>(message.index()));
  std::visit([&](const auto& m) { encode_record(out, m); }, message);
}

Result<Message> decode(std::string_view payload) {
  ByteReader in(payload);
  Message message;
  switch (in.u8()) {
    case 0:
      decode_record(in, message.emplace<Hello>());
      break;
    case 1:
      decode_record(in, message.emplace<SetClock>());
      break;
    case 2:
      decode_record(in, message.emplace<ClockState>());
      break;
    case 3:
      decode_record(in, message.emplace<Shutdown>());
      break;
    default:
      in.fail();
  }
  if (!in.done()) return Error{ErrorCode::kCorrupt, true, "malformed control message"};
  return message;
}

}  // namespace ww::wire::control
