#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "base/history.hpp"
#include "checkers/import.hpp"

using namespace ww;
using namespace ww::checkers;

namespace {

std::string error_of(std::string_view text) {
  const Result<ImportedHistory> imported = import_history(text, "h");
  REQUIRE_FALSE(imported.ok());
  return imported.error().message;
}

struct Recorded {
  std::string file;
  std::string expected;
};

/// tests/histories/VERDICTS.tsv: a file and its known verdict a line.
std::vector<Recorded> recorded_histories() {
  std::ifstream in("tests/histories/VERDICTS.tsv");
  std::vector<Recorded> out;
  for (std::string line; std::getline(in, line);) {
    const std::size_t tab = line.find('\t');
    if (tab != std::string::npos) out.push_back({line.substr(0, tab), line.substr(tab + 1)});
  }
  return out;
}

}  // namespace

TEST_CASE("every recorded history of etcd and of Porcupine's store gets its known verdict") {
  std::size_t checked = 0;
  for (const Recorded& recorded : recorded_histories()) {
    CAPTURE(recorded.file);
    const Result<ImportedHistory> imported =
        import_history_file("tests/histories/" + recorded.file);
    if (recorded.expected == "none") {
      CHECK_FALSE(imported.ok());
      continue;
    }
    if (!imported) FAIL(imported.error().message);
    const CheckResult result = check_linearizable(imported->ops, imported->model);
    INFO(result.reason);
    CHECK(name_of(result.verdict) == recorded.expected);
    CHECK(result.violation_count == result.violations.size());
    ++checked;
  }
  CHECK(checked == 55);
}

TEST_CASE("a history of ours is read back as it was written") {
  Op op;
  op.process = 3;
  op.f = Func::kWrite;
  op.key = 7;
  op.value = Value{std::int64_t{4}};
  std::string text = "{\"schema\":\"whitewater.history\",\"v\":1}\n";
  append_json(text, op);
  const Result<ImportedHistory> imported = import_history(text, "h");
  REQUIRE(imported.ok());
  CHECK(imported->format == "whitewater");
  CHECK(imported->ops == History{op});
}

TEST_CASE("a Jepsen log's failed cas says what was not there") {
  const std::string head =
      "INFO  jepsen.util - 0\t:invoke\t:write\t3\n"
      "some other line of the log\n"
      "INFO  jepsen.util - :nemesis\t:info\t:start\tnil\n"
      "INFO  jepsen.util - 0\t:ok\t:write\t3\n";
  const std::string miss3 =
      "INFO  jepsen.util - 1\t:invoke\t:cas\t[3 0]\nINFO  jepsen.util - 1\t:fail\t:cas\t[3 0]\n";
  const std::string miss4 =
      "INFO  jepsen.util - 1\t:invoke\t:cas\t[4 0]\nINFO  jepsen.util - 1\t:fail\t:cas\t[4 0]\n";
  const Result<ImportedHistory> bad = import_history(head + miss3, "h");
  REQUIRE(bad.ok());
  CHECK(bad->format == "jepsen-log");
  REQUIRE(bad->ops.size() == 4);
  CHECK(bad->ops[3].time == 6);
  CHECK_FALSE(bad->ops[3].matched);
  const CheckResult result = check_linearizable(bad->ops, bad->model);
  CHECK(result.verdict == Verdict::kInvalid);
  CHECK(
      result.reason ==
      "key 0: process 1's cas did not find 3 at line 6 after process 0's write of 3 had completed "
      "at line 4");
  const Result<ImportedHistory> good = import_history(head + miss4, "h");
  REQUIRE(good.ok());
  CHECK(check_linearizable(good->ops, good->model).verdict == Verdict::kValid);
}

TEST_CASE("Jepsen's EDN is read with plain values and with independent keys") {
  const Result<ImportedHistory> plain = import_history(
      "[{:type :invoke, :f :cas, :value [1 2], :process 0, :time 10, :index 0}\n"
      " {:process :nemesis, :type :info, :f :start, :value nil, :time 11}\n"
      " {:type :fail, :f :cas, :value [1 2], :process 0, :time 20, :error :precondition}\n"
      " {:type :invoke, :f :read, :value nil, :process 1, :time 30}\n"
      " {:type :ok, :f :read, :value 5, :process 1, :time 40}]",
      "h");
  REQUIRE(plain.ok());
  CHECK(plain->format == "edn");
  REQUIRE(plain->ops.size() == 4);
  CHECK(plain->ops[0].to == Value{std::int64_t{2}});
  CHECK(plain->ops[1].type == OpType::kFail);
  CHECK(plain->ops[1].error == ":precondition");
  CHECK(plain->ops[3].time == 40);
  CHECK(plain->ops[3].value == Value{std::int64_t{5}});
  CHECK(check_linearizable(plain->ops, plain->model).verdict == Verdict::kInvalid);

  const Result<ImportedHistory> keyed = import_history(
      "; one map a line\n"
      "{:type :invoke, :f :write, :value [7 1], :process 0}\n"
      "{:type :ok, :f :write, :value [7 1], :process 0}\n"
      "{:type :invoke, :f :read, :value #jepsen.independent.Tuple[7 nil], :process 0}\n"
      "{:type :ok, :f :read, :value [7 1], :process 0}\n"
      "{:type :invoke, :f :cas, :value [8 [1 2]], :process 0}\n"
      "{:type :info, :f :cas, :value [8 [1 2]], :process 0}\n",
      "h");
  REQUIRE(keyed.ok());
  REQUIRE(keyed->ops.size() == 6);
  CHECK(keyed->ops[3].key == 7);
  CHECK(keyed->ops[3].value == Value{std::int64_t{1}});
  CHECK(keyed->ops[4].key == 8);
  CHECK(keyed->ops[4].value == Value{std::int64_t{1}});
  CHECK(keyed->ops[4].to == Value{std::int64_t{2}});
  CHECK(keyed->ops[5].time == 7);
  CHECK(check_linearizable(keyed->ops, keyed->model).verdict == Verdict::kValid);
}

TEST_CASE("histories that cannot be read are refused with the line and the reason") {
  CHECK(error_of("hello") == "h: neither a history of ours, nor a Jepsen log, nor EDN");
  CHECK(error_of("") == "h: neither a history of ours, nor a Jepsen log, nor EDN");
  CHECK(error_of("[]") == "h: there is no op in it");
  CHECK(error_of("INFO  jepsen.util - 0\t:invoke\t:wrote\t3\n") ==
        "h: line 1: not an op: INFO  jepsen.util - 0\t:invoke\t:wrote\t3");
  CHECK(error_of("INFO  jepsen.util - 0\t:ok\t:write\t3\n") ==
        "h: line 1: process 0 completes an op it never invoked");
  CHECK(error_of("[{:process 0}]\n#inst") == "h: line 2: the text ends in the middle of a form");
  CHECK(error_of("\n[{:process 0\n :type :ok") ==
        "h: line 2: a form that begins here is never closed");
  CHECK(error_of("{:process 0 :type}") == "h: line 1: a map has a key without a value");
  CHECK(error_of("{:process 0 :type :invoke :f :txn :value nil}") ==
        "h: line 1: :f :txn is not one of :read, :write, :cas, :append, :delete, :get, :put");
  CHECK(error_of("{:process 0 :type :began :f :read :value nil}") ==
        "h: line 1: :type is not one of :invoke, :ok, :fail, :info");
  CHECK(error_of("{:process 0 :type :invoke :f :read :value nil}\n"
                 "{:process 0 :type :invoke :f :read :value nil}") ==
        "h: line 2: process 0 invokes while its last op is open");
  CHECK(error_of("{:process 0 :type :invoke :f :read :value nil}\n"
                 "{:process 0 :type :ok :f :write :value 1}") ==
        "h: line 2: process 0 completes another op than it invoked");
  CHECK(error_of("{:process 0 :type :invoke :f :cas :value 1}") ==
        "h: line 1: a cas needs :value [from to]");
  CHECK(error_of("{:process 0 :type :invoke :f :read :value nil :time 5}\n"
                 "{:process 0 :type :ok :f :read :value 1 :time 4}") ==
        "h: line 2: time falls from 5 to 4");
  CHECK(error_of("{:process 0 :type :invoke :f :put :key \"a\" :value \"x 0 0 y\"}") ==
        "h: line 1: a key is not a natural number");
  CHECK(error_of("{:process 0 :type :invoke :f :put :key \"1\" :value \"x y y\"}") ==
        "h: line 1: a put or append needs a string with one `y`, at its end");
  CHECK(error_of("{:process 0 :x \"abc}") ==
        "h: line 1: a string that begins here is never closed");
  CHECK(error_of(std::string(200, '[')) == "h: line 1: forms are nested too deeply");
  CHECK_FALSE(
      import_history("{\"schema\":\"whitewater.history\",\"v\":1}\n{\"index\":\n{}\n", "h").ok());
  const Result<ImportedHistory> missing = import_history_file("tests/histories/no-such-file");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().code == ErrorCode::kIo);
  CHECK(missing.error().message.find("no-such-file") != std::string::npos);
}
