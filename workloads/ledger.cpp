#include "workloads/ledger.hpp"

#include <algorithm>

#include "workloads/kv_calls.hpp"

namespace ww::workloads {

std::uint64_t Counters::of(OpType type) const {
  std::uint64_t sum = 0;
  for (const Func f :
       {Func::kRead, Func::kWrite, Func::kCas, Func::kAppend, Func::kDelete, Func::kWatch}) {
    sum += of(f, type);
  }
  return sum;
}

void Ledger::record(Op op, Instant arrived, Instant now, Actions& actions) {
  WW_ASSERT(now >= last_, "the workload engine was told of a time that fell");
  last_ = now;
  op.index = next_index_++;
  op.time = to_ns(now);
  ++counters.ops[static_cast<std::size_t>(op.f)][static_cast<std::size_t>(op.type)];
  if (op.f != Func::kNemesis) {
    if (op.type == OpType::kInvoke) {
      ++counters.in_flight;
    } else {
      --counters.in_flight;
      if (op.f == Func::kCas && op.type == OpType::kOk && op.matched) ++counters.cas_matched;
      if (mutates(op.f) && op.type == OpType::kOk) {
        last_write_ = std::max(last_write_, op.at.index);
      }
      generator_.on_completion(op);
    }
  }
  actions.emplace_back(std::in_place_type<Record>, Record{std::move(op), arrived});
}

}  // namespace ww::workloads
