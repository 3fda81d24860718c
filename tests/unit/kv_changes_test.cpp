// The history of changes: bounded, part of the state, and the same whoever computes it.
#include <catch2/catch.hpp>

#include "nodes/kv/machine.hpp"

namespace ww::kv {

namespace {

using wire::CommandKind;

/// Applies commands at indices 1, 2, ... of term 1.
struct Node {
  explicit Node(Limits limits) : machine(limits) {}
  Machine machine;
  bugs::Switches bugs{};
  Index index = 0;
  void apply(CommandKind kind, std::string key = {}, std::string value = {},
             std::string expected = {}) {
    machine.apply(
        {++index, 1},
        wire::Command{kind, SessionId{0}, 0, std::move(key), std::move(value), std::move(expected)},
        bugs);
  }
  [[nodiscard]] std::string changes(Index from = 1) const {
    std::string out;
    const Changes& all = machine.changes();
    for (auto at = all.from(from); at != all.end(); ++at) {
      const wire::Change& c = at->change;
      out += std::to_string(c.revision) + ":" + c.key + (c.exists ? "=" + c.value : "-") + " ";
    }
    return out;
  }
};

}  // namespace

TEST_CASE("only what changes a key is a change, and it is what the key became") {
  Node node{Limits{}};
  node.apply(CommandKind::kWrite, "k", "a");
  node.apply(CommandKind::kRead, "k");
  node.apply(CommandKind::kCas, "k", "b", "x");
  node.apply(CommandKind::kCas, "k", "b", "a");
  node.apply(CommandKind::kAppend, "k", "c");
  node.apply(CommandKind::kDelete, "other");
  node.apply(CommandKind::kDelete, "k");
  node.apply(CommandKind::kOpenSession);
  node.apply(CommandKind::kWrite, "k", "a");
  CHECK(node.changes() == "1:k=a 4:k=b 5:k=bc 7:k- 9:k=a ");
  CHECK(node.changes(4) == "4:k=b 5:k=bc 7:k- 9:k=a ");
  CHECK(node.changes(6) == "7:k- 9:k=a ");
  CHECK(node.changes(10).empty());
  CHECK(node.machine.changes().oldest() == 1);
}

TEST_CASE("what is too old by the log's time is forgotten, and from where on nothing is missing") {
  Node node{Limits{.history_entries = 3}};
  node.apply(CommandKind::kWrite, "k", "a");
  node.apply(CommandKind::kWrite, "k", "b");
  node.apply(CommandKind::kRead, "k");
  CHECK(node.changes() == "1:k=a 2:k=b ");
  CHECK(node.machine.changes().oldest() == 1);
  node.apply(CommandKind::kRead, "k");
  CHECK(node.changes() == "2:k=b ");
  CHECK(node.machine.changes().oldest() == 2);
  node.apply(CommandKind::kRead, "k");
  CHECK(node.changes().empty());
  CHECK(node.machine.changes().oldest() == 3);
}

TEST_CASE("so is what is too much, by keys and values") {
  Node node{Limits{.history_bytes = 10}};
  node.apply(CommandKind::kWrite, "k", "1234");
  node.apply(CommandKind::kWrite, "k", "5678");
  CHECK(node.machine.changes().oldest() == 1);
  node.apply(CommandKind::kWrite, "k", "9");
  CHECK(node.changes() == "2:k=5678 3:k=9 ");
  CHECK(node.machine.changes().oldest() == 2);
  node.apply(CommandKind::kWrite, "k", "much too long");
  CHECK(node.changes().empty());
  CHECK(node.machine.changes().oldest() == 5);
}

TEST_CASE("the history is in the digest and in the snapshot") {
  const Limits limits{.history_entries = 4};
  Node node{limits};
  Node other{limits};
  for (int i = 0; i < 6; ++i) {
    node.apply(CommandKind::kWrite, i % 2 == 0 ? "k" : "l", std::to_string(i));
    other.apply(CommandKind::kWrite, i % 2 == 0 ? "k" : "l", i < 4 ? "x" : std::to_string(i));
  }
  // The data are equal, and what happened to them is not.
  CHECK(node.machine.digest() != other.machine.digest());
  node.apply(CommandKind::kDelete, "k");
  std::string bytes;
  node.machine.encode(bytes);
  const auto read = Machine::decode(bytes, limits);
  REQUIRE(read);
  CHECK(*read == node.machine);
  CHECK(read->digest() == node.machine.digest());
  Node twin{limits};
  twin.machine = *read;
  twin.index = node.index;
  CHECK(twin.changes() == "4:l=3 5:k=4 6:l=5 7:k- ");
  for (int i = 0; i < 6; ++i) {
    node.apply(CommandKind::kWrite, "k", std::to_string(i));
    twin.apply(CommandKind::kWrite, "k", std::to_string(i));
    CHECK(twin.machine == node.machine);
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_FALSE(Machine::decode(std::string_view(bytes).substr(0, size), limits));
  }
}

}  // namespace ww::kv
