// Every record of every wire format, filled with random fields: it must come back as it went,
// render as JSON, and no corruption of its bytes may do worse than be refused.

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "base/rng.hpp"
#include "base/wire/control.hpp"
#include "base/wire/kv.hpp"
#include "base/wire/peer.hpp"
#include "base/wire/trace.hpp"
#include "base/wire/watch.hpp"
#include "tests/unit/test_seed.hpp"
#include "tests/unit/wire_filler.hpp"

namespace ww::wire {
namespace {

using test::corrupted;
using test::random_alternative;
using test::random_record;

// ---- one codec each: random bytes of it, and what decoding then encoding them yields
// ----------------

struct ControlCodec {
  static std::string random(Rng& rng, std::size_t round) {
    std::string out;
    const std::size_t kinds = std::variant_size_v<control::Message>;
    control::encode(out, random_alternative<control::Message>(rng, round % kinds));
    return out;
  }
  static std::optional<std::string> again(std::string_view bytes) {
    const auto decoded = control::decode(bytes);
    if (!decoded) return std::nullopt;
    std::string out;
    control::encode(out, *decoded);
    return out;
  }
};

struct TraceCodec {
  static std::string random(Rng& rng, std::size_t round) {
    std::string out;
    const std::size_t kinds = std::variant_size_v<trace::Event>;
    trace::encode(out, rng.next(), instant_at(static_cast<std::int64_t>(rng.next())),
                  random_alternative<trace::Event>(rng, round % kinds));
    return out;
  }
  static std::optional<std::string> again(std::string_view bytes) {
    const auto decoded = trace::decode(bytes);
    if (!decoded) return std::nullopt;
    std::string out;
    trace::encode(out, decoded->sequence, decoded->time, decoded->event);
    return out;
  }
};

struct RequestCodec {
  static std::string random(Rng& rng, std::size_t) {
    std::string out;
    const ClientId from{static_cast<std::uint32_t>(1 + rng.below(100))};
    const NodeId to{static_cast<std::uint32_t>(1 + rng.below(7))};
    encode_request(out, from, to, random_record<ClientRequest>(rng));
    return out;
  }
  static std::optional<std::string> again(std::string_view bytes) {
    const auto decoded = decode_request(bytes);
    if (!decoded) return std::nullopt;
    std::string out;
    encode_record(out, decoded->envelope);
    encode_record(out, decoded->request);
    return out;
  }
};

struct ReplyCodec {
  static std::string random(Rng& rng, std::size_t) {
    std::string out;
    const NodeId from{static_cast<std::uint32_t>(1 + rng.below(7))};
    const ClientId to{static_cast<std::uint32_t>(1 + rng.below(100))};
    encode_reply(out, from, to, random_record<ClientReply>(rng));
    return out;
  }
  static std::optional<std::string> again(std::string_view bytes) {
    const auto decoded = decode_reply(bytes);
    if (!decoded) return std::nullopt;
    std::string out;
    encode_record(out, decoded->envelope);
    encode_record(out, decoded->reply);
    return out;
  }
};

struct CommandCodec {
  static std::string random(Rng& rng, std::size_t) {
    std::string out;
    encode_command(out, random_record<Command>(rng));
    return out;
  }
  static std::optional<std::string> again(std::string_view bytes) {
    const auto decoded = decode_command(bytes);
    if (!decoded) return std::nullopt;
    std::string out;
    encode_command(out, copy_of(*decoded));
    return out;
  }
};

struct PeerCodec {
  static std::string random(Rng& rng, std::size_t round) {
    const std::size_t kinds = std::variant_size_v<PeerMessage>;
    PeerMessage message = random_alternative<PeerMessage>(rng, round % kinds);
    Term term = rng.next() >> rng.below(64);
    std::string bulk;
    if (auto* append = std::get_if<Append>(&message)) {
      // The format promises that terms do not fall, and that none exceeds the message's.
      append->count = static_cast<std::uint32_t>(rng.below(5));
      append->prev.index >>= 1;
      Term entry_term = append->prev.term >>= 8;
      std::string payload;
      for (std::uint32_t i = 0; i < append->count; ++i) {
        entry_term += rng.below(3);
        payload.assign(rng.below(50), static_cast<char>(rng.next()));
        append_entry(bulk, EntryView{entry_term, EntryKind::kCommand, payload});
      }
      term = entry_term + rng.below(3);
    } else if (auto* piece = std::get_if<InstallSnapshot>(&message)) {
      // It lies within its snapshot, whose last entry is of no later term than the message.
      piece->at.index = 1 + (piece->at.index >> 1);
      term = (piece->at.term >>= 8) + rng.below(3);
      piece->total = rng.below(rng.below(2) == 0 ? 100 : kMaxSnapshotBytes + 1);
      piece->offset = rng.below(piece->total + 1);
      piece->size = static_cast<std::uint32_t>(
          std::min<std::uint64_t>(rng.below(50), piece->total - piece->offset));
      bulk.assign(piece->size, static_cast<char>(rng.next()));
    }
    std::visit([&](auto& m) { m.term = term; }, message);
    std::string out;
    encode_peer(out, NodeId{1}, NodeId{2}, MessageId{rng.next()}, message, bulk);
    return out;
  }
  static std::optional<std::string> again(std::string_view bytes) {
    const auto decoded = decode_peer(bytes);
    if (!decoded) return std::nullopt;
    std::string out;
    encode_peer(out, node_of(decoded->envelope.from), node_of(decoded->envelope.to),
                decoded->envelope.id, decoded->message, borrowed_by(decoded->message));
    return out;
  }
};

struct WatchCodec {
  static std::string random(Rng& rng, std::size_t) {
    auto request = random_record<WatchRequest>(rng);
    std::sort(request.keys.begin(), request.keys.end());
    request.keys.erase(std::unique(request.keys.begin(), request.keys.end()), request.keys.end());
    std::string out;
    encode_watch(out, ClientId{3}, NodeId{2}, request);
    return out;
  }
  static std::optional<std::string> again(std::string_view bytes) {
    const auto decoded = decode_watch(bytes);
    if (!decoded) return std::nullopt;
    std::string out;
    encode_record(out, decoded->envelope);
    encode_record(out, decoded->request);
    return out;
  }
};

struct WatchFrameCodec {
  static std::string random(Rng& rng, std::size_t) {
    auto frame = random_record<WatchFrame>(rng);
    frame.upto >>= 2;
    frame.first = frame.upto + 1 - std::min<Index>(rng.below(9), frame.upto);
    std::string out;
    encode_watch_frame(out, NodeId{2}, ClientId{3}, frame);
    return out;
  }
  static std::optional<std::string> again(std::string_view bytes) {
    const auto decoded = decode_watch_frame(bytes);
    if (!decoded) return std::nullopt;
    std::string out;
    encode_record(out, decoded->envelope);
    encode_record(out, decoded->frame);
    return out;
  }
};

TEMPLATE_TEST_CASE("A wire format brings every record back as it went", "", ControlCodec,
                   TraceCodec, RequestCodec, ReplyCodec, CommandCodec, PeerCodec, WatchCodec,
                   WatchFrameCodec) {
  INFO(test::repeat_with());
  for (std::size_t round = 0; round < 2000; ++round) {
    Rng rng = keyed(test::seed(), "wire.round-trip", round);
    const std::string bytes = TestType::random(rng, round);
    INFO("round " << round);
    REQUIRE(TestType::again(bytes) == bytes);
    // A record has no shorter and no longer form.
    REQUIRE_FALSE(TestType::again(bytes + '\0').has_value());
  }
}

TEMPLATE_TEST_CASE("A wire format refuses bad bytes or reads something it can write", "",
                   ControlCodec, TraceCodec, RequestCodec, ReplyCodec, CommandCodec, PeerCodec,
                   WatchCodec, WatchFrameCodec) {
  INFO(test::repeat_with());
  std::size_t refused = 0;
  for (std::size_t round = 0; round < 3000; ++round) {
    Rng rng = keyed(test::seed(), "wire.corrupt", round);
    std::string bytes = corrupted(TestType::random(rng, round), rng);
    if (round % 5 == 0) {
      for (char& c : bytes) c = static_cast<char>(rng.next());
    }
    INFO("round " << round);
    const auto once = TestType::again(bytes);
    if (!once) {
      ++refused;
      continue;
    }
    // What was accepted has one canonical form, at which decoding and encoding come to rest.
    REQUIRE(once->size() <= bytes.size());
    REQUIRE(TestType::again(*once) == *once);
  }
  CHECK(refused > 500);
}

TEST_CASE("An append whose terms fall, or pass the message's own, is refused") {
  const auto decodes = [](Term prev, std::vector<Term> terms, Term own) {
    std::string entries;
    for (const Term term : terms) append_entry(entries, EntryView{term, EntryKind::kNoop, ""});
    Append append;
    append.term = own;
    append.prev = LogPosition{4, prev};
    append.count = static_cast<std::uint32_t>(terms.size());
    std::string out;
    encode_peer(out, NodeId{1}, NodeId{2}, MessageId{1}, append, entries);
    return decode_peer(out).ok();
  };
  CHECK(decodes(2, {2, 3, 3}, 3));
  CHECK(decodes(2, {}, 3));
  CHECK_FALSE(decodes(2, {1}, 3));
  CHECK_FALSE(decodes(2, {3, 2}, 3));
  CHECK_FALSE(decodes(2, {4}, 3));
}

TEST_CASE("An envelope is read without its body, and names both ends") {
  std::string out;
  encode_request(out, ClientId{3}, NodeId{2}, ClientRequest{});
  const auto envelope = peek_envelope(out);
  REQUIRE(envelope.has_value());
  CHECK(name_of(envelope->from) == "c3");
  CHECK(name_of(envelope->to) == "n2");
  CHECK(client_of(envelope->from) == ClientId{3});
  CHECK(node_of(envelope->from) == kNobody);
  CHECK(envelope->type == MessageType::kClientRequest);
  CHECK_FALSE(peek_envelope(std::string_view(out).substr(0, 3)).has_value());
}

TEST_CASE(
    "A watch of too many keys, or of keys in no order, and a frame that goes back are refused") {
  const auto decodes = [](std::vector<std::string> keys) {
    WatchRequest request;
    request.keys = std::move(keys);
    std::string out;
    encode_watch(out, ClientId{3}, NodeId{2}, request);
    return decode_watch(out).ok();
  };
  CHECK(decodes({}));
  CHECK(decodes({"a", "b"}));
  CHECK_FALSE(decodes({"b", "a"}));
  CHECK_FALSE(decodes({"a", "a"}));
  CHECK_FALSE(decodes({std::string(kMaxKey + 1, 'k')}));
  std::vector<std::string> many;
  for (std::size_t i = 0; i <= kMaxWatchKeys; ++i) many.push_back(std::to_string(1000 + i));
  CHECK_FALSE(decodes(many));
  many.pop_back();
  CHECK(decodes(many));
  const auto frame_decodes = [](Index first, Index upto) {
    WatchFrame frame;
    frame.first = first;
    frame.upto = upto;
    std::string out;
    encode_watch_frame(out, NodeId{2}, ClientId{3}, frame);
    return decode_watch_frame(out).ok();
  };
  CHECK(frame_decodes(5, 9));
  CHECK(frame_decodes(5, 4));
  CHECK_FALSE(frame_decodes(5, 3));
  CHECK_FALSE(frame_decodes(5, ~std::uint64_t{0} >> 1));
}

TEST_CASE("Keys and values over their limits are refused by name") {
  Command command;
  command.key = std::string(kMaxKey + 1, 'k');
  std::string bytes;
  encode_command(bytes, command);
  const auto key = decode_command(bytes);
  REQUIRE_FALSE(key.ok());
  CHECK(key.error().code == ErrorCode::kTooLarge);
  CHECK(key.error().message == "a key of 1025 bytes; the limit is 1024");

  command.key = "k";
  command.value = std::string(kMaxValue + 1, 'v');
  bytes.clear();
  encode_command(bytes, command);
  const auto value = decode_command(bytes);
  REQUIRE_FALSE(value.ok());
  CHECK(value.error().code == ErrorCode::kTooLarge);
}

TEST_CASE("Message types are found by the names that they print") {
  for (std::uint64_t i = 0; i < EnumSize<MessageType>::value; ++i) {
    const auto type = static_cast<MessageType>(i);
    CHECK(message_type_of(name_of(type)) == type);
  }
  CHECK_FALSE(message_type_of("appendix").has_value());
}

TEST_CASE("Every trace record is one line of JSON, whatever bytes its texts hold") {
  INFO(test::repeat_with());
  const std::size_t kinds = std::variant_size_v<trace::Event>;
  for (std::size_t round = 0; round < 2000; ++round) {
    Rng rng = keyed(test::seed(), "wire.trace-json", round);
    trace::Record record;
    record.sequence = rng.next();
    record.time = instant_at(static_cast<std::int64_t>(rng.below(1'000'000'000)));
    record.event = random_alternative<trace::Event>(rng, round % kinds);
    std::string line;
    trace::append_json(line, NodeId{3}, 2, record);
    INFO(line);
    REQUIRE(line.find('\n') == line.size() - 1);
    const auto json = nlohmann::json::parse(line, nullptr, false);
    REQUIRE(json.is_object());
    REQUIRE(json["v"] == 1);
    REQUIRE(json["n"] == "n3");
    REQUIRE(json["inc"] == 2);
    REQUIRE(json["s"] == record.sequence);
    REQUIRE(json["ev"] == trace::name_of(record.event));
  }
}

}  // namespace
}  // namespace ww::wire
