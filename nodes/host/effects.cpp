#include "nodes/host/effects.hpp"

#include "base/bytes.hpp"
#include "base/wire/fields.hpp"

namespace ww::host {

namespace {

void encode(std::string& out, const Output& output, const DiskWrite& write) {
  ByteWriter w(out);
  w.varint(write.id.value);
  w.u8(write.state ? 1 : 0);
  if (write.state) {
    w.varint(write.state->term);
    w.varint(write.state->vote.value);
  }
  w.u8(write.reset_to ? 1 : 0);
  if (write.reset_to) {
    w.varint(write.reset_to->index);
    w.varint(write.reset_to->term);
  }
  w.varint(write.truncate_from.value_or(0));
  w.varint(write.range.first);
  w.varint(write.range.count);
  w.bytes(output.view(write.entries));
  w.u8(write.sync ? 1 : 0);
  w.u8(write.settles_doubt ? 1 : 0);
}

void encode(std::string& out, const Output& output, const Outgoing& message) {
  ByteWriter w(out);
  w.varint(message.to.value);
  w.varint(message.id.value);
  w.bytes(output.view(message.frame));
}

void encode(std::string& out, const Output&, const Reply& reply) {
  wire::encode_record(out, reply.id);
  wire::encode_record(out, reply.reply);
}

void encode(std::string& out, const Output& output, const DiskSave& save) {
  ByteWriter w(out);
  w.varint(save.id.value);
  w.varint(save.at.index);
  w.varint(save.at.term);
  w.bytes(output.view(save.snapshot));
}

void encode(std::string& out, const Output&, const Notice& notice) {
  wire::encode_record(out, notice.id);
  wire::encode_record(out, notice.frame);
}

std::string line(const DiskWrite& write) {
  std::string out = R"({"do":"write")";
  wire::JsonFields fields(out);
  fields("write", write.id);
  if (write.state) {
    fields("term", write.state->term);
    fields("vote", write.state->vote);
  }
  if (write.reset_to) fields("reset_to", *write.reset_to);
  if (write.truncate_from) fields("truncate_from", *write.truncate_from);
  fields("first", write.range.first);
  fields("count", write.range.count);
  fields("bytes", write.entries.size);
  fields("sync", write.sync);
  if (write.settles_doubt) fields("settles_doubt", true);
  return out + "}";
}

std::string line(const Outgoing& message) {
  std::string out = R"({"do":"send")";
  wire::JsonFields fields(out);
  fields("to", message.to);
  fields("id", message.id);
  fields("bytes", message.frame.size);
  return out + "}";
}

std::string line(const Reply& reply) {
  std::string out = R"({"do":"answer")";
  wire::JsonFields fields(out);
  fields("conn", reply.id.connection);
  reply.reply.fields(reply.reply, fields);
  return out + "}";
}

std::string line(const DiskSave& save) {
  std::string out = R"({"do":"save")";
  wire::JsonFields fields(out);
  fields("save", save.id);
  fields("at", save.at);
  fields("bytes", save.snapshot.size);
  return out + "}";
}

std::string line(const Notice& notice) {
  std::string out = R"({"do":"notice")";
  wire::JsonFields fields(out);
  fields("conn", notice.id.connection);
  notice.frame.fields(notice.frame, fields);
  return out + "}";
}

}  // namespace

void encode_effects(std::string& out, const Output& output, Instant deadline) {
  ByteWriter w(out);
  w.varint(output.events.size());
  // Neither its number nor its time are the event's own.
  for (const wire::trace::Event& event : output.events) wire::trace::encode(out, 0, {}, event);
  w.varint(output.actions.size());
  for (const Action& action : output.actions) {
    w.varint(action.events_before);
    w.u8(static_cast<std::uint8_t>(action.what.index()));
    std::visit([&](const auto& what) { encode(out, output, what); }, action.what);
  }
  w.i64(to_ns(deadline));
}

std::vector<std::string> effect_lines(NodeId node, Incarnation incarnation, std::uint64_t step,
                                      const Moment& moment, const Output& output) {
  std::vector<std::string> out;
  std::size_t told = 0;
  const auto tell_events = [&](std::size_t upto) {
    for (; told < upto; ++told) {
      std::string text;
      wire::trace::append_json(text, node, incarnation,
                               {step, moment.true_time, output.events[told]});
      text.pop_back();
      out.push_back(std::move(text));
    }
  };
  for (const Action& action : output.actions) {
    tell_events(action.events_before);
    out.push_back(std::visit([](const auto& what) { return line(what); }, action.what));
  }
  tell_events(output.events.size());
  return out;
}

}  // namespace ww::host
