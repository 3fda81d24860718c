#include "workloads/watching.hpp"

#include <algorithm>
#include <utility>

#include "workloads/kv_calls.hpp"

namespace ww::workloads {

void Watching::open() {
  taken_ = 0;
  acknowledged_ = 0;
  early_.clear();
  ended_.reset();
}

void Watching::take(const wire::WatchFrame& frame) {
  if (ended_ || frame.number <= taken_) return;
  // No right node has more on the way.
  if (early_.size() < 2 * wire::kWatchWindow) early_.emplace(frame.number, frame);
  for (auto at = early_.find(taken_ + 1); at != early_.end(); at = early_.find(taken_ + 1)) {
    const wire::WatchFrame next = std::move(at->second);
    early_.erase(at);
    take_next(next);
  }
}

void Watching::take_next(const wire::WatchFrame& frame) {
  ++taken_;
  if (frame.refusal != wire::Refusal::kNone) {
    ended_ = frame;
    return early_.clear();
  }
  told_ = true;
  for (const wire::Change& change : frame.changes) {
    const Value key = value_of(change.key);
    const auto* number = std::get_if<std::int64_t>(&key);
    // A key that no call of ours has is nobody's: the checker will not find its writer.
    const bool known = number != nullptr && *number >= 0;
    changes_.push_back({change.revision, known ? static_cast<std::uint64_t>(*number) : kEveryKey,
                        change.exists ? value_of(change.value) : Value()});
  }
  next_ = std::max(next_, frame.upto + 1);
}

bool Watching::enough() const {
  if (until_ > 0) return next_ > until_ || changes_.size() >= kMostChanges;
  return changes_.size() >= kEnoughChanges;
}

std::uint64_t Watching::acknowledge() {
  if (taken_ - acknowledged_ < kFramesPerAck) return 0;
  return acknowledged_ = taken_;
}

}  // namespace ww::workloads
