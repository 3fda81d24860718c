// The worker's watches.
#include <algorithm>

#include "workloads/kv_calls.hpp"
#include "workloads/worker.hpp"

namespace ww::workloads {

namespace {

/// Every so-manieth op that watches begins at the next node.
constexpr std::uint64_t kWatchesPerNode = 4;

}  // namespace

void Worker::begin_watch(const Step& step) {
  const auto* until = std::get_if<std::int64_t>(&op_->call.value);
  op_->mode = Mode::kFollow;
  op_->watch.emplace(cursor_, until == nullptr ? 0 : static_cast<Index>(*until));
  if (until == nullptr) op_->deadline = step.now + options_.watch_time;
  if (++watches_ % kWatchesPerNode == 0 && nodes_.size() > 1) move_to(step, after(node_));
}

void Worker::open_watch(const Step& step) {
  wire::WatchRequest request;
  request.verb = wire::WatchVerb::kOpen;
  request.from = op_->watch->next();
  request.keys = watched_keys(op_->call.key);
  op_->watch->open();
  if (op_->sent++ > 0) ++step.ledger.counters.retries;
  send_watch(step, std::move(request));
  awaited_ = Awaited{last_request_, false, step.now + options_.attempt_timeout};
}

void Worker::send_watch(const Step& step, wire::WatchRequest request) {
  request.request = ++last_request_;
  ++step.ledger.counters.requests;
  step.actions.push_back(SendWatch{client(), node_, std::move(request)});
}

void Worker::on_watch_frame(const Step& step, const wire::WatchFrame& frame) {
  if (link_ != Link::kUp || !awaited_ || !op_->watch || awaited_->request != frame.request) {
    ++step.ledger.counters.late_replies;
    return;
  }
  ++step.ledger.counters.frames;
  Watching& watch = *op_->watch;
  watch.take(frame);
  if (watch.ended()) return on_watch_ended(step);
  if (watch.enough()) return finish_watch(step);
  if (!watch.has_gap()) {
    if (watch.opened()) awaited_->deadline = kNever;
  } else if (awaited_->deadline == kNever) {
    awaited_->deadline = step.now + options_.attempt_timeout;
  }
  if (const std::uint64_t frames = watch.acknowledge(); frames > 0) {
    wire::WatchRequest request;
    request.verb = wire::WatchVerb::kAcknowledge;
    request.stream = awaited_->request;
    request.frames = frames;
    send_watch(step, std::move(request));
  }
}

void Worker::on_watch_ended(const Step& step) {
  const wire::WatchFrame last = *op_->watch->ended();
  awaited_.reset();
  if (last.refusal != wire::Refusal::kCompacted) {
    ++step.ledger.counters.refused;
    attempt_failed(step, true, wire::name_of(last.refusal));
    if (nodes_.size() > 1) move_to(step, after(node_));
    return;
  }
  // What it was told so far is an op of its own; the next one finds the same.
  if (op_->watch->told()) return finish_watch(step);
  ++step.ledger.counters.compacted;
  compacted_ = op_->call.key;
  cursor_ = std::max(cursor_, last.oldest);
  Op op = line(OpType::kFail);
  op.error = wire::name_of(last.refusal);
  finish(step, std::move(op));
}

/// Ends the op with what it was told. REQUIRES: that is something.
void Worker::finish_watch(const Step& step) {
  Watching& watch = *op_->watch;
  Op op = line(OpType::kOk);
  cursor_ = watch.next();
  op.to = static_cast<std::int64_t>(cursor_ - 1);
  op.changes = watch.take_changes();
  if (awaited_ && link_ == Link::kUp && !watch.ended()) {
    wire::WatchRequest request;
    request.verb = wire::WatchVerb::kClose;
    request.stream = awaited_->request;
    send_watch(step, std::move(request));
  }
  finish(step, std::move(op));
}

/// One who watches a key, and could not go on, goes on behind a read of it.
void Worker::note_read(const Op& op) {
  if (!compacted_ || op.f != Func::kRead) return;
  if (*compacted_ == op.key) cursor_ = std::max(cursor_, op.at.index + 1);
  compacted_.reset();
}

}  // namespace ww::workloads
