#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <vector>

#include "workloads/arrivals.hpp"
#include "workloads/kv_calls.hpp"
#include "workloads/registry.hpp"

namespace ww::workloads {
namespace {

Op completion(const Call& call, OpType type) {
  Op op;
  op.type = type;
  op.f = call.f;
  op.key = call.key;
  op.value = call.value;
  op.to = call.to;
  return op;
}

std::int64_t number(const Value& value) {
  return std::get<std::int64_t>(value);
}

TEST_CASE("A call is a function of the seed, the worker and the ordinal, whoever else calls") {
  RegisterOptions options;
  options.ops_per_key = 100000;
  RegisterGenerator alone(options);
  RegisterGenerator crowded(options);
  for (std::uint64_t ordinal = 0; ordinal < 500; ++ordinal) {
    // One generator serves worker 3 alone and misses every third op; the other serves many.
    for (std::uint32_t worker = 0; worker < 3; ++worker) crowded.next(worker, ordinal);
    const Call among_others = crowded.next(3, ordinal);
    if (ordinal % 3 == 0) continue;
    CHECK(alone.next(3, ordinal) == among_others);
  }
}

TEST_CASE("Another seed makes other calls") {
  RegisterOptions other;
  other.seed = 2;
  RegisterGenerator a{RegisterOptions{}};
  RegisterGenerator b{other};
  int equal = 0;
  for (std::uint64_t i = 0; i < 200; ++i) equal += a.next(0, i) == b.next(0, i) ? 1 : 0;
  CHECK(equal < 60);  // reads of the same one of four keys meet by chance
}

TEST_CASE("No value is written twice in the default mode") {
  RegisterGenerator generator{RegisterOptions{}};
  std::set<std::int64_t> values;
  std::size_t mutations = 0;
  for (std::uint64_t ordinal = 0; ordinal < 2000; ++ordinal) {
    for (std::uint32_t worker = 0; worker < 10; ++worker) {
      const Call call = generator.next(worker, ordinal);
      generator.on_completion(completion(call, OpType::kOk));
      if (call.f == Func::kRead) continue;
      ++mutations;
      values.insert(number(call.f == Func::kCas ? call.to : call.value));
    }
  }
  CHECK(mutations > 7000);
  CHECK(values.size() == mutations);
  CHECK(unique_value(0, 0) == 1LL << 32);
  CHECK(unique_value(2, 7) == (3LL << 32 | 7));
}

TEST_CASE("The mix is the one asked for, and about half of the cas expect the latest value") {
  RegisterOptions options;
  options.reader_percent = 0;
  options.read_percent = 50;
  options.write_percent = 25;
  options.active_keys = 1;
  options.ops_per_key = 1000000;
  RegisterGenerator generator(options);
  std::map<Func, int> calls;
  int log_reads = 0;
  int latest = 0;
  std::int64_t last = 0;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const Call call = generator.next(0, i);
    ++calls[call.f];
    if (call.f == Func::kRead && call.read_mode == wire::ReadMode::kLog) ++log_reads;
    if (call.f == Func::kCas && number(call.value) == last) ++latest;
    if (call.f != Func::kWrite) continue;
    generator.on_completion(completion(call, OpType::kOk));
    last = number(call.value);
  }
  CHECK(calls[Func::kRead] == Approx(10000).margin(300));
  CHECK(calls[Func::kWrite] == Approx(5000).margin(300));
  CHECK(calls[Func::kCas] == Approx(5000).margin(300));
  CHECK(log_reads == Approx(2500).margin(200));
  CHECK(latest > 2500);  // half by intent, and some of the rest by chance
  CHECK(latest < 3500);
}

TEST_CASE("A cas needs something to expect: on an untouched key it is a write") {
  RegisterOptions options;
  options.reader_percent = 0;
  options.read_percent = 0;
  options.write_percent = 0;
  RegisterGenerator generator(options);
  const Call first = generator.next(0, 0);
  CHECK(first.f == Func::kWrite);
  for (std::uint64_t key = 0; key < options.active_keys; ++key) {
    Op seen = completion(first, OpType::kOk);
    seen.key = key;
    generator.on_completion(seen);
  }
  const Call second = generator.next(0, 1);
  CHECK(second.f == Func::kCas);
  CHECK(second.value == first.value);
}

TEST_CASE("A cas that did not match teaches the value that it saw") {
  RegisterOptions options;
  options.reader_percent = 0;
  options.read_percent = 0;
  options.write_percent = 0;
  options.active_keys = 1;
  RegisterGenerator generator(options);
  Op missed = completion(generator.next(0, 0), OpType::kOk);
  missed.f = Func::kCas;
  missed.matched = false;
  missed.seen = std::int64_t{77};
  generator.on_completion(missed);
  CHECK(generator.next(0, 1).value == Value(std::int64_t{77}));
}

TEST_CASE("The small domain keeps to its five values, in writes and in expectations") {
  RegisterOptions options;
  options.values = Values::kSmall;
  RegisterGenerator generator(options);
  std::set<std::int64_t> written;
  std::set<std::int64_t> expected;
  for (std::uint64_t i = 0; i < 4000; ++i) {
    const Call call = generator.next(1, i);
    generator.on_completion(completion(call, OpType::kOk));
    if (call.f == Func::kWrite) written.insert(number(call.value));
    if (call.f == Func::kCas) expected.insert(number(call.value));
  }
  CHECK(written == std::set<std::int64_t>{0, 1, 2, 3, 4});
  CHECK(expected == std::set<std::int64_t>{0, 1, 2, 3, 4});
}

TEST_CASE("A key retires after its calls, and its slot's next key follows") {
  RegisterOptions options;
  options.active_keys = 2;
  options.ops_per_key = 10;
  RegisterGenerator generator(options);
  std::map<std::uint64_t, int> calls;
  for (std::uint64_t i = 0; i < 400; ++i) ++calls[generator.next(0, i).key];
  for (const auto& [key, count] : calls) {
    INFO("key " << key);
    CHECK((count == 10 || calls.count(key + 2) == 0));
  }
  CHECK(calls.size() >= 40);
}

TEST_CASE("A key retires after its indeterminate ops, and late news of it is ignored") {
  RegisterOptions options;
  options.active_keys = 1;
  options.infos_per_key = 3;
  RegisterGenerator generator(options);
  Call call;
  call.f = Func::kWrite;
  call.value = std::int64_t{5};
  for (int i = 0; i < 3; ++i) {
    CHECK(generator.next(0, static_cast<std::uint64_t>(i)).key == 0);
    generator.on_completion(completion(call, OpType::kInfo));
  }
  CHECK(generator.next(0, 3).key == 1);
  for (int i = 0; i < 9; ++i) generator.on_completion(completion(call, OpType::kInfo));
  CHECK(generator.next(0, 4).key == 1);
}

TEST_CASE("A closing write takes the place of a call, and its value") {
  RegisterGenerator generator{RegisterOptions{}};
  const Call write = generator.closing_write(2, 1000, 9);
  CHECK(write.f == Func::kWrite);
  CHECK(write.key == 9);
  CHECK(number(write.value) == unique_value(2, 1000));
}

TEST_CASE("Calls travel as decimal text, and answers come back as numbers or nil") {
  Call call;
  call.f = Func::kCas;
  call.key = 12;
  call.value = std::int64_t{-3};
  call.to = unique_value(0, 1);
  const wire::Command command = command_of(call);
  CHECK(command.kind == wire::CommandKind::kCas);
  CHECK(command.key == "12");
  CHECK(command.expected == "-3");
  CHECK(command.value == "4294967297");

  wire::ClientReply reply;
  reply.at = LogPosition{9, 2};
  Op read;
  read_answer(reply, read);
  CHECK(read.value == Value());  // nothing was there
  CHECK(read.at == LogPosition{9, 2});
  reply.exists = true;
  reply.value = "42";
  read_answer(reply, read);
  CHECK(read.value == Value(std::int64_t{42}));
  for (const char* nobody_wrote : {"", "007", "+1", "1 ", "99999999999999999999", "x"}) {
    reply.value = nobody_wrote;
    read_answer(reply, read);
    CHECK(read.value == Value(std::string(nobody_wrote)));
  }
}

TEST_CASE("A cas tells what it saw only when it did not match") {
  wire::ClientReply reply;
  reply.exists = true;
  reply.value = "5";
  Op op;
  op.f = Func::kCas;
  op.value = std::int64_t{5};
  read_answer(reply, op);
  CHECK(op.matched);
  CHECK(op.seen == Value());
  reply.matched = false;
  reply.value = "6";
  read_answer(reply, op);
  CHECK_FALSE(op.matched);
  CHECK(op.seen == Value(std::int64_t{6}));
  CHECK(op.value == Value(std::int64_t{5}));
}

TEST_CASE("Waiting times are exponential: their mean, and the share beyond one mean and two") {
  constexpr int kDraws = 50000;
  const Duration mean = milliseconds(10);
  Duration sum{};
  int beyond_one = 0;
  int beyond_two = 0;
  for (int i = 0; i < kDraws; ++i) {
    Rng rng = keyed(4, "arrivals", i);
    const Duration gap = exponential(rng, mean);
    REQUIRE(gap >= Duration{});
    sum += gap;
    beyond_one += gap > mean ? 1 : 0;
    beyond_two += gap > 2 * mean ? 1 : 0;
  }
  CHECK(static_cast<double>(sum.count()) / kDraws == Approx(1e7).epsilon(0.02));
  CHECK(beyond_one == Approx(kDraws * 0.36788).epsilon(0.03));
  CHECK(beyond_two == Approx(kDraws * 0.13534).epsilon(0.05));
}

TEST_CASE("The registry finds each workload by its name, and makes it") {
  for (const WorkloadInfo& workload : all_workloads()) {
    CHECK(find_workload(workload.name) == &workload);
    CHECK_FALSE(workload.description.empty());
    CHECK_FALSE(workload.checker.empty());
    const auto generator = workload.make(RegisterOptions{});
    REQUIRE(generator != nullptr);
  }
  CHECK(find_workload("registre") == nullptr);
}

}  // namespace
TEST_CASE("A reading spell is a hundred reads by ReadIndex, and about a third of the spells are") {
  RegisterGenerator generator{RegisterOptions{}};
  int reading = 0;
  constexpr int kSpells = 600;
  for (std::uint64_t spell = 0; spell < kSpells; ++spell) {
    std::size_t index_reads = 0;
    for (std::uint64_t i = 0; i < kSpell; ++i) {
      const Call call = generator.next(0, spell * kSpell + i);
      if (call.f == Func::kRead && call.read_mode == wire::ReadMode::kIndex) ++index_reads;
    }
    if (index_reads == kSpell) ++reading;
  }
  CHECK(reading == Approx(kSpells * 0.33).margin(60));
}

}  // namespace ww::workloads
