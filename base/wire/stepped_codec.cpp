// The bytes of the contract between a deterministic world and a node: docs/stepped.md.

#include "base/wire/stepped.hpp"
#include "base/wire/variant.hpp"

namespace ww::wire::stepped {

namespace {

/// What an item of an output is; the number stands in the frame.
enum class ItemKind : std::uint8_t { kTrace, kWrite, kSend, kReply, kStored, kSave, kNotice };

Error malformed(const std::string& what) {
  return Error{ErrorCode::kCorrupt, true, "malformed " + what};
}

template <class... Kinds>
struct Overloaded : Kinds... {
  using Kinds::operator()...;
};
template <class... Kinds>
Overloaded(Kinds...) -> Overloaded<Kinds...>;

const trace::Store* store_write_of(const trace::Event& event) {
  const auto* store = std::get_if<trace::Store>(&event);
  return store != nullptr && store->op == trace::StoreOp::kWrite ? store : nullptr;
}

/// Whether what the write put into its file is still there, under that name, after the output.
bool stays_put(const Output& output, std::size_t index, const trace::Store& write) {
  // Of a node that ends, the last write may have failed; and there is nothing to read of an empty
  // one.
  if (output.ended || write.data.empty()) return false;
  for (std::size_t i = index + 1; i < output.events.size(); ++i) {
    const auto* later = std::get_if<trace::Store>(&output.events[i]);
    if (later == nullptr) continue;
    const bool same_file = later->file == write.file || later->other == write.file;
    if (!same_file || later->op == trace::StoreOp::kSyncFile) continue;
    const bool behind =
        later->op == trace::StoreOp::kWrite && later->offset >= write.offset + write.data.size();
    if (!behind) return false;
  }
  return true;
}

void encode_trace(std::string& out, const Output& output, std::size_t index) {
  ByteWriter w(out);
  const trace::Event& event = output.events[index];
  const trace::Store* write = store_write_of(event);
  if (write != nullptr && stays_put(output, index, *write)) {
    w.u8(static_cast<std::uint8_t>(ItemKind::kStored));
    w.bytes(write->file);
    w.varint(write->offset);
    w.varint(write->data.size());
    return;
  }
  w.u8(static_cast<std::uint8_t>(ItemKind::kTrace));
  w.u8(static_cast<std::uint8_t>(event.index()));
  std::visit([&](const auto& e) { encode_record(out, e); }, event);
}

void decode_item(ByteReader& in, Output& output, std::vector<std::uint64_t>& lengths) {
  switch (static_cast<ItemKind>(in.u8())) {
    case ItemKind::kTrace: {
      trace::Event event;
      const std::size_t kind = in.u8();
      decode_alternative(in, kind, event);
      const auto* store = std::get_if<trace::Store>(&event);
      if (store != nullptr && store->offset > kMaxSteppedFile) return in.fail();
      if (store_write_of(event) != nullptr) lengths.push_back(0);
      return output.add(std::move(event));
    }
    case ItemKind::kStored: {
      trace::Store write;
      write.file = in.bytes();
      write.offset = in.varint();
      const std::uint64_t length = in.varint();
      if (length == 0 || length > kMaxSteppedFrame || write.offset > kMaxSteppedFile) {
        return in.fail();
      }
      lengths.push_back(length);
      return output.add(trace::Event(std::move(write)));
    }
    case ItemKind::kWrite: {
      Write write;
      write.id = WriteId{in.varint()};
      const std::uint8_t sync = in.u8();
      if (sync > 1) return in.fail();
      write.sync = sync == 1;
      return output.add(write);
    }
    case ItemKind::kSend:
      return output.add_send(in.bytes());
    case ItemKind::kReply: {
      Reply reply;
      Decoder decoder(in);
      decoder("connection", reply.connection);
      decode_record(in, reply.reply);
      return output.add(std::move(reply));
    }
    case ItemKind::kSave:
      return output.add(Save{SaveId{in.varint()}});
    case ItemKind::kNotice: {
      Notice notice;
      Decoder decoder(in);
      decoder("connection", notice.connection);
      decode_record(in, notice.frame);
      return output.add(std::move(notice));
    }
    default:
      return in.fail();
  }
}

}  // namespace

void encode_event(std::string& out, const Clock& clock, const Event& event) {
  ByteWriter w(out);
  w.i64(to_ns(clock.true_time));
  w.i64(to_ns(clock.mono));
  w.i64(to_ns(clock.wall));
  w.u8(static_cast<std::uint8_t>(event.index()));
  std::visit(Overloaded{[](const Boot&) {}, [](const Timer&) {},
                        [&](const Message& message) { w.bytes(message.payload); },
                        [&](const Request& request) {
                          w.varint(request.connection.value);
                          encode_record(out, request.request);
                        },
                        [&](const Written& written) { w.varint(written.upto.value); },
                        [&](const WriteFailed& failed) {
                          w.varint(failed.write.value);
                          w.bytes(failed.reason);
                        },
                        [&](const Saved& saved) { w.varint(saved.id.value); },
                        [&](const SaveFailed& failed) {
                          w.varint(failed.id.value);
                          w.bytes(failed.reason);
                        },
                        [&](const Transfer& transfer) { w.varint(transfer.to.value); },
                        [&](const ChangeMembership& change) { encode_record(out, change); },
                        [&](const Watch& watch) {
                          w.varint(watch.connection.value);
                          encode_record(out, watch.request);
                        }},
             event);
}

Result<ClockedEvent> decode_event(std::string_view payload) {
  ByteReader in(payload);
  ClockedEvent out;
  out.clock.true_time = instant_at(in.i64());
  out.clock.mono = instant_at(in.i64());
  out.clock.wall = instant_at(in.i64());
  const std::uint8_t kind = in.u8();
  switch (kind) {
    case 0:
      out.event = Boot{};
      break;
    case 1:
      out.event = Timer{};
      break;
    case 2:
      out.event = Message{in.bytes()};
      break;
    case 3: {
      auto& request = out.event.emplace<Request>();
      Decoder decoder(in);
      decoder("connection", request.connection);
      decode_record(in, request.request);
      break;
    }
    case 4:
      out.event = Written{WriteId{in.varint()}};
      break;
    case 5: {
      auto& failed = out.event.emplace<WriteFailed>();
      failed.write = WriteId{in.varint()};
      failed.reason = in.bytes();
      break;
    }
    case 6:
      out.event = Saved{SaveId{in.varint()}};
      break;
    case 7: {
      auto& failed = out.event.emplace<SaveFailed>();
      failed.id = SaveId{in.varint()};
      failed.reason = in.bytes();
      break;
    }
    case 8: {
      Decoder decoder(in);
      decoder("to", out.event.emplace<Transfer>().to);
      break;
    }
    case 9:
      decode_record(in, out.event.emplace<ChangeMembership>());
      break;
    case 10: {
      auto& watch = out.event.emplace<Watch>();
      Decoder decoder(in);
      decoder("connection", watch.connection);
      decode_record(in, watch.request);
      break;
    }
    default:
      in.fail();
  }
  if (!in.done()) return malformed("event of kind " + std::to_string(kind));
  return out;
}

void encode_output(std::string& out, const Output& output) {
  ByteWriter w(out);
  w.i64(to_ns(output.deadline));
  w.u64(output.digest);
  w.u8(static_cast<std::uint8_t>(output.ended ? 1 + static_cast<int>(output.cause) : 0));
  if (output.ended) w.bytes(output.last_words);
  for (const Output::Item& item : output.order) {
    switch (item.kind) {
      case Output::Kind::kTrace:
        encode_trace(out, output, item.index);
        break;
      case Output::Kind::kWrite: {
        const Write& write = output.writes[item.index];
        w.u8(static_cast<std::uint8_t>(ItemKind::kWrite));
        w.varint(write.id.value);
        w.u8(write.sync ? 1 : 0);
        break;
      }
      case Output::Kind::kSend:
        w.u8(static_cast<std::uint8_t>(ItemKind::kSend));
        w.bytes(output.view(output.sends[item.index]));
        break;
      case Output::Kind::kReply: {
        const Reply& reply = output.replies[item.index];
        w.u8(static_cast<std::uint8_t>(ItemKind::kReply));
        w.varint(reply.connection.value);
        encode_record(out, reply.reply);
        break;
      }
      case Output::Kind::kSave:
        w.u8(static_cast<std::uint8_t>(ItemKind::kSave));
        w.varint(output.saves[item.index].id.value);
        break;
      case Output::Kind::kNotice: {
        const Notice& notice = output.notices[item.index];
        w.u8(static_cast<std::uint8_t>(ItemKind::kNotice));
        w.varint(notice.connection.value);
        encode_record(out, notice.frame);
        break;
      }
    }
  }
}

Result<void> decode_output(std::string_view payload, Output& output,
                           std::vector<std::uint64_t>& lengths) {
  output.clear();
  lengths.clear();
  ByteReader in(payload);
  output.deadline = instant_at(in.i64());
  output.digest = in.u64();
  const std::uint8_t ended = in.u8();
  if (ended > 1 + static_cast<int>(EndCause::kDamaged)) in.fail();
  output.ended = ended > 0;
  if (output.ended) {
    output.cause = static_cast<EndCause>(ended - 1);
    output.last_words = in.bytes();
  }
  std::size_t items = 0;
  while (in.ok() && in.remaining() > 0) {
    ++items;
    decode_item(in, output, lengths);
  }
  if (!in.ok()) {
    return malformed(items == 0 ? "head of an output"
                                : "item " + std::to_string(items) + " of an output");
  }
  return {};
}

}  // namespace ww::wire::stepped
