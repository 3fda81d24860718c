#include "checkers/invariants/merge.hpp"

#include <algorithm>
#include <utility>

namespace ww::checkers::invariants {

namespace t = wire::trace;

void CausalMerger::start(NodeId node, Incarnation incarnation, Instant time) {
  if (!lanes_[node.value].empty()) return hold(node, Start{incarnation, time});
  consumer_.consume_start(node, incarnation, time);
  settle();
}

void CausalMerger::trace(NodeId node, Incarnation incarnation, const t::Record& record) {
  if (!lanes_[node.value].empty() || must_wait(node, record)) {
    return hold(node, Trace{incarnation, record});
  }
  consume_record(node, incarnation, record);
  if (held_ > 0 && std::holds_alternative<t::Sent>(record.event)) settle();
}

void CausalMerger::death(NodeId node, Incarnation incarnation, Instant time, Death how, bool torn) {
  if (!lanes_[node.value].empty()) return hold(node, Ended{incarnation, time, how, torn});
  consumer_.consume_death(node, incarnation, time, how, torn);
  settle();
}

void CausalMerger::disk(NodeId node, Instant time, const DiskImage& before,
                        const DiskImage& after) {
  if (!lanes_[node.value].empty()) return hold(node, Disk{time, before, after});
  consumer_.consume_disk(node, time, before, after);
}

bool CausalMerger::must_wait(NodeId node, const t::Record& record) const {
  const auto* received = std::get_if<t::Received>(&record.event);
  if (received == nullptr) return false;
  return !consumer_.was_sent(received->from, node, received->id) &&
         !consumer_.is_over(received->from, received->id);
}

void CausalMerger::hold(NodeId node, Item item) {
  lanes_[node.value].push_back(std::move(item));
  most_held_ = std::max(most_held_, ++held_);
}

void CausalMerger::consume_record(NodeId node, Incarnation incarnation, const t::Record& record) {
  const auto* received = std::get_if<t::Received>(&record.event);
  if (received != nullptr && !consumer_.was_sent(received->from, node, received->id)) {
    consumer_.note_orphan(node, *received);
  }
  consumer_.consume_trace(node, incarnation, record);
}

void CausalMerger::consume(NodeId node, const Item& item) {
  if (const auto* trace = std::get_if<Trace>(&item)) {
    consume_record(node, trace->incarnation, trace->record);
  } else if (const auto* start = std::get_if<Start>(&item)) {
    consumer_.consume_start(node, start->incarnation, start->time);
  } else if (const auto* ended = std::get_if<Ended>(&item)) {
    consumer_.consume_death(node, ended->incarnation, ended->time, ended->how, ended->torn);
  } else if (const auto* disk = std::get_if<Disk>(&item)) {
    consumer_.consume_disk(node, disk->time, disk->before, disk->after);
  }
}

bool CausalMerger::advance(NodeId node) {
  Lane& lane = lanes_[node.value];
  bool any = false;
  while (!lane.empty()) {
    const auto* trace = std::get_if<Trace>(&lane.front());
    if (trace != nullptr && must_wait(node, trace->record)) break;
    const Item item = std::move(lane.front());
    lane.pop_front();
    --held_;
    consume(node, item);
    any = true;
  }
  return any;
}

void CausalMerger::settle() {
  bool any = held_ > 0;
  while (any) {
    any = false;
    for (std::size_t i = 1; i < lanes_.size() && held_ > 0; ++i) {
      any |= advance(NodeId{static_cast<std::uint32_t>(i)});
    }
  }
}

void CausalMerger::finish() {
  settle();
  while (held_ > 0) {
    for (std::size_t i = 1; i < lanes_.size(); ++i) {
      if (lanes_[i].empty()) continue;
      const Item item = std::move(lanes_[i].front());
      lanes_[i].pop_front();
      --held_;
      consume(NodeId{static_cast<std::uint32_t>(i)}, item);
      break;
    }
    settle();
  }
}

}  // namespace ww::checkers::invariants
