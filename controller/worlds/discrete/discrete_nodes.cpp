// The deterministic world's nodes: events in, outputs carried out item by item, timers and disks.

#include <algorithm>
#include <utility>

#include "controller/worlds/discrete/world_node.hpp"

namespace ww::discrete {

namespace stepped = wire::stepped;
using Output = stepped::Output;

namespace {

/// As the system words it.
std::string reason_of(const faults::DiskTrouble& trouble) {
  return trouble.full ? "No space left on device" : "Input/output error";
}

}  // namespace

stepped::Clock DiscreteWorld::clock_of(const Node& node) const {
  const Now shown = node.clock.at(now_);
  return {now_, shown.mono, shown.wall};
}

void DiscreteWorld::feed(Node& node, Input&& input) {
  if (node.phase != Phase::kServing) return;
  if (node.paused) {
    node.held.push_back(std::move(input));
  } else {
    feed_now(node, input);
  }
}

void DiscreteWorld::feed_now(Node& node, const Input& input) {
  switch (input.kind) {
    case Input::Kind::kMessage:
      return step_node(node, stepped::Message{input.payload});
    case Input::Kind::kRequest:
      return step_node(node, stepped::Request{input.connection, input.request});
    case Input::Kind::kWritten:
      return step_node(node, stepped::Written{input.upto});
    case Input::Kind::kWatch:
      return step_node(node, stepped::Watch{input.connection, input.watch});
    case Input::Kind::kTransfer:
      return step_node(node, stepped::Transfer{input.to});
    case Input::Kind::kChangeMembership:
      return step_node(node, input.change);
    case Input::Kind::kSynced: {
      const bool fails = input.failed || node.trouble.fails == faults::DiskFailure::kSyncs;
      tap_.on_sync(node.id, !fails, input.late, now_);
      if (!fails) return step_node(node, stepped::Written{input.upto});
      return step_to_failure(node, stepped::WriteFailed{input.from, reason_of(node.trouble)});
    }
    case Input::Kind::kSaved: {
      const bool fails = input.failed || node.trouble.fails == faults::DiskFailure::kSyncs;
      tap_.on_sync(node.id, !fails, input.late, now_);
      if (!fails) return step_node(node, stepped::Saved{input.save});
      return step_to_failure(node, stepped::SaveFailed{input.save, reason_of(node.trouble)});
    }
  }
}

/// The step in which it hears that its disk failed, and may end for that.
void DiscreteWorld::step_to_failure(Node& node, const stepped::Event& event) {
  node.hears_of_failure = true;
  step_node(node, event);
  node.hears_of_failure = false;
}

void DiscreteWorld::step_node(Node& node, const stepped::Event& event) {
  ++steps_;
  if (auto stepped = node.port->step(clock_of(node), event, node.output); !stepped) {
    return die_unheard(node, stepped.error());
  }
  perform(node);
}

/// Carries out what the node's output asks for, up to a death that comes in between.
void DiscreteWorld::perform(Node& node) {
  node.performing = true;
  const std::vector<Output::Item>& order = node.output.order;
  std::size_t done = 0;
  while (done < order.size() && node.phase == Phase::kServing) {
    const bool action = perform_item(node, order[done++]);
    if (!action || !node.death_wanted) continue;
    if (--node.let_out == 0) end(node, *std::exchange(node.death_wanted, std::nullopt));
  }
  node.performing = false;
  node.let_out = 0;
  if (node.death_wanted) end(node, *std::exchange(node.death_wanted, std::nullopt));
  node.performed = done;
  if (done < order.size()) node.leftover = Node::Leftover::kDiscarded;
  tap_.on_digest(node.id, now_, node.output.digest);
  if (node.phase != Phase::kServing) return;
  if (node.output.ended) return on_ended(node);
  begin_sync(node);
  arm(node);
}

/// Returns whether it was one of the actions that a trigger counts.
bool DiscreteWorld::perform_item(Node& node, const Output::Item& item) {
  Output& out = node.output;
  switch (item.kind) {
    case Output::Kind::kTrace:
      emit(node, std::move(out.events[item.index]));
      return false;
    case Output::Kind::kWrite:
      perform_write(node, out.writes[item.index]);
      return true;
    case Output::Kind::kSave:
      perform_save(node, out.saves[item.index]);
      return true;
    case Output::Kind::kSend:
      perform_send(node, out.view(out.sends[item.index]));
      return true;
    case Output::Kind::kReply:
      perform_reply(node, out.replies[item.index]);
      return true;
    case Output::Kind::kNotice:
      perform_notice(node, out.notices[item.index]);
      return true;
  }
  return false;
}

// A node of another make may name any number; one that names a wrong one has crashed.

void DiscreteWorld::perform_write(Node& node, const stepped::Write& write) {
  if (write.id.value != node.last_write.value + 1) {
    return crash(node, "numbered a write " + std::to_string(write.id.value) + " after " +
                           std::to_string(node.last_write.value));
  }
  node.last_write = write.id;
  node.waiting.push_back(write);
}

/// A snapshot's file is synced beside the log's, and may be done before or after it.
void DiscreteWorld::perform_save(Node& node, const stepped::Save& save) {
  if (save.id.value != node.last_save.value + 1 || node.saving != SaveId{}) {
    return crash(node, "numbered a snapshot " + std::to_string(save.id.value) + " after " +
                           std::to_string(node.last_save.value) +
                           (node.saving != SaveId{} ? ", which is being saved" : ""));
  }
  node.last_save = save.id;
  node.saving = save.id;
  if (node.trouble.fails == faults::DiskFailure::kWrites) {
    Event& refused = schedule_for(node, now_, What::kSaveDone);
    refused.save = save.id;
    refused.failed = true;
    return;
  }
  const Duration length = draw(kMinSync, kMaxSync, "disk.save", occasion_of(node, "disk.save"));
  const Duration late = std::max(Duration{}, node.trouble.sync - length);
  Event& done = schedule_for(node, now_ + length + late, What::kSaveDone);
  done.save = save.id;
  done.late = late;
}

void DiscreteWorld::perform_send(Node& node, std::string_view payload) {
  const auto envelope = wire::peek_envelope(payload);
  if (!envelope || envelope->from != wire::endpoint_of(node.id) || !wire::is_node(envelope->to) ||
      wire::node_of(envelope->to).value > nodes_.size()) {
    return crash(node, "sent a message without a proper envelope");
  }
  transmit(*envelope, payload, 0);
}

/// Whose the connection is; nobody's when it was closed meanwhile, or the node has none such.
std::optional<ClientId> DiscreteWorld::answered_by(Node& node, ClientId connection) {
  const std::uint64_t number = connection.value;
  if (number == 0 || number > accepted_.size() ||
      accepted_[static_cast<std::size_t>(number - 1)].node != node.id) {
    crash(node, "answered on a connection that it does not have");
    return std::nullopt;
  }
  const auto owner = clients_by_connection_.find(number);
  if (owner == clients_by_connection_.end()) return std::nullopt;
  return owner->second;
}

void DiscreteWorld::transmit_to_client(std::string_view payload, ClientId connection) {
  const auto envelope = wire::peek_envelope(payload);
  WW_ASSERT(envelope.has_value(), "an answer of ours without an envelope");
  transmit(*envelope, payload, connection.value);
}

void DiscreteWorld::perform_reply(Node& node, const stepped::Reply& reply) {
  const auto client = answered_by(node, reply.connection);
  if (!client) return;
  std::string payload;
  wire::encode_reply(payload, node.id, *client, reply.reply);
  transmit_to_client(payload, reply.connection);
}

void DiscreteWorld::perform_notice(Node& node, const stepped::Notice& notice) {
  const auto client = answered_by(node, notice.connection);
  if (!client) return;
  std::string payload;
  wire::encode_watch_frame(payload, node.id, *client, notice.frame);
  if (!wire::decode_watch_frame(payload)) {
    return crash(node, "sent a frame of a watch that covers nothing");
  }
  transmit_to_client(payload, notice.connection);
}

void DiscreteWorld::emit(Node& node, wire::trace::Event&& event) {
  node.members.follow(event);
  if (const auto* store = std::get_if<wire::trace::Store>(&event)) {
    node.disk.apply(*store);
  } else if (const auto* role = std::get_if<wire::trace::RoleChange>(&event)) {
    node.role = role->role;
    node.term = role->term;
  } else if (const auto* boot = std::get_if<wire::trace::Boot>(&event)) {
    node.term = boot->term;
    node.last = boot->last;
  } else if (const auto* appended = std::get_if<wire::trace::Appended>(&event)) {
    if (!appended->entries.empty()) {
      node.last = {appended->first + appended->entries.size() - 1, appended->entries.back().term};
    }
  } else if (const auto* truncated = std::get_if<wire::trace::Truncated>(&event)) {
    node.last = {truncated->from - 1, 0};
  } else if (const auto* snapshot = std::get_if<wire::trace::Snapshot>(&event)) {
    if (!snapshot->kept) node.last = snapshot->at;
  }
  tap_.on_event(node.id, node.incarnation, ++node.trace_sequence, now_, std::move(event));
}

/// An earlier timer comes anyway and arms anew: deadlines move back with every heartbeat. What is
/// due at once waits for the node's next turn, since a process reads all that has come before it
/// looks at its clock: so several requests may be gathered.
void DiscreteWorld::arm(Node& node) {
  Instant due = node.clock.true_time_of(node.output.deadline);
  if (due <= now_) {
    if (node.turn) return;
    node.turn = true;
    due = now_ + draw(Duration{}, kMaxTurn, "turn", occasion_of(node, "turn"));
  }
  if (due >= node.armed) return;
  node.armed = due;
  schedule_for(node, due, What::kTimer);
}

void DiscreteWorld::on_timer(const Event& event) {
  Node& node = at(event.node);
  if (node.phase != Phase::kServing || node.incarnation != event.incarnation) return;
  if (node.armed == kNever || node.armed > now_) return;
  node.armed = kNever;
  node.turn = false;
  if (node.paused) return;  // resume() arms it again
  if (node.clock.at(now_).mono < node.output.deadline) return arm(node);
  step_node(node, stepped::Timer{});
}

/// Takes the writes at the head of the queue that need no sync of their own; the last of them.
WriteId DiscreteWorld::take_unsynced(Node& node) {
  const auto end = std::find_if(node.waiting.begin(), node.waiting.end(),
                                [](const stepped::Write& write) { return write.sync; });
  if (end == node.waiting.begin()) return WriteId{};
  const WriteId last = std::prev(end)->id;
  node.waiting.erase(node.waiting.begin(), end);
  return last;
}

/// A disk syncs one batch at a time; what is written meanwhile waits for the next. What needs no
/// sync is done at once when the writes before it are.
void DiscreteWorld::begin_sync(Node& node) {
  if (node.syncing != WriteId{}) return;
  if (node.trouble.fails == faults::DiskFailure::kWrites && !node.waiting.empty()) {
    node.syncing = node.waiting.back().id;
    schedule_for(node, now_, What::kWriteFailed).upto = node.waiting.front().id;
    return node.waiting.clear();
  }
  if (const WriteId done = take_unsynced(node); done != WriteId{}) {
    schedule_for(node, now_, What::kUnsyncedDone).upto = done;
  }
  if (node.waiting.empty()) return;
  node.syncing_from = node.waiting.front().id;
  node.syncing = node.waiting.back().id;
  node.waiting.clear();
  const Duration length = draw(kMinSync, kMaxSync, "disk.sync", occasion_of(node, "disk.sync"));
  node.sync_late = std::max(Duration{}, node.trouble.sync - length);
  schedule_for(node, now_ + length + node.sync_late, What::kSyncDone);
}

void DiscreteWorld::on_sync_done(const Event& event) {
  Node& node = at(event.node);
  if (node.phase != Phase::kServing || node.incarnation != event.incarnation) return;
  if (node.trouble.hangs) {
    node.hung_since = now_;
    return;
  }
  Input done;
  done.kind = Input::Kind::kSynced;
  done.from = node.syncing_from;
  done.upto = std::max(node.syncing, take_unsynced(node));
  done.late = node.sync_late;
  node.syncing = WriteId{};
  feed(node, std::move(done));
  if (node.phase == Phase::kServing) begin_sync(node);
}

void DiscreteWorld::on_write_failed(const Event& event) {
  Node& node = at(event.node);
  if (node.phase != Phase::kServing || node.incarnation != event.incarnation) return;
  Input refused;
  refused.kind = Input::Kind::kSynced;
  refused.from = event.upto;
  refused.failed = true;
  feed(node, std::move(refused));
}

void DiscreteWorld::on_unsynced_done(const Event& event) {
  Node& node = at(event.node);
  if (node.phase != Phase::kServing || node.incarnation != event.incarnation) return;
  Input done;
  done.kind = Input::Kind::kWritten;
  done.upto = event.upto;
  feed(node, std::move(done));
}

void DiscreteWorld::on_save_done(const Event& event) {
  Node& node = at(event.node);
  if (node.phase != Phase::kServing || node.incarnation != event.incarnation) return;
  if (node.trouble.hangs && !event.failed) {
    node.save_hung_since = now_;
    node.save_late = event.late;
    return;
  }
  node.saving = SaveId{};
  Input done;
  done.kind = Input::Kind::kSaved;
  done.source = kSnapshotFile;
  done.save = event.save;
  done.late = event.late;
  done.failed = event.failed;
  feed(node, std::move(done));
}

}  // namespace ww::discrete
