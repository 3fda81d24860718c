// What judges a run: the invariant checker over the evidence of a cluster, and the model of a disk.
#include <benchmark/benchmark.h>

#include <variant>

#include "bench/lockstep.hpp"
#include "checkers/invariants/invariant_checker.hpp"
#include "faults/disk/disk_model.hpp"

namespace {

using namespace ww;

/// Keeps evidence, to be given to a checker again and again.
class Evidence final : public EvidenceSink {
 public:
  void on_start(NodeId node, Incarnation incarnation, Instant time) override {
    items_.push_back({node, Start{incarnation, time}});
  }
  void on_trace(NodeId node, Incarnation, const wire::trace::Record& record) override {
    items_.push_back({node, record});
    ++records_;
  }
  void on_frame(Instant time, const wire::Envelope& envelope, std::string_view payload) override {
    items_.push_back({wire::node_of(envelope.from), Frame{time, envelope, std::string(payload)}});
  }
  void on_death(NodeId, Incarnation, Instant, Death, bool) override {}
  void on_disk(NodeId, Instant, const DiskImage&, const DiskImage&) override {}
  void on_op(const Op&) override {}

  void replay(EvidenceSink& sink) const {
    for (const Item& item : items_) {
      if (const auto* record = std::get_if<wire::trace::Record>(&item.what)) {
        sink.on_trace(item.node, 1, *record);
      } else if (const auto* frame = std::get_if<Frame>(&item.what)) {
        sink.on_frame(frame->time, frame->envelope, frame->payload);
      } else if (const auto* start = std::get_if<Start>(&item.what)) {
        sink.on_start(item.node, start->incarnation, start->time);
      }
    }
  }
  [[nodiscard]] std::size_t records() const { return records_; }
  [[nodiscard]] std::vector<wire::trace::Store> store_ops(NodeId node) const {
    std::vector<wire::trace::Store> out;
    for (const Item& item : items_) {
      const auto* record = std::get_if<wire::trace::Record>(&item.what);
      if (record == nullptr || item.node != node) continue;
      if (const auto* op = std::get_if<wire::trace::Store>(&record->event)) out.push_back(*op);
    }
    return out;
  }

 private:
  struct Start {
    Incarnation incarnation = 0;
    Instant time{};
  };
  struct Frame {
    Instant time{};
    wire::Envelope envelope;
    std::string payload;
  };
  struct Item {
    NodeId node;
    std::variant<Start, wire::trace::Record, Frame> what;
  };
  std::vector<Item> items_;
  std::size_t records_ = 0;
};

Evidence evidence_of(std::uint32_t rounds) {
  Evidence evidence;
  bench::Lockstep cluster(5, &evidence);
  cluster.elect();
  for (std::uint32_t i = 0; i < rounds; ++i) cluster.round(1);
  return evidence;
}

void invariant_checker(benchmark::State& state) {
  const Evidence evidence = evidence_of(2000);
  for (auto _ : state) {
    checkers::InvariantOptions options;
    for (std::uint32_t i = 1; i <= 5; ++i) options.voters.push_back(NodeId{i});
    checkers::InvariantChecker checker(options);
    evidence.replay(checker);
    if (checker.violated()) return state.SkipWithError("a correct cluster is accused");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(evidence.records()));
}
BENCHMARK(invariant_checker)->Unit(benchmark::kMillisecond);

void disk_model(benchmark::State& state) {
  const std::vector<wire::trace::Store> ops = evidence_of(2000).store_ops(NodeId{1});
  for (auto _ : state) {
    faults::DiskModel model;
    for (const wire::trace::Store& op : ops) model.apply(op);
    faults::Loss loss;
    benchmark::DoNotOptimize(model.crash(7, faults::CrashStyle::kTorn, loss));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(ops.size()));
}
BENCHMARK(disk_model)->Unit(benchmark::kMicrosecond);

}  // namespace
