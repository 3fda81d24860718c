// The frames between a deterministic world and a node: they come back as they went, a store's bytes
// stay in the file where they can, and no damage does worse than be refused.
#include <catch2/catch.hpp>
#include <string>

#include "base/wire/stepped.hpp"
#include "tests/unit/test_seed.hpp"
#include "tests/unit/wire_filler.hpp"

namespace ww::wire::stepped {
namespace {

std::string random_bytes(Rng& rng, std::uint64_t limit) {
  std::string out(static_cast<std::size_t>(rng.below(limit)), '\0');
  for (char& c : out) c = static_cast<char>(rng.next());
  return out;
}

Clock random_clock(Rng& rng) {
  const auto instant = [&] { return instant_at(static_cast<std::int64_t>(rng.next())); };
  return {instant(), instant(), instant()};
}

/// `payload` holds what a message borrows.
Event random_event(Rng& rng, std::size_t kind, std::string& payload) {
  switch (kind) {
    case 0:
      return Boot{};
    case 1:
      return Timer{};
    case 2:
      payload = random_bytes(rng, 300);
      return Message{payload};
    case 3:
      return Request{ClientId{static_cast<std::uint32_t>(rng.next())},
                     test::random_record<ClientRequest>(rng)};
    case 4:
      return Written{WriteId{rng.next() >> rng.below(64)}};
    case 5:
      return WriteFailed{WriteId{rng.next() >> rng.below(64)}, random_bytes(rng, 40)};
    case 6:
      return Saved{SaveId{rng.next() >> rng.below(64)}};
    case 7:
      return SaveFailed{SaveId{rng.next() >> rng.below(64)}, random_bytes(rng, 40)};
    case 8:
      return Transfer{NodeId{static_cast<std::uint32_t>(rng.next())}};
    case 9:
      return test::random_record<ChangeMembership>(rng);
    default:
      return Watch{ClientId{static_cast<std::uint32_t>(rng.next())},
                   test::random_record<WatchRequest>(rng)};
  }
}
constexpr std::size_t kEventKinds = std::variant_size_v<Event>;

Output random_output(Rng& rng) {
  Output out;
  out.clear();
  out.deadline = instant_at(static_cast<std::int64_t>(rng.next()));
  out.digest = rng.next();
  out.ended = rng.below(4) == 0;
  if (out.ended) {
    out.cause = static_cast<EndCause>(rng.below(3));
    out.last_words = random_bytes(rng, 30);
  }
  for (std::uint64_t items = rng.below(8); items > 0; --items) {
    switch (rng.below(7)) {
      case 0:
        out.add(Write{WriteId{rng.next()}, rng.below(2) == 1});
        break;
      case 1:
        out.add_send(random_bytes(rng, 200));
        break;
      case 2:
        out.add(Reply{ClientId{static_cast<std::uint32_t>(rng.next())},
                      test::random_record<ClientReply>(rng)});
        break;
      case 3: {
        auto store = test::random_record<trace::Store>(rng);
        store.op = trace::StoreOp::kWrite;
        store.file = rng.below(2) == 0 ? "a" : "b";
        store.offset = rng.below(50);
        out.add(trace::Event(std::move(store)));
        break;
      }
      case 4:
        out.add(Save{SaveId{rng.next() >> rng.below(64)}});
        break;
      case 5:
        out.add(Notice{ClientId{static_cast<std::uint32_t>(rng.next())},
                       test::random_record<WatchFrame>(rng)});
        break;
      default: {
        auto event = test::random_alternative<trace::Event>(
            rng, rng.below(std::variant_size_v<trace::Event>));
        if (auto* store = std::get_if<trace::Store>(&event)) store->offset %= kMaxSteppedFile;
        out.add(std::move(event));
      }
    }
  }
  return out;
}

std::string encoded(const Output& output) {
  std::string out;
  encode_output(out, output);
  return out;
}

/// Every trace event of the output, as bytes that can be compared.
std::string events_of(const Output& output) {
  std::string out;
  for (const trace::Event& event : output.events) trace::encode(out, 0, Instant{}, event);
  return out;
}

trace::Store store(trace::StoreOp op, const std::string& file, std::uint64_t offset = 0,
                   const std::string& data = "") {
  trace::Store out;
  out.op = op;
  out.file = file;
  out.offset = offset;
  out.data = data;
  return out;
}

/// The lengths that the world reads from files when the node did these operations.
std::vector<std::uint64_t> lengths_of(const std::vector<trace::Store>& operations,
                                      bool ended = false) {
  Output output;
  output.clear();
  output.ended = ended;
  for (const trace::Store& operation : operations) output.add(trace::Event(operation));
  Output again;
  std::vector<std::uint64_t> lengths;
  REQUIRE(decode_output(encoded(output), again, lengths));
  return lengths;
}

}  // namespace

TEST_CASE("An event for a node comes back as it went") {
  INFO(test::repeat_with());
  for (std::size_t round = 0; round < 3000; ++round) {
    Rng rng = keyed(test::seed(), "stepped.event", round);
    INFO("round " << round);
    std::string payload;
    const Clock clock = random_clock(rng);
    std::string bytes;
    encode_event(bytes, clock, random_event(rng, round % kEventKinds, payload));
    const auto decoded = decode_event(bytes);
    REQUIRE(decoded);
    REQUIRE(decoded->clock == clock);
    REQUIRE(decoded->event.index() == round % kEventKinds);
    std::string again;
    encode_event(again, decoded->clock, decoded->event);
    REQUIRE(again == bytes);
    REQUIRE_FALSE(decode_event(bytes + '\0'));
    REQUIRE_FALSE(decode_event(std::string_view(bytes).substr(0, bytes.size() - 1)));
  }
}

TEST_CASE("An output comes back as it went, once its bytes are read from the files") {
  INFO(test::repeat_with());
  for (std::size_t round = 0; round < 3000; ++round) {
    Rng rng = keyed(test::seed(), "stepped.output", round);
    INFO("round " << round);
    const Output output = random_output(rng);
    const std::string bytes = encoded(output);
    Output again;
    std::vector<std::uint64_t> lengths;
    REQUIRE(decode_output(bytes, again, lengths));
    std::size_t write = 0;
    for (std::size_t i = 0; i < output.events.size(); ++i) {
      const auto* original = std::get_if<trace::Store>(&output.events[i]);
      if (original == nullptr || original->op != trace::StoreOp::kWrite) continue;
      auto& copy = std::get<trace::Store>(again.events[i]);
      if (lengths.at(write++) > 0) {
        REQUIRE(copy.data.empty());
        REQUIRE(lengths[write - 1] == original->data.size());
        copy.data = original->data;
        copy.other = original->other;  // a write has no other name and is ok
        copy.ok = original->ok;
      }
    }
    REQUIRE(write == lengths.size());
    REQUIRE(events_of(again) == events_of(output));
    REQUIRE(encoded(again) == bytes);
    REQUIRE(again.deadline == output.deadline);
    REQUIRE(again.digest == output.digest);
    REQUIRE(again.cause == output.cause);
    REQUIRE(again.last_words == output.last_words);
    REQUIRE_FALSE(decode_output(bytes + '\0', again, lengths));
  }
}

TEST_CASE("Damaged frames are refused, or read as something that can be written") {
  INFO(test::repeat_with());
  std::size_t refused = 0;
  for (std::size_t round = 0; round < 6000; ++round) {
    Rng rng = keyed(test::seed(), "stepped.corrupt", round);
    INFO("round " << round);
    std::string payload;
    std::string bytes;
    encode_event(bytes, random_clock(rng), random_event(rng, round % kEventKinds, payload));
    // A decoded message points into its frame.
    const std::string damaged = test::corrupted(bytes, rng);
    if (const auto event = decode_event(damaged); event) {
      std::string again;
      encode_event(again, event->clock, event->event);
      REQUIRE(decode_event(again));
    } else {
      ++refused;
    }
    Output output;
    std::vector<std::uint64_t> lengths;
    if (decode_output(test::corrupted(encoded(random_output(rng)), rng), output, lengths)) {
      Output again;
      REQUIRE(decode_output(encoded(output), again, lengths));
      REQUIRE(again.order.size() == output.order.size());
    } else {
      ++refused;
    }
  }
  CHECK(refused > 1000);
}

TEST_CASE("A store's bytes stay in the file unless the output itself moves or replaces them") {
  using Op = trace::StoreOp;
  using Lengths = std::vector<std::uint64_t>;
  const trace::Store write = store(Op::kWrite, "log", 10, "bytes");
  CHECK(lengths_of({write}) == Lengths{5});
  CHECK(lengths_of({write, store(Op::kSyncFile, "log")}) == Lengths{5});
  CHECK(lengths_of({write, store(Op::kWrite, "log", 15, "more")}) == Lengths{5, 4});
  CHECK(lengths_of({write, store(Op::kWrite, "other", 10, "more")}) == Lengths{5, 4});
  CHECK(lengths_of({write, store(Op::kWrite, "log", 14, "more")}) == Lengths{0, 4});
  CHECK(lengths_of({write, store(Op::kTruncate, "log", 10)}) == Lengths{0});
  CHECK(lengths_of({write, store(Op::kUnlink, "log")}) == Lengths{0});
  CHECK(lengths_of({store(Op::kWrite, "log", 0, "")}) == Lengths{0});
  trace::Store rename = store(Op::kRename, "log");
  rename.other = "kept";
  CHECK(lengths_of({write, rename}) == Lengths{0});
  rename = store(Op::kRename, "temporary");
  rename.other = "log";
  CHECK(lengths_of({write, rename}) == Lengths{0});
  CHECK(lengths_of({write}, true) == Lengths{0});
}

TEST_CASE("A store record beyond the largest file is refused, whatever it does there") {
  const std::pair<std::uint64_t, bool> cases[] = {{kMaxSteppedFile, true},
                                                  {kMaxSteppedFile + 1, false}};
  for (const auto& [offset, taken] : cases) {
    for (const trace::StoreOp op : {trace::StoreOp::kWrite, trace::StoreOp::kTruncate}) {
      trace::Store far;
      far.op = op;
      far.file = "f";
      far.offset = offset;
      if (op == trace::StoreOp::kWrite) far.data = "x";
      Output output;
      output.clear();
      output.add(trace::Event(far));
      const std::string bytes = encoded(output);
      Output again;
      std::vector<std::uint64_t> lengths;
      CHECK(decode_output(bytes, again, lengths).ok() == taken);
    }
  }
}

TEST_CASE("What is wrong with a frame is named") {
  Output output;
  std::vector<std::uint64_t> lengths;
  CHECK(decode_output("", output, lengths).error().message == "malformed head of an output");
  output.clear();
  output.add(Write{WriteId{1}, true});
  std::string bytes = encoded(output);
  bytes += '\x09';
  CHECK(decode_output(bytes, output, lengths).error().message == "malformed item 2 of an output");
  bytes.clear();
  encode_event(bytes, Clock{}, Timer{});
  bytes.back() = '\x08';
  CHECK(decode_event(bytes).error().message == "malformed event of kind 8");
}

}  // namespace ww::wire::stepped
