// The abstract states of a cluster do not tell whether a log came as entries or as a snapshot.
#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "controller/run/coverage.hpp"

using namespace ww;
namespace trace = wire::trace;

namespace {

constexpr NodeId kFirst{1};
constexpr NodeId kSecond{2};

trace::Appended entries(Index first, const std::vector<Term>& terms) {
  trace::Appended out;
  out.first = first;
  for (const Term term : terms) out.entries.push_back({term, 0});
  return out;
}

trace::Synced synced(LogPosition upto) {
  trace::Synced out;
  out.upto = upto;
  return out;
}

trace::Snapshot installed(LogPosition at, bool kept) {
  trace::Snapshot out;
  out.act = trace::SnapshotAct::kInstalled;
  out.at = at;
  out.kept = kept;
  return out;
}

/// Two nodes: the first has entries of terms 1, 1 and 2; the second one of term 1.
run::Coverage cluster() {
  run::Coverage out(2);
  for (const NodeId node : {kFirst, kSecond}) {
    out.on_start(node);
    out.on_event(node, trace::Boot{});
  }
  out.on_event(kFirst, entries(1, {1, 1, 2}));
  out.on_event(kFirst, synced({3, 2}));
  out.on_event(kSecond, entries(1, {1}));
  out.on_event(kSecond, synced({1, 1}));
  return out;
}

bool knows_all_of(const run::Coverage& all, const run::Coverage& some) {
  const auto a = all.states();
  const auto b = some.states();
  return std::includes(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

TEST_CASE("a log that came as a snapshot stands where the same one stands that came as entries") {
  run::Coverage as_entries = cluster();
  as_entries.on_event(kSecond, entries(2, {1, 2}));
  as_entries.on_event(kSecond, synced({3, 2}));
  run::Coverage as_snapshot = cluster();
  as_snapshot.on_event(kSecond, installed({3, 2}, false));
  CHECK(knows_all_of(as_entries, as_snapshot));

  // It goes on from there, and a start that finds it does so too.
  for (run::Coverage* both : {&as_entries, &as_snapshot}) {
    both->on_event(kFirst, entries(4, {2, 2}));
    both->on_event(kSecond, entries(4, {2}));
    both->on_death(kSecond);
    both->on_start(kSecond);
    trace::Boot boot;
    boot.first = 4;
    boot.last = {4, 2};
    boot.snapshot = {3, 2};
    both->on_event(kSecond, boot);
  }
  CHECK(knows_all_of(as_entries, as_snapshot));
}

TEST_CASE("a snapshot that a start finds, and that nothing told of, stands for the log it is of") {
  trace::Boot boot;
  boot.first = 4;
  boot.last = {3, 2};
  boot.snapshot = {3, 2};
  run::Coverage as_entries = cluster();
  as_entries.on_event(kSecond, entries(2, {1, 2}));
  run::Coverage as_snapshot = cluster();
  for (run::Coverage* both : {&as_entries, &as_snapshot}) {
    both->on_event(kSecond, synced({1, 1}));
    both->on_death(kSecond);
    both->on_start(kSecond);
    both->on_event(kSecond, boot);
    both->on_event(kFirst, entries(4, {2}));
  }
  const auto with = as_snapshot.states();
  const auto without = as_entries.states();
  // But for the death with another log, all is the same: the ends, above all.
  CHECK(std::count_if(with.begin(), with.end(), [&](std::uint64_t state) {
          return !std::binary_search(without.begin(), without.end(), state);
        }) <= 1);
}
