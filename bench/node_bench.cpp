// The node: a step of a replica with everything around it, the messages between nodes, and draws.
#include <benchmark/benchmark.h>

#include "base/rng.hpp"
#include "base/wire/peer.hpp"
#include "base/wire/trace.hpp"
#include "bench/lockstep.hpp"

namespace {

using namespace ww;

/// Drivers only: decode, step, encode.
void replica_step(benchmark::State& state) {
  constexpr std::uint32_t kRounds = 2000;
  const auto writes = static_cast<std::uint32_t>(state.range(0));
  std::uint64_t steps = 0;
  for (auto _ : state) {
    bench::Lockstep cluster(5);
    cluster.elect();
    const std::uint64_t before = cluster.steps();
    for (std::uint32_t i = 0; i < kRounds; ++i) cluster.round(writes);
    steps += cluster.steps() - before;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(steps));
}
BENCHMARK(replica_step)->Arg(1)->Arg(8)->Unit(benchmark::kMillisecond);

std::string entries_of(std::uint32_t count) {
  std::string out;
  for (std::uint32_t i = 0; i < count; ++i) {
    wire::append_entry(out, {7, wire::EntryKind::kCommand, "a command of some thirty bytes"});
  }
  return out;
}

void peer_codec(benchmark::State& state) {
  const auto count = static_cast<std::uint32_t>(state.range(0));
  const std::string entries = entries_of(count);
  wire::Append append;
  append.term = 7;
  append.prev = {1000, 7};
  append.commit = 990;
  append.round = 400;
  append.count = count;
  std::string out;
  for (auto _ : state) {
    out.clear();
    wire::encode_peer(out, NodeId{1}, NodeId{2}, MessageId{(std::uint64_t{1} << 44) + 77}, append,
                      entries);
    benchmark::DoNotOptimize(wire::decode_peer(out));
  }
}
BENCHMARK(peer_codec)->Arg(0)->Arg(4);

void trace_codec(benchmark::State& state) {
  const wire::trace::Event event =
      wire::trace::Applied{{1000, 7}, 1, 2, SessionId{5}, 3, wire::trace::Execution::kExecuted, 4};
  std::string out;
  for (auto _ : state) {
    out.clear();
    wire::trace::encode(out, 5000, Instant{seconds(3)}, event);
    benchmark::DoNotOptimize(wire::trace::decode(out));
  }
}
BENCHMARK(trace_codec);

/// What a world pays for one keyed latency.
void keyed_draw(benchmark::State& state) {
  std::uint64_t n = 0;
  for (auto _ : state) {
    Rng rng = keyed(7, "net.latency", NodeId{1}, NodeId{2}, ++n);
    benchmark::DoNotOptimize(rng.between(microseconds(60), microseconds(400)));
  }
}
BENCHMARK(keyed_draw);

}  // namespace
