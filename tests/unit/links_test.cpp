#include "faults/links.hpp"

#include <catch2/catch.hpp>

namespace ww::faults {
namespace {

using wire::Endpoint;
using wire::Envelope;
using wire::MessageType;

Endpoint node(std::uint32_t n) {
  return wire::endpoint_of(NodeId{n});
}
Endpoint client(std::uint32_t c) {
  return wire::endpoint_of(ClientId{c});
}

Envelope append(std::uint32_t from, std::uint32_t to, std::uint64_t content = 1) {
  return Envelope{.from = node(from),
                  .to = node(to),
                  .type = MessageType::kAppend,
                  .term = 3,
                  .id = MessageId{content},
                  .content = content};
}
Envelope request(std::uint32_t from, std::uint32_t to, std::uint64_t content = 1) {
  return Envelope{.from = client(from),
                  .to = node(to),
                  .type = MessageType::kClientRequest,
                  .id = MessageId{content},
                  .content = content};
}

std::uint64_t of(const LinkCounts::ByType& counts, MessageType type) {
  return counts[static_cast<std::size_t>(type)];
}

Decision fate(LinkTable& links, const Envelope& envelope) {
  return links.decide(envelope);
}

bool same(const Decision& a, const Decision& b) {
  return a.copies == b.copies && a.delays == b.delays;
}

TEST_CASE("without faults every message is delivered once, at once") {
  LinkTable links(1, 3);
  const Decision decision = fate(links, append(1, 2));
  CHECK(decision.copies == 1);
  CHECK(decision.delays[0] == Duration{0});
  CHECK(decision.changed_by == 0);
  CHECK(links.may_deliver(append(1, 2)));
  CHECK(links.healed());
}

TEST_CASE("a cut holds in its direction only, for what is sent and for what is in flight") {
  LinkTable links(1, 3);
  links.cut("f1", {{NodeId{1}, NodeId{2}}});
  CHECK(fate(links, append(1, 2)).lost());
  CHECK(fate(links, append(1, 2)).changed_by == 1);
  CHECK_FALSE(links.may_deliver(append(1, 2)));
  CHECK_FALSE(fate(links, append(2, 1)).lost());
  CHECK(links.may_deliver(append(2, 1)));
  CHECK(of(links.counts("f1").blocked, MessageType::kAppend) == 3);
  links.heal("f1");
  CHECK(links.healed());
  CHECK(links.may_deliver(append(1, 2)));
  CHECK(consensus_messages(links.counts("f1").blocked) == 3);
}

TEST_CASE("a link that two faults cut heals with the last of them") {
  LinkTable links(1, 3);
  links.cut("f1", {{NodeId{1}, NodeId{2}}});
  links.cut("f2", {{NodeId{1}, NodeId{2}}, {NodeId{3}, NodeId{2}}});
  links.heal("f1");
  CHECK(links.is_cut(node(1), node(2)));
  links.heal("f2");
  CHECK_FALSE(links.is_cut(node(1), node(2)));
}

TEST_CASE("clients keep their connections unless the partition takes them along") {
  LinkTable links(1, 3);
  links.cut("f1", {{NodeId{1}, NodeId{2}}, {NodeId{2}, NodeId{1}}});
  CHECK_FALSE(links.is_cut(client(1), node(2)));
  links.heal("f1");
  links.cut("f2", {{NodeId{1}, NodeId{2}}}, true);
  CHECK(links.is_cut(client(1), node(2)));        // client 1 is beside n1
  CHECK(links.is_cut(client(4), node(2)));        // so is client 4 of three nodes
  CHECK_FALSE(links.is_cut(client(2), node(2)));  // client 2 is beside n2
  CHECK_FALSE(links.is_cut(node(2), client(1)));  // replies go the other way
}

TEST_CASE("packet rules match types, nodes and clients") {
  LinkTable links(1, 3);
  links.impair("f1", {.delay = milliseconds(5),
                      .types = {MessageType::kAppend},
                      .nodes = {NodeId{1}},
                      .clients = false});
  CHECK(fate(links, append(1, 2)).delays[0] == milliseconds(5));
  CHECK(fate(links, append(3, 1)).delays[0] == milliseconds(5));
  CHECK(fate(links, append(2, 3)).delays[0] == Duration{0});
  CHECK(fate(links, request(1, 1)).delays[0] == Duration{0});
  Envelope vote = append(1, 2);
  vote.type = MessageType::kVote;
  CHECK(fate(links, vote).delays[0] == Duration{0});
  CHECK(of(links.counts("f1").delayed, MessageType::kAppend) == 2);
}

TEST_CASE("rates of nothing and everything are exact") {
  LinkTable links(1, 3);
  links.impair("f1", {.drop_ppm = 1'000'000, .types = {MessageType::kVote}});
  links.impair("f2", {.duplicate_ppm = 1'000'000,
                      .reorder_ppm = 1'000'000,
                      .lag = milliseconds(2),
                      .types = {MessageType::kAppend}});
  for (std::uint64_t i = 1; i <= 200; ++i) {
    Envelope vote = append(1, 2, i);
    vote.type = MessageType::kVote;
    CHECK(fate(links, vote).lost());
    const Decision decision = fate(links, append(1, 2, i));
    REQUIRE(decision.copies == 2);
    for (std::size_t copy = 0; copy < 2; ++copy) {
      CHECK(decision.delays[copy] > Duration{0});
      CHECK(decision.delays[copy] <= milliseconds(2));
    }
    CHECK(decision.changed_by == 2);
  }
  CHECK(of(links.counts("f1").dropped, MessageType::kVote) == 200);
  CHECK(of(links.counts("f2").duplicated, MessageType::kAppend) == 200);
  CHECK(of(links.counts("f2").reordered, MessageType::kAppend) == 200);
}

TEST_CASE("rates in between hit about as often as they say, and jitter stays in its bounds") {
  LinkTable links(42, 5);
  links.impair("f1", {.delay = milliseconds(50), .jitter = milliseconds(10), .drop_ppm = 200'000});
  std::uint64_t lost = 0;
  constexpr std::uint64_t kMessages = 20'000;
  for (std::uint64_t i = 1; i <= kMessages; ++i) {
    const Decision decision = fate(links, append(1, 2, i));
    lost += decision.lost() ? 1 : 0;
    if (decision.lost()) continue;
    REQUIRE(decision.delays[0] >= milliseconds(40));
    REQUIRE(decision.delays[0] <= milliseconds(60));
  }
  CHECK(lost > kMessages * 19 / 100);
  CHECK(lost < kMessages * 21 / 100);
}

TEST_CASE("identical messages get draws of their own, by their number") {
  LinkTable a(9, 3);
  LinkTable b(9, 3);
  for (LinkTable* links : {&a, &b}) links->impair("f1", {.drop_ppm = 500'000});
  std::size_t lost = 0;
  for (int i = 0; i < 64; ++i) {
    const Decision first = fate(a, append(1, 2));
    CHECK(same(first, fate(b, append(1, 2))));
    lost += first.lost() ? 1 : 0;
  }
  CHECK(lost > 10);
  CHECK(lost < 54);
}

TEST_CASE("a fault's decisions do not depend on other faults, other messages or their order") {
  const std::uint64_t seed = GENERATE(range(std::uint64_t{0}, std::uint64_t{20}));
  INFO("seed " << seed);
  const PacketRule rule{.jitter = milliseconds(30),
                        .drop_ppm = 300'000,
                        .duplicate_ppm = 300'000,
                        .reorder_ppm = 300'000};
  LinkTable alone(seed, 5);
  alone.impair("f7", rule);
  LinkTable crowded(seed, 5);
  crowded.cut("f1", {{NodeId{4}, NodeId{5}}});
  crowded.impair("f2", {.drop_ppm = 500'000, .nodes = {NodeId{4}}});
  crowded.impair("f7", rule);
  std::vector<Decision> forwards;
  for (std::uint64_t i = 1; i <= 300; ++i) forwards.push_back(fate(alone, append(1, 2, i)));
  for (std::uint64_t i = 300; i >= 1; --i) {
    fate(crowded, append(4, 5, i));
    fate(crowded, append(3, 4, i));
    CHECK(same(fate(crowded, append(1, 2, i)), forwards[i - 1]));
  }
}

TEST_CASE("a rule on single messages meets those that it counts, and no other") {
  LinkTable links(1, 3);
  links.impair("f1", {.drop_ppm = 1'000'000,
                      .types = {MessageType::kAppend},
                      .nodes = {NodeId{1}},
                      .nth = 3,
                      .count = 2});
  Envelope vote = append(1, 2);
  vote.type = MessageType::kVote;
  std::vector<bool> lost;
  for (std::uint64_t i = 1; i <= 6; ++i) {
    CHECK_FALSE(fate(links, append(2, 3, i)).lost());
    CHECK_FALSE(fate(links, vote).lost());
    lost.push_back(fate(links, append(1, 2, i)).lost());
  }
  CHECK(lost == std::vector<bool>{false, false, true, true, false, false});
  CHECK(of(links.counts("f1").dropped, MessageType::kAppend) == 2);
}

TEST_CASE("a message whose fate is written down counts, and leaves the fates of the others") {
  const PacketRule single{.drop_ppm = 1'000'000, .nth = 3, .count = 1};
  const PacketRule often{.jitter = milliseconds(30), .drop_ppm = 300'000};
  LinkTable drawn(4, 3);
  LinkTable written(4, 3);
  for (LinkTable* links : {&drawn, &written}) {
    links->impair("f1", single);
    links->impair("f2", often);
  }
  for (std::uint64_t i = 1; i <= 60; ++i) {
    // The same content four times in a row.
    const Decision decided = fate(drawn, append(1, 2, i / 4));
    if (i % 5 == 2) {
      written.pass(append(1, 2, i / 4));
    } else {
      CHECK(same(fate(written, append(1, 2, i / 4)), decided));
    }
  }
  CHECK(of(written.counts("f1").dropped, MessageType::kAppend) == 1);
  const auto dropped = of(written.counts("f2").dropped, MessageType::kAppend);
  CHECK(dropped > 0);
  CHECK(dropped < of(drawn.counts("f2").dropped, MessageType::kAppend));
}

TEST_CASE("another seed deals other fates from here on, by old rules and new ones") {
  LinkTable same_seed(4, 3);
  LinkTable reseeded(4, 3);
  LinkTable other_seed(5, 3);
  const PacketRule rule{.drop_ppm = 500'000};
  for (LinkTable* links : {&same_seed, &reseeded, &other_seed}) links->impair("f1", rule);
  const auto differ = [](LinkTable& a, LinkTable& b, std::uint64_t first) {
    int different = 0;
    for (std::uint64_t i = first; i < first + 64; ++i) {
      different += same(fate(a, append(1, 2, i)), fate(b, append(1, 2, i))) ? 0 : 1;
    }
    return different;
  };
  CHECK(differ(same_seed, reseeded, 1) == 0);
  reseeded.reseed(5);
  CHECK(differ(same_seed, reseeded, 100) > 10);
  CHECK(differ(reseeded, other_seed, 200) == 0);
  for (LinkTable* links : {&same_seed, &reseeded, &other_seed}) {
    links->heal("f1");
    links->impair("f2", rule);
  }
  CHECK(differ(same_seed, reseeded, 300) > 10);
  CHECK(differ(reseeded, other_seed, 400) == 0);
}

TEST_CASE("the message's id is no part of its content") {
  LinkTable a(3, 3);
  LinkTable b(3, 3);
  for (LinkTable* links : {&a, &b}) links->impair("f1", {.jitter = milliseconds(9)});
  for (std::uint64_t i = 1; i <= 50; ++i) {
    Envelope renumbered = append(1, 2, i);
    renumbered.id = MessageId{i + 1000};
    CHECK(same(fate(a, append(1, 2, i)), fate(b, renumbered)));
  }
}

TEST_CASE("faults are numbered as they come, and unknown ones have counted nothing") {
  LinkTable links(1, 3);
  links.cut("f3", {});
  links.impair("f1", {});
  CHECK(links.fault_number("f3") == 0);
  CHECK(links.fault_number("f1") == 1);
  CHECK(links.fault_name(1) == "f1");
  CHECK(links.counts("f9") == LinkCounts{});
  links.heal("f9");
  CHECK_FALSE(links.healed());
}

}  // namespace
}  // namespace ww::faults
