#include "workloads/engine.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/rng.hpp"
#include "workloads/arrivals.hpp"
#include "workloads/kv_calls.hpp"

namespace ww::workloads {

namespace {

/// Every so-manieth round of workers follows, so that each node keeps workers that stay with it;
/// with too few workers for that, every so-manieth worker.
bool follows(const EngineOptions& options, std::uint32_t worker) {
  const std::uint32_t one_in = options.follow_one_in;
  if (one_in == 0) return false;
  const std::uint32_t nodes = options.worker.nodes;
  const bool rounds = options.worker.concurrency >= nodes * one_in;
  return ((rounds ? worker / nodes : worker) + 1) % one_in == 0;
}

}  // namespace

Engine::Engine(const EngineOptions& options, std::unique_ptr<Generator> generator)
    : options_(options), generator_(std::move(generator)), ledger_(*generator_) {
  WW_ASSERT(options.worker.concurrency > 0, "a workload without clients");
  seats_.reserve(options.worker.concurrency);
  for (std::uint32_t i = 0; i < options.worker.concurrency; ++i) {
    const bool follow = follows(options, i);
    const Mode mode = follow ? Mode::kFollow : Mode::kStay;
    seats_.push_back(Seat{Worker(i, mode, options.worker), 0, Instant{}, false, Task{}, {}});
  }
  if (!options.script) return;
  WW_ASSERT(check_script(*options.script, options.worker.concurrency), "an unchecked script");
  for (const ScriptedCall& call : *options.script) seats_[call.worker].script.push_back(call);
}

Worker::Step Engine::step(Instant now, Actions& actions) {
  return Worker::Step{now, ledger_, actions};
}

Engine::Seat& Engine::seat_of(ClientId client) {
  WW_ASSERT(client.value >= 1 && client.value <= seats_.size(), "an event of an unknown client");
  return seats_[client.value - 1];
}

// ---- what happens ------------------------------------------------------------------------------

void Engine::start(Instant now, Actions& actions) {
  WW_ASSERT(phase_ == Phase::kBefore, "a workload that starts twice");
  phase_ = Phase::kRunning;
  began_ = now;
  for (std::uint32_t i = 0; i < seats_.size(); ++i) {
    Seat& seat = seats_[i];
    if (options_.script) {
      seat.next_arrival = seat.script.empty() ? kNever : began_ + seat.script.front().at;
    } else {
      seat.next_arrival = paced(seat) ? arrival_after(now, i, 0) : now;
    }
    seat.worker.start(step(now, actions));
  }
  due_ = next_due();
}

void Engine::on_timer(Instant now, Actions& actions) {
  for (Seat& seat : seats_) {
    const bool was_idle = seat.worker.idle();
    if (seat.worker.deadline() <= now) seat.worker.on_timer(step(now, actions));
    settle(seat, was_idle, now, actions);
  }
  due_ = next_due();
}

void Engine::on_reply(ClientId client, const wire::ClientReply& reply, Instant now,
                      Actions& actions) {
  Seat& seat = seat_of(client);
  const bool was_idle = seat.worker.idle();
  seat.worker.on_reply(step(now, actions), reply);
  settle(seat, was_idle, now, actions);
  due_ = next_due();
}

void Engine::on_watch_frame(ClientId client, const wire::WatchFrame& frame, Instant now,
                            Actions& actions) {
  Seat& seat = seat_of(client);
  const bool was_idle = seat.worker.idle();
  seat.worker.on_watch_frame(step(now, actions), frame);
  settle(seat, was_idle, now, actions);
  due_ = next_due();
}

void Engine::on_connected(ClientId client, NodeId node, Instant now, Actions& actions) {
  Seat& seat = seat_of(client);
  const bool was_idle = seat.worker.idle();
  seat.worker.on_connected(step(now, actions), node);
  settle(seat, was_idle, now, actions);
  due_ = next_due();
}

void Engine::on_connection_lost(ClientId client, NodeId node, Instant now, bool refused,
                                Actions& actions) {
  Seat& seat = seat_of(client);
  const bool was_idle = seat.worker.idle();
  seat.worker.on_connection_lost(step(now, actions), node, refused);
  settle(seat, was_idle, now, actions);
  due_ = next_due();
}

void Engine::record_nemesis(Instant now, std::string text, Actions& actions) {
  Op op;
  op.type = OpType::kInfo;
  op.process = kNemesisProcess;
  op.f = Func::kNemesis;
  op.value = std::move(text);
  ledger_.record(std::move(op), now, now, actions);
}

// ---- what is called ----------------------------------------------------------------------------

/// After every event of a worker: draws the conclusions of an op that ended, and hands out the
/// next.
void Engine::settle(Seat& seat, bool was_idle, Instant now, Actions& actions) {
  if (!seat.worker.idle()) return;
  if (!was_idle) {
    const bool own_times = phase_ == Phase::kRunning && paced(seat);
    const bool refused = seat.worker.last_outcome() == OpType::kFail;
    if (!own_times) seat.next_arrival = refused ? now + options_.worker.pause : now;
    if (std::exchange(seat.assigned, false)) {
      const bool watch = seat.task.watcher.has_value();
      const bool done = seat.worker.last_outcome() == OpType::kOk &&
                        (!watch || seat.worker.cursor() > ledger_.last_write());
      if (!done) tasks_.push_back(seat.task);
    }
  }
  if (phase_ == Phase::kClosing) begin_last_watches();
  assign(seat, now, actions);
}

void Engine::assign(Seat& seat, Instant now, Actions& actions) {
  if (seat.next_arrival > now) return;
  if (phase_ == Phase::kRunning) assign_call(seat, now, actions);
  if (phase_ == Phase::kClosing) assign_task(seat, now, actions);
}

void Engine::assign_call(Seat& seat, Instant now, Actions& actions) {
  const ScriptedCall next = next_call(seat, now);
  called_.push_back(next);
  seat.worker.begin(step(now, actions), next.call, began_ + next.at);
}

/// Takes the seat's next call and says when the one after it arrives.
ScriptedCall Engine::next_call(Seat& seat, Instant now) {
  if (options_.script) {
    ScriptedCall next = std::move(seat.script.front());
    seat.script.pop_front();
    seat.ordinal = next.ordinal + 1;
    seat.next_arrival = seat.script.empty() ? kNever : began_ + seat.script.front().at;
    return next;
  }
  ScriptedCall next;
  next.worker = number_of(seat);
  next.ordinal = seat.ordinal++;
  const Instant arrived = paced(seat) ? seat.next_arrival : now;
  next.at = arrived - began_;
  next.call = generator_->next(next.worker, next.ordinal);
  if (paced(seat)) seat.next_arrival = arrival_after(arrived, next.worker, seat.ordinal);
  return next;
}

void Engine::assign_task(Seat& seat, Instant now, Actions& actions) {
  const auto next = std::find_if(tasks_.begin(), tasks_.end(),
                                 [&](const Task& task) { return is_for(task, seat); });
  if (next == tasks_.end()) return;
  seat.task = *next;
  seat.assigned = true;
  tasks_.erase(next);
  Call call;
  call.key = seat.task.key;
  call.read_mode = seat.task.read_mode;
  if (seat.task.watcher) {
    call.f = Func::kWatch;
    call.value = static_cast<std::int64_t>(ledger_.last_write());
    ++seat.ordinal;
  } else if (seat.task.write) {
    call = closing_write(seat, seat.task.key);
  } else {
    ++seat.ordinal;
  }
  seat.worker.begin(step(now, actions), call, now, seat.task.node);
}

/// A write in the place of the seat's next call whose value no scripted call writes; when all of
/// the generator's values are taken, as in the small domain, its first choice.
Call Engine::closing_write(Seat& seat, std::uint64_t key) {
  const std::uint32_t number = number_of(seat);
  const std::uint64_t first = seat.ordinal++;
  Call choice = generator_->closing_write(number, first, key);
  if (!options_.script) return choice;
  const auto taken = [&](const Value& value) {
    return std::any_of(called_.begin(), called_.end(), [&](const ScriptedCall& made) {
      const bool writes = mutates(made.call.f);
      return writes && (made.call.f == Func::kCas ? made.call.to : made.call.value) == value;
    });
  };
  for (std::uint64_t more = 0; more <= called_.size(); ++more) {
    Call call = generator_->closing_write(number, first + more, key);
    if (taken(call.value)) continue;
    seat.ordinal = first + more + 1;
    return call;
  }
  return choice;
}

bool Engine::paced(const Seat& seat) const {
  if (options_.script) return true;
  return options_.rate > 0 && !generator_->watched_key(number_of(seat));
}

bool Engine::is_for(const Task& task, const Seat& seat) const {
  return !task.watcher || *task.watcher == number_of(seat);
}

/// Once everything else of the closing phase is done, those who watch come to the end.
void Engine::begin_last_watches() {
  if (last_watches_began_ || !tasks_.empty() || !idle()) return;
  last_watches_began_ = true;
  for (const Seat& seat : seats_) {
    const auto key = generator_->watched_key(number_of(seat));
    if (!key) continue;
    tasks_.push_back(Task{false, *key, wire::ReadMode::kIndex, kNobody, number_of(seat)});
  }
}

/// Those called last come first.
std::vector<std::uint64_t> Engine::closing_keys() const {
  std::vector<std::uint64_t> keys;
  for (auto made = called_.rbegin(); made != called_.rend() && keys.size() < kClosingKeys; ++made) {
    const std::uint64_t key = made->call.key;
    if (made->call.f == Func::kWatch) continue;
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
  }
  if (keys.empty()) keys.push_back(0);  // Nothing was called: any key will do.
  return keys;
}

Script Engine::script() const {
  Script script = called_;
  std::sort(script.begin(), script.end(), earlier);
  return script;
}

Instant Engine::arrival_after(Instant previous, std::uint32_t worker, std::uint64_t ordinal) const {
  const Duration mean{seconds(1) / Duration{1} * options_.worker.concurrency / options_.rate};
  Rng rng = keyed(options_.seed, "workload.arrival", worker, ordinal);
  return previous + exponential(rng, mean);
}

// ---- phases ------------------------------------------------------------------------------------

void Engine::begin_recovery(Instant) {
  WW_ASSERT(phase_ == Phase::kRunning, "a recovery from nothing");
  phase_ = Phase::kRecovering;
  due_ = next_due();
}

void Engine::begin_final(Instant now, const std::vector<NodeId>& nodes, Actions& actions) {
  WW_ASSERT(phase_ == Phase::kRunning || phase_ == Phase::kRecovering, "a close before a start");
  WW_ASSERT(!nodes.empty() && idle(), "a close of nothing, or of ops in hand");
  phase_ = Phase::kClosing;
  closing_began_ = true;
  const std::vector<std::uint64_t> keys = closing_keys();
  for (const NodeId node : nodes) {
    const std::uint64_t key = keys[(node.value - 1) % keys.size()];
    tasks_.push_back(Task{true, key, wire::ReadMode::kIndex, node, {}});
    tasks_.push_back(Task{false, key, wire::ReadMode::kIndex, node, {}});
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto mode = i % 2 == 0 ? wire::ReadMode::kLog : wire::ReadMode::kIndex;
    tasks_.push_back(Task{false, keys[i], mode, kNobody, {}});
  }
  for (Seat& seat : seats_) {
    seat.worker.set_mode(Mode::kFollow);
    seat.worker.confine(step(now, actions), nodes);
    seat.next_arrival = now;
    if (seat.worker.idle()) assign(seat, now, actions);
  }
  due_ = next_due();
}

void Engine::stop(Instant now, Actions& actions) {
  phase_ = Phase::kStopped;
  for (Seat& seat : seats_) {
    seat.worker.stop(step(now, actions));
    if (std::exchange(seat.assigned, false)) tasks_.push_back(seat.task);
  }
  due_ = next_due();
}

bool Engine::idle() const {
  return std::all_of(seats_.begin(), seats_.end(), [](const Seat& s) { return s.worker.idle(); });
}

bool Engine::finished() const {
  return closing_began_ && last_watches_began_ && tasks_.empty() && idle();
}

std::vector<std::string> Engine::unfinished() const {
  std::vector<std::string> out;
  const auto add = [&](const Task& task) {
    std::string text = task.write ? "write to key " : task.watcher ? "watch of " : "read of key ";
    if (task.watcher) text += task.key == kEveryKey ? "" : "key ";
    text += task.key == kEveryKey ? "all keys" : std::to_string(task.key);
    if (task.watcher) text += " by process " + std::to_string(*task.watcher);
    if (task.node != kNobody) text += " through " + name_of(task.node);
    out.push_back(std::move(text));
  };
  for (const Seat& seat : seats_) {
    if (seat.assigned) add(seat.task);
  }
  for (const Task& task : tasks_) add(task);
  return out;
}

Instant Engine::next_due() const {
  const bool wanted = phase_ == Phase::kRunning || (phase_ == Phase::kClosing && !tasks_.empty());
  Instant when = kNever;
  for (const Seat& seat : seats_) {
    when = std::min(when, seat.worker.deadline());
    if (!wanted || !seat.worker.idle()) continue;
    const bool called = phase_ == Phase::kRunning ||
                        std::any_of(tasks_.begin(), tasks_.end(),
                                    [&](const Task& task) { return is_for(task, seat); });
    if (called) when = std::min(when, seat.next_arrival);
  }
  return when;
}

}  // namespace ww::workloads
