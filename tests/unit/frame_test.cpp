#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "base/wire/frame.hpp"
#include "tests/unit/test_seed.hpp"

namespace ww::wire {
namespace {

std::vector<std::string> drain(FrameBuffer& buffer) {
  std::vector<std::string> out;
  for (;;) {
    const auto frame = buffer.next();
    REQUIRE(frame.ok());
    if (!*frame) return out;
    out.emplace_back(**frame);
  }
}

TEST_CASE("Frames come out whole wherever the stream was cut") {
  const std::vector<std::string> payloads = {"", "a", std::string(300, 'x'), "last"};
  std::string stream;
  for (const std::string& payload : payloads) append_frame(stream, payload);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    FrameBuffer buffer;
    buffer.feed(std::string_view(stream).substr(0, cut));
    std::vector<std::string> got = drain(buffer);
    buffer.feed(std::string_view(stream).substr(cut));
    for (std::string& payload : drain(buffer)) got.push_back(std::move(payload));
    REQUIRE(got == payloads);
    REQUIRE(buffer.pending() == 0);
  }
}

TEST_CASE("Frames come out whole when every byte arrives alone") {
  std::string stream;
  append_frame(stream, "one");
  append_frame(stream, "three");
  FrameBuffer buffer;
  std::vector<std::string> got;
  for (const char byte : stream) {
    buffer.feed(std::string_view(&byte, 1));
    for (std::string& payload : drain(buffer)) got.push_back(std::move(payload));
  }
  CHECK(got == std::vector<std::string>{"one", "three"});
}

TEST_CASE("A frame written in place equals a frame appended") {
  std::string appended = "before";
  append_frame(appended, "payload");
  std::string in_place = "before";
  const std::size_t begin = begin_frame(in_place);
  in_place += "payload";
  end_frame(in_place, begin);
  CHECK(in_place == appended);
}

TEST_CASE("A frame at the limit passes and one above it kills the stream for good") {
  std::string stream;
  append_frame(stream, std::string(10, 'x'));
  append_frame(stream, std::string(11, 'x'));
  append_frame(stream, "never seen");
  FrameBuffer buffer(10);
  buffer.feed(stream);
  const auto first = buffer.next();
  REQUIRE((first.ok() && first->has_value()));
  for (int i = 0; i < 3; ++i) {
    const auto dead = buffer.next();
    REQUIRE_FALSE(dead.ok());
    CHECK(dead.error().code == ErrorCode::kTooLarge);
    CHECK(dead.error().definite);
    CHECK(dead.error().message == "a frame of 11 bytes; the limit is 10");
    buffer.feed("more");
  }
}

TEST_CASE("Random frames in random pieces come out as they went in") {
  INFO(test::repeat_with());
  Rng rng = keyed(test::seed(), "frame_test");
  std::vector<std::string> sent;
  std::string stream;
  for (int i = 0; i < 200; ++i) {
    sent.emplace_back(rng.below(600), static_cast<char>(rng.next()));
    append_frame(stream, sent.back());
  }
  FrameBuffer buffer;
  std::vector<std::string> got;
  std::string_view rest(stream);
  while (!rest.empty()) {
    const std::size_t n = std::min<std::size_t>(rest.size(), 1 + rng.below(1000));
    buffer.feed(rest.substr(0, n));
    rest.remove_prefix(n);
    for (std::string& payload : drain(buffer)) got.push_back(std::move(payload));
  }
  CHECK(got == sent);
}

}  // namespace
}  // namespace ww::wire
