// The client's end of a stream of changes, over a network that doubles, delays and loses frames.
#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

#include "base/rng.hpp"
#include "tests/unit/test_seed.hpp"
#include "workloads/watch.hpp"
#include "workloads/watching.hpp"

namespace ww::workloads {

namespace {

wire::WatchFrame frame(std::uint64_t number, Index first, Index upto,
                       const std::vector<Index>& revisions) {
  wire::WatchFrame out;
  out.request = 1;
  out.number = number;
  out.first = first;
  out.upto = upto;
  for (const Index revision : revisions) {
    out.changes.push_back({revision, true, "3", std::to_string(revision * 10)});
  }
  return out;
}

std::vector<Index> revisions_of(Watching watching) {
  std::vector<Index> out;
  for (const WatchedChange& change : watching.take_changes()) {
    out.push_back(change.revision);
    CHECK(change.key == 3);
    CHECK(change.value == Value{static_cast<std::int64_t>(change.revision * 10)});
  }
  return out;
}

}  // namespace

TEST_CASE("frames count in the order of their numbers, each once") {
  Watching watching(5, 0);
  watching.open();
  CHECK_FALSE(watching.told());
  watching.take(frame(2, 7, 9, {8}));
  CHECK(watching.has_gap());
  CHECK_FALSE(watching.told());
  CHECK(watching.next() == 5);
  watching.take(frame(1, 5, 6, {5}));
  CHECK_FALSE(watching.has_gap());
  CHECK(watching.next() == 10);
  watching.take(frame(1, 5, 6, {5}));
  watching.take(frame(2, 7, 9, {8}));
  CHECK(watching.next() == 10);
  CHECK(watching.from() == 5);
  CHECK(revisions_of(watching) == std::vector<Index>{5, 8});
}

TEST_CASE("a stream that is resumed goes on behind what was taken, and forgets what came early") {
  Watching watching(1, 0);
  watching.open();
  watching.take(frame(1, 1, 4, {2}));
  watching.take(frame(3, 6, 7, {7}));
  CHECK(watching.has_gap());
  watching.open();
  CHECK_FALSE(watching.has_gap());
  CHECK_FALSE(watching.opened());
  CHECK(watching.next() == 5);
  watching.take(frame(1, 5, 7, {5, 7}));
  CHECK(revisions_of(watching) == std::vector<Index>{2, 5, 7});
}

TEST_CASE("what a wrong node says is noted as it is") {
  Watching watching(5, 0);
  watching.open();
  watching.take(frame(1, 5, 8, {4, 8}));
  watching.take(frame(2, 3, 7, {7}));
  CHECK(watching.next() == 9);
  CHECK(revisions_of(watching) == std::vector<Index>{4, 8, 7});
}

TEST_CASE("a stream's end is taken in its turn, and nothing behind it") {
  Watching watching(1, 0);
  watching.open();
  wire::WatchFrame last;
  last.number = 2;
  last.refusal = wire::Refusal::kCompacted;
  last.oldest = 17;
  watching.take(last);
  CHECK_FALSE(watching.ended());
  watching.take(frame(1, 1, 4, {2}));
  REQUIRE(watching.ended());
  CHECK(watching.ended()->oldest == 17);
  watching.take(frame(3, 5, 9, {9}));
  CHECK(watching.next() == 5);
}

TEST_CASE("it is enough with so many changes, or at the revision that was wanted") {
  Watching some(1, 0);
  some.open();
  std::vector<Index> many(kEnoughChanges - 1);
  std::iota(many.begin(), many.end(), Index{1});
  some.take(frame(1, 1, kEnoughChanges - 1, many));
  CHECK_FALSE(some.enough());
  some.take(frame(2, kEnoughChanges, kEnoughChanges, {kEnoughChanges}));
  CHECK(some.enough());
  Watching wanted(1, 6);
  wanted.open();
  wanted.take(frame(1, 1, 5, {}));
  CHECK_FALSE(wanted.enough());
  wanted.take(frame(2, 6, 6, {}));
  CHECK(wanted.enough());
}

TEST_CASE("frames are acknowledged some at a time, each stream anew") {
  Watching watching(1, 0);
  for (int stream = 0; stream < 2; ++stream) {
    watching.open();
    for (std::uint64_t number = 1; number < kFramesPerAck; ++number) {
      watching.take(frame(number, 1, 0, {}));
      CHECK(watching.acknowledge() == 0);
    }
    watching.take(frame(kFramesPerAck, 1, 0, {}));
    CHECK(watching.acknowledge() == kFramesPerAck);
    CHECK(watching.acknowledge() == 0);
  }
}

TEST_CASE("whatever the order of frames and copies, the stream is the same") {
  const std::uint64_t seed = test::seed();
  INFO(test::repeat_with());
  for (std::uint64_t round = 0; round < 500; ++round) {
    Rng rng = keyed(seed, "watching.test", round);
    std::vector<wire::WatchFrame> frames;
    std::vector<Index> all;
    Index next = 1;
    for (std::uint64_t number = 1; number <= 1 + rng.below(wire::kWatchWindow); ++number) {
      std::vector<Index> mine;
      const Index upto = next + rng.below(4);
      for (Index revision = next; revision < upto; ++revision) {
        if (rng.below(2) == 0) mine.push_back(revision);
      }
      all.insert(all.end(), mine.begin(), mine.end());
      for (std::uint64_t copy = 0; copy <= rng.below(2); ++copy) {
        frames.push_back(frame(number, next, upto - 1, mine));
      }
      next = upto;
    }
    rng.shuffle(std::span(frames));
    Watching watching(1, 0);
    watching.open();
    for (const wire::WatchFrame& f : frames) watching.take(f);
    CHECK_FALSE(watching.has_gap());
    CHECK(watching.next() == next);
    CHECK(revisions_of(watching) == all);
  }
}

TEST_CASE("some workers watch all keys, some one, and who must read before it goes on does") {
  WatchGenerator generator(RegisterOptions{});
  CHECK(generator.watched_key(1) == kEveryKey);
  CHECK(generator.watched_key(3) == 0U);
  CHECK(generator.watched_key(8) == 1U);
  CHECK_FALSE(generator.watched_key(0));
  CHECK(generator.next(1, 0) == Call{Func::kWatch, kEveryKey, {}, {}, {}});
  Op refused;
  refused.type = OpType::kFail;
  refused.process = 1;
  refused.f = Func::kWatch;
  refused.key = kEveryKey;
  refused.error = "timeout";
  generator.on_completion(refused);
  CHECK(generator.next(1, 1).f == Func::kWatch);
  refused.error = "compacted";
  generator.on_completion(refused);
  const Call read = generator.next(1, 2);
  CHECK(read.f == Func::kRead);
  CHECK(read.key < kWatchedKeys);
  CHECK(generator.next(1, 3).f == Func::kWatch);
  bool writes = false;
  for (std::uint64_t i = 0; i < 100; ++i) {
    const Call call = generator.next(0, i);
    CHECK(call.f != Func::kWatch);
    CHECK(call.key < kWatchedKeys);
    writes = writes || call.f == Func::kWrite;
  }
  CHECK(writes);
}

}  // namespace ww::workloads
