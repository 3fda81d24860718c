#include <unistd.h>
#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/history.hpp"
#include "base/rng.hpp"
#include "tests/unit/test_seed.hpp"

namespace ww {
namespace {

constexpr const char* kHeader = "{\"schema\":\"whitewater.history\",\"v\":1}\n";

std::string text_of(const History& ops) {
  std::string text = kHeader;
  for (const Op& op : ops) append_json(text, op);
  return text;
}

/// A file of this test process; removed when the test ends.
struct TemporaryFile {
  TemporaryFile() {
    static int number = 0;
    path = (std::filesystem::temp_directory_path() /
            ("ww-history-" + std::to_string(getpid()) + "-" + std::to_string(++number)))
               .string();
  }
  ~TemporaryFile() { std::filesystem::remove(path); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  std::string path;
};

Op invoke(std::int64_t process, Func f, std::uint64_t key, Value value = {}) {
  Op op;
  op.process = process;
  op.f = f;
  op.key = key;
  op.value = std::move(value);
  return op;
}

Value random_value(Rng& rng) {
  switch (rng.below(3)) {
    case 0:
      return {};
    case 1:
      return static_cast<std::int64_t>(rng.next());
    default: {
      std::vector<std::int64_t> list(rng.below(4));
      for (std::int64_t& x : list) x = static_cast<std::int64_t>(rng.next() >> rng.below(64));
      return list;
    }
  }
}

Op completion_of(Op op, Rng& rng) {
  op.type = static_cast<OpType>(1 + rng.below(3));
  if (op.type == OpType::kOk) {
    op.at = LogPosition{rng.below(1000), rng.below(9)};
    op.node = NodeId{static_cast<std::uint32_t>(1 + rng.below(5))};
    if (op.f == Func::kRead) op.value = random_value(rng);
    if (op.f == Func::kWatch) {
      op.to = random_value(rng);
      for (std::uint64_t left = rng.below(4); left > 0; --left) {
        op.changes.push_back({rng.next(), rng.next(), random_value(rng)});
      }
    }
    if (op.f == Func::kCas && rng.below(2) == 0) {
      op.matched = false;
      op.seen = random_value(rng);
    }
  } else {
    op.error = "timeout \"quoted\" \\ \n\t\x01 caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8c\x8a";
  }
  return op;
}

/// A well-formed history with every kind of line.
History random_history(std::uint64_t key, std::size_t lines) {
  Rng rng = keyed(test::seed(), "history_test", key);
  History out;
  std::vector<std::optional<Op>> open(4);
  std::int64_t time = 0;
  while (out.size() < lines) {
    Op op;
    const std::size_t worker = rng.below(open.size() + 1);
    if (worker == open.size()) {
      op = invoke(kNemesisProcess, Func::kNemesis, 0, std::string("kill n1"));
      op.type = OpType::kInfo;
    } else if (open[worker]) {
      op = completion_of(*open[worker], rng);
      open[worker].reset();
    } else {
      op = invoke(static_cast<std::int64_t>(worker), static_cast<Func>(rng.below(6)), rng.next());
      if (op.f == Func::kWatch && rng.below(2) == 0) op.key = kEveryKey;
      if (op.f != Func::kRead) op.value = random_value(rng);
      if (op.f == Func::kCas) op.to = random_value(rng);
      open[worker] = op;
    }
    op.index = out.size();
    op.time = time += static_cast<std::int64_t>(rng.below(3));
    out.push_back(op);
  }
  return out;
}

TEST_CASE("The lines of a watch read as the documentation shows them") {
  Op op = invoke(3, Func::kWatch, kEveryKey, std::int64_t{17});
  std::string line;
  append_json(line, op);
  CHECK(line == R"({"index":0,"time":0,"type":"invoke","process":3,"f":"watch","value":["*",17]})"
                "\n");
  op.index = 1;
  op.type = OpType::kOk;
  op.to = std::int64_t{120};
  op.changes = {{18, 3, std::int64_t{42}}, {20, 3, Value{}}};
  line.clear();
  append_json(line, op);
  CHECK(line == R"({"index":1,"time":0,"type":"ok","process":3,"f":"watch","value":["*",[17,120]],)"
                R"("changes":[[18,3,42],[20,3,null]]})"
                "\n");
}

TEST_CASE("The line of an op reads as the documentation shows it") {
  Op op = invoke(3, Func::kCas, 7, std::int64_t{1});
  op.index = 4;
  op.time = 120000;
  op.type = OpType::kOk;
  op.to = std::int64_t{2};
  op.matched = false;
  op.seen = std::int64_t{5};
  op.at = LogPosition{31, 2};
  op.node = NodeId{1};
  std::string line;
  append_json(line, op);
  CHECK(line ==
        "{\"index\":4,\"time\":120000,\"type\":\"ok\",\"process\":3,\"f\":\"cas\","
        "\"value\":[7,[1,2]],\"matched\":false,\"seen\":5,\"at\":[31,2],\"node\":\"n1\"}\n");
}

TEST_CASE("A history reads back as it was written") {
  INFO(test::repeat_with());
  for (std::uint64_t round = 0; round < 50; ++round) {
    const History ops = random_history(round, 100);
    const auto read = parse_history(text_of(ops), "h");
    INFO((read.ok() ? "" : read.error().message));
    REQUIRE(read.ok());
    CHECK_FALSE(read->torn);
    CHECK(read->ops == ops);
  }
}

TEST_CASE("A history cut anywhere reads back as the ops before the cut") {
  const History ops = random_history(1, 12);
  const std::string text = text_of(ops);
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    const auto read = parse_history(std::string_view(text).substr(0, cut), "h");
    INFO("cut at " << cut);
    REQUIRE(read.ok());
    REQUIRE(read->ops.size() <= ops.size());
    REQUIRE(std::equal(read->ops.begin(), read->ops.end(), ops.begin()));
    // A line that lacks only its newline is whole.
    const bool whole = text[cut - 1] == '\n' || text[cut] == '\n';
    REQUIRE(read->torn == !whole);
  }
}

TEST_CASE("Each way to break a history is refused with its line and what is wrong") {
  const std::string good =
      "{\"index\":0,\"time\":5,\"type\":\"invoke\",\"process\":1,\"f\":\"read\","
      "\"value\":[7,null]}\n";
  const auto error_of = [](const std::string& text) {
    const auto read = parse_history(text, "h.jsonl");
    if (read.ok()) return std::string("accepted");
    CHECK(read.error().code == ErrorCode::kCorrupt);
    return read.error().message;
  };
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string line = good;
    line.replace(line.find(from), from.size(), to);
    return error_of(kHeader + line);
  };
  const auto second = [&](const std::string& line) {
    return error_of(kHeader + good + line + "\n");
  };

  CHECK(error_of(kHeader + good) == "accepted");
  CHECK(error_of("") == "h.jsonl:1: the file is empty: not even the header is there");
  CHECK(error_of(good) == "h.jsonl:1: this line is not the header of a Whitewater history");
  CHECK(error_of("{\"schema\":\"whitewater.history\"}\n") ==
        "h.jsonl:1: the header has no schema version \"v\"");
  CHECK(error_of("{\"schema\":\"whitewater.history\",\"v\":99}\n") ==
        "h.jsonl:1: the history has schema version 99; this program reads versions up to 1");
  CHECK(with("{", "[") == "h.jsonl:2: the line is not a JSON object");
  CHECK(with("\"index\":0,", "") == "h.jsonl:2: the op has no \"index\"");
  CHECK(with(":0,", ":-1,") == "h.jsonl:2: the op \"index\" is not a natural number");
  CHECK(with(":0,", ":1,") == "h.jsonl:2: the op has index 1 where 0 is next");
  CHECK(with(":5,", ":5.5,") == "h.jsonl:2: the op \"time\" is not an integer of 64 bits");
  CHECK(with("invoke", "begin") ==
        "h.jsonl:2: the op \"type\" is \"begin\", not invoke, ok, fail or info");
  CHECK(with("invoke", "ok") ==
        "h.jsonl:2: the op process 1 completes an op that it did not invoke");
  CHECK(with("\"process\":1", "\"process\":-1") == "h.jsonl:2: the op \"process\" is negative");
  CHECK(with("\"process\":1", "\"process\":\"nemesis\"") ==
        "h.jsonl:2: the op mixes a nemesis with a client's op");
  CHECK(with("read", "enqueue") ==
        "h.jsonl:2: the op \"f\" is \"enqueue\", which is no function of a workload");
  CHECK(with("[7,null]", "7") == "h.jsonl:2: the op \"value\" is not the pair [key, value]");
  CHECK(with("read", "cas") == "h.jsonl:2: the op \"value\" of a cas is not [key, [expected, to]]");
  CHECK(with("[7,null]", "[7,1e30]") == "h.jsonl:2: the op \"value\" is not an integer of 64 bits");
  CHECK(with("[7,null]}", "[7,null],\"node\":\"x\"}") ==
        "h.jsonl:2: the op \"node\" is \"x\", not n1, n2, ...");
  CHECK(with("[7,null]}", "[7,null],\"at\":3}") == "h.jsonl:2: the op \"at\" is not [index, term]");
  CHECK(second("{\"index\":1,\"time\":4,\"type\":\"ok\",\"process\":1,\"f\":\"read\","
               "\"value\":[7,1]}") ==
        "h.jsonl:3: the op is at 4 ns, before its predecessor at 5 ns");
  CHECK(second("{\"index\":1,\"time\":5,\"type\":\"ok\",\"process\":1,\"f\":\"read\","
               "\"value\":[8,1]}") ==
        "h.jsonl:3: the op process 1 completes another op than it invoked");
  CHECK(second("{\"index\":1,\"time\":5,\"type\":\"invoke\",\"process\":1,\"f\":\"read\","
               "\"value\":[8,null]}") ==
        "h.jsonl:3: the op process 1 invokes an op while its previous one is open");
  CHECK(second(std::string(kMaxHistoryLine + 1, 'x')) ==
        "h.jsonl:3: the line is longer than 1048576 bytes");
}

TEST_CASE("A damaged history is refused with a line of it, or still well formed") {
  INFO(test::repeat_with());
  const std::string text = text_of(random_history(2, 40));
  std::size_t refused = 0;
  for (std::uint64_t round = 0; round < 1000; ++round) {
    Rng rng = keyed(test::seed(), "history.damage", round);
    std::string bad = text;
    for (std::uint64_t n = 1 + rng.below(3); n > 0; --n) {
      const std::size_t at = rng.below(bad.size());
      if (rng.below(3) == 0) {
        bad.erase(at, 1 + rng.below(30));
      } else {
        bad[at] = static_cast<char>(rng.below(2) == 0 ? rng.next() : 32 + rng.below(96));
      }
    }
    const auto read = parse_history(bad, "h");
    INFO("round " << round);
    if (read.ok()) {
      // Whatever it is now, it is a history, and a history reads back.
      REQUIRE(parse_history(text_of(read->ops), "again").ok());
      continue;
    }
    ++refused;
    REQUIRE(read.error().code == ErrorCode::kCorrupt);
    REQUIRE(read.error().message.rfind("h:", 0) == 0);
    REQUIRE(std::isdigit(static_cast<unsigned char>(read.error().message[2])) != 0);
  }
  CHECK(refused > 300);
}

TEST_CASE("Any bytes become a JSON string that parses, and text stays itself") {
  INFO(test::repeat_with());
  const auto parsed = [](const std::string& text) {
    std::string out;
    append_json_string(out, text);
    const auto json = nlohmann::json::parse(out, nullptr, false);
    REQUIRE(json.is_string());
    return json.get<std::string>();
  };
  const std::string texts[] = {
      "", "plain", "q\"b\\n\n\r\t", std::string("\0\x1f\x7f", 3),
      "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8c\x8a \xed\x9f\xbf \xf4\x8f\xbf\xbf"};
  for (const std::string& text : texts) CHECK(parsed(text) == text);
  const std::string replacement = "\xef\xbf\xbd";
  CHECK(parsed("a\xff z") == "a" + replacement + " z");
  CHECK(parsed("\xc0\x80") == replacement + replacement);                    // overlong
  CHECK(parsed("\xed\xa0\x80") == replacement + replacement + replacement);  // a surrogate
  CHECK(parsed("\xe2\x82") == replacement + replacement);                    // cut short
  Rng rng = keyed(test::seed(), "history.strings");
  for (int round = 0; round < 2000; ++round) {
    std::string text(rng.below(12), '\0');
    for (char& c : text) c = static_cast<char>(rng.next());
    parsed(text);
  }
}

TEST_CASE("A history file holds what was written once it was flushed") {
  const TemporaryFile file;
  const History ops = random_history(3, 3000);  // more than one buffer
  auto writer = HistoryWriter::create(file.path);
  REQUIRE(writer.ok());
  REQUIRE(read_history(file.path)->ops.empty());
  for (const Op& op : ops) REQUIRE(writer->write(op).ok());
  REQUIRE(writer->flush().ok());
  const auto read = read_history(file.path);
  REQUIRE(read.ok());
  CHECK(read->ops == ops);
}

TEST_CASE("A history writer that goes away flushes, also after it was moved") {
  const TemporaryFile file;
  const History ops = random_history(4, 10);
  {
    auto created = HistoryWriter::create(file.path);
    REQUIRE(created.ok());
    HistoryWriter writer = std::move(created).value();
    for (const Op& op : ops) REQUIRE(writer.write(op).ok());
  }
  CHECK(read_history(file.path)->ops == ops);
}

TEST_CASE("A history on a full disk says so once and for all") {
  if (!std::filesystem::exists("/dev/full")) {
    WARN("this machine has no /dev/full");
    return;
  }
  const auto writer = HistoryWriter::create("/dev/full");
  REQUIRE_FALSE(writer.ok());
  CHECK(writer.error().code == ErrorCode::kNoSpace);
  CHECK(writer.error().message == "cannot write /dev/full: No space left on device");
}

TEST_CASE("A line over the limit ends the history, not the program") {
  const TemporaryFile file;
  auto writer = HistoryWriter::create(file.path);
  REQUIRE(writer.ok());
  Op op = invoke(0, Func::kRead, 1);
  REQUIRE(writer->write(op).ok());
  Op large = op;
  large.index = 1;
  large.type = OpType::kFail;
  large.error = std::string(kMaxHistoryLine, 'e');
  CHECK(writer->write(large).error().code == ErrorCode::kTooLarge);
  large.error = "small";
  CHECK(writer->write(large).error().code == ErrorCode::kTooLarge);
  CHECK(read_history(file.path)->ops == History{op});
}

TEST_CASE("A history that is not there is an error with its path") {
  const auto read = read_history("/nowhere/history.jsonl");
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().code == ErrorCode::kIo);
  CHECK(read.error().message == "cannot open /nowhere/history.jsonl: No such file or directory");
  CHECK_FALSE(HistoryWriter::create("/nowhere/history.jsonl").ok());
  CHECK_FALSE(read_history("/").ok());
}

}  // namespace
}  // namespace ww
