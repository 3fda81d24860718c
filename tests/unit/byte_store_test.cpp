#include "nodes/storage/byte_store.hpp"

#include <catch2/catch.hpp>

using namespace ww;
using wire::trace::Store;
using wire::trace::StoreOp;

TEST_CASE("A memory store reads back what was written, with zeros in holes") {
  using namespace std::string_literals;
  storage::MemoryStore store;
  REQUIRE(store.create("a").ok());
  REQUIRE(store.write("a", 3, "xyz").ok());
  CHECK(store.read("a").value() == "\0\0\0xyz"s);
  REQUIRE(store.write("a", 1, "abcdefgh").ok());
  CHECK(store.read("a").value() == "\0abcdefgh"s);
  REQUIRE(store.truncate("a", 2).ok());
  CHECK(store.read("a").value() == "\0a"s);
  REQUIRE(store.truncate("a", 4).ok());
  CHECK(store.read("a").value() == "\0a\0\0"s);
}

TEST_CASE("A memory store lists names bytewise and renames over an existing file") {
  storage::MemoryStore store;
  for (const char* name : {"b", "B", "a"}) REQUIRE(store.create(name).ok());
  CHECK(store.list().value() == std::vector<std::string>{"B", "a", "b"});
  REQUIRE(store.write("a", 0, "new").ok());
  REQUIRE(store.rename("a", "b").ok());
  CHECK(store.list().value() == std::vector<std::string>{"B", "b"});
  CHECK(store.read("b").value() == "new");
  REQUIRE(store.unlink("B").ok());
  CHECK(store.list().value() == std::vector<std::string>{"b"});
}

TEST_CASE("A memory store refuses names that are not there, and creating one that is") {
  storage::MemoryStore store;
  REQUIRE(store.create("a").ok());
  CHECK(store.create("a").error().message == "file exists already: a");
  for (const Result<void>& r : {store.rename("x", "a"), store.unlink("x"), store.truncate("x", 0),
                                store.write("x", 0, "y"), store.sync_file("x")}) {
    CHECK(r.error() == Error{ErrorCode::kInternal, true, "no such file: x"});
  }
  CHECK(store.read("x").error().message == "no such file: x");
}

namespace {

/// Notes what the inner store held when each line was logged.
struct Spy {
  storage::MemoryStore inner;
  std::vector<std::string> lines;
  storage::LoggedStore store{inner, [this](const Store& op) {
                               std::string line(wire::trace::name_of(op.op));
                               line += ' ' + op.file + ' ' + op.other + ' ' +
                                       std::to_string(op.offset) + ' ' + op.data +
                                       (op.ok ? " ok:" : " failed:");
                               for (const auto& [name, bytes] : inner.files) {
                                 line += ' ' + name + '=' + bytes;
                               }
                               lines.push_back(line);
                             }};
};

}  // namespace

TEST_CASE("A logged store tells of intents before they are done and of syncs after") {
  Spy spy;
  REQUIRE(spy.store.create("a").ok());
  REQUIRE(spy.store.write("a", 1, "xy").ok());
  REQUIRE(spy.store.truncate("a", 0).ok());
  REQUIRE(spy.store.sync_file("a").ok());
  REQUIRE(spy.store.rename("a", "b").ok());
  REQUIRE(spy.store.sync_dir().ok());
  REQUIRE(spy.store.unlink("b").ok());
  CHECK_FALSE(spy.store.sync_file("b").ok());
  const std::string hole(1, '\0');
  REQUIRE(spy.lines.size() == 8);
  CHECK(spy.lines[0].ends_with("a  0  ok:"));
  CHECK(spy.lines[1].ends_with("a  1 xy ok: a="));
  CHECK(spy.lines[2].ends_with("a  0  ok: a=" + hole + "xy"));
  CHECK(spy.lines[3].ends_with("a  0  ok: a="));
  CHECK(spy.lines[4].ends_with("a b 0  ok: a="));
  CHECK(spy.lines[5].ends_with("  0  ok: b="));
  CHECK(spy.lines[6].ends_with("b  0  ok: b="));
  CHECK(spy.lines[7].ends_with("b  0  failed:"));
  CHECK(spy.store.list().value().empty());
}
