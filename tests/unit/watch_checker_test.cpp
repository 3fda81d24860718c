// The checker of watches: what it must refuse, each wrong in one place, and what it must not.
#include <catch2/catch.hpp>
#include <functional>

#include "checkers/registry.hpp"
#include "checkers/watch.hpp"

namespace ww::checkers {

namespace {

using Changes = std::vector<WatchedChange>;

Value num(std::int64_t n) {
  return Value{n};
}

/// A history, op by op; times are line numbers.
class Tale {
 public:
  Tale& invoke(std::int64_t process, Func f, std::uint64_t key, Value value, Value to = {}) {
    Op op;
    op.process = process;
    op.f = f;
    op.key = key;
    op.value = std::move(value);
    op.to = std::move(to);
    return add(op);
  }
  /// Completes what the process has open.
  Tale& end(std::int64_t process, OpType type, Index at = 0,
            const std::function<void(Op&)>& change = {}) {
    Op op;
    for (const Op& line : lines_) {
      if (line.process == process) op = line;
    }
    op.type = type;
    op.at = {at, at == 0 ? 0U : 1U};
    if (change) change(op);
    return add(op);
  }
  Tale& write(std::int64_t process, std::uint64_t key, std::int64_t value, Index at) {
    return invoke(process, Func::kWrite, key, num(value)).end(process, OpType::kOk, at);
  }
  Tale& watch(std::int64_t process, std::uint64_t key, std::int64_t from, std::int64_t to,
              const Changes& changes) {
    return invoke(process, Func::kWatch, key, num(from)).told(process, to, changes);
  }
  Tale& told(std::int64_t process, std::int64_t to, const Changes& changes) {
    return end(process, OpType::kOk, 0, [&](Op& op) {
      op.to = num(to);
      op.changes = changes;
    });
  }
  [[nodiscard]] const History& history() const { return lines_; }
  Op& line(std::size_t i) { return lines_[i]; }

 private:
  Tale& add(Op op) {
    op.index = lines_.size();
    op.time = static_cast<std::int64_t>(lines_.size());
    lines_.push_back(std::move(op));
    return *this;
  }
  History lines_;
};

/// Two writers, three watchers; everything as it should be.
Tale good() {
  Tale tale;
  tale.write(0, 1, 10, 3);                                                      // 0, 1
  tale.write(0, 2, 20, 4);                                                      // 2, 3
  tale.watch(5, kEveryKey, 1, 4, {{3, 1, num(10)}, {4, 2, num(20)}});           // 4, 5
  tale.invoke(0, Func::kCas, 1, num(10), num(11)).end(0, OpType::kOk, 5);       // 6, 7
  tale.write(1, 1, 12, 7);                                                      // 8, 9
  tale.watch(6, 1, 1, 8, {{3, 1, num(10)}, {5, 1, num(11)}, {7, 1, num(12)}});  // 10, 11
  tale.watch(5, kEveryKey, 5, 9, {{5, 1, num(11)}, {7, 1, num(12)}});           // 12, 13
  tale.watch(7, 2, 2, 9, {{4, 2, num(20)}});                                    // 14, 15
  return tale;
}

std::string kinds(const CheckResult& result) {
  std::string out;
  for (const Violation& violation : result.violations) {
    CHECK(violation.property == "WATCH");
    CHECK_FALSE(violation.witness.empty());
    if (out.find(violation.kind) == std::string::npos) out += violation.kind + " ";
  }
  return out;
}

std::string refused_as(const Tale& tale) {
  const CheckResult result = check_watch(tale.history());
  CHECK((result.verdict == Verdict::kInvalid) == (result.violation_count > 0));
  return kinds(result);
}

}  // namespace

TEST_CASE("watches that were told of everything are valid, and what was checked is counted") {
  const CheckResult result = check_watch(good().history());
  CHECK(result.verdict == Verdict::kValid);
  CHECK(result.evaluated == 8 + 4);
  CHECK(result.numbers.at("watchers") == 3);
  CHECK(result.numbers.at("watches") == 4);
  CHECK(result.numbers.at("revisions") == 4);
  CHECK(result.numbers.at("acknowledged") == 4);
  CHECK(result.numbers.at("acknowledged-uncovered") == 0);
}

TEST_CASE(
    "each rule refuses a history that breaks it in one place, with the watcher and revision") {
  struct Row {
    const char* kind;
    const char* what;
    std::function<void(Tale&)> spoil;
  };
  const Row rows[] = {
      {"order", "two revisions are told the wrong way round",
       [](Tale& t) { std::swap(t.line(13).changes[0], t.line(13).changes[1]); }},
      {"order", "a change is told twice in a row",
       [](Tale& t) { t.line(15).changes.push_back(t.line(15).changes[0]); }},
      {"order", "a change lies in front of what was asked for",
       [](Tale& t) {
         t.line(13).changes.insert(t.line(13).changes.begin(), {4, 2, num(20)});
       }},
      {"order", "a change lies behind what is covered", [](Tale& t) { t.line(13).to = num(6); }},
      {"order", "a change is of another key",
       [](Tale& t) {
         t.line(15).changes.push_back({5, 1, num(11)});
       }},
      {"order", "a watch is answered from another revision than it asked for",
       [](Tale& t) { t.line(13).value = num(6); }},
      {"agreement", "one is told of another value at that revision",
       [](Tale& t) { t.line(13).changes[0].value = num(10); }},
      {"agreement", "one is told of another key at that revision",
       [](Tale& t) { t.line(13).changes[0].key = 2; }},
      {"gap", "one who watches all keys is not told of a change in the middle",
       [](Tale& t) { t.line(13).changes.erase(t.line(13).changes.begin()); }},
      {"gap", "one who watches a key is not told of the first",
       [](Tale& t) { t.line(11).changes.erase(t.line(11).changes.begin()); }},
      {"gap", "one is not told of the last that is covered",
       [](Tale& t) { t.line(13).changes.pop_back(); }},
      {"loss", "nobody is told of an acknowledged write",
       [](Tale& t) {
         t.line(5).changes.pop_back();
         t.line(15).changes.clear();
       }},
      {"loss", "a write is acknowledged at another revision than it is told of",
       [](Tale& t) { t.line(9).at.index = 8; }},
      {"invention", "a change that nobody wrote",
       [](Tale& t) {
         t.line(13).changes.push_back({9, 2, num(99)});
         t.line(15).changes.push_back({9, 2, num(99)});
       }},
      {"invention", "a value that somebody wrote to another key",
       [](Tale& t) {
         t.line(13).changes.push_back({9, 2, num(10)});
         t.line(15).changes.push_back({9, 2, num(10)});
       }},
      {"invention", "a write that failed for sure",
       [](Tale& t) { t.line(9).type = OpType::kFail; }},
      {"invention", "a cas that did not match", [](Tale& t) { t.line(7).matched = false; }},
      {"invention", "a deletion that nobody made",
       [](Tale& t) {
         t.line(13).changes.push_back({9, 2, {}});
         t.line(15).changes.push_back({9, 2, {}});
       }},
      {"twice", "a write takes effect twice",
       [](Tale& t) {
         t.line(13).changes.push_back({8, 1, num(12)});
         t.line(11).changes.push_back({8, 1, num(12)});
       }},
  };
  for (const Row& row : rows) {
    INFO(row.kind << ": " << row.what);
    Tale tale = good();
    row.spoil(tale);
    CHECK(refused_as(tale).find(row.kind) != std::string::npos);
    const CheckResult result = check_watch(tale.history());
    CHECK(result.reason.find("process ") != std::string::npos);
    CHECK(result.reason.find("revision") != std::string::npos);
  }
}

TEST_CASE("a change cannot be told before its write was invoked") {
  Tale tale;
  tale.watch(5, kEveryKey, 1, 4, {{3, 1, num(10)}});
  tale.write(0, 1, 10, 3);
  CHECK(refused_as(tale) == "invention ");
}

TEST_CASE("acknowledged writes have revisions in the order of real time, and others need not") {
  const auto tale = [](bool overlap, OpType first_end) {
    Tale t;
    t.invoke(0, Func::kWrite, 1, num(10));
    if (overlap) t.invoke(1, Func::kWrite, 1, num(11));
    t.end(0, first_end, 0);
    if (!overlap) t.invoke(1, Func::kWrite, 1, num(11));
    t.end(1, OpType::kOk);
    t.watch(5, kEveryKey, 1, 9, {{3, 1, num(11)}, {4, 1, num(10)}});
    return t;
  };
  CHECK(refused_as(tale(false, OpType::kOk)) == "real time ");
  CHECK(refused_as(tale(true, OpType::kOk)).empty());
  CHECK(refused_as(tale(false, OpType::kInfo)).empty());
  // Of different keys too, and a change of unknown outcome has a place as well.
  Tale keys;
  keys.write(0, 1, 10, 6);
  keys.invoke(1, Func::kWrite, 2, num(20));
  keys.watch(5, kEveryKey, 1, 9, {{4, 2, num(20)}, {6, 1, num(10)}});
  CHECK(refused_as(keys) == "real time ");
}

TEST_CASE("histories that are odd and right pass") {
  // A write of unknown outcome is told of by some, for the others have not come that far.
  Tale unknown = good();
  unknown.invoke(2, Func::kWrite, 1, num(13)).end(2, OpType::kInfo);
  unknown.invoke(3, Func::kWrite, 1, num(14));
  unknown.watch(5, kEveryKey, 10, 12, {{11, 1, num(13)}});
  unknown.watch(6, 1, 9, 10, {});
  CHECK(refused_as(unknown).empty());
  CHECK(check_watch(unknown.history()).numbers.at("unknown-told") == 1);
  // The change is told of before the write is answered, or even while nobody answers.
  Tale early;
  early.invoke(0, Func::kWrite, 1, num(10));
  early.watch(5, kEveryKey, 1, 3, {{3, 1, num(10)}});
  early.end(0, OpType::kOk, 3);
  CHECK(refused_as(early).empty());
  // Somebody is far behind, covers nothing, covers it late, or goes over it again.
  Tale late = good();
  late.watch(8, kEveryKey, 12, 11, {});
  late.watch(9, kEveryKey, 1, 3, {{3, 1, num(10)}});
  late.watch(9, kEveryKey, 2, 3, {{3, 1, num(10)}});
  CHECK(refused_as(late).empty());
  // What nobody covers, since it was not kept any more, is counted and no loss.
  Tale hole;
  hole.write(0, 1, 10, 3);
  hole.write(0, 1, 11, 4);
  hole.invoke(5, Func::kWatch, kEveryKey, num(1));
  hole.end(5, OpType::kFail, 0, [](Op& op) { op.error = "compacted"; });
  hole.watch(5, kEveryKey, 4, 6, {{4, 1, num(11)}});
  const CheckResult result = check_watch(hole.history());
  CHECK(result.verdict == Verdict::kValid);
  CHECK(result.numbers.at("compacted") == 1);
  CHECK(result.numbers.at("acknowledged-uncovered") == 1);
  // Two keys may have the same value; a cas that did not match writes nothing.
  Tale same;
  same.write(0, 1, 10, 3);
  same.write(0, 2, 10, 4);
  same.invoke(0, Func::kCas, 1, num(9), num(12)).end(0, OpType::kOk, 5, [](Op& op) {
    op.matched = false;
  });
  same.watch(5, kEveryKey, 1, 6, {{3, 1, num(10)}, {4, 2, num(10)}});
  CHECK(refused_as(same).empty());
}

TEST_CASE("keys that are deleted and appended to are judged by what the watchers say alone") {
  Tale tale;
  tale.write(0, 1, 10, 3);
  tale.invoke(0, Func::kDelete, 1, {}).end(0, OpType::kOk, 4);
  tale.watch(5, kEveryKey, 1, 6, {{3, 1, num(10)}, {4, 1, {}}});
  CHECK(refused_as(tale).empty());
  tale.watch(6, kEveryKey, 1, 6, {{3, 1, num(10)}});
  CHECK(refused_as(tale) == "gap ");
}

TEST_CASE("where nobody was told of anything nothing is known") {
  Tale tale;
  tale.write(0, 1, 10, 3);
  tale.invoke(5, Func::kWatch, kEveryKey, num(1)).end(5, OpType::kFail);
  CHECK(check_watch(tale.history()).verdict == Verdict::kUnknown);
  tale.watch(5, kEveryKey, 1, 2, {});
  CHECK(check_watch(tale.history()).verdict == Verdict::kUnknown);
  Tale twice;
  twice.write(0, 1, 10, 3);
  twice.write(0, 1, 10, 4);
  twice.watch(5, kEveryKey, 1, 6, {{3, 1, num(10)}, {4, 1, num(10)}});
  CHECK(check_watch(twice.history()).verdict == Verdict::kUnknown);
}

TEST_CASE(
    "the rows of a history with watches are those of the table, and linearizable leaves them out") {
  std::string names;
  for (const CheckResult& row : check_history(good().history())) names += row.checker + " ";
  CHECK(names == "linearizable watch statistics ");
  for (const CheckResult& row : check_history(good().history())) {
    INFO(row.checker << ": " << row.reason);
    CHECK(row.verdict == Verdict::kValid);
    if (row.checker == "linearizable") CHECK(row.evaluated == 4);
  }
  Tale none;
  none.write(0, 1, 10, 3);
  CHECK(check_history(none.history()).size() == 2);
}

}  // namespace ww::checkers
