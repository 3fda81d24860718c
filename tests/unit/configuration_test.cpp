// Quorums and the configurations of a log.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "nodes/raft/configuration.hpp"

namespace ww::raft {

namespace {

std::vector<NodeId> nodes_of(std::uint32_t set) {
  std::vector<NodeId> out;
  for (std::uint32_t i = 0; i < 6; ++i) {
    if ((set >> i & 1U) != 0) out.push_back(NodeId{i + 1});
  }
  return out;
}

int count(std::uint32_t set) {
  int out = 0;
  for (; set != 0; set &= set - 1) ++out;
  return out;
}

bool is_more_than_half(std::uint32_t half, std::uint32_t set) {
  return 2 * count(half & set) > count(half);
}

}  // namespace

TEST_CASE("a quorum is a majority of each half, for all configurations of six nodes") {
  for (std::uint32_t old = 1; old < 64; ++old) {
    for (std::uint32_t next = 0; next < 64; ++next) {
      const Configuration c{nodes_of(old), nodes_of(next), {}};
      for (std::uint32_t set = 0; set < 64; set += 1 + old % 3) {
        const bool expected =
            is_more_than_half(old, set) && (next == 0 || is_more_than_half(next, set));
        REQUIRE(has_quorum(c, nodes_of(set)) == expected);
      }
    }
  }
  CHECK_FALSE(has_quorum(Configuration{}, nodes_of(63)));
}

TEST_CASE("what a quorum has reached is the highest value that a quorum holds") {
  Rng rng(key_of(5, "reached"));
  for (int i = 0; i < 2000; ++i) {
    const auto old = 1 + static_cast<std::uint32_t>(rng.below(63));
    const auto next = static_cast<std::uint32_t>(rng.below(64));
    const Configuration c{nodes_of(old), nodes_of(next), {}};
    std::vector<std::uint64_t> values;
    for (int n = 0; n < 6; ++n) values.push_back(rng.below(5));
    const auto of = [&values](NodeId node) { return values[node.value - 1]; };
    const std::uint64_t reached = reached_by_quorum(c, of);
    const auto holders = [&](std::uint64_t value) {
      std::vector<NodeId> out;
      for (std::uint32_t n = 1; n <= 6; ++n) {
        if (values[n - 1] >= value) out.push_back(NodeId{n});
      }
      return out;
    };
    REQUIRE(has_quorum(c, holders(reached)));
    REQUIRE_FALSE(has_quorum(c, holders(reached + 1)));
  }
}

TEST_CASE("a log's configurations follow what is appended, removed, dropped and installed") {
  Configurations all;
  CHECK(all.latest() == Configuration{});
  all.begin_with(0, {nodes_of(7), {}, {}});
  all.append(4, {nodes_of(7), nodes_of(15), {}});
  all.append(6, {nodes_of(15), {}, {}});
  CHECK(all.at(3).voters == nodes_of(7));
  CHECK(is_joint(all.at(5)));
  CHECK(all.at(9).voters == nodes_of(15));

  Configurations cut = all;
  CHECK_FALSE(cut.truncate(7));
  CHECK(cut.truncate(5));
  CHECK(cut.latest_index() == 4);
  CHECK(cut.truncate(2));
  CHECK(cut.latest().voters == nodes_of(7));

  all.drop_to(5);
  CHECK(is_joint(all.at(5)));
  CHECK(all.latest_index() == 6);
  all.begin_with(5, {nodes_of(31), {}, {}});
  CHECK(all.at(5).voters == nodes_of(31));
  CHECK(all.latest().voters == nodes_of(15));
  all.begin_with(8, {nodes_of(3), {}, {}});
  CHECK(all.latest().voters == nodes_of(3));
  CHECK(all.is_sound(8));
  CHECK_FALSE(all.is_sound(7));
}

TEST_CASE("who votes in a configuration that may be in force may count") {
  Configurations all;
  all.begin_with(0, {nodes_of(7), {}, {}});
  all.append(4, {nodes_of(7), nodes_of(6), {}});
  all.append(6, {nodes_of(6), {}, {}});
  CHECK(all.may_count(NodeId{1}, 5));
  CHECK_FALSE(all.may_count(NodeId{1}, 6));
  CHECK(all.may_count(NodeId{2}, 6));
}

TEST_CASE("a configuration that is not sound does not decode") {
  const auto decodes = [](const Configuration& c) {
    std::string bytes;
    wire::encode_configuration(bytes, c);
    const auto back = wire::decode_configuration(bytes);
    return back.ok() && *back == c;
  };
  CHECK(decodes({nodes_of(7), nodes_of(14), nodes_of(48)}));
  CHECK(decodes({}));
  CHECK_FALSE(decodes({nodes_of(7), {}, nodes_of(4)}));
  CHECK_FALSE(decodes({nodes_of(7), nodes_of(8), nodes_of(8)}));
  CHECK_FALSE(decodes({{}, {}, nodes_of(1)}));
  CHECK_FALSE(decodes({{NodeId{2}, NodeId{1}}, {}, {}}));
  CHECK_FALSE(decodes({{kNobody}, {}, {}}));
  CHECK_FALSE(wire::decode_configuration("\x01\x01\x00").ok());
}

}  // namespace ww::raft
