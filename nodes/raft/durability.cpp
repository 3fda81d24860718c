#include "nodes/raft/durability.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace ww::raft {

WriteId Durability::issue(HardState state, Index upto, bool sync, Instant now) {
  const WriteId id{++issued_};
  in_flight_.push_back({id, state, upto, sync, false, now});
  return id;
}

void Durability::pretend(HardState state) {
  state_ = state;
  for (InFlight& write : in_flight_) write.state = state;
}

void Durability::truncated(Index from) {
  stable_ = std::min(stable_, from - 1);
  for (InFlight& write : in_flight_) {
    if (write.upto < from) continue;
    write.upto = from - 1;
    write.overtaken = true;
  }
}

void Durability::covered(Index index) {
  stable_ = std::max(stable_, index);
}

Durability::Completion Durability::complete(WriteId id, Instant now) {
  WW_ASSERT(!in_flight_.empty() && in_flight_.front().id == id, "writes complete in issue order");
  const InFlight write = in_flight_.front();
  in_flight_.pop_front();
  completed_ = now;
  if (write.sync) {
    state_ = write.state;
    stable_ = std::max(stable_, write.upto);
  }
  return {write.sync, write.overtaken};
}

WriteId Durability::needed_for(HardState state) const {
  if (state_ == state) return WriteId{0};
  for (const InFlight& write : in_flight_) {
    if (write.sync && write.state == state) return write.id;
  }
  WW_ASSERT(false, "a hard state that was never written");
  return WriteId{0};
}

WriteId Durability::needed_for(Index index) const {
  if (stable_ >= index) return WriteId{0};
  for (const InFlight& write : in_flight_) {
    if (write.sync && write.upto >= index) return write.id;
  }
  return WriteId{issued_ + 1};
}

}  // namespace ww::raft
