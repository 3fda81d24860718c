#include "workloads/worker.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "workloads/kv_calls.hpp"

namespace ww::workloads {

namespace {

constexpr std::string_view kTimeout = "timeout";
constexpr std::string_view kLost = "connection lost";
constexpr std::string_view kRefused = "connection refused";
constexpr std::string_view kEnded = "the run ended";

}  // namespace

Worker::Worker(std::uint32_t number, Mode mode, const WorkerOptions& options)
    : number_(number), mode_(mode), options_(options), process_(number) {
  WW_ASSERT(options.nodes > 0 && options.concurrency > number, "a worker of another cluster");
  for (std::uint32_t i = 1; i <= options.nodes + options.spares; ++i) nodes_.push_back(NodeId{i});
  node_ = home();
}

// ---- the op in hand ----------------------------------------------------------------------------

void Worker::begin(const Step& step, const Call& call, Instant arrived, NodeId first) {
  WW_ASSERT(idle() && link_ != Link::kClosed, "a worker that cannot take an op got one");
  InHand op;
  op.call = call;
  op.mode = mode_;
  op.arrived = arrived;
  const bool follow = mode_ == Mode::kFollow;
  op.deadline = step.now + (follow ? options_.follow_timeout : options_.stay_timeout);
  op_ = std::move(op);
  retry_at_ = step.now;
  if (call.f == Func::kWatch) begin_watch(step);
  if (follow && first != kNobody && first != node_) move_to(step, first);
  step.ledger.record(line(OpType::kInvoke), arrived, step.now, step.actions);
  send_if_ready(step);
}

void Worker::send_if_ready(const Step& step) {
  if (!op_ || awaited_ || link_ != Link::kUp || step.now < retry_at_) return;
  if (op_->watch) return open_watch(step);
  const bool mutation = mutates(op_->call.f);
  wire::ClientRequest request;
  request.request = ++last_request_;
  Awaited awaited{last_request_, mutation && session_ == SessionId{}, kNever};
  if (op_->mode == Mode::kFollow) awaited.deadline = step.now + options_.attempt_timeout;
  if (awaited.opening) {
    request.command.kind = wire::CommandKind::kOpenSession;
  } else {
    request.read_mode = op_->call.read_mode;
    request.command = command_of(op_->call);
    if (mutation) {
      if (op_->seq == 0) op_->seq = ++last_seq_;
      request.command.session = session_;
      request.command.seq = op_->seq;
    }
    if (op_->sent++ > 0) ++step.ledger.counters.retries;
  }
  ++step.ledger.counters.requests;
  awaited_ = awaited;
  step.actions.push_back(SendRequest{client(), node_, std::move(request)});
}

void Worker::on_reply(const Step& step, const wire::ClientReply& reply) {
  if (link_ != Link::kUp || !awaited_ || awaited_->request != reply.request) {
    ++step.ledger.counters.late_replies;
    return;
  }
  const bool opening = awaited_->opening;
  awaited_.reset();
  if (reply.outcome == wire::Outcome::kOk) {
    if (opening) return on_opened(step, reply);
    Op op = line(OpType::kOk);
    read_answer(reply, op);
    note_read(op);
    return finish(step, std::move(op));
  }
  on_refused(step, reply, opening);
}

void Worker::on_opened(const Step& step, const wire::ClientReply& reply) {
  if (reply.session == SessionId{}) return attempt_failed(step, true, "a session without a number");
  session_ = reply.session;
  last_seq_ = 0;
  ++step.ledger.counters.sessions;
  send_if_ready(step);
}

void Worker::on_refused(const Step& step, const wire::ClientReply& reply, bool opening) {
  // An opening that may have happened is no attempt at the op: it leaves an unused session behind.
  const bool known = opening || reply.outcome == wire::Outcome::kFailed;
  if (reply.outcome == wire::Outcome::kFailed) ++step.ledger.counters.refused;
  if (!opening && reply.refusal == wire::Refusal::kExpired) session_ = SessionId{};
  const bool hopeless =
      reply.refusal == wire::Refusal::kExpired || reply.refusal == wire::Refusal::kTooLarge;
  if (hopeless) op_->mode = Mode::kStay;
  std::string why(wire::name_of(reply.refusal));
  if (opening) why = "no session: " + why;

  const NodeId hint = reply.leader_hint;
  const bool hinted = may_ask(hint) && hint != node_;
  const bool elsewhere =
      reply.refusal == wire::Refusal::kNotLeader || reply.refusal == wire::Refusal::kStopped;
  const bool follow = op_->mode == Mode::kFollow;
  const bool first = op_->tries == 0;
  attempt_failed(step, known, why);
  if (!follow) return;
  if (hinted) {
    ++step.ledger.counters.redirects;
    if (first) retry_at_ = step.now;  // A hint is worth a try at once; a chain of them is not.
    move_to(step, hint);
  } else if (elsewhere && nodes_.size() > 1) {
    move_to(step, after(node_));
  }
}

/// Notes how an attempt ended. Mode `stay` ends the op with it; mode `follow` waits for its next
/// turn, and the caller chooses the node.
void Worker::attempt_failed(const Step& step, bool known, std::string_view why) {
  op_->error = why;
  op_->maybe = op_->maybe || !known;
  if (op_->mode == Mode::kStay) return give_up(step);
  retry_at_ = step.now + backoff(++op_->tries);
}

void Worker::time_out(const Step& step) {
  if (op_->watch && op_->watch->told()) return finish_watch(step);
  ++step.ledger.counters.timeouts;
  if (awaited_ && !awaited_->opening) op_->maybe = true;
  const std::string before = op_->error.empty() ? "" : " after: " + op_->error;
  op_->error = std::string(awaited_ && awaited_->opening ? "no session: timeout" : kTimeout);
  op_->error += before;
  const bool watch = op_->watch.has_value();
  give_up(step);
  if (watch && nodes_.size() > 1) move_to(step, after(node_));
}

void Worker::give_up(const Step& step) {
  const bool unknown = op_->maybe && mutates(op_->call.f);
  Op op = line(unknown ? OpType::kInfo : OpType::kFail);
  op.error = op_->error;
  finish(step, std::move(op));
}

void Worker::finish(const Step& step, Op op) {
  const Instant arrived = op_->arrived;
  last_outcome_ = op.type;
  op_.reset();
  awaited_.reset();
  if (op.type == OpType::kInfo) {
    // Nobody knows what became of the op, so its process never speaks again: the next one has a
    // number, a session and a connection of its own.
    process_ += options_.concurrency;
    session_ = SessionId{};
    const NodeId target = mode_ == Mode::kStay ? home() : node_;
    if (link_ == Link::kUp || link_ == Link::kConnecting) {
      hang_up(step);
      connect(step, target);
    } else {
      node_ = target;
    }
  }
  step.ledger.record(std::move(op), arrived, step.now, step.actions);
}

void Worker::confine(const Step& step, const std::vector<NodeId>& nodes) {
  WW_ASSERT(idle() && !nodes.empty(), "a worker with an op in hand, or with nobody to ask");
  nodes_ = nodes;
  if (may_ask(node_)) return;
  retry_at_ = step.now;
  move_to(step, after(node_));
}

void Worker::stop(const Step& step) {
  if (awaited_ && !awaited_->opening) op_->maybe = true;
  hang_up(step);
  link_ = Link::kClosed;
  if (!op_) return;
  if (op_->watch && op_->watch->told()) return finish_watch(step);
  op_->error = kEnded;
  give_up(step);
}

Op Worker::line(OpType type) const {
  Op op;
  op.type = type;
  op.process = process_;
  op.f = op_->call.f;
  op.key = op_->call.key;
  op.value = op_->call.value;
  op.to = op_->call.to;
  if (op_->watch) op.value = static_cast<std::int64_t>(op_->watch->from());
  op.node = node_;
  return op;
}

// ---- the connection ----------------------------------------------------------------------------

void Worker::start(const Step& step) {
  connect(step, home());
}

void Worker::connect(const Step& step, NodeId node) {
  node_ = node;
  link_ = Link::kConnecting;
  link_timer_ = step.now + options_.connect_timeout;
  step.actions.push_back(Connect{client(), node});
}

void Worker::connect_later(Instant when) {
  link_ = Link::kDown;
  link_timer_ = when;
}

void Worker::hang_up(const Step& step) {
  if (link_ == Link::kUp || link_ == Link::kConnecting) {
    step.actions.push_back(Disconnect{client()});
  }
  link_ = Link::kDown;
  link_timer_ = kNever;
}

/// Leaves for another node (or a new connection to the same one), not before the next attempt is
/// due.
void Worker::move_to(const Step& step, NodeId node) {
  hang_up(step);
  node_ = node;
  if (retry_at_ > step.now) return connect_later(retry_at_);
  connect(step, node);
}

void Worker::on_connected(const Step& step, NodeId node) {
  if (link_ != Link::kConnecting || node != node_) return;
  link_ = Link::kUp;
  link_timer_ = kNever;
  connect_failures_ = 0;
  send_if_ready(step);
}

void Worker::on_connection_lost(const Step& step, NodeId node, bool refused) {
  if ((link_ != Link::kUp && link_ != Link::kConnecting) || node != node_) return;
  lose_link(step, link_ == Link::kUp && !refused);
}

void Worker::lose_link(const Step& step, bool was_up) {
  if (was_up) ++step.ledger.counters.lost_connections;
  const bool sent = awaited_.has_value();
  const bool known = !sent || awaited_->opening;
  awaited_.reset();
  connect_later(step.now + backoff(++connect_failures_));
  if (!op_) return;
  if (op_->mode == Mode::kFollow) {
    attempt_failed(step, known, was_up ? kLost : kRefused);
    move_to(step, after(node_));
  } else if (sent) {
    attempt_failed(step, known, kLost);
  } else {
    op_->error = was_up ? kLost : kRefused;  // Nothing was sent: it waits for the next connection.
  }
}

void Worker::on_timer(const Step& step) {
  if (op_ && op_->deadline <= step.now) {
    time_out(step);
  } else if (awaited_ && awaited_->deadline <= step.now) {
    const bool known = awaited_->opening;
    awaited_.reset();
    attempt_failed(step, known, kTimeout);
    move_to(step, after(node_));
  }
  if (link_timer_ <= step.now) {
    if (link_ == Link::kDown) {
      connect(step, node_);
    } else if (link_ == Link::kConnecting) {
      hang_up(step);
      lose_link(step, false);
    }
  }
  send_if_ready(step);
}

Instant Worker::deadline() const {
  Instant when = link_timer_;
  if (op_) when = std::min(when, op_->deadline);
  if (awaited_) when = std::min(when, awaited_->deadline);
  if (op_ && !awaited_ && link_ == Link::kUp) when = std::min(when, retry_at_);
  return when;
}

NodeId Worker::home() const {
  return NodeId{static_cast<std::uint32_t>(process_ % options_.nodes) + 1};
}

/// The next one that it may ask, around the circle.
NodeId Worker::after(NodeId node) const {
  const auto next = std::upper_bound(nodes_.begin(), nodes_.end(), node);
  return next == nodes_.end() ? nodes_.front() : *next;
}

bool Worker::may_ask(NodeId node) const {
  return std::binary_search(nodes_.begin(), nodes_.end(), node);
}

/// pause, twice pause, four times pause, ... up to max_pause.
Duration Worker::backoff(std::uint32_t failures) const {
  Duration out = options_.pause;
  for (std::uint32_t i = 1; i < failures && out < options_.max_pause; ++i) out *= 2;
  return std::min(out, options_.max_pause);
}

}  // namespace ww::workloads
